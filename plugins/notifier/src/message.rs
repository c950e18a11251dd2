//! What is said: a title, a text, and how bad it is.

use serde::{Deserialize, Serialize};

/// The longest title and text, in bytes: an outbox fits the store, a message any channel.
const TITLE: usize = 120;
const TEXT: usize = 600;
const BRIEF: usize = 200;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    #[default]
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// Of its name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "info" => Self::Info,
            "warning" => Self::Warning,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Its name at the beginning of a sentence.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }
}

/// One message, for whatever channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// One line.
    pub title: String,
    /// A sentence or a few lines.
    pub text: String,
    /// How bad it is.
    pub severity: Severity,
    /// The type of the event it is about.
    pub kind: String,
    /// The zone it is about.
    pub zone: Option<String>,
    /// When that happened, in ns since the Unix epoch.
    pub at: u64,
}

impl Message {
    /// The same with a text so short that it can be remembered for long.
    pub(crate) fn brief(mut self) -> Self {
        self.text = cut(&self.text, BRIEF).to_string();
        self
    }

    /// The same, of a size that fits everywhere; the title on one line.
    pub(crate) fn bounded(mut self) -> Self {
        self.title = one_line(cut(&self.title, TITLE));
        self.text = lines(cut(&self.text, TEXT));
        self
    }
}

/// `critical in tent`, or `critical` where no zone is named.
pub(crate) fn place(heading: &str, zone: Option<&str>) -> String {
    match zone {
        Some(zone) => format!("{heading} in {zone}"),
        None => heading.to_string(),
    }
}

/// Text without anything but letters and line breaks: what else there is takes six bytes in the store.
fn lines(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(plain).collect()
}

fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

/// At most so many bytes, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
