//! Payloads: bytes of strangers, as far as they can be read.

use growbox_model::id::quoted;
use growbox_model::{Instant, Span};
use serde_json::Value;

/// Payloads longer than this are not read, but for the bridge's device list.
pub(super) const PAYLOAD_BYTES: usize = 64 * 1024;
/// A time before this is a clock that was never set.
const SANE: Instant = Instant(1_577_836_800 * 1_000_000_000);
/// A time further ahead than this is a clock that is wrong.
const AHEAD: Span = Span::seconds(60);

/// What a payload is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    /// Nothing: a retained message was taken back.
    Empty,
    /// A JSON object or array.
    Json(Value),
    /// Any other text, trimmed.
    Text(String),
}

impl Payload {
    /// Reads the bytes of a message, or says why nobody could.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > PAYLOAD_BYTES {
            let length = bytes.len();
            return Err(format!("{length} bytes; at most {PAYLOAD_BYTES} are read"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
        let text = text.trim();
        match text.as_bytes().first() {
            None => Ok(Self::Empty),
            Some(b'{' | b'[') => serde_json::from_str(text)
                .map(Self::Json)
                .map_err(|error| format!("broken JSON: {error}")),
            Some(_) => Ok(Self::Text(text.to_owned())),
        }
    }

    /// The time its sender gives it, where that can be trusted: RFC 3339 or milliseconds since
    /// 1970, not before this software and not after `now`.
    pub(super) fn time(&self, now: Instant) -> Option<Instant> {
        let Self::Json(Value::Object(object)) = self else {
            return None;
        };
        let stamp = ["last_seen", "timestamp"]
            .into_iter()
            .find_map(|key| object.get(key))?;
        let at = match stamp {
            Value::String(text) => Instant::parse(text).ok()?,
            Value::Number(number) => Instant(number.as_u64()?.checked_mul(Span::millis(1).0)?),
            _ => return None,
        };
        let trusted = at >= SANE && at <= now.plus(AHEAD);
        trusted.then(|| at.min(now))
    }
}

/// A JSON value as a number.
pub(super) fn number(value: &Value) -> Result<f64, String> {
    let finite = value.as_f64().filter(|number| number.is_finite());
    finite.ok_or_else(|| match value {
        Value::String(text) => format!("{} is text, not a number", quoted(text)),
        Value::Null => "null is no number".to_owned(),
        other => format!("{} is no number", quoted(&other.to_string())),
    })
}

/// Text as a number.
pub(super) fn number_in(text: &str) -> Result<f64, String> {
    let read = text.parse().ok().filter(|number: &f64| number.is_finite());
    read.ok_or_else(|| format!("{} is no number", quoted(text)))
}

/// Whether a word means on or off.
pub(super) fn switch_word(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Whether somebody is there: `online`, `offline` and the like, plain or as `{"state": …}`.
pub(super) fn presence(payload: &Payload) -> Result<bool, String> {
    let word = match payload {
        Payload::Text(text) => text.as_str(),
        Payload::Json(json) => json
            .get("state")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        Payload::Empty => "",
    };
    match word.to_ascii_lowercase().as_str() {
        "online" | "connected" | "true" | "1" => Ok(true),
        "offline" | "disconnected" | "false" | "0" => Ok(false),
        other => Err(format!("{} is neither online nor offline", quoted(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant(1_700_000_000 * 1_000_000_000);

    fn read(text: &str) -> Payload {
        Payload::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let nested = "[".repeat(500);
        let huge = vec![b' '; PAYLOAD_BYTES + 1];
        for (bytes, why) in [
            (&b"\xff\xfe\x00"[..], "no text"),
            (b"{\"a\":", "broken JSON"),
            (nested.as_bytes(), "broken JSON"),
            (&huge, "at most 65536"),
        ] {
            let refusal = Payload::read(bytes).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
        assert_eq!(read(" \n"), Payload::Empty);
        assert_eq!(read(" 21.5\n"), Payload::Text("21.5".into()));
    }

    #[test]
    fn only_a_sane_time_counts() {
        let at = |text: &str| read(text).time(NOW);
        assert_eq!(
            at(r#"{"last_seen":"2023-11-14T22:13:00Z"}"#),
            Some(Instant(1_699_999_980 * 1_000_000_000))
        );
        assert_eq!(
            at(r#"{"last_seen":1699999980000}"#),
            Some(Instant(1_699_999_980 * 1_000_000_000))
        );
        assert_eq!(
            at(r#"{"timestamp":1700000030000}"#),
            Some(NOW),
            "a little ahead is now"
        );
        for text in [
            r#"{"last_seen":"1970-01-01T00:00:10Z"}"#,
            r#"{"last_seen":1700}"#,
            r#"{"last_seen":"2033-01-01T00:00:00Z"}"#,
            r#"{"last_seen":"yesterday"}"#,
            r#"{"last_seen":null}"#,
            r#"{"last_seen":18446744073709551615}"#,
            "21.5",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn presence_is_said_plainly_or_in_json() {
        for text in ["online", "Online", r#"{"state":"online"}"#] {
            assert_eq!(presence(&read(text)), Ok(true), "{text}");
        }
        for text in ["offline", r#"{"state":"offline"}"#] {
            assert_eq!(presence(&read(text)), Ok(false), "{text}");
        }
        for text in ["", "maybe", r#"{"state":5}"#, "[]"] {
            assert!(presence(&read(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_finite_or_refused() {
        for text in ["NaN", "inf", "-Infinity", "1e999", "", "21,5", "21.5 °C"] {
            assert!(number_in(text).is_err(), "{text}");
        }
        assert_eq!(number_in("-2e1"), Ok(-20.0));
        assert!(number(&Value::Null).is_err());
        assert!(number(&"21.5".into()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(payload) = Payload::read(&bytes) {
                let _ = payload.time(NOW);
                let _ = presence(&payload);
            }
        }
    }
}
