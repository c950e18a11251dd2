//! A folder of its own for a host: configuration, data, and whatever a test puts beside them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::host::{Host, Starting};
use crate::place::{binary, shared_code};

/// How a process ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ended {
    /// Its standard output, where it ended with this code.
    ///
    /// # Panics
    /// Where it ended with another.
    #[track_caller]
    pub fn expect(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// The folder. It goes when the room is dropped.
#[derive(Debug)]
pub struct Room {
    folder: TempDir,
}

impl Room {
    /// A folder with this configuration. `{folder}` in it stands for the folder's path.
    ///
    /// # Panics
    /// Where there is no space for it.
    #[must_use]
    pub fn new(configuration: &str) -> Self {
        let folder = TempDir::new().expect("the machine has room for temporary files");
        let room = Self { folder };
        room.configure(configuration);
        fs::create_dir(room.data()).expect("the folder is writable");
        std::os::unix::fs::symlink(shared_code(), room.data().join("compiled"))
            .expect("the folder is writable");
        room
    }

    /// Writes another configuration.
    ///
    /// # Panics
    /// Where there is no space for it.
    pub fn configure(&self, configuration: &str) {
        let folder = self.path().to_str().expect("temporary paths are text");
        let text = configuration.replace("{folder}", folder);
        fs::write(self.config(), text).expect("the folder is writable");
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("growbox.toml")
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Starts `growbox run` and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become ready.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Host {
        self.launch().ready()
    }

    /// Starts `growbox run` without waiting for anything.
    ///
    /// # Panics
    /// Where the binary does not start.
    #[must_use]
    #[track_caller]
    pub fn launch(&self) -> Starting {
        Starting::launch(self, self.run())
    }

    /// Starts `growbox run` with its guardian without waiting for anything.
    ///
    /// # Panics
    /// Where the binary does not start.
    #[must_use]
    #[track_caller]
    pub fn launch_guarded(&self) -> Starting {
        Starting::launch(self, self.guarded())
    }

    /// Starts `growbox run` with its guardian and waits until the host is ready.
    ///
    /// # Panics
    /// Where it does not become ready.
    #[must_use]
    #[track_caller]
    pub fn start_guarded(&self) -> Host {
        self.start_as(self.guarded())
    }

    /// Starts this command, which is a `growbox run` of this room, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become ready.
    #[must_use]
    #[track_caller]
    pub fn start_as(&self, command: Command) -> Host {
        Starting::launch(self, command).ready()
    }

    /// `growbox run --bare` in this room, not yet started: the host alone.
    #[must_use]
    pub fn run(&self) -> Command {
        let mut command = self.guarded();
        command.arg("--bare");
        command
    }

    /// `growbox run` in this room, not yet started: a guardian, and the host as its child.
    #[must_use]
    pub fn guarded(&self) -> Command {
        let mut command = self.growbox(["run", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(self.config());
        command
    }

    /// Any `growbox …` in this room, not yet started; it finds the host by the data directory.
    #[must_use]
    pub fn growbox<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        command
            .args(words)
            .env("GROWBOX_DATA", self.data())
            .env_remove("GROWBOX_LOG")
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs `growbox …` to its end.
    ///
    /// # Panics
    /// Where the binary does not start.
    pub fn cli<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Ended {
        ended(&mut self.growbox(words))
    }

    /// The log, as `growbox events export` writes it: of the host that `data` leads to.
    ///
    /// # Panics
    /// Where it cannot be had, or is no export.
    #[must_use]
    #[track_caller]
    pub fn export(&self, data: &Path) -> Vec<Value> {
        let data = data.to_str().expect("paths here are text");
        let text = self.cli(["--data", data, "events", "export"]).expect(0);
        let line = |line: &str| serde_json::from_str(line).expect("an export is JSON lines");
        let mut lines = text.lines().map(line);
        let head: Value = lines.next().expect("an export has a head");
        assert_eq!(head["growbox_export"], 1, "{head}");
        lines.collect()
    }

    /// Runs `growbox run` that is expected to end by itself.
    ///
    /// # Panics
    /// Where the binary does not start.
    #[must_use]
    pub fn run_to_end(&self) -> Ended {
        ended(&mut self.run())
    }
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("the binary starts");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
