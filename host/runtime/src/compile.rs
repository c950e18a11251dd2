//! Component → machine code, in a child process with limits where the source is a stranger's.
//!
//! Compiling in process leaves the process large, and there are components that take
//! gigabytes to compile. The child is the host's own binary: its hidden subcommand calls
//! [`compile_file`].

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::blame::Trouble;
use crate::limits::{COMPILE_BYTES, COMPILE_TIME, WORDS_BYTES};
use crate::memory::bytes;

/// Who compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// This process: for tests and tools that end soon.
    InProcess,
    /// A child: `program args… INPUT OUTPUT`, which calls [`compile_file`], writes an error
    /// to its standard error and ends with 0 only where it went well.
    Child {
        /// The program; usually the host's own binary.
        program: PathBuf,
        /// What comes before the two paths.
        args: Vec<OsString>,
    },
}

/// Compiles one component, as the child of a [`Compiler::Child`]. Limits the memory and
/// CPU time of the *whole calling process*, for good.
///
/// # Errors
/// In words: what could not be read, compiled or written.
pub fn compile_file(input: &Path, output: &Path) -> Result<(), String> {
    limit(Resource::As, COMPILE_BYTES)?;
    limit(Resource::Cpu, COMPILE_TIME.as_secs() * 2)?;
    let code = std::fs::read(input).map_err(|e| format!("cannot read {}: {e}", input.display()))?;
    let compiled = compile(&code)?;
    write(output, &compiled).map_err(|e| format!("cannot write {}: {e}", output.display()))
}

fn limit(resource: Resource, most: u64) -> Result<(), String> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, limit).map_err(|e| format!("cannot limit the compiler: {e}"))
}

fn compile(code: &[u8]) -> Result<Vec<u8>, String> {
    crate::engine::compiler()
        .and_then(|engine| engine.precompile_component(code))
        .map_err(|e| format!("{e:#}"))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = private(path)?;
    file.write_all(bytes)
}

/// A new file that only its owner may read.
pub(crate) fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl Compiler {
    /// Compiles `input` into `output`, a path that does not exist yet.
    pub(crate) fn run(&self, input: &Path, output: &Path) -> Result<(), Trouble> {
        match self {
            Self::InProcess => in_process(input, output),
            Self::Child { program, args } => {
                let mut command = Command::new(program);
                command.args(args).arg(input).arg(output);
                watch(command, COMPILE_TIME)
            }
        }
    }
}

fn in_process(input: &Path, output: &Path) -> Result<(), Trouble> {
    let code = std::fs::read(input)
        .map_err(|e| Trouble::host(format!("cannot read {}: {e}", input.display())))?;
    let compiled = compile(&code).map_err(|why| Trouble::guest(uncompiled(&why)))?;
    write(output, &compiled)
        .map_err(|e| Trouble::host(format!("cannot write {}: {e}", output.display())))
}

/// Runs the child until it ends, or ends it.
fn watch(mut command: Command, longest: Duration) -> Result<(), Trouble> {
    let program = PathBuf::from(command.get_program());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| {
            Trouble::host(format!(
                "cannot start the compiler {}: {e}",
                program.display()
            ))
        })?;
    match wait(&mut child, longest) {
        Ok(Some(status)) => judge(status, &said(&mut child)),
        Ok(None) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(Trouble::guest(format!(
                "compiling it took more than {longest:?} (compile limit)"
            )))
        }
        Err(e) => Err(Trouble::host(format!("cannot wait for the compiler: {e}"))),
    }
}

fn wait(child: &mut Child, longest: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > longest {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The end of what the child wrote to its standard error.
fn said(child: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Half a message is better than none: an error here changes nothing.
        let _ = stderr.take(WORDS_BYTES as u64).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

fn judge(status: ExitStatus, said: &str) -> Result<(), Trouble> {
    if status.success() {
        return Ok(());
    }
    if status.signal().is_some() {
        return Err(Trouble::guest(format!(
            "compiling it needs more than {} or crashes the compiler (compile limit; {said})",
            bytes(COMPILE_BYTES)
        )));
    }
    Err(Trouble::guest(uncompiled(said)))
}

/// A component that the compiler refuses.
pub(crate) fn uncompiled(why: &str) -> String {
    format!("it does not compile: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blame::Blame;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_that_fails_says_why() {
        let trouble = watch(shell("echo bad opcode >&2; exit 1"), COMPILE_TIME).unwrap_err();
        assert_eq!(trouble.blame, Blame::Guest);
        assert_eq!(trouble.what, "it does not compile: bad opcode");
    }

    #[test]
    fn a_child_that_dies_or_never_ends_is_the_components_fault() {
        let died = watch(shell("kill -ABRT $$"), COMPILE_TIME).unwrap_err();
        assert!(died.what.contains("2048 MiB"), "{died}");
        let endless = watch(shell("exec sleep 600"), Duration::from_millis(30)).unwrap_err();
        assert!(endless.what.contains("compile limit"), "{endless}");
    }

    #[test]
    fn a_missing_compiler_is_the_hosts_fault() {
        let missing = watch(Command::new("/nonexistent/growbox"), COMPILE_TIME).unwrap_err();
        assert_eq!(missing.blame, Blame::Host);
        assert!(missing.what.contains("/nonexistent/growbox"));
    }
}
