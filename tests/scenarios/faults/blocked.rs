//! A far side that lets the host in and never reads: others go on, and it serves again when it reads;
//! nor does it keep the guardian or the end waiting.

use std::time::{Duration, Instant};

use growbox_tests::{Outside, Room, guest, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::far_room::{set, switches};

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 1
[zone.tent]
operation = "control"
[device]
stuck = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/stuck.sock#stuck" }
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/well.sock#lamp" }
"#;

/// A driver that hangs delays the others by less than this, in seconds.
const DELAY: f64 = 1.0;
/// What must be off is off this soon after any end of the host, in seconds.
const AFTER_AN_END: f64 = 5.0;
/// The longest that an end which was asked for takes.
const END: Duration = Duration::from_secs(8);

/// A room with a far side for each of its devices.
fn room() -> (Room, Outside, Outside) {
    let room = Room::new(ROOM);
    let stuck = Outside::new(&room.path().join("stuck.sock"), &["stuck"], 1.0);
    let well = Outside::new(&room.path().join("well.sock"), &["lamp"], 1.0);
    (room, stuck, well)
}

/// How long after `then` the lamp went there, by the far side's own record.
fn lamp_after(well: &Outside, level: f64, then: f64) -> f64 {
    until("the lamp to follow", || {
        let switches = switches(&well.record_since(then), "lamp");
        let there = switches.iter().find(|(_, to, _)| *to == level);
        there.map(|(at, ..)| at - then)
    })
}

#[test]
fn a_driver_that_blocks_keeps_nobody_else_waiting() {
    let (room, stuck, well) = room();
    let host = room.start();
    let client = host.client();
    stuck.deafen(true);
    for turn in 0..5 {
        let level = f64::from((turn + 1) % 2);
        set(&host, "stuck", level, 600);
        let then = well.now();
        set(&host, "lamp", level, 600);
        let after = lamp_after(&well, level, then);
        assert!(after < DELAY, "the lamp followed after {after} s");
    }
    client.wait_event("type=device.action.failed&device=stuck", |_| true);
    let then = well.now();
    set(&host, "lamp", 0.0, 600);
    let after = lamp_after(&well, 0.0, then);
    assert!(after < DELAY, "the lamp followed after {after} s");
    assert_eq!(stuck.level("stuck"), 0.0, "nothing was read");
    set(&host, "lamp", 1.0, 600);
    stuck.deafen(false);
    until("the other one to follow too", || {
        (stuck.level("stuck") == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!((stuck.level("stuck"), well.level("lamp")), (0.0, 0.0));
}

#[test]
fn a_driver_that_hangs_keeps_no_guardian_waiting() {
    let (room, stuck, well) = room();
    let host = room.start_guarded();
    set(&host, "stuck", 1.0, 600);
    until("it to be on", || {
        (stuck.level("stuck") == 1.0).then_some(())
    });
    set(&host, "lamp", 1.0, 600);
    until("it to be on", || (well.level("lamp") == 1.0).then_some(()));
    stuck.deafen(true);
    let then = well.now();
    let host = host.replaced_after(Signal::KILL);
    let after = lamp_after(&well, 0.0, then);
    assert!(after <= AFTER_AN_END, "the lamp was on for {after} s");
    assert_eq!(stuck.level("stuck"), 1.0, "nothing was read");
    stuck.deafen(false);
    until("the other one to be off too", || {
        (stuck.level("stuck") == 0.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
}

/// How long a host takes to end, asked so many times, beside a far side that does not listen and a
/// plug-in that has not finished.
fn end(times: u32) -> Duration {
    let slow = guest("slow");
    let (room, stuck, well) = room();
    room.configure(&format!(
        "{ROOM}[plugin.slow]\nfile = {slow:?}\ndeadline = \"10s\"\nsettings = {{ milliseconds = 8000 }}\n"
    ));
    let host = room.start();
    for device in ["stuck", "lamp"] {
        set(&host, device, 1.0, 600);
    }
    until("both to be on", || {
        (stuck.level("stuck") == 1.0 && well.level("lamp") == 1.0).then_some(())
    });
    stuck.deafen(true);
    let reading = json!({"type": "sensor.temperature", "metadata": {"zone": "tent"},
                         "data": {"sensor_id": "canopy", "value": 20.0}});
    let kept = host.client().post("/api/v1/events?durable=true", &reading);
    let _ = kept.expect(200);
    let (asked, then) = (Instant::now(), well.now());
    let pid = i32::try_from(host.pid()).ok().and_then(Pid::from_raw);
    let pid = pid.expect("a child has a number");
    for time in 0..times {
        until("it to have heard the one before", || {
            let heard = host.log().matches("host.stopping").count();
            (heard >= usize::try_from(time.min(1)).unwrap_or(1)).then_some(())
        });
        kill_process(pid, Signal::TERM).expect("it lives");
    }
    assert_eq!(host.ended().code(), Some(0));
    let took = asked.elapsed();
    let after = lamp_after(&well, 0.0, then);
    assert!(after <= took.as_secs_f64(), "the lamp was on for {after} s");
    took
}

#[test]
fn an_end_takes_no_longer_than_it_may_and_asked_again_it_skips_to_the_safe_levels() {
    let (once, twice) = (end(1), end(2));
    println!("asked once it takes {once:?}, asked twice {twice:?}");
    assert!(once < END, "it took {once:?}");
    assert!(twice < once.mul_f64(0.6), "{twice:?} against {once:?}");
}
