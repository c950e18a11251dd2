//! One value of the file becomes one of ours, or says why it cannot.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use growbox_model::Span;
use growbox_model::id::quoted;
use toml_edit::Value;

use super::report::Wrong;

/// What became of a value.
pub(super) type Read<T> = Result<T, Wrong>;

fn wrong_type(value: &Value, wanted: &str) -> Wrong {
    mistaken(value.type_name(), wanted)
}

/// One kind of value where another is wanted.
pub(super) fn mistaken(type_name: &str, wanted: &str) -> Wrong {
    let found = match type_name {
        "string" => "text",
        "integer" | "float" => "a number",
        "boolean" => "true or false",
        "array" | "array of tables" => "a list",
        "inline table" | "table" => "a table",
        "datetime" => "a date or time",
        other => other,
    };
    Wrong::new("wrong_type", format!("found {found}, wanted {wanted}"))
}

/// Any text.
pub(super) fn text(value: &Value) -> Read<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong_type(value, "text in quotes"))
}

/// Text with something in it.
pub(super) fn some_text(value: &Value) -> Read<String> {
    let text = text(value)?;
    if text.trim().is_empty() {
        return Err(Wrong::new("empty", "this is empty"));
    }
    Ok(text)
}

/// `true` or `false`.
pub(super) fn flag(value: &Value) -> Read<bool> {
    value
        .as_bool()
        .ok_or_else(|| wrong_type(value, "true or false"))
}

/// A finite number, with or without a fraction.
pub(super) fn number(value: &Value) -> Read<f64> {
    let number = value
        .as_float()
        .or_else(|| value.as_integer().map(|whole| whole as f64));
    let number = number.ok_or_else(|| wrong_type(value, "a number"))?;
    if !number.is_finite() {
        return Err(Wrong::new(
            "out_of_range",
            format!("{number} is no finite number"),
        ));
    }
    Ok(number)
}

/// A number of a range.
pub(super) fn number_in(range: RangeInclusive<f64>) -> impl Fn(&Value) -> Read<f64> {
    move |value| {
        let number = number(value)?;
        within(&range, number, &number.to_string(), "")
    }
}

/// A percentage of a range, as a level 0…1.
pub(super) fn percent_in(range: RangeInclusive<f64>) -> impl Fn(&Value) -> Read<f64> {
    move |value| {
        let number = number(value)?;
        within(&range, number, &number.to_string(), " %").map(|percent| percent / 100.0)
    }
}

/// A whole number of a range.
pub(super) fn count_in(range: RangeInclusive<u32>) -> impl Fn(&Value) -> Read<usize> {
    move |value| {
        let count = value
            .as_integer()
            .ok_or_else(|| wrong_type(value, "a whole number"))?;
        let (low, high) = (i64::from(*range.start()), i64::from(*range.end()));
        let count = within(&(low..=high), count, &count.to_string(), "")?;
        usize::try_from(count).map_err(|_| wrong_type(value, "a whole number"))
    }
}

/// A length of time of a range: seconds, or text such as `"5min"`.
pub(super) fn span_in(range: RangeInclusive<Span>) -> impl Fn(&Value) -> Read<Span> {
    move |value| {
        let span = span(value)?;
        within(&range, span, &span.to_string(), "")
    }
}

fn span(value: &Value) -> Read<Span> {
    if let Some(text) = value.as_str() {
        return Ok(text.parse()?);
    }
    let wanted = "seconds as a number, or text such as \"5min\"";
    let seconds = number(value).map_err(|_| wrong_type(value, wanted))?;
    Span::from_seconds(seconds).ok_or_else(|| {
        Wrong::new(
            "bad_duration",
            format!("{seconds} seconds is no length of time"),
        )
    })
}

/// A number of bytes of a range: a number, or text such as `"64MiB"`.
pub(super) fn bytes_in(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Read<u64> {
    move |value| {
        let bytes = bytes(value)?;
        if range.contains(&bytes) {
            return Ok(bytes);
        }
        let ends = [range.start(), range.end()].map(|end| size(*end));
        Err(Wrong::new(
            "out_of_range",
            format!("{} is not within {} … {}", size(bytes), ends[0], ends[1]),
        ))
    }
}

const SIZES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

fn bytes(value: &Value) -> Read<u64> {
    let bad = || wrong_type(value, "a number of bytes, or text such as \"64MiB\"");
    let Some(text) = value.as_str() else {
        return value
            .as_integer()
            .and_then(|whole| u64::try_from(whole).ok())
            .ok_or_else(bad);
    };
    let malformed = || {
        let message = format!("{} is no size such as \"64MiB\", \"512KiB\"", quoted(text));
        Wrong::new("bad_size", message)
    };
    let (digits, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let unit = SIZES
        .iter()
        .find(|(name, _)| *name == unit.trim())
        .ok_or_else(malformed)?
        .1;
    let count: u64 = digits.parse().map_err(|_| malformed())?;
    count.checked_mul(unit).ok_or_else(malformed)
}

/// A number of bytes as the configuration says it.
pub(super) fn size(bytes: u64) -> String {
    let unit = SIZES
        .iter()
        .find(|(_, unit)| bytes != 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(
        || "0B".to_owned(),
        |(name, unit)| format!("{}{name}", bytes / unit),
    )
}

fn within<T: PartialOrd + std::fmt::Display>(
    range: &RangeInclusive<T>,
    value: T,
    shown: &str,
    unit: &str,
) -> Read<T> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (range.start(), range.end());
    Err(Wrong::new(
        "out_of_range",
        format!("{shown}{unit} is not within {low} … {high}{unit}"),
    ))
}

/// A time of day: `"06:00"`, `"06:00:30"`, or the same without quotes; seconds after midnight.
pub(super) fn time_of_day(value: &Value) -> Read<u32> {
    let said = match value {
        Value::Datetime(stamp) => stamp.value().to_string(),
        _ => value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| wrong_type(value, "a time of day such as \"06:00\""))?,
    };
    clock_seconds(&said).ok_or_else(|| {
        let message = format!("{} is no time of day such as \"06:00\"", quoted(&said));
        Wrong::new("bad_time_of_day", message)
    })
}

/// `06:00` or `06:00:30` as seconds after midnight.
pub(super) fn clock_seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = |limit: u32| {
        let digits = parts.next()?;
        let fits = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits
            .parse::<u32>()
            .ok()
            .filter(|value| fits && *value < limit)
    };
    let (hours, minutes) = (part(24)?, part(60)?);
    let seconds = if text.len() > 5 { part(60)? } else { 0 };
    parts
        .next()
        .is_none()
        .then_some(hours * 3600 + minutes * 60 + seconds)
}

