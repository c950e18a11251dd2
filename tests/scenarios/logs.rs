//! The host's own log: lines for programs where that is asked for, and no secret in any of them.

use growbox_tests::{Room, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[test]
fn json_lines_have_stable_names_and_no_token() {
    let room = Room::new("[zone.tent]\nstage = \"mid-veg\"\n");
    let mut command = room.run();
    command
        .args(["--log-format", "json"])
        .env("GROWBOX_LOG", "trace");
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let host = command.spawn().expect("the binary starts");
    until("the address", || {
        std::fs::read_to_string(room.data().join("address")).ok()
    });
    let token = std::fs::read_to_string(room.data().join("token")).expect("a token");
    // A change carries the token.
    room.cli(["stop", "--reason", "a look"]).expect(0);
    let pid = Pid::from_child(&host);
    kill_process(pid, Signal::TERM).expect("a child can be signalled");
    let output = host.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!log.contains(token.trim()), "the token is in the log");
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let event = |name: &str| {
        let found = lines.iter().find(|line| line["event"] == name);
        found.unwrap_or_else(|| panic!("no {name} in\n{log}"))
    };
    let started = event("host.started");
    assert_eq!(started["level"], "INFO");
    for field in ["timestamp", "message", "address", "data", "version"] {
        assert!(started[field].is_string(), "{field}: {started}");
    }
    assert_eq!(event("host.stopping")["reason"], "TERM");
}

#[test]
fn an_unknown_format_is_wrong_usage() {
    let room = Room::new("[zone.tent]\n");
    let wrong = room.cli(["run", "--log-format", "xml"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("json"), "{wrong:?}");
}
