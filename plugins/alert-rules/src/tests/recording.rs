//! The recorded office: how often its VPD is out of range.

use super::{data, room};
use growbox_sdk::calendar;
use growbox_sdk::climate;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;

const RECORDING: &str = include_str!("../../../../examples/recordings/room-2015-02-04.csv");

/// When, and VPD in kPa round a leaf as warm as the air.
fn rows() -> Vec<(u64, f64)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse().expect("is a number");
        let at = calendar::instant(cells[0], 0).expect("is a time");
        (at, climate::vpd(number(1), number(2), 0.0))
    };
    RECORDING.lines().skip(1).map(row).collect()
}

/// Plays the recording: how often it was raised, how often cleared, and the first one raised.
fn played(rule: &Value) -> (usize, usize, Option<Value>) {
    let mut room = room(&json!({"vpd_out_of_range": rule}));
    let (mut raised, mut cleared, mut first) = (0, 0, None);
    for (at, value) in rows() {
        let event = Event {
            at,
            ..room.reading("vpd", value)
        };
        room.send([event]);
        for draft in room.emitted() {
            match draft.type_.as_str() {
                "alert.raised" => {
                    assert_eq!(raised, cleared, "one at a time");
                    first.get_or_insert_with(|| data(draft));
                    raised += 1;
                }
                _ => cleared += 1,
            }
        }
    }
    (raised, cleared, first)
}

#[test]
fn the_recording_is_out_of_range_as_often_as_is_known() {
    for (target, times) in [(1.6, 7), (1.4, 5), (1.2, 1)] {
        let (raised, cleared, first) = played(&json!({"target": target}));
        assert_eq!(raised, times, "at {target}");
        println!("{target}: raised {raised}, cleared {cleared}: {first:#?}");
    }
    let (raised, cleared, _) = played(&json!({"target": 1.2}));
    assert_eq!((raised, cleared), (1, 0), "it never gets back");
}

#[test]
fn a_dwell_before_clearing_leaves_fewer() {
    for (target, times) in [(1.6, 4), (1.4, 3), (1.2, 1)] {
        let (raised, _, _) = played(&json!({"target": target, "clear_dwell": "5min"}));
        assert_eq!(raised, times, "at {target}");
    }
}
