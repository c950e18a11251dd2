//! A room of a test's own configuration beside a far side, and what tests ask of both.

use growbox_tests::{By, Entry, Host, Outside, Room, What, until};
use serde_json::{Value, json};

/// The room, and the far side behind its `room.sock`.
pub(crate) struct FarRoom {
    pub(crate) room: Room,
    pub(crate) outside: Outside,
}

impl FarRoom {
    /// With these outputs, at `speed` seconds of the room a second.
    pub(crate) fn new(configuration: &str, outputs: &[&str], speed: f64) -> Self {
        let room = Room::new(configuration);
        let outside = Outside::new(&room.path().join("room.sock"), outputs, speed);
        Self { room, outside }
    }

    /// What lays record and log side by side: the sensor `mark` says when it is.
    pub(crate) fn mark(&self) {
        let now = self.outside.now();
        self.outside.say("mark", "illuminance", now);
    }

    /// Waits until an output is there.
    #[track_caller]
    pub(crate) fn follows(&self, output: &str, level: f64) {
        until(&format!("{output} to be at {level}"), || {
            (self.outside.level(output) == level).then_some(())
        });
    }

    /// The log, as `growbox events export` writes it.
    #[track_caller]
    pub(crate) fn export(&self) -> Vec<Value> {
        self.room.export(&self.room.data())
    }

    /// What the output did since a moment of the room: when, where to, by whom.
    pub(crate) fn switches(&self, output: &str, since: f64) -> Vec<(f64, f64, By)> {
        switches(&self.outside.record_since(since), output)
    }
}

/// What an output did by a record: when, where to, by whom.
pub(crate) fn switches(record: &[Entry], output: &str) -> Vec<(f64, f64, By)> {
    let switch = |entry: &Entry| match &entry.what {
        What::Switched(name, level, by) if name == output => Some((entry.at, *level, *by)),
        _ => None,
    };
    record.iter().filter_map(switch).collect()
}

/// A person sets a device for so many seconds of the room.
#[track_caller]
pub(crate) fn set(host: &Host, device: &str, level: f64, seconds: u64) {
    let words = json!({"level": level, "for": seconds, "who": "ann", "reason": "a test"});
    let path = format!("/api/v1/devices/{device}/set");
    let _ = host.client().post(&path, &words).expect(200);
}

/// A person says `stop` or `reset`, of everything.
#[track_caller]
pub(crate) fn say(host: &Host, word: &str) {
    let who = json!({"who": "ann", "reason": "a test"});
    let path = format!("/api/v1/{word}");
    let _ = host.client().post(&path, &who).expect(200);
}
