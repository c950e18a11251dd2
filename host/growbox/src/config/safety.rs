//! `[safety.ID]`, and the rules that roles bring: what must not be in a zone, and where devices go then.

use std::collections::BTreeMap;

use growbox_model::{
    Danger, DeviceId, DeviceSpec, Quantity, SafetySpec, Span, Text, Trouble, ZoneId, ZoneSpec,
};
use toml_edit::TableLike;

use super::report::{Report, Wrong};
use super::section::{Section, as_table, entries, locate};
use super::value::{flag, number, number_in, some_text, span_in, unknown, word_of};

/// What a rule waits for, unless it says otherwise.
const DWELL: Span = Span::seconds(60);
const DWELLS: std::ops::RangeInclusive<Span> = Span::ZERO..=Span::hours(24);

const TROUBLES: &[(&str, Trouble)] = &[
    ("stale", Trouble::Stale),
    ("bad", Trouble::Bad),
    ("frozen", Trouble::Frozen),
    ("absent", Trouble::Absent),
];

/// Reads every `[safety.ID]`; those that roles bring come after, but for ids the file has taken.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    zones: &BTreeMap<ZoneId, ZoneSpec>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> Vec<SafetySpec> {
    let mut rules = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    let shipped: Vec<SafetySpec> = zones
        .keys()
        .flat_map(|zone| of_roles(zone, devices))
        .collect();
    for (name, table) in entries(report, root, "safety") {
        taken.push(name);
        let path = format!("safety.{name}");
        // Rules are named as zones and devices are.
        if let Err(objection) = DeviceId::new(name) {
            let message = objection.message.replace("device id", "safety rule id");
            report.error(&path, Wrong::new("bad_id", message));
        }
        let mut section = Section::new(report, &path, Some(table));
        let enabled = section.or("enabled", flag, true, "a rule is there to be kept");
        if enabled {
            rules.extend(rule(section, name, zones, devices));
            continue;
        }
        section.finish();
        let is_shipped = shipped.iter().any(|rule| *rule.id == *name);
        let message = if is_shipped {
            format!("the shipped safety rule {name} is turned off: nobody guards against this")
        } else {
            format!("safety rule {name} is turned off")
        };
        report.warning(&path, Wrong::new("not_guarded", message));
    }
    for rule in shipped {
        if !taken.contains(&&*rule.id) {
            explain(report, &rule);
            rules.push(rule);
        }
    }
    rules
}

