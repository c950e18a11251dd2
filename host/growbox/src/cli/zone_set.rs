//! `growbox zone set`: what a change of a zone would change, a question, then the change.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use growbox_climate::{PartOfDay, Range, Stage};
use growbox_model::Quantity;
use growbox_model::row::ZoneRow;
use serde_json::{Map, Value, json};

use super::ask::{Talk, rows, typed, who};
use super::client::Query;
use super::failure::{Exit, Failure};
use super::options::ZoneSetArgs;
use super::show;
use crate::render::{Table, number, symbol};

/// Differences smaller than this are none.
const SAME: f64 = 1e-9;
const NOTHING: &str = "–";

impl Talk<'_> {
    pub(super) fn zone_set(&mut self, args: &ZoneSetArgs) -> Result<Exit, Failure> {
        let mut body = changes(args);
        if body.is_empty() {
            return Err(Failure::Usage(
                "nothing to change is named: --stage, --mode, --operation, --lights-on, --hours-of-light or --target".into(),
            ));
        }
        let zones: Vec<ZoneRow> = rows(&self.client.get("zones", &Query::new())?, "zones")?;
        let Some(zone) = zones.iter().find(|zone| zone.id == args.zone) else {
            return Err(unknown(args, &zones));
        };
        if !args.json {
            self.print(&preview(zone, args))?;
            self.out.flush()?;
        }
        if !args.yes && !agreed()? {
            self.print(" nothing was changed\n")?;
            return Ok(Exit::Failed);
        }
        body.insert("who".into(), json!(who(args.who.as_deref())));
        if let Some(reason) = &args.reason {
            body.insert("reason".into(), json!(reason));
        }
        let answer = self
            .client
            .post(&format!("zones/{}", args.zone), &Value::Object(body))?;
        if args.json {
            return self.print(&format!("{answer}\n"));
        }
        let zone: ZoneRow = typed(&answer, "zones")?;
        let shown = show::zones::list(&[zone], self.reader);
        self.print(&format!(
            " changed, until the configuration says otherwise\n{shown}"
        ))
    }
}

/// The keys of the zone's configuration that are named.
fn changes(args: &ZoneSetArgs) -> Map<String, Value> {
    let named = [
        ("stage", args.stage.as_ref().map(|text| json!(text))),
        ("mode", args.mode.as_ref().map(|text| json!(text))),
        ("operation", args.operation.as_ref().map(|text| json!(text))),
        ("lights_on", args.lights_on.as_ref().map(|text| json!(text))),
        (
            "hours_of_light",
            args.hours_of_light.map(|hours| json!(hours)),
        ),
    ];
    let named = named
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let targets = args.targets.iter();
    let targets = targets.map(|(quantity, value)| (format!("targets.{quantity}"), json!(value)));
    named.chain(targets).collect()
}

fn unknown(args: &ZoneSetArgs, zones: &[ZoneRow]) -> Failure {
    let known = zones.iter().map(|zone| zone.id.as_str());
    let objection =
        growbox_model::Objection::unknown("unknown_zone", "zone", args.zone.as_str(), known);
    Failure::Refused {
        status: 404,
        code: objection.code,
        message: objection.message,
        hint: Some("all zones: growbox zone list".into()),
    }
}

/// A terminal is asked; without one the answer has to be on the command line.
fn agreed() -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::Usage(
            "nothing was changed: there is no terminal to ask; add --yes to do it".into(),
        ));
    }
    let mut question = std::io::stderr();
    write!(question, " change it? [y/N] ")?;
    question.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What is and what would be, line by line; only what differs.
fn preview(zone: &ZoneRow, args: &ZoneSetArgs) -> String {
    let mut table = Table::new(["", "NOW", "THEN"]);
    let before = table.to_string();
    let mut line = |what: String, now: String, then: String| {
        if now != then {
            table.row([what, now, then]);
        }
    };
    let old = zone.stage.as_deref().and_then(Stage::from_name);
    let new = args.stage.as_deref().and_then(Stage::from_name).or(old);
    line("stage".into(), name(old), name(new));
    let now = |text: Option<&str>| text.unwrap_or(NOTHING).to_owned();
    let then = |text: &Option<String>, old: String| text.clone().unwrap_or(old);
    let operation = zone.operation.to_string();
    line(
        "operation".into(),
        operation.clone(),
        then(&args.operation, operation),
    );
    let mode = now(zone.mode.as_deref());
    line("mode".into(), mode.clone(), then(&args.mode, mode));
    if let Some(lights_on) = &args.lights_on {
        line("lights on".into(), "as before".into(), lights_on.clone());
    }
    let light = |stage: Option<Stage>| stage.map(|stage| format!("{} h", stage.hours_of_light()));
    let old_light = light(old).unwrap_or_else(|| NOTHING.into());
    let new_light = match args.hours_of_light {
        Some(hours) => format!("{} h", number(hours)),
        None => light(new).unwrap_or_else(|| NOTHING.into()),
    };
    line("hours of light".into(), old_light, new_light);
    for (part, word) in [(PartOfDay::Day, "day"), (PartOfDay::Night, "night")] {
        for quantity in quantities(args) {
            let held = held(zone, &quantity, old);
            let wanted = args
                .targets
                .iter()
                .rev()
                .find(|(named, _)| *named == quantity);
            let wanted = wanted.map(|(_, value)| *value).or(held);
            let unit = unit(&quantity);
            line(
                format!("{quantity}, {word}"),
                wish(old, part, &quantity, held, &unit),
                wish(new, part, &quantity, wanted, &unit),
            );
        }
    }
    let shown = table.to_string();
    if shown == before {
        return format!(" {}: nothing would change\n", zone.id);
    }
    format!(" {}\n{shown}", zone.id)
}

