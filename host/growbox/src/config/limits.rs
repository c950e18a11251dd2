//! The finer limits of a device: comfort, steps, starts, quiet hours, circuit and interlocks.

use growbox_model::protection::{QuietHours, Slew};
use growbox_model::{DeviceId, DeviceSpec, Span};
use toml_edit::Value;

use super::report::Wrong;
use super::section::Section;
use super::value::{Read, clock_seconds, count_in, flag, number_in, percent_in, span_in, text};

/// Between two steps of a level, where a role says nothing.
const SLEW_EVERY: Span = Span::seconds(10);

/// Reads what protects a device and its neighbours beyond its minimum on and off.
pub(super) fn read(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    emergency(section, spec);
    comfort(section, spec);
    slew(section, spec);
    quiet(section, spec);
    interlocks(section, spec);
    let why = "no fuse is watched for it";
    let circuit = section.or_none("circuit", text, why);
    spec.circuit = circuit.map(Into::into);
    spec.watts = section.or_none(
        "watts",
        number_in(0.0..=100_000.0),
        "needed on a circuit; it also tells the frugal device from the greedy one",
    );
}

fn emergency(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let level = spec.role.0.emergency_level.unwrap_or(spec.safe_level);
    let level = if level > 0.0 {
        level.min(spec.high)
    } else {
        level
    };
    spec.emergency_level = section.or(
        "emergency_level",
        number_in(0.0..=1.0),
        level,
        "where a stop puts it while its zone is hot, full of CO2 or unknown",
    );
    super::devices::check_level(section, spec, "emergency_level", spec.emergency_level);
}

fn comfort(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    spec.cool_down = section.or(
        "cool_down",
        span_in(Span::ZERO..=Span::hours(24)),
        spec.cool_down,
        "comfort: controllers switch it no more often; safety, stop and people do not ask",
    );
    let starts = |value: &Value| Ok(u32::try_from(count_in(1..=1_000)(value)?).unwrap_or(u32::MAX));
    spec.starts_per_hour = match spec.starts_per_hour {
        Some(limit) => {
            let why = "every start wears a compressor";
            Some(section.or("starts_per_hour", starts, limit, why))
        }
        None => section.or_none("starts_per_hour", starts, "starting does not wear it"),
    };
    if spec.switched {
        return no_effect(section, &["deadband_percent", "slew_percent", "slew_every"]);
    }
    if !section.has("deadband_percent") {
        let key = section.key("deadband_percent");
        let why = "it follows every change of its level";
        section.report.explain_default(&key, "0".into(), why);
    }
    let deadband = section.given("deadband_percent", percent_in(0.0..=50.0));
    spec.deadband = deadband.unwrap_or(spec.deadband);
}

fn slew(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    if spec.switched {
        spec.slew = None;
        return;
    }
    let why = spec.slew.map_or(
        "its level may jump",
        |_| "a sudden draught harms plants and annoys people; 100 lets it jump",
    );
    let step = spec.slew.map_or(1.0, |slew| slew.step);
    if !section.has("slew_percent") {
        let key = section.key("slew_percent");
        let shown = (step * 100.0).to_string();
        section.report.explain_default(&key, shown, why);
    }
    let step = section
        .given("slew_percent", percent_in(0.1..=100.0))
        .unwrap_or(step);
    let every = section.or(
        "slew_every",
        span_in(Span::millis(100)..=Span::hours(1)),
        spec.slew.map_or(SLEW_EVERY, |slew| slew.every),
        "between two steps of slew_percent",
    );
    spec.slew = (step < 1.0).then_some(Slew { step, every });
}

fn quiet(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let hours = section.or_none("quiet_hours", hours, "no hour is quiet");
    let max_level = section.given("quiet_level_percent", percent_in(0.0..=100.0));
    let lowest = if spec.never_off { spec.low } else { 0.0 };
    if hours.is_none() && max_level.is_some() {
        let wrong = Wrong::new(
            "no_effect",
            "quiet_level_percent has no effect without hours",
        );
        let key = section.key("quiet_level_percent");
        let wrong = wrong.but("quiet_hours = \"22:00-07:00\"");
        section.report.warning(&key, wrong);
    }
    if hours.is_some() && max_level.is_none() && !section.has("quiet_level_percent") {
        let key = section.key("quiet_level_percent");
        let shown = (lowest * 100.0).to_string();
        let why = "as low as it may run, else off";
        section.report.explain_default(&key, shown, why);
    }
    let max_level = max_level.unwrap_or(lowest);
    if hours.is_some() && max_level < lowest {
        let message = format!(
            "{} is never off: it cannot be quieter than its lowest level, {} %",
            spec.id,
            lowest * 100.0
        );
        let key = section.key("quiet_level_percent");
        section
            .report
            .error(&key, Wrong::new("out_of_range", message));
    }
    spec.quiet_hours = hours.map(|(from, to)| QuietHours {
        from,
        to,
        max_level,
    });
}

/// `"22:00-07:00"`, seconds after local midnight.
fn hours(value: &Value) -> Read<(u32, u32)> {
    let said = text(value)?;
    let ends = said.split_once('-').and_then(|(from, to)| {
        let (from, to) = (clock_seconds(from.trim())?, clock_seconds(to.trim())?);
        (from != to).then_some((from, to))
    });
    ends.ok_or_else(|| {
        let message = format!("{} are no hours", growbox_model::id::quoted(&said));
        Wrong::new("bad_hours", message).but("two times of day such as \"22:00-07:00\"")
    })
}

fn interlocks(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let device = |value: &Value| Ok(DeviceId::new(&text(value)?)?);
    spec.never_with = section.list("never_with", "a list of devices", device);
    spec.needs_first = section.list("needs_first", "a list of devices", device);
    spec.settle_time = section.or(
        "settle_time",
        span_in(Span::ZERO..=Span::minutes(10)),
        spec.settle_time,
        "after a switch of its neighbour; safety waits no longer for one that does not answer",
    );
    let why = match spec.needs_light {
        true => "plants take it up only in the light",
        false => "it may run in the dark",
    };
    spec.needs_light = section.or("needs_light", flag, spec.needs_light, why);
    if spec.needs_light && spec.zone.is_none() {
        let message = format!("{} needs light, and names no zone", spec.id);
        let key = section.key("needs_light");
        let wrong = Wrong::new("missing_zone", message).but("add zone = \"…\"");
        section.report.error(&key, wrong);
    }
}

fn no_effect(section: &mut Section<'_, '_>, keys: &[&'static str]) {
    for key in keys {
        if section.given(key, |_| Ok(())).is_some() {
            let message = format!("{key} has no effect on a switched device");
            let wrong = Wrong::new("no_effect", message);
            let place = section.key(key);
            section.report.warning(
                &place,
                wrong.but("switched = false, where the output can do more"),
            );
        }
    }
}
