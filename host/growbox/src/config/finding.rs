//! What is wrong with a configuration, where, and what would be right.

use std::fmt;

use serde::{Serialize, Serializer};

use super::text::{Place, is_secret};

/// Whether a configuration with it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it will not do what it says.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One error or warning; `Display` is how it is shown in a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Stable, for programs, such as `unknown_role`.
    pub code: String,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The path of the key, such as `device.heater.role`; empty for the file as a whole.
    pub key: String,
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub place: Option<Place>,
    /// What would be right.
    pub advice: Option<String>,
}

impl Finding {
    /// What is wrong, for places that keep it: of a secret only that it is wrong.
    pub fn shown_message(&self) -> &str {
        if self.key.split('.').any(is_secret) {
            "this value is wrong, and is not shown because it may be a secret"
        } else {
            &self.message
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)?;
        match &self.place {
            Some(place) => write_marked(f, &self.file, place, self.advice.as_deref()),
            None => {
                write!(f, "\n  {}", self.file)?;
                self.advice
                    .iter()
                    .try_for_each(|advice| write!(f, "   {advice}"))
            }
        }
    }
}

/// The line, and below it the mark with the advice beside it.
fn write_marked(
    f: &mut fmt::Formatter<'_>,
    file: &str,
    place: &Place,
    advice: Option<&str>,
) -> fmt::Result {
    let head = format!("  {file}:{}  ", place.line);
    let indent = head.chars().count() + place.mark_start;
    let mark = "^".repeat(place.mark_length);
    write!(f, "\n{head}{}\n{:indent$}{mark}", place.text, "")?;
    advice.map_or(Ok(()), |advice| write!(f, "   {advice}"))
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let place = self.place.as_ref();
        serde_json::json!({
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "key": self.key,
            "file": self.file,
            "line": place.map(|p| p.line),
            "column": place.map(|p| p.column),
            "text": place.map(|p| &p.text),
            "advice": self.advice,
        })
        .serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_what_it_marks() {
        let finding = Finding {
            severity: Severity::Error,
            code: "unknown_role".into(),
            message: "unknown role \"exaust\", did you mean \"exhaust\"?".into(),
            key: "device.exhaust.role".into(),
            file: "growbox.toml".into(),
            place: Some(Place {
                line: 19,
                column: 20,
                text: "exhaust = { role = \"exaust\" }".into(),
                mark_start: 19,
                mark_length: 8,
            }),
            advice: Some("all roles: growbox roles".into()),
        };
        let expected = "\
error: unknown role \"exaust\", did you mean \"exhaust\"?
  growbox.toml:19  exhaust = { role = \"exaust\" }
                                      ^^^^^^^^   all roles: growbox roles";
        assert_eq!(finding.to_string(), expected);
    }
}
