//! Why something was refused, in words a person can act on.

use serde::{Deserialize, Serialize};

/// A refusal: a stable code for programs, a sentence for people, and the nearest right answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Objection {
    /// Stable, lower case with underscores, such as `unknown_type`.
    pub code: String,
    /// What is wrong, where, and what would be right.
    pub message: String,
    /// The known name closest to an unknown one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nearest: Option<String>,
}

impl Objection {
    /// A refusal without a nearest name.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            nearest: None,
        }
    }

    /// An unknown `name` of a `what`: names the nearest of `known`, where one is near.
    pub fn unknown<'a>(
        code: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let nearest = nearest(name, known);
        let hint = nearest.map_or(String::new(), |n| format!(", did you mean {n:?}?"));
        Self {
            code: code.into(),
            message: format!("unknown {what} {}{hint}", crate::id::quoted(name)),
            nearest: nearest.map(str::to_owned),
        }
    }
}

/// The candidate most like `name`, when it is likely enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest() {
        let refusal = Objection::unknown("unknown_role", "role", "exaust", ["exhaust", "heater"]);
        assert_eq!(
            refusal.to_string(),
            "unknown role \"exaust\", did you mean \"exhaust\"?"
        );
        assert_eq!(nearest("zzz", ["exhaust"]), None);
    }
}
