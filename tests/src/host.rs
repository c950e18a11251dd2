//! `growbox run` as a process: started, asked, killed, ended.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::room::Room;
use crate::wait::until;

/// A running host. Dropped, it is killed; what it wrote is printed where the test has failed.
#[derive(Debug)]
pub struct Host {
    child: Child,
    address: SocketAddr,
    token: String,
    log: PathBuf,
}

impl Host {
    #[track_caller]
    pub(crate) fn start(room: &Room) -> Self {
        // Whoever was killed left it behind.
        let address = room.data().join("address");
        let _ = fs::remove_file(&address);
        let log = room.path().join("host.log");
        let to = File::options().create(true).append(true).open(&log);
        let to = to.expect("the folder is writable");
        let also = to.try_clone().expect("a file can be shared");
        let child = room
            .run()
            .stdout(Stdio::from(to))
            .stderr(Stdio::from(also))
            .spawn()
            .expect("the binary starts");
        let mut host = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: String::new(),
            log,
        };
        host.address = until("the host's address", || {
            host.must_run();
            fs::read_to_string(&address).ok()?.trim().parse().ok()
        });
        let token = fs::read_to_string(room.data().join("token")).expect("a host has a token");
        host.token = token.trim().to_owned();
        let client = host.client();
        until("the host to be ready", || {
            host.must_run();
            let answer = client.try_get("/api/v1/ready").ok()?;
            (answer.status == 200).then_some(())
        });
        host
    }

    #[track_caller]
    fn must_run(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("the host ended: {status}");
        }
    }

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
        self.child.id()
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

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// Where it does not end.
    #[track_caller]
    pub fn terminate(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("a child can be signalled");
        until("the host to end", || {
            self.child.try_wait().expect("a child can be waited for")
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what the host wrote\n{}---", self.log());
        }
    }
}
