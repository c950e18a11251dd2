//! A host whose data directory is a mount of its own, seen by nobody else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use growbox_tests::{Client, Ended, Room, until};

/// Whether mounts can be made here. Where they cannot, a test may be skipped, but never in CI.
///
/// # Panics
/// In CI where they cannot.
pub(crate) fn possible(test: &str) -> bool {
    let room = Room::new("");
    let mut probe = Command::new("unshare");
    probe
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(room.data());
    let possible = probe.output().is_ok_and(|output| output.status.success());
    if !possible {
        let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        assert!(
            !in_ci,
            "{test}: mounts are not possible here, and CI must test everything"
        );
        println!("skipped: {test}: mounts are not possible here");
    }
    possible
}

/// A disk of its own, as a card in a board is: the kernel mounts it read-only where it finds an error.
pub(crate) const CARD: &str = "truncate -s 256M card && mkfs.ext4 -q -F card && \
    mount -o loop,errors=remount-ro card \"$0\"";
/// The same disk again.
pub(crate) const CARD_AGAIN: &str = "mount -o loop card \"$0\"";

/// Whether such a disk can be made here; where it cannot, its test is skipped, and says so.
pub(crate) fn has_cards(test: &str) -> bool {
    let room = Room::new("");
    let mut probe = Command::new("unshare");
    probe
        .args(["--mount", "sh", "-c", CARD])
        .arg(room.data())
        .current_dir(room.path());
    let made = probe.output().is_ok_and(|output| output.status.success());
    if !made {
        println!("skipped: {test}: no loop device with ext4 can be mounted here");
    }
    made
}

/// `growbox run` in a mount namespace where `script` has been run with the data directory as `$0`.
fn inside(room: &Room, script: &str) -> Command {
    let run = room.run();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", &format!("{script} && exec \"$@\"")])
        .arg(room.data())
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(room.path())
        .stdin(Stdio::null());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs to its end, where it is expected to refuse.
pub(crate) fn run_to_end(room: &Room, script: &str) -> Ended {
    let output = inside(room, script).output().expect("unshare starts");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A host that runs there. Dropped, it is killed.
pub(crate) struct Mounted {
    child: Child,
    data: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Mounted {
    #[track_caller]
    pub(crate) fn start(room: &Room, script: &str) -> Self {
        let mut child = inside(room, script).spawn().expect("unshare starts");
        let root = PathBuf::from(format!("/proc/{}/root", child.id()));
        let below = room.data();
        let below = below
            .strip_prefix("/")
            .expect("a temporary path is absolute");
        let data = root.join(below);
        let address = until("the host's address", || {
            let ended = child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the host ended: {ended:?}");
            let text = std::fs::read_to_string(data.join("address")).ok()?;
            text.trim().parse().ok()
        });
        Self {
            child,
            data,
            address,
        }
    }

    /// Its data directory, as it sees it.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A client with its token.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        let token = std::fs::read_to_string(self.data.join("token")).expect("a host has a token");
        Client::new(self.address, Some(token.trim().to_owned()))
    }

    /// The disk reports an error, and from now on nothing can be written to it.
    #[track_caller]
    pub(crate) fn spoil(&self) {
        let below = self
            .data
            .strip_prefix(format!("/proc/{}/root", self.child.id()));
        let point = Path::new("/").join(below.expect("below the root of the host"));
        let mounts = std::fs::read_to_string(format!("/proc/{}/mountinfo", self.child.id()));
        let mounts = mounts.expect("a process tells its mounts");
        let mine = |line: &&str| line.split(' ').nth(4).map(Path::new) == Some(&point);
        let mine = mounts
            .lines()
            .find(mine)
            .expect("the data directory is a mount");
        let device = mine.rsplit(' ').nth(1).expect("a mount tells its source");
        let name = device.trim_start_matches("/dev/");
        let error = format!("/sys/fs/ext4/{name}/trigger_fs_error");
        std::fs::write(&error, "a test").expect("ext4 can be told of an error");
        let probe = self.data.join("probe");
        assert!(
            std::fs::write(probe, "x").is_err(),
            "nothing can be written"
        );
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let mut kill = Command::new("kill");
        let told = kill.arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|status| status.success()));
        until("the host to end", || {
            self.child.try_wait().expect("a child can be waited for")
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
