//! A real MQTT broker for the tests that need one: found, or installed from the system's packages.

use std::path::Path;
use std::process::{Command, Stdio};

/// The suite that needs it, as its tests are named.
pub(crate) const SUITE: &str = "mosquitto";

/// Whether there is one by now. Installed where this is Debian and the user may.
pub(crate) fn is_there() -> bool {
    found() || (may_install() && install() && found())
}

fn found() -> bool {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let beside = ["/usr/sbin".into(), "/usr/local/sbin".into()];
    std::env::split_paths(&places)
        .chain(beside)
        .any(|place| place.join("mosquitto").is_file())
}

/// Root on Debian or one of its kind.
fn may_install() -> bool {
    let id = crate::run::asked(Command::new("id").arg("-u"));
    id.is_some_and(|id| id.trim() == "0") && Path::new("/etc/debian_version").exists()
}

fn install() -> bool {
    eprintln!("xtask test: installing mosquitto for the MQTT suite");
    let quiet = |words: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        apt.status().is_ok_and(|status| status.success())
    };
    let package = [
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "mosquitto",
    ];
    quiet(&package) || (quiet(&["update", "-qq"]) && quiet(&package))
}
