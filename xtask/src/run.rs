//! Runs other programs, and shows what they say while it is read.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::place;

/// The cargo that runs this, in the repository, knowing where the guests are.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .current_dir(place::root())
        .env("GROWBOX_GUESTS", place::guests());
    command
}

/// Runs a program to its end; anything but success is an error.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", words(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", words(command));
    }
    Ok(())
}

/// What a program prints, where it can be started and succeeds.
pub(crate) fn asked(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Runs a program to its end and passes on what it says; both streams' lines come back too.
pub(crate) fn heard(command: &mut Command) -> Result<(ExitStatus, Vec<String>)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", words(command)))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let lines = thread::scope(|scope| {
        let errors = scope.spawn(|| pass_on(err, std::io::stderr()));
        let mut lines = pass_on(out, std::io::stdout());
        lines.extend(errors.join().unwrap_or_default());
        lines
    });
    Ok((child.wait()?, lines))
}

/// Copies a stream line by line as it comes, and keeps the lines.
fn pass_on(stream: Option<impl Read>, mut shown: impl Write) -> Vec<String> {
    let Some(stream) = stream else {
        return Vec::new();
    };
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        // A closed terminal is no reason to stop counting.
        let _ = shown.write_all(&line).and_then(|()| shown.flush());
        lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
    lines
}

/// A command as a person would have typed it.
fn words(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let all = std::iter::once(program).chain(command.get_args());
    let all: Vec<_> = all.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", all.join(" "))
}
