//! What a safety rule of the file watches for; what it leaves out is as in the shipped rule of its id.

use growbox_model::{Danger, Quantity, Trouble};

use super::super::report::Wrong;
use super::super::section::Section;
use super::super::value::{Read, number, number_in, some_text, unknown, word_of};

/// Why a key that the file leaves out of a shipped rule is as it is.
pub(super) const AS_SHIPPED: &str = "as in the shipped rule of this id";

const TROUBLES: &[(&str, Trouble)] = &[
    ("stale", Trouble::Stale),
    ("bad", Trouble::Bad),
    ("frozen", Trouble::Frozen),
    ("absent", Trouble::Absent),
];

/// What it watches for: exactly one of four, or what the shipped rule does.
pub(super) fn read(section: &mut Section<'_, '_>, shipped: Option<&Danger>) -> Option<Danger> {
    let quantity = section.given("quantity", quantity);
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
    let said = said.iter().filter(|said| **said).count();
    if let (0, Some(shipped)) = (said, shipped)
        && (quantity.is_none() || quantity.as_ref() == quantity_of(shipped))
    {
        return as_shipped(section, shipped, clear);
    }
    if said != 1 {
        let message =
            "a safety rule watches for exactly one of above, below, dew_point_margin and untrusted";
        let cure = "write quantity = \"temperature\" and above = 40, for example";
        section.complain(Wrong::new("no_danger", message).but(cure));
        return None;
    }
    if let Some(margin) = margin {
        let clear = clear.unwrap_or(margin + 1.0);
        return near_dew_point(section, margin, clear);
    }
    let Some(quantity) = quantity.or_else(|| default_quantity(section, shipped)) else {
        let cure = "add quantity = \"temperature\", for example";
        section.complain(Wrong::new("no_quantity", "this rule names no quantity").but(cure));
        return None;
    };
    if let Some(limit) = above {
        return over(section, quantity, limit, clear);
    }
    if let Some(limit) = below {
        return under(section, quantity, limit, clear);
    }
    if troubles.is_empty() {
        let message = "this rule can never trip: untrusted names no trouble";
        let cure = "write untrusted = [\"stale\", \"bad\"], for example";
        section.complain(Wrong::new("never_trips", message).but(cure));
        return None;
    }
    Some(Danger::Untrusted { quantity, troubles })
}

fn quantity(value: &toml_edit::Value) -> Read<Quantity> {
    let name = some_text(value)?;
    Quantity::new(&name).map_err(|_| {
        let known = growbox_model::quantity::QUANTITIES
            .iter()
            .map(|row| row.name);
        unknown("quantity", &name, known)
    })
}

/// The quantity of a danger; none where it is about two.
fn quantity_of(danger: &Danger) -> Option<&Quantity> {
    match danger {
        Danger::Above { quantity, .. }
        | Danger::Below { quantity, .. }
        | Danger::Untrusted { quantity, .. } => Some(quantity),
        Danger::NearDewPoint { .. } => None,
    }
}

/// Whether one guards against what the other does, from another limit on.
pub(super) fn is_alike(one: &Danger, other: &Danger) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
        && quantity_of(one) == quantity_of(other)
}

fn default_quantity(section: &mut Section<'_, '_>, shipped: Option<&Danger>) -> Option<Quantity> {
    let quantity = quantity_of(shipped?)?.clone();
    let key = section.key("quantity");
    section
        .report
        .explain_default(&key, quantity.to_string(), AS_SHIPPED);
    Some(quantity)
}

