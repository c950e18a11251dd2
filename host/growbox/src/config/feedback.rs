//! `feedback = { … }` of a device: the sensor that tells whether it does as it is told.

use growbox_model::{DeviceSpec, Feedback, Quantity, SensorId, Span};

use super::section::Section;
use super::value::{number, span_in, text};

/// What a small device draws at least while it is on, W.
const DRAWS: f64 = 5.0;
/// Of the power it has, a device draws at least this share while it is on.
const SHARE: f64 = 0.1;
/// Between 0 and 1: contacts, doors, states.
const HALFWAY: f64 = 0.5;
/// Meters report every ten seconds or so.
const WITHIN: Span = Span::seconds(15);

/// Reads it, where it is given.
pub(super) fn read(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    if !section.has("feedback") {
        let key = section.key("feedback");
        let why = "its driver is believed";
        return section.report.explain_default(&key, "none".into(), why);
    }
    let mut feedback = section.table("feedback");
    let sensor = feedback.given("sensor", |value| Ok(SensorId::new(&text(value)?)?));
    feedback.require("sensor", "add sensor = \"…\", a line of [sensor]");
    let quantity = feedback.given("quantity", |value| Ok(Quantity::new(&text(value)?)?));
    let Some(quantity) = quantity.or_else(|| Quantity::new("power").ok()) else {
        return;
    };
    let (above, why) = match (quantity.as_str(), spec.watts) {
        ("power", Some(watts)) => (watts * SHARE, "a tenth of its watts"),
        ("power", None) => (DRAWS, "less is a plug that idles"),
        _ => (HALFWAY, "between off and on"),
    };
    let on_above = feedback.or("above", number, above, why);
    let within = feedback.or(
        "within",
        span_in(Span::seconds(1)..=Span::minutes(10)),
        WITHIN,
        "so long after a switch its sensor may take to agree",
    );
    feedback.finish();
    spec.feedback = sensor.map(|sensor| Feedback {
        sensor,
        quantity,
        on_above,
        within,
    });
}
