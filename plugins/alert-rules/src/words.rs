//! Figures in the words of an alert. They are rounded here, and nowhere before.

use growbox_sdk::Span;

/// A number as people read it: at most two decimals.
pub(crate) fn figure(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_string()
}

/// A number with its unit, as far as there is one.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    let symbol = match unit {
        "kilopascal" => "kPa",
        "celsius" => "°C",
        "percent" => "%",
        "parts_per_million" => "ppm",
        "watt" => "W",
        other => &other.replace('_', " "),
    };
    format!("{} {symbol}", figure(value)).trim_end().to_string()
}

/// A length of time in its two largest units.
pub(crate) fn about(span: Span) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_nanoseconds() / 1_000_000_000;
    let Some(largest) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else {
        return "0 s".into();
    };
    let (unit, name) = UNITS[largest];
    let mut text = format!("{} {name}", seconds / unit);
    if let Some((next, name)) = UNITS.get(largest + 1)
        && seconds % unit >= *next
    {
        text += &format!(" {} {name}", seconds % unit / next);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_sdk::{minutes, seconds};

    #[test]
    fn figures_are_short() {
        for (value, text) in [(1.0, "1"), (1.605, "1.6"), (-0.001, "0"), (86.25, "86.25")] {
            assert_eq!(figure(value), text);
        }
        assert_eq!(with_unit(1.6, "kilopascal"), "1.6 kPa");
        assert_eq!(with_unit(3.0, ""), "3");
        assert_eq!(
            with_unit(3.0, "micromole_per_litre"),
            "3 micromole per litre"
        );
    }

    #[test]
    fn time_has_two_units() {
        for (span, text) in [
            (seconds(0), "0 s"),
            (seconds(959), "15 min 59 s"),
            (minutes(60), "1 h"),
            (minutes(125), "2 h 5 min"),
            (minutes(60 * 24 * 3 + 1), "3 d"),
        ] {
            assert_eq!(about(span), text);
        }
    }
}