fn rule(
    mut section: Section<'_, '_>,
    name: &str,
    zones: &BTreeMap<ZoneId, ZoneSpec>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> Option<SafetySpec> {
    let zone = zone_of(&mut section, zones);
    let when = danger(&mut section);
    let dwell = section.or(
        "dwell",
        span_in(DWELLS),
        DWELL,
        "one wrong reading is no danger",
    );
    let latch = section.or(
        "latch",
        flag,
        true,
        "what was dangerous once is looked at by a person",
    );
    let message = section.or(
        "message",
        some_text,
        "not safe".to_owned(),
        "its name says the rest",
    );
    let levels = levels(&mut section, devices);
    section.finish();
    Some(SafetySpec {
        id: name.into(),
        zone: zone?,
        when: when?,
        dwell,
        latch,
        devices: levels,
        message: message.into(),
        shipped: false,
    })
}

/// The zone it names, or the only one there is.
fn zone_of(section: &mut Section<'_, '_>, zones: &BTreeMap<ZoneId, ZoneSpec>) -> Option<ZoneId> {
    let known = |value: &toml_edit::Value| {
        let name = some_text(value)?;
        let id = ZoneId::new(&name).ok().filter(|id| zones.contains_key(id));
        id.ok_or_else(|| unknown("zone", &name, zones.keys().map(ZoneId::as_str)))
    };
    if let (false, [only]) = (section.has("zone"), &*zones.keys().collect::<Vec<_>>()) {
        let only = (*only).clone();
        return Some(section.or("zone", known, only, "there is no other"));
    }
    section.require("zone", "add zone = \"…\": the zone it watches");
    section.given("zone", known)
}

/// What it watches for: exactly one of four.
fn danger(section: &mut Section<'_, '_>) -> Option<Danger> {
    let quantity = section.given("quantity", |value| {
        let name = some_text(value)?;
        Quantity::new(&name).map_err(|objection| {
            let known = growbox_model::quantity::QUANTITIES
                .iter()
                .map(|row| row.name);
            let _ = objection;
            unknown("quantity", &name, known)
        })
    });
    let above = section.given("above", number);
    let below = section.given("below", number);
    let margin = section.given("dew_point_margin", number_in(0.0..=20.0));
    let untrusted = section.has("untrusted");
    let troubles = section.list(
        "untrusted",
        "a list of troubles",
        word_of("trouble", TROUBLES),
    );
    let clear = section.given("clear", number);
    let said = [
        above.is_some(),
        below.is_some(),
        margin.is_some(),
        untrusted,
    ];
    if said.iter().filter(|said| **said).count() != 1 {
        let message =
            "a safety rule watches for exactly one of above, below, dew_point_margin and untrusted";
        let cure = "write quantity = \"temperature\" and above = 40, for example";
        section.complain(Wrong::new("no_danger", message).but(cure));
        return None;
    }
    if let Some(margin) = margin {
        let clear = clear.unwrap_or(margin + 1.0);
        return well_ordered(
            section,
            margin <= clear,
            Danger::NearDewPoint { margin, clear },
        );
    }
    let Some(quantity) = quantity else {
        let cure = "add quantity = \"temperature\", for example";
        section.complain(Wrong::new("no_quantity", "this rule names no quantity").but(cure));
        return None;
    };
    if let Some(limit) = above {
        let clear = clear.unwrap_or(limit - hysteresis(&quantity, limit));
        let danger = Danger::Above {
            quantity,
            limit,
            clear,
        };
        return well_ordered(section, clear <= limit, danger);
    }
    if let Some(limit) = below {
        let clear = clear.unwrap_or(limit + hysteresis(&quantity, limit));
        let danger = Danger::Below {
            quantity,
            limit,
            clear,
        };
        return well_ordered(section, clear >= limit, danger);
    }
    Some(Danger::Untrusted { quantity, troubles })
}

fn well_ordered(section: &mut Section<'_, '_>, ordered: bool, danger: Danger) -> Option<Danger> {
    if ordered {
        return Some(danger);
    }
    let message =
        "clear lies on the dangerous side of the limit: such a trip would be over at once";
    section.complain(Wrong::new("contradiction", message).but("put clear on the other side"));
    None
}

/// How far from its limit a measure must be until a danger counts as over.
fn hysteresis(quantity: &Quantity, limit: f64) -> f64 {
    match quantity.as_str() {
        "temperature" => 3.0,
        "humidity" => 5.0,
        "co2" => 500.0,
        _ => limit.abs() * 0.05,
    }
}

/// `devices = { heater = 0, exhaust = 1 }`.
fn levels(
    section: &mut Section<'_, '_>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> BTreeMap<DeviceId, f64> {
    let path = section.key("devices");
    let Some(item) = section.raw("devices") else {
        return BTreeMap::new();
    };
    let mut levels = BTreeMap::new();
    let Some(table) = as_table(section.report, &path, item) else {
        return levels;
    };
    for (name, item) in table.iter() {
        let place = format!("{path}.{name}");
        locate(section.report, &place, table, name);
        let id = DeviceId::new(name)
            .ok()
            .filter(|id| devices.contains_key(id));
        let level = item.as_value().map(number_in(0.0..=1.0));
        match (id, level) {
            (None, _) => {
                let known = devices.keys().map(DeviceId::as_str);
                section.report.error(&place, unknown("device", name, known));
            }
            (Some(id), Some(Ok(level))) => {
                if let Some(spec) = devices.get(&id) {
                    super::devices::check_level(section, spec, "devices", level);
                }
                levels.insert(id, level);
            }
            (_, Some(Err(wrong))) => section.report.error(&place, wrong),
            (_, None) => {
                let wrong = Wrong::new("wrong_type", "this is no level from 0 to 1");
                section.report.error(&place, wrong);
            }
        }
    }
    section.report.explain_given(&path);
    levels
}

/// What the roles of a zone's devices bring. Limits: growing guides' emergencies (air ≥ 40 °C,
/// humidity ≥ 95 %, air within 0.2 °C of its dew point) and, for people, CO2 ≥ 2000 ppm.
fn of_roles(zone: &ZoneId, devices: &BTreeMap<DeviceId, DeviceSpec>) -> Vec<SafetySpec> {
    let mine = || {
        devices
            .values()
            .filter(|spec| spec.zone.as_ref() == Some(zone))
    };
    let off = |roles: &'static [&'static str]| {
        mine()
            .filter(move |spec| roles.contains(&spec.role.as_str()))
            .map(|spec| (spec.id.clone(), spec.safe_level))
    };
    let rescue = |roles: &'static [&'static str]| {
        mine()
            .filter(move |spec| roles.contains(&spec.role.as_str()))
            .map(|spec| (spec.id.clone(), spec.emergency_level))
    };
    let rule = |name: &str, when, dwell, latch, devices, message: &str| SafetySpec {
        id: format!("{zone}-{name}").into(),
        zone: zone.clone(),
        when,
        dwell,
        latch,
        devices,
        message: Text::from(message),
        shipped: true,
    };
    let above = |name: &str, limit, clear| {
        Quantity::new(name).ok().map(|quantity| Danger::Above {
            quantity,
            limit,
            clear,
        })
    };
    let hot = above("temperature", 40.0, 37.0).map(|when| {
        let devices = off(&["heater", "light", "co2"]).chain(rescue(AIR));
        rule(
            "hot",
            when,
            Span::seconds(60),
            false,
            devices.collect(),
            "it is too hot",
        )
    });
    let wet = above("humidity", 95.0, 90.0).map(|when| {
        let devices = off(&["humidifier"]);
        rule(
            "wet",
            when,
            Span::minutes(10),
            false,
            devices.collect(),
            "it is too wet",
        )
    });
    let near = Danger::NearDewPoint {
        margin: 0.2,
        clear: 1.0,
    };
    let devices = off(&["humidifier"]).chain(rescue(&["circulation"]));
    let dew = rule(
        "dew",
        near,
        Span::minutes(10),
        false,
        devices.collect(),
        "water condenses",
    );
    let co2 = above("co2", 2000.0, 1500.0).map(|when| {
        let devices = off(&["co2"]).chain(rescue(AIR));
        let message = "CO2 endangers people: air the room before anybody goes in";
        rule(
            "co2",
            when,
            Span::seconds(60),
            true,
            devices.collect(),
            message,
        )
    });
    let needs = |spec: &DeviceSpec| spec.needs.iter().any(|need| need.as_str() == "temperature");
    let blind = Quantity::new("temperature")
        .ok()
        .filter(|_| mine().any(needs));
    let blind = blind.map(|quantity| {
        let troubles = TROUBLES.iter().map(|(_, trouble)| *trouble).collect();
        let when = Danger::Untrusted { quantity, troubles };
        let devices = off(&["heater"]).collect();
        rule(
            "blind",
            when,
            Span::minutes(5),
            false,
            devices,
            "nobody knows how warm it is",
        )
    });
    [hot, wet, Some(dew), co2, blind]
        .into_iter()
        .flatten()
        .collect()
}

