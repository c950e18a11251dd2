//! Why a command failed, in words, and the exit code that tells programs.

use std::path::PathBuf;
use std::process::ExitCode;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: wrong usage or configuration.
    Wrong,
    /// 3: host not reachable.
    Unreachable,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
            Self::Unreachable => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing answers.
    #[error(
        "no growbox host is reachable: {why}\n  looked in  {}  ({chosen})\n  start one  growbox run --config growbox.toml\n  or name    its data directory with --data DIR or GROWBOX_DATA",
        data.display()
    )]
    Unreachable {
        /// The data directory it looked in.
        data: PathBuf,
        /// Why there.
        chosen: &'static str,
        /// What was found there.
        why: String,
    },
    /// The host ended while it was asked.
    #[error("the host ended or cannot be reached any more: {0}")]
    Lost(String),
    /// A change needs the token, and it cannot be read.
    #[error("a change needs the token in {}: {error}\n  run this as the user who runs the host", path.display())]
    NoToken {
        /// Where it is.
        path: PathBuf,
        /// Why it cannot be read.
        error: std::io::Error,
    },
    /// The host says no.
    #[error("{message}{}", hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its stable code.
        code: String,
        /// Its words.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The host answers something this command does not understand.
    #[error(
        "the answer to {call} is not understood: {why}; is the host of another version than this command?"
    )]
    Garbled {
        /// The call.
        call: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was typed, or a file it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// The input cannot be read to its end.
    #[error("cannot read the input {0}")]
    Input(String),
    /// Whoever read the output has gone, as `head` does.
    #[error("the reader of the output has gone")]
    ReaderGone,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } | Self::Lost(_) => Exit::Unreachable,
            Self::Refused { status: 400, .. } | Self::Usage(_) => Exit::Wrong,
            Self::ReaderGone => Exit::Done,
            _ => Exit::Failed,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Output(error),
        }
    }
}
