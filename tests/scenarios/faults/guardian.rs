//! The guardian over the real binary: whatever ends the host, devices are where they are safe, and it comes back.

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use growbox_tests::{By, DEADLINE, FarSide, Host, Outside, Reply, Room, What, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::bench_room::Bench;

/// What must be off is off this soon after any end of the host, in seconds.
const AFTER_AN_END: f64 = 5.0;
/// And after its flow has hung.
const AFTER_A_HANG: f64 = 7.0;

/// A guarded room in which fan and valve are on.
fn running() -> (Bench, Host) {
    let bench = Bench::new(1.0);
    let host = bench.room.start_guarded();
    switch_on(&bench, &host);
    (bench, host)
}

fn switch_on(bench: &Bench, host: &Host) {
    let set = json!({"level": 1.0, "for": 3600, "who": "ann", "reason": "a test"});
    for device in ["fan", "valve"] {
        let path = format!("/api/v1/devices/{device}/set");
        let _ = host.client().post(&path, &set).expect(200);
        until("it to be on", || {
            (bench.outside.level(device) == 1.0).then_some(())
        });
    }
}

/// How long after `then` the valve went off, by the far side's own record.
fn off_after(bench: &Bench, then: f64) -> f64 {
    until("the valve to be off", || {
        let off = What::Switched("valve".to_owned(), 0.0, By::Order);
        let record = bench.outside.record();
        let entry = record
            .iter()
            .find(|entry| entry.at >= then && entry.what == off);
        entry.map(|entry| entry.at - then)
    })
}

/// The deeds of the guardian in the log.
fn deeds(host: &Host) -> Vec<Value> {
    let answer = host
        .client()
        .get("/api/v1/events?type=device.state.changed&limit=1000")
        .expect(200);
    let events = answer["events"].as_array().expect("a list").clone();
    let of_guardian = |event: &Value| {
        let trigger = event["data"]["trigger"].as_str();
        trigger.is_some_and(|trigger| trigger.starts_with("guardian: "))
    };
    events.into_iter().filter(of_guardian).collect()
}

#[test]
fn a_host_that_is_killed_leaves_nothing_on_and_comes_back() {
    let (bench, host) = running();
    let then = bench.outside.now();
    let host = host.replaced_after(Signal::KILL);
    let after = off_after(&bench, then);
    assert!(after <= AFTER_AN_END, "the valve was on for {after} s");
    until("the fan to be at its safe level", || {
        (bench.outside.level("fan") == 0.25).then_some(())
    });
    let deeds = deeds(&host);
    let valve = deeds
        .iter()
        .find(|event| event["data"]["device_id"] == "valve")
        .expect("the log tells what the guardian did");
    assert_eq!(
        valve["data"]["trigger"],
        "guardian: the host was ended by signal 9"
    );
    assert_eq!(valve["data"]["new_state"], "off");
    assert!(!bench.room.data().join("guardian.jsonl").exists());
    switch_on(&bench, &host);
    bench.acquit();
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_host_that_stands_still_is_replaced() {
    let (bench, host) = running();
    let then = bench.outside.now();
    let host = host.replaced_after(Signal::STOP);
    let after = off_after(&bench, then);
    assert!(after <= AFTER_A_HANG, "the valve was on for {after} s");
    let deeds = deeds(&host);
    let told = deeds[0]["data"]["trigger"].as_str().expect("a text");
    assert!(told.contains("the host hung"), "{told}");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_host_that_loses_its_guardian_ends_cleanly() {
    let (bench, host) = running();
    let pid = host.guarded_pid();
    host.kill();
    until("the host to be gone", || {
        kill_process(pid, Signal::URG).is_err().then_some(())
    });
    assert_eq!(bench.outside.level("valve"), 0.0);
    let log = std::fs::read_to_string(bench.room.path().join("host.log")).expect("there");
    assert!(log.contains("the guardian is gone"), "{log}");
}

#[test]
fn a_host_that_ends_when_asked_takes_its_guardian_with_it() {
    let (bench, host) = running();
    kill_process(host.guarded_pid(), Signal::TERM).expect("it lives");
    assert_eq!(host.ended().code(), Some(0));
    assert_eq!(bench.outside.level("valve"), 0.0);
    assert!(!bench.room.data().join("guardian.jsonl").exists());
}

#[test]
fn a_host_that_ends_while_a_device_does_not_answer_is_not_believed() {
    let (bench, host) = running();
    bench.outside.vanish();
    let pid = host.guarded_pid();
    let guardian = Pid::from_raw(host.pid().cast_signed()).expect("it has a number");
    kill_process(guardian, Signal::TERM).expect("it lives");
    until("the host to be gone", || {
        kill_process(pid, Signal::URG).is_err().then_some(())
    });
    assert_eq!(bench.outside.level("valve"), 1.0);
    bench.outside.appear();
    assert_eq!(host.ended().code(), Some(0));
    assert_eq!(bench.outside.level("valve"), 0.0);
}

#[test]
fn a_host_that_dies_while_it_ends_leaves_nothing_on() {
    let (bench, host) = running();
    let pid = host.guarded_pid();
    let guardian = Pid::from_raw(host.pid().cast_signed()).expect("it has a number");
    for (whom, signal) in [
        (pid, Signal::STOP),
        (guardian, Signal::TERM),
        (pid, Signal::KILL),
    ] {
        kill_process(whom, signal).expect("it lives");
    }
    assert_eq!(host.ended().code(), Some(1));
    assert_eq!(bench.outside.level("valve"), 0.0);
}

#[test]
fn the_fourth_failure_in_a_row_is_the_last() {
    let (bench, mut host) = running();
    for _ in 0..3 {
        host = host.replaced_after(Signal::KILL);
    }
    switch_on(&bench, &host);
    let then = bench.outside.now();
    kill_process(host.guarded_pid(), Signal::KILL).expect("it lives");
    let after = off_after(&bench, then);
    assert!(after <= AFTER_AN_END, "the valve was on for {after} s");
    until("the guardian to give up", || {
        let log = host.log();
        log.contains("it is not started any more").then_some(())
    });
    let asked = until("whoever asks to be told", || {
        let asked = bench.room.cli(["health"]);
        let told = asked.stderr.contains("is not started any more");
        told.then_some(asked)
    });
    assert_eq!(asked.code, Some(3), "{asked:?}");
    assert_eq!(host.terminate().code(), Some(1));
    assert_eq!(bench.outside.level("valve"), 0.0);
}

#[test]
fn what_a_host_left_on_goes_off_though_the_next_one_fails_from_the_beginning() {
    let bench = Bench::new(1.0);
    let host = bench.room.start();
    switch_on(&bench, &host);
    // Somebody starts a second one by mistake: that one touches nothing.
    let ended = bench.room.guarded().output().expect("the binary starts");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(bench.outside.level("valve"), 1.0);
    assert_eq!(host.client().row("devices", "valve")["level"], 1.0);
    host.kill();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("bound").to_string();
    let mut run = bench
        .room
        .growbox(["run", "--listen", &address, "--config"]);
    let run = run.arg(bench.room.config());
    let ended = run.output().expect("the binary starts");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(bench.outside.level("valve"), 0.0);
    assert_eq!(bench.outside.level("fan"), 0.25);
}

#[test]
fn a_guardian_whose_words_nobody_reads_drives_all_the_same() {
    let bench = Bench::new(1.0);
    let words = bench.room.path().join("words");
    let made = Command::new("mkfifo").arg(&words).status();
    assert!(made.expect("there is a mkfifo").success());
    // Open at both ends, so that nobody waits for the other; full from here on.
    let mut full = std::fs::File::options();
    let mut full = full.read(true).write(true).open(&words).expect("there");
    std::thread::spawn(move || while full.write_all(&[b'x'; 4096]).is_ok() {});
    let run = bench.room.guarded();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>words"])
        .arg(run.get_program())
        .args(run.get_args())
        .env("GROWBOX_DATA", bench.room.data())
        .current_dir(bench.room.path());
    let host = bench.room.start_as(command);
    switch_on(&bench, &host);
    let then = bench.outside.now();
    let host = host.replaced_after(Signal::KILL);
    let after = off_after(&bench, then);
    assert!(after <= AFTER_AN_END, "the valve was on for {after} s");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_guardian_that_gives_up_calls_for_help() {
    let webhook = FarSide::http(&[Reply::Status(204, "")]);
    let room = Room::new(&format!(
        "[zone.tent]\noperation = \"control\"\n[notify]\nwebhook = \"http://{}/hook\"\n",
        webhook.authority()
    ));
    let mut host = room.start_guarded();
    for _ in 0..3 {
        host = host.replaced_after(Signal::KILL);
    }
    kill_process(host.guarded_pid(), Signal::KILL).expect("it lives");
    let said = until("somebody to be called", || {
        let said = webhook.said();
        let help = |said: &String| said.contains("is not started any more");
        said.into_iter().find(help)
    });
    assert!(said.starts_with("POST /hook"), "{said}");
    assert!(said.contains("the host was ended by signal 9"), "{said}");
    assert_eq!(host.terminate().code(), Some(1));
}

/// A lamp that is to run for a minute once it is on.
const LAMP: &str = r#"
[zone.tent]
operation = "control"
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = 60, min_off = 0, output = "unix:{folder}/room.sock#lamp" }
"#;

#[test]
fn who_breaks_a_minimum_on_says_so() {
    let room = Room::new(LAMP);
    let outside = Outside::new(&room.path().join("room.sock"), &["lamp"], 1.0);
    let lamp_on = |host: &Host| {
        let set = json!({"level": 1.0, "for": 3600, "who": "ann", "reason": "a test"});
        let _ = host
            .client()
            .post("/api/v1/devices/lamp/set", &set)
            .expect(200);
        until("the lamp to be on", || {
            (outside.level("lamp") == 1.0).then_some(())
        });
        until("the plan to be on disk", || {
            let plan = std::fs::read_to_string(room.data().join("safe.json")).ok()?;
            plan.contains(r#""level":1.0"#).then_some(())
        });
    };
    let told = |host: &Host, why: &str| {
        let why = format!("{why}; breaks the minimum on");
        host.client()
            .wait_event("type=device.state.changed", |event| {
                event["data"]["trigger"] == why.as_str()
            });
        assert_eq!(outside.level("lamp"), 0.0);
    };
    let host = room.start_guarded();
    lamp_on(&host);
    let host = host.replaced_after(Signal::KILL);
    told(&host, "guardian: the host was ended by signal 9");
    assert_eq!(host.terminate().code(), Some(0));

    let host = room.start();
    lamp_on(&host);
    host.kill();
    let _ = room.cli(["safe"]).expect(0);
    let host = room.start();
    told(&host, "growbox safe: no host was left");
    assert_eq!(host.terminate().code(), Some(0));
}

/// A fan that must run when nobody decides, and rests six seconds first.
const FAN: &str = r#"
[zone.tent]
operation = "control"
[device]
fan = { zone = "tent", role = "circulation", switched = true, never_off = false, safe_level = 1, start_level = 0, cool_down = 0, min_on = 0, min_off = 6, output = "unix:{folder}/room.sock#fan" }
"#;

#[test]
fn what_must_be_on_goes_on_as_soon_as_its_minimum_off_allows() {
    const MIN_OFF: f64 = 6.0;
    let room = Room::new(FAN);
    let outside = Outside::new(&room.path().join("room.sock"), &["fan"], 1.0);
    let mut host = room.start_guarded();
    for _ in 0..3 {
        host = host.replaced_after(Signal::KILL);
    }
    // The fourth host switches it on, and a person off again.
    let set = |level: f64| {
        let set = json!({"level": level, "for": 3600, "who": "ann", "reason": "a test"});
        let _ = host
            .client()
            .post("/api/v1/devices/fan/set", &set)
            .expect(200);
        until("the fan to follow", || {
            (outside.level("fan") == level).then_some(())
        });
    };
    set(1.0);
    set(0.0);
    let switched = |level: f64| {
        let wanted = What::Switched("fan".to_owned(), level, By::Order);
        let record = outside.record();
        let newest = record.iter().rev().find(|entry| entry.what == wanted);
        newest.map(|entry| entry.at).expect("it was switched")
    };
    let off = switched(0.0);
    kill_process(host.guarded_pid(), Signal::KILL).expect("it lives");
    until("the fan to be on", || {
        (outside.level("fan") == 1.0).then_some(())
    });
    let rested = switched(1.0) - off;
    assert!(rested >= MIN_OFF - 0.01, "it rested {rested} s");
    assert!(
        rested <= MIN_OFF + AFTER_AN_END,
        "it was off for {rested} s"
    );
    assert_eq!(host.terminate().code(), Some(1));
    assert_eq!(outside.level("fan"), 1.0);
}

#[test]
fn a_hangup_while_the_host_begins_ends_nobody() {
    let bench = Bench::new(1.0);
    let starting = bench.room.launch_guarded();
    let guardian = starting.pid();
    let hang_up = || {
        let guardian = Pid::from_raw(guardian.cast_signed()).expect("it has a number");
        kill_process(guardian, Signal::HUP).expect("it lives");
    };
    until("the guardian to have a host", || {
        let children = format!("/proc/{guardian}/task/{guardian}/children");
        let children = std::fs::read_to_string(children).ok()?;
        (!children.is_empty()).then_some(())
    });
    hang_up();
    let host = starting.ready();
    hang_up();
    assert!(!host.log().contains("signal 1"), "{}", host.log());
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn systemd_hears_that_it_is_ready_that_it_lives_and_that_it_ends() {
    let bench = Bench::new(1.0);
    let path = bench.room.path().join("notify.sock");
    let systemd = UnixDatagram::bind(&path).expect("the folder is writable");
    systemd
        .set_read_timeout(Some(DEADLINE))
        .expect("a time is a time");
    let run = bench.room.guarded();
    // systemd names the process it wants to hear of, which only that process knows by now.
    let mut guardian = Command::new("sh")
        .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" \"$@\""])
        .arg(run.get_program())
        .args(run.get_args())
        .env("GROWBOX_DATA", bench.room.data())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let await_word = |wanted: &str| {
        let mut bytes = [0; 4096];
        loop {
            let length = systemd.recv(&mut bytes).expect("it is said in time");
            let said = String::from_utf8_lossy(&bytes[..length]);
            if said.lines().any(|line| line == wanted) {
                return;
            }
        }
    };
    await_word("WATCHDOG=1");
    await_word("READY=1");
    await_word("WATCHDOG=1");
    kill_process(Pid::from_child(&guardian), Signal::TERM).expect("it lives");
    await_word("STOPPING=1");
    let ended = guardian.wait().expect("a child can be waited for");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn what_is_wrong_from_the_beginning_is_told_at_once() {
    let room = Room::new("[zone.tent]\noperation = \"contrl\"\n");
    let ended = room.guarded().output().expect("the binary starts");
    assert_eq!(ended.status.code(), Some(2));
    let told = String::from_utf8_lossy(&ended.stderr);
    let told = told.matches("unknown operation").count();
    assert_eq!(told, 1, "it is said once");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("bound").to_string();
    room.configure("[zone.tent]\noperation = \"control\"\n");
    let mut run = room.growbox(["run", "--listen", &address, "--config"]);
    let ended = run.arg(room.config()).output().expect("the binary starts");
    assert_eq!(ended.status.code(), Some(1));
}