/// A list of what `read` reads, or one of it without brackets.
pub(super) fn list_of<'v>(value: &'v Value, wanted: &str) -> Read<Vec<&'v Value>> {
    value
        .as_array()
        .map(|list| list.iter().collect())
        .ok_or_else(|| wrong_type(value, wanted))
}

/// One of a few words.
pub(super) fn word_of<T: Copy>(
    what: &'static str,
    words: &'static [(&'static str, T)],
) -> impl Fn(&Value) -> Read<T> {
    move |value| {
        let said = text(value)?;
        let found = words.iter().find(|(word, _)| *word == said);
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| unknown(what, &said, words.iter().map(|(word, _)| *word)))
    }
}

/// An unknown word: the nearest known one, and all of them where they are few.
pub(super) fn unknown<'a>(
    what: &str,
    said: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Wrong {
    let known: Vec<&str> = known.into_iter().collect();
    let code = format!("unknown_{}", what.replace([' ', '-'], "_"));
    let objection = growbox_model::Objection::unknown(&code, what, said, known.iter().copied());
    let advice = match known.len() {
        0 => format!("there is no {what} in this file"),
        1..=12 => format!("known: {}", known.join(", ")),
        _ => return objection.into(),
    };
    Wrong::from(objection).but(advice)
}

/// Where to listen. Only loopback: nobody beyond it could be told from a stranger.
///
/// # Errors
///
/// `bad_address`, or `not_loopback`.
pub fn listen_address(text: &str) -> Result<SocketAddr, growbox_model::Objection> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("{}:{port}", Ipv4Addr::LOCALHOST),
        None => text.to_owned(),
    };
    let address: SocketAddr = numeric.parse().map_err(|_| {
        let message = format!("{} is no address such as 127.0.0.1:8420", quoted(text));
        growbox_model::Objection::new("bad_address", message)
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let message = format!(
        "growbox does not listen beyond this machine without credentials, which this build cannot check yet: {address}"
    );
    Err(growbox_model::Objection::new("not_loopback", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.parse().unwrap()
    }

    #[test]
    fn times_of_day() {
        for (text, seconds) in [
            ("\"06:00\"", 21_600),
            ("\"23:59:59\"", 86_399),
            ("07:32:00", 27_120),
            ("\"00:00\"", 0),
        ] {
            assert_eq!(time_of_day(&value(text)).unwrap(), seconds, "{text}");
        }
        for text in [
            "\"6:00\"",
            "\"24:00\"",
            "\"06:60\"",
            "\"06\"",
            "\"06:00:00:00\"",
            "6",
            "2026-01-01",
            "\"+6:00\"",
        ] {
            assert!(time_of_day(&value(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("\"64MiB\"", 64 << 20),
            ("\"1 GiB\"", 1 << 30),
            ("4096", 4096),
        ] {
            assert_eq!(super::bytes(&value(text)).unwrap(), bytes, "{text}");
        }
        for text in [
            "\"64MB\"",
            "\"-1B\"",
            "-1",
            "\"99999999999999999GiB\"",
            "1.5",
        ] {
            assert!(super::bytes(&value(text)).is_err(), "{text}");
        }
        assert_eq!(size(64 << 20), "64MiB");
        let refusal = bytes_in(1024..=2048)(&value("1")).unwrap_err();
        assert_eq!(refusal.message, "1B is not within 1KiB … 2KiB");
    }

    #[test]
    fn ranges_name_both_ends() {
        let refusal = percent_in(0.0..=100.0)(&value("120")).unwrap_err();
        assert_eq!(refusal.message, "120 % is not within 0 … 100 %");
        let refusal = span_in(Span::seconds(1)..=Span::hours(1))(&value("\"2h\"")).unwrap_err();
        assert_eq!(refusal.message, "2h is not within 1s … 1h");
        assert!(number(&value("nan")).is_err());
        assert!(number_in(0.0..=1.0)(&value("inf")).is_err());
    }

    #[test]
    fn only_loopback_is_listened_on() {
        assert!(listen_address("127.0.0.1:0").is_ok());
        assert!(listen_address("[::1]:8420").is_ok());
        assert_eq!(
            listen_address("localhost:1").unwrap().to_string(),
            "127.0.0.1:1"
        );
        assert_eq!(
            listen_address("0.0.0.0:8420").unwrap_err().code,
            "not_loopback"
        );
        assert_eq!(listen_address("8420").unwrap_err().code, "bad_address");
    }
}
