//! The tent as a process of its own: what really reached the outside when the host ends, or is ended.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use growbox_tests::{Client, Room, until};
use serde_json::json;

pub(crate) const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 60

[zone.tent]
stage = "mid-veg"
operation = "control"

[sensor]
canopy = { zone = "tent", source = "unix:{folder}/tent.sock#canopy", interval = "1min" }

[device]
exhaust = { zone = "tent", role = "exhaust", output = "unix:{folder}/tent.sock#exhaust", min_level_percent = 25 }
circulation = { zone = "tent", role = "circulation", output = "unix:{folder}/tent.sock#circulation" }
heater = { zone = "tent", role = "heater", output = "unix:{folder}/tent.sock#heater" }
"#;

/// `growbox sim`, and what it says about its outputs.
pub(crate) struct Tent {
    process: Child,
    switches: PathBuf,
}

impl Tent {
    pub(crate) fn start(room: &Room) -> Self {
        let socket = room.path().join("tent.sock");
        let switches = room.path().join("switches");
        let mut command = room.growbox(["sim", "--speed", "60", "--socket"]);
        let to = fs::File::create(&switches).expect("the folder is writable");
        let process = command
            .arg(&socket)
            .stdout(Stdio::from(to))
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let tent = Self { process, switches };
        until("the tent's socket", || socket.exists().then_some(()));
        tent
    }

    /// Switches so far: output, level, by whom.
    pub(crate) fn switches(&self) -> Vec<(String, f64, String)> {
        let text = fs::read_to_string(&self.switches).expect("the file is there");
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let switch = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, _, output, level, by] = words[..] else {
                panic!("not understood: {line:?}");
            };
            (
                output.to_owned(),
                level.parse().expect("a level"),
                by.to_owned(),
            )
        };
        whole.lines().map(switch).collect()
    }

    /// The newest switch of an output.
    pub(crate) fn newest(&self, output: &str) -> Option<(f64, String)> {
        let mut switches = self.switches().into_iter().rev();
        let (_, level, by) = switches.find(|(name, ..)| name == output)?;
        Some((level, by))
    }

    #[track_caller]
    pub(crate) fn await_level(&self, output: &str, level: f64) -> String {
        until(&format!("{output} at {level}"), || {
            let (is, by) = self.newest(output)?;
            (is == level).then_some(by)
        })
    }
}

impl Drop for Tent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- switches of the tent: {:#?}", self.switches());
        }
    }
}

/// A person wants the heater on, and the exhaust high, for so many seconds of the room.
pub(crate) fn ask(client: &Client, seconds: u32) {
    let ask = |device: &str, level: f64| {
        json!({"type": "device.action.requested", "data": {"device_id": device, "action": "set",
            "level": level, "duration": seconds, "reason": "a test", "requester": "tester"}})
    };
    client.settle(&[ask("heater", 1.0), ask("exhaust", 0.8)]);
}

#[test]
fn a_killed_host_leaves_a_heater_that_goes_off_by_itself() {
    let room = Room::new(ROOM);
    let tent = Tent::start(&room);
    let host = room.start();
    ask(&host.client(), 300);
    assert_eq!(tent.await_level("heater", 1.0), "(Order)");
    host.kill();
    assert_eq!(tent.await_level("heater", 0.0), "(DeadMan)");
    let (level, _) = tent.newest("exhaust").expect("it was set");
    assert!(level > 0.0, "off is not where an exhaust is safe: {level}");
}

#[test]
fn an_ended_host_leaves_everything_at_its_safe_level() {
    let room = Room::new(ROOM);
    let tent = Tent::start(&room);
    let host = room.start();
    ask(&host.client(), 3000);
    tent.await_level("heater", 1.0);
    tent.await_level("exhaust", 0.8);
    assert_eq!(host.terminate().code(), Some(0));
    for (output, level) in [("heater", 0.0), ("exhaust", 0.25), ("circulation", 1.0)] {
        let by = tent.await_level(output, level);
        assert_eq!(by, "(Order)", "{output}");
    }
}
