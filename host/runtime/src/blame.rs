//! Whose fault something is: the plug-in's or growbox's own.

use std::fmt;

use growbox_model::Fault;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The plug-in's: its author must act.
    Guest,
    /// The host's, or the machine's: the operator must act.
    Host,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "the plug-in's fault",
            Self::Host => "not the plug-in's fault",
        })
    }
}

/// A call that the host ended, and who made that necessary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) blame: Blame,
    pub(crate) what: String,
}

impl Trouble {
    pub(crate) fn guest(what: impl Into<String>) -> Self {
        Self {
            blame: Blame::Guest,
            what: what.into(),
        }
    }

    pub(crate) fn host(what: impl Into<String>) -> Self {
        Self {
            blame: Blame::Host,
            what: what.into(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blame {
            Blame::Guest => f.write_str(&self.what),
            Blame::Host => write!(f, "growbox itself failed ({}): {}", self.blame, self.what),
        }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Trap(trouble.to_string())
    }
}
