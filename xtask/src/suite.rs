//! `cargo xtask test`: guests, host, every test of the workspace, and one sum of all.
//!
//! Binaries and tests are built in one cargo call: the black-box tests then run the very
//! binary that was just built, and no dependency is compiled twice for a different set of
//! features. Everything is the dev profile.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::guests::{self, Which};
use crate::sum::Sum;
use crate::{mosquitto, place, run};

/// The command: all tests, or those whose name contains FILTER.
pub(crate) fn run(words: &[String]) -> Result<ExitCode> {
    if let Some(option) = words.iter().find(|word| word.starts_with('-')) {
        anyhow::bail!("takes names of tests, not {option:?}");
    }
    let sum = all(words).unwrap_or_else(|error| {
        eprintln!("xtask test: {error:#}");
        Sum::default()
    });
    println!("{sum}");
    Ok(if sum.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds everything, then runs both kinds of tests.
fn all(filter: &[String]) -> Result<Sum> {
    guests::build(Which::All)?;
    run::must(run::cargo().args(["build", "--workspace", "--bins", "--tests"]))?;
    let skipped = (!mosquitto::is_there()).then_some(mosquitto::SUITE);
    let (ordinary, read) = ordinary(filter, skipped);
    let filtered = !filter.is_empty();
    let first = count(ordinary, read, filtered)?;
    let all = first.and(count(documented(filter), Sum::of_cargo, filtered)?);
    let must = std::env::var("CI").is_ok_and(|said| said == "true");
    Ok(skipped.map_or(all, |suite| all.without(suite, must)))
}

/// How a runner's lines become a sum.
type Read = fn(&[String]) -> Sum;

fn count(mut suite: Command, read: Read, filtered: bool) -> Result<Sum> {
    let (status, lines) = run::heard(&mut suite)?;
    Ok(read(&lines).ended(status.success(), filtered))
}

/// Unit, integration and black-box tests: with nextest where it is installed, else with cargo.
fn ordinary(filter: &[String], skipped: Option<&str>) -> (Command, Read) {
    let mut cargo = told_where_things_are();
    let skip = skipped.map(|suite| ["--skip".to_owned(), format!("{suite}::")]);
    let skip = skip.into_iter().flatten();
    if has_nextest() {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        cargo.args(["--status-level", "slow", "--final-status-level", "fail"]);
        cargo.args(filter).arg("--").args(skip);
        (cargo, Sum::of_nextest)
    } else {
        cargo.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
        cargo.args(["--no-fail-fast", "--"]).args(filter).args(skip);
        (cargo, Sum::of_cargo)
    }
}

/// The examples in documentation, which nextest does not run.
fn documented(filter: &[String]) -> Command {
    let mut cargo = told_where_things_are();
    cargo.args(["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]);
    cargo.arg("--").args(filter);
    cargo
}

/// Black-box tests find the binary by `GROWBOX_BIN` and the guests by `GROWBOX_GUESTS`.
fn told_where_things_are() -> Command {
    let mut cargo = run::cargo();
    cargo
        .env("GROWBOX_BIN", place::binary("debug", "growbox"))
        .env("CARGO_TERM_COLOR", "never");
    cargo
}

fn has_nextest() -> bool {
    run::asked(run::cargo().args(["nextest", "--version"])).is_some()
}
