//! `cargo xtask …`: the project's own commands, with nothing but the Rust toolchain.

mod bench;
mod demo;
mod guests;
mod mosquitto;
mod place;
mod run;
mod suite;
mod sum;
mod tidy;

use std::process::ExitCode;

/// One command: its name, what may follow it, what it does, and the function that does it.
struct Command {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&[String]) -> anyhow::Result<ExitCode>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        takes: "[--seconds N] [--speed N] [--listen ADDR] [--data DIR]",
        does: "builds everything and runs a simulated tent",
        run: demo::run,
    },
    Command {
        name: "test",
        takes: "[FILTER]",
        does: "builds everything and runs every test; the last line is the sum",
        run: suite::run,
    },
    Command {
        name: "guests",
        takes: "[--first-party]",
        does: "builds the plug-ins (and the test guests) as components",
        run: guests::run,
    },
    Command {
        name: "bench",
        takes: "[--quick]",
        does: "measures speed, latency and memory of the release build",
        run: bench::run,
    },
    Command {
        name: "tidy",
        takes: "",
        does: "checks the conventions of the house",
        run: tidy::run,
    },
];

/// Exit code of a wrong usage, as everywhere in growbox.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(command) = words
        .first()
        .and_then(|name| COMMANDS.iter().find(|command| command.name == *name))
    else {
        return usage(words.first().map(String::as_str));
    };
    match (command.run)(&words[1..]) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

/// Says what there is; only being asked for it is no mistake.
fn usage(given: Option<&str>) -> ExitCode {
    let asked = matches!(given, Some("help" | "--help" | "-h"));
    if let Some(word) = given.filter(|_| !asked) {
        eprintln!("xtask: no command {word:?}");
    }
    for command in COMMANDS {
        let call = format!("cargo xtask {} {}", command.name, command.takes);
        eprintln!("  {:<72} {}", call.trim_end(), command.does);
    }
    if asked {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(WRONG_USAGE)
    }
}

/// Refuses words that a command does not take.
fn nothing_but(words: &[String], known: &[&str]) -> anyhow::Result<()> {
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(()),
        Some(word) => {
            anyhow::bail!("does not know {word:?}; `cargo xtask help` lists what it takes")
        }
    }
}