fn name(stage: Option<Stage>) -> String {
    stage.map_or(NOTHING, Stage::name).to_owned()
}

/// Those of the stages, and whatever else is named.
fn quantities(args: &ZoneSetArgs) -> Vec<String> {
    let mut all: Vec<String> = OF_STAGES.map(str::to_owned).to_vec();
    for (quantity, _) in &args.targets {
        if !all.contains(quantity) {
            all.push(quantity.clone());
        }
    }
    all
}

const OF_STAGES: [&str; 5] = ["vpd", "temperature", "humidity", "co2", "ec"];

fn range(stage: Option<Stage>, part: PartOfDay, quantity: &str) -> Option<Range> {
    let profile = stage?.profile(part);
    match quantity {
        "vpd" => profile.vpd,
        "temperature" => Some(profile.temperature),
        "humidity" => Some(profile.humidity),
        "co2" => profile.co2,
        "ec" => profile.ec,
        _ => None,
    }
}

/// The target somebody has set: it differs from the middle of the stage's range, and stays.
fn held(zone: &ZoneRow, quantity: &str, stage: Option<Stage>) -> Option<f64> {
    let target = zone.setpoints.get(quantity)?.target;
    let usual = range(stage, PartOfDay::of(zone.day), quantity).map(Range::middle);
    (!usual.is_some_and(|usual| (usual - target).abs() < SAME)).then_some(target)
}

fn unit(quantity: &str) -> String {
    let quantity = Quantity::new(quantity).ok();
    let unit = quantity.and_then(|quantity| Some(symbol(quantity.spec()?.unit).to_owned()));
    unit.unwrap_or_default()
}

/// `0.8 … 1.2 kPa, best 1`.
fn wish(
    stage: Option<Stage>,
    part: PartOfDay,
    quantity: &str,
    target: Option<f64>,
    unit: &str,
) -> String {
    match (range(stage, part, quantity), target) {
        (Some(range), target) => {
            let best = number(target.unwrap_or(range.middle()));
            format!(
                "{} … {} {unit}, best {best}",
                number(range.low),
                number(range.high)
            )
        }
        (None, Some(target)) => format!("{} {unit}", number(target)),
        (None, None) => NOTHING.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> ZoneRow {
        serde_json::from_value(
            json!({"id": "tent", "stage": "mid-veg", "operation": "control",
            "mode": null, "day": true, "climate": {}, "missing": [],
            "setpoints": {"vpd": {"low": 0.8, "target": 0.9, "high": 1.2, "unit": "kilopascal"}}}),
        )
        .unwrap()
    }

    fn args() -> ZoneSetArgs {
        ZoneSetArgs {
            zone: zone().id,
            stage: None,
            mode: None,
            operation: None,
            lights_on: None,
            hours_of_light: None,
            targets: Vec::new(),
            yes: false,
            reason: None,
            who: None,
            json: false,
        }
    }

    #[test]
    fn a_stage_changes_light_and_set_points_of_day_and_night() {
        let args = ZoneSetArgs {
            stage: Some("mid-flower".into()),
            ..args()
        };
        let text = preview(&zone(), &args);
        for part in [
            "mid-veg",
            "mid-flower",
            "18 h",
            "12 h",
            "vpd, day",
            "humidity, night",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(
            text.contains("best 0.9"),
            "a target that was set stays:\n{text}"
        );
        assert!(!text.contains("operation"), "only what differs:\n{text}");
    }

    #[test]
    fn what_is_already_so_changes_nothing() {
        let args = ZoneSetArgs {
            stage: Some("mid-veg".into()),
            operation: Some("control".into()),
            ..args()
        };
        assert_eq!(preview(&zone(), &args), " tent: nothing would change\n");
    }

    #[test]
    fn names_become_keys_of_the_configuration() {
        let args = ZoneSetArgs {
            targets: vec![("vpd".into(), 1.2)],
            hours_of_light: Some(11.5),
            ..args()
        };
        let expected = json!({"hours_of_light": 11.5, "targets.vpd": 1.2});
        assert_eq!(Value::Object(changes(&args)), expected);
    }
}
