//! `growbox ingest`: what goes in, what is refused by its line, and what a host that goes away costs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};

use growbox_tests::{Host, Room, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const ROOM: &str = "[zone.tent]\nstage = \"mid-veg\"\n";

fn reading(id: &str, value: f64) -> String {
    let event = json!({"id": id, "type": "sensor.temperature",
        "data": {"sensor_id": "canopy", "value": value}, "metadata": {"zone": "tent"}});
    format!("{event}\n")
}

fn ids(host: &Host) -> Vec<String> {
    let events = host.client().events("type=sensor.*");
    let ids = events.iter().filter_map(|event| event["id"].as_str());
    ids.map(str::to_owned).collect()
}

/// `growbox ingest` on a pipe that the test fills.
fn piped(room: &Room, words: &[&str]) -> (Child, ChildStdin) {
    let mut command = room.growbox(["ingest"]);
    command.args(words).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let pipe = child.stdin.take().expect("a pipe was asked for");
    (child, pipe)
}

fn ended(child: Child) -> (Option<i32>, Value, String) {
    let output = child.wait_with_output().expect("a child can be waited for");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let sum = serde_json::from_str(&stdout).unwrap_or(Value::String(stdout));
    (output.status.code(), sum, stderr)
}

#[test]
fn a_file_goes_in_and_bad_lines_are_named() {
    let room = Room::new(ROOM);
    let host = room.start();
    let mut text = String::from("\u{feff}");
    for number in 0..2500 {
        text += &reading(&format!("n{number}"), 20.0 + f64::from(number % 7));
    }
    text += "\nno json\n[1,2]\n";
    text += &reading("n7", 20.0);
    text += "{\"type\":\"sensor.temprature\",\"data\":{}}\n";
    text += &format!("{{\"type\":\"{}\"}}\n", "x".repeat(300_000));
    text += reading("last", 400.0).trim_end();
    let file = room.path().join("in.jsonl");
    std::fs::write(&file, &text).expect("the folder is writable");
    let mut command = room.growbox(["ingest", "--durable", "--json"]);
    let output = command.arg(&file).output().expect("the binary starts");
    let sum: Value = serde_json::from_slice(&output.stdout).expect("a sum");
    let wanted = json!({"lines": 2507, "accepted": 2501, "duplicate": 1, "late": 0, "bad": 1,
        "refused": 4, "unknown": 0, "unsent": 0});
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(sum, wanted, "{stderr}");
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "line 2502: refused: it is no JSON",
        "line 2503: refused: an event is a JSON object",
        "line 2505: refused: unknown event type",
        "sensor.temperature",
        "line 2506: refused: it is longer",
    ] {
        assert!(stderr.contains(part), "{part} is missing in\n{stderr}");
    }
    assert_eq!(stderr.lines().count(), 4, "{stderr}");
    let log = ids(&host);
    assert_eq!(
        (log.len(), log[0].as_str(), log[2500].as_str()),
        (2501, "n0", "last")
    );
    let first = &host.client().events("type=sensor.*")[0];
    assert_eq!(first["source"], "stdin");
}

#[test]
fn an_empty_input_is_a_whole_one_and_a_missing_one_is_wrong_usage() {
    let room = Room::new(ROOM);
    let nobody = room.cli(["ingest"]);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    let _host = room.start();
    assert_eq!(room.cli(["ingest"]).expect(0), "0 lines: 0 taken\n");
    let missing = room.cli(["ingest", "not-there.jsonl"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("not-there.jsonl"), "{missing:?}");
    let export = room.path().join("export.jsonl");
    std::fs::write(&export, room.cli(["events", "export"]).expect(0))
        .expect("the folder is writable");
    let export = room.cli(["ingest", "export.jsonl"]);
    assert_eq!(
        export.code,
        Some(2),
        "what happened is not said again: {export:?}"
    );
}

#[test]
fn a_growing_pipe_is_taken_as_it_grows_and_an_interruption_is_clean() {
    let room = Room::new(ROOM);
    let host = room.start();
    let (child, mut pipe) = piped(&room, &["--json"]);
    for id in ["one", "two"] {
        pipe.write_all(reading(id, 21.0).as_bytes())
            .expect("it reads");
        until("the event", || {
            ids(&host).contains(&id.to_owned()).then_some(())
        });
    }
    let pid = Pid::from_raw(child.id().try_into().expect("a small number")).expect("a process");
    kill_process(pid, Signal::INT).expect("a child can be signalled");
    let (code, sum, stderr) = ended(child);
    drop(pipe);
    assert_eq!(
        (code, &sum["accepted"], &sum["lines"]),
        (Some(0), &json!(2), &json!(2)),
        "{stderr}"
    );
}

#[test]
fn a_restart_costs_nothing_where_ids_are_given() {
    let room = Room::new(ROOM);
    let host = room.start();
    let (mut child, mut pipe) = piped(&room, &["--durable", "--json"]);
    pipe.write_all(reading("before", 21.0).as_bytes())
        .expect("it reads");
    until("the event", || {
        ids(&host).contains(&"before".to_owned()).then_some(())
    });
    host.kill();
    let wanted: Vec<String> = (0..50).map(|number| format!("during{number}")).collect();
    for id in &wanted {
        pipe.write_all(reading(id, 21.0).as_bytes())
            .expect("it reads");
    }
    // It has noticed that nobody is there, and says so once.
    let mut told = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe was asked for"));
    stderr.read_line(&mut told).expect("it speaks");
    assert!(told.starts_with("waiting:"), "{told}");
    let host = room.start();
    drop(pipe);
    let (code, sum, _) = ended(child);
    assert_eq!((code, &sum["accepted"]), (Some(0), &json!(51)), "{sum}");
    let log = ids(&host);
    assert_eq!(log[1..], wanted[..], "each once, in order");
}
