//! `cargo xtask demo`: builds the first-party plug-ins and the host, then becomes `growbox demo`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::guests::{self, Which};
use crate::{place, run};

/// The command; every word after it is `growbox demo`'s.
pub(crate) fn run(words: &[String]) -> Result<ExitCode> {
    guests::build(Which::FirstParty)?;
    run::must(run::cargo().args(["build", "--release", "-p", "growbox"]))?;
    let mut demo = Command::new(place::binary("release", "growbox"));
    demo.arg("demo").args(passed_on(words));
    become_it(demo)
}

/// `cargo xtask demo -- --seconds 5` means the same without the dashes between.
fn passed_on(words: &[String]) -> &[String] {
    match words {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    }
}

/// Puts the program in this process's place: its terminal, its signals and its exit code.
#[cfg(unix)]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

/// Runs the program and takes over its exit code.
#[cfg(not(unix))]
pub(crate) fn become_it(mut command: Command) -> Result<ExitCode> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_first_dashes_is_passed_on() {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(passed_on(&words("--seconds 5")), words("--seconds 5"));
        assert_eq!(passed_on(&words("-- --speed 1 --")), words("--speed 1 --"));
    }
}