/// The shipped danger; only where it is over may be another place.
fn as_shipped(
    section: &mut Section<'_, '_>,
    shipped: &Danger,
    given: Option<f64>,
) -> Option<Danger> {
    let (key, value) = match shipped {
        Danger::Above { limit, .. } => ("above", limit.to_string()),
        Danger::Below { limit, .. } => ("below", limit.to_string()),
        Danger::NearDewPoint { margin, .. } => ("dew_point_margin", margin.to_string()),
        Danger::Untrusted { troubles, .. } => ("untrusted", words(troubles)),
    };
    let key = section.key(key);
    section.report.explain_default(&key, value, AS_SHIPPED);
    match (shipped, given) {
        (
            Danger::Above {
                quantity, limit, ..
            },
            Some(_),
        ) => over(section, quantity.clone(), *limit, given),
        (
            Danger::Below {
                quantity, limit, ..
            },
            Some(_),
        ) => under(section, quantity.clone(), *limit, given),
        (Danger::NearDewPoint { margin, .. }, Some(clear)) => {
            near_dew_point(section, *margin, clear)
        }
        (shipped, _) => Some(shipped.clone()),
    }
}

fn over(
    section: &mut Section<'_, '_>,
    quantity: Quantity,
    limit: f64,
    clear: Option<f64>,
) -> Option<Danger> {
    let clear = clear.unwrap_or_else(|| limit - hysteresis(&quantity, limit));
    let possible = is_possible(section, &quantity, limit, clear);
    let ordered = well_ordered(section, clear <= limit);
    (possible && ordered).then_some(Danger::Above {
        quantity,
        limit,
        clear,
    })
}

fn under(
    section: &mut Section<'_, '_>,
    quantity: Quantity,
    limit: f64,
    clear: Option<f64>,
) -> Option<Danger> {
    let clear = clear.unwrap_or_else(|| limit + hysteresis(&quantity, limit));
    let possible = is_possible(section, &quantity, limit, clear);
    let ordered = well_ordered(section, clear >= limit);
    (possible && ordered).then_some(Danger::Below {
        quantity,
        limit,
        clear,
    })
}

fn near_dew_point(section: &mut Section<'_, '_>, margin: f64, clear: f64) -> Option<Danger> {
    well_ordered(section, margin <= clear).then_some(Danger::NearDewPoint { margin, clear })
}

/// A limit is a value that a sensor may show, and so is where it is over: whatever lies beyond
/// the plausible is a bad reading, and no measure.
fn is_possible(section: &mut Section<'_, '_>, quantity: &Quantity, limit: f64, clear: f64) -> bool {
    let Some(spec) = quantity.spec() else {
        return true;
    };
    let message = if !spec.plausible(limit) {
        format!("this rule can never do its work: no {quantity} of {limit} is believed")
    } else if !spec.plausible(clear) {
        format!("a trip of this rule is never over: no {quantity} of {clear} is believed")
    } else {
        return true;
    };
    let (low, high) = (spec.low, spec.high);
    let cure = format!("{quantity} is plausible from {low} to {high}");
    section.complain(Wrong::new("never_trips", message).but(cure));
    false
}

fn well_ordered(section: &mut Section<'_, '_>, ordered: bool) -> bool {
    if !ordered {
        let message =
            "clear lies on the dangerous side of the limit: such a trip would be over at once";
        section.complain(Wrong::new("contradiction", message).but("put clear on the other side"));
    }
    ordered
}

/// How far from its limit a measure must be until a danger counts as over; no farther than half
/// way to the end of the plausible, or it would never be.
fn hysteresis(quantity: &Quantity, limit: f64) -> f64 {
    let usual = match quantity.as_str() {
        "temperature" => 3.0,
        "humidity" => 5.0,
        "co2" => 500.0,
        _ => limit.abs() * 0.05,
    };
    let room = quantity
        .spec()
        .map(|spec| (limit - spec.low).min(spec.high - limit) / 2.0);
    room.map_or(usual, |room| usual.min(room.max(0.0)))
}

/// Troubles as the file has them.
pub(super) fn words(troubles: &[Trouble]) -> String {
    let words: Vec<&str> = troubles.iter().map(|trouble| trouble.as_str()).collect();
    words.join(", ")
}
