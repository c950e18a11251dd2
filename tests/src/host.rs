//! `growbox run` as a process: started, asked, killed, ended.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::room::Room;
use crate::wait::until;

/// A host that may not be ready yet. Dropped, it is killed; what it wrote is printed where the
/// test has failed.
#[derive(Debug)]
pub struct Starting {
    child: Child,
    data: PathBuf,
    log: PathBuf,
}

/// A running host.
#[derive(Debug)]
pub struct Host {
    process: Starting,
    address: SocketAddr,
    token: String,
}

impl Starting {
    #[track_caller]
    pub(crate) fn launch(room: &Room, mut command: Command) -> Self {
        // Whoever was killed left it behind.
        let _ = fs::remove_file(room.data().join("address"));
        let log = room.path().join("host.log");
        let to = File::options().create(true).append(true).open(&log);
        let to = to.expect("the folder is writable");
        let also = to.try_clone().expect("a file can be shared");
        let child = command
            .stdout(Stdio::from(to))
            .stderr(Stdio::from(also))
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            data: room.data(),
            log,
        }
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become ready.
    #[must_use]
    #[track_caller]
    pub fn ready(mut self) -> Host {
        let address = until("the host's address", || {
            self.must_run();
            let address = fs::read_to_string(self.data.join("address")).ok()?;
            address.trim().parse().ok()
        });
        let token = fs::read_to_string(self.data.join("token")).expect("a host has a token");
        let client = Client::new(address, None);
        until("the host to be ready", || {
            self.must_run();
            let answer = client.try_get("/api/v1/ready").ok()?;
            (answer.status == 200).then_some(())
        });
        Host {
            process: self,
            address,
            token: token.trim().to_owned(),
        }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    #[track_caller]
    fn must_run(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("the host ended: {status}");
        }
    }
}

impl Host {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// A client with the token.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address, Some(self.token.clone()))
    }

    /// A client without the token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        Client::new(self.address, None)
    }

    /// What it and those before it in this room have written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(self) {
        self.process.kill();
    }

    /// The host behind a guardian: its only child.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    #[track_caller]
    pub fn guarded_pid(&self) -> Pid {
        let pid = self.pid();
        until("the guardian to have a host", || {
            let children = format!("/proc/{pid}/task/{pid}/children");
            let children = fs::read_to_string(children).ok()?;
            let child = children.split_whitespace().next()?.parse().ok()?;
            Pid::from_raw(child)
        })
    }

    /// Sends its guarded host a signal and waits until the guardian has another one ready.
    ///
    /// # Panics
    /// Where none comes.
    #[must_use]
    #[track_caller]
    pub fn replaced_after(self, signal: Signal) -> Self {
        // Whoever comes writes it anew.
        let _ = fs::remove_file(self.process.data.join("address"));
        kill_process(self.guarded_pid(), signal).expect("a host can be signalled");
        self.process.ready()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// Where it does not.
    #[track_caller]
    pub fn ended(mut self) -> ExitStatus {
        let child = &mut self.process.child;
        until("the host to end", || {
            child.try_wait().expect("a child can be waited for")
        })
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// Where it does not end.
    #[track_caller]
    pub fn terminate(self) -> ExitStatus {
        let pid = Pid::from_child(&self.process.child);
        kill_process(pid, Signal::TERM).expect("a child can be signalled");
        self.ended()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what the host wrote\n{}---", self.log());
        }
    }
}
