//! Names of things, checked once where they enter and cheap to copy ever after.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::objection::Objection;

/// Shared, immutable text.
pub type Text = Arc<str>;

/// The number of an event in the log; given once, never used twice. The first event is 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The version of a plug-in as it runs: code, settings and state together. Only grows for one id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Longest id of a sensor, zone, device or plug-in, in bytes.
pub const ID_BYTES: usize = 64;
/// Longest id of an event, in bytes.
pub const EVENT_ID_BYTES: usize = 128;

fn is_lower_id(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')
}

fn is_sensor_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

fn check(what: &str, text: &str, allowed: fn(u8) -> bool, pattern: &str) -> Result<(), Objection> {
    if !text.is_empty() && text.len() <= ID_BYTES && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(Objection::new(
        "bad_id",
        format!("{what} id {} does not fit {pattern}", quoted(text)),
    ))
}

/// `text` in quotes, shortened where a message would become unreadable.
pub fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(60).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:ident, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// Checks form and length.
            pub fn new(text: &str) -> Result<Self, Objection> {
                check($what, text, $allowed, $pattern)?;
                Ok(Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A zone: `[a-z0-9_-]{1,64}`.
    ZoneId, "zone", is_lower_id, "[a-z0-9_-]{1,64}"
);
id!(
    /// A device: `[a-z0-9_-]{1,64}`.
    DeviceId, "device", is_lower_id, "[a-z0-9_-]{1,64}"
);
id!(
    /// A plug-in: `[a-z0-9_-]{1,64}`.
    PluginId, "plug-in", is_lower_id, "[a-z0-9_-]{1,64}"
);
id!(
    /// A sensor: `[A-Za-z0-9_.:-]{1,64}`.
    SensorId, "sensor", is_sensor_id, "[A-Za-z0-9_.:-]{1,64}"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        assert!(ZoneId::new("tent-1").is_ok());
        assert!(ZoneId::new("Tent").is_err());
        assert!(ZoneId::new("").is_err());
        assert!(SensorId::new("zigbee:0x00.Canopy").is_ok());
        assert!(SensorId::new(&"x".repeat(65)).is_err());
        let refusal = DeviceId::new(&"ä".repeat(100)).unwrap_err();
        assert!(refusal.message.contains('…'), "{refusal}");
    }
}
