//! `cargo xtask bench`: the release build, measured from outside; the table, and its parts, are `growbox-bench`'s.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_it;
use crate::guests::{self, Which};
use crate::{place, run};

/// The command.
pub(crate) fn run(words: &[String]) -> Result<ExitCode> {
    guests::build(Which::All)?;
    let mut cargo = run::cargo();
    cargo.args(["build", "--release", "--bins"]);
    cargo.args(["-p", "growbox", "-p", "growbox-bench"]);
    run::must(&mut cargo)?;
    let mut bench = Command::new(place::binary("release", "growbox-bench"));
    bench
        .args(words)
        .current_dir(place::root())
        .env("GROWBOX_BIN", place::binary("release", "growbox"))
        .env("GROWBOX_GUESTS", place::guests());
    become_it(bench)
}