/// Roles that move air.
const AIR: &[&str] = &["exhaust", "intake", "circulation"];

fn explain(report: &mut Report<'_>, rule: &SafetySpec) {
    let when = match &rule.when {
        Danger::Above {
            quantity,
            limit,
            clear,
        } => format!("{quantity} >= {limit}, over below {clear}"),
        Danger::Below {
            quantity,
            limit,
            clear,
        } => format!("{quantity} <= {limit}, over above {clear}"),
        Danger::NearDewPoint { margin, clear } => {
            format!("air within {margin} °C of its dew point, over beyond {clear} °C")
        }
        Danger::Untrusted { quantity, troubles } => {
            let troubles: Vec<&str> = troubles.iter().map(|trouble| trouble.as_str()).collect();
            format!("{quantity} {}", troubles.join(", "))
        }
    };
    let levels = rule.devices.iter();
    let levels: Vec<String> = levels
        .map(|(id, level)| format!("{id} = {level}"))
        .collect();
    let moved = if levels.is_empty() {
        "it only says so".to_owned()
    } else {
        levels.join(", ")
    };
    let latch = if rule.latch {
        ", until a person resets it"
    } else {
        ""
    };
    let shown = format!("{when} for {}{latch}: {moved}", rule.dwell);
    let why = format!("shipped: {}", rule.message);
    report.explain_default(&format!("safety.{}", rule.id), shown, &why);
}
