//! What anybody may do next: a plug-in, people, a sensor, time, and what breaks.

use growbox_tests::What;
use serde_json::{Value, json};

use super::plan::{DEVICES, SWITCHED, of};
use super::sequence::Sequence;

/// One thing that may be done.
type Act = fn(&mut Sequence);

/// What may be done, and how often.
const ACTS: [(u64, Act); 19] = [
    (300, wait),
    (40, wait_long),
    (4, leap),
    (240, ask),
    (40, dose),
    (40, let_go),
    (140, set),
    (30, hold),
    (50, release),
    (90, warm),
    (30, mislead),
    (6, heat),
    (8, chill),
    (6, stop),
    (60, reset),
    (24, work),
    (14, operate),
    (12, hand),
    (10, disturb),
];

/// Does one thing, and lets the room come to rest.
pub(super) fn one(sequence: &mut Sequence) {
    let all: u64 = ACTS.iter().map(|(weight, _)| weight).sum();
    let mut left = sequence.chance.below(all);
    for (weight, act) in ACTS {
        if left < weight {
            act(sequence);
            break;
        }
        left -= weight;
    }
    sequence.pass(0.0);
}

fn anybody(sequence: &mut Sequence) -> &'static str {
    of(&mut sequence.chance, DEVICES)
}

fn level(sequence: &mut Sequence, device: &str) -> f64 {
    let between: f64 = of(&mut sequence.chance, [0.0, 1.0, 1.0, 0.1, 0.5]);
    if SWITCHED.contains(&device) {
        between.round()
    } else {
        between
    }
}

fn length(sequence: &mut Sequence) -> f64 {
    of(&mut sequence.chance, [1.0, 4.0, 15.0, 60.0, 300.0])
}

fn wait(sequence: &mut Sequence) {
    let seconds = of(&mut sequence.chance, [0.1, 0.5, 1.0, 2.5, 7.0]);
    sequence.pass(seconds);
}

/// Step by step, as a room does in which readings come in.
fn wait_long(sequence: &mut Sequence) {
    let steps = sequence.chance.below(30);
    for _ in 0..steps {
        sequence.pass(1.0);
    }
}

/// Nothing is heard for long.
fn leap(sequence: &mut Sequence) {
    let seconds = of(&mut sequence.chance, [120.0, 1800.0, 7200.0, 90_000.0]);
    sequence.pass(seconds);
}

fn ask(sequence: &mut Sequence) {
    let device = anybody(sequence);
    let (level, lease) = (level(sequence, device), length(sequence));
    sequence.ask(&json!({"device": device, "level": level, "lease": lease}));
}

fn dose(sequence: &mut Sequence) {
    let seconds = of(&mut sequence.chance, [0.5, 3.0, 8.0, 25.0]);
    sequence.ask(&json!({"device": "pump", "pulse": seconds}));
}

fn let_go(sequence: &mut Sequence) {
    let device = anybody(sequence);
    sequence.ask(&json!({"device": device}));
}

fn persons(sequence: &mut Sequence, verb: &str) {
    let device = anybody(sequence);
    let (level, length) = (level(sequence, device), length(sequence));
    let words = json!({"level": level, "for": length});
    let _ = sequence.order(&format!("devices/{device}/{verb}"), words);
}

fn set(sequence: &mut Sequence) {
    persons(sequence, "set");
}

fn hold(sequence: &mut Sequence) {
    persons(sequence, "hold");
}

fn release(sequence: &mut Sequence) {
    let device = anybody(sequence);
    let _ = sequence.order(&format!("devices/{device}/release"), json!({}));
}

fn warm(sequence: &mut Sequence) {
    let celsius = of(&mut sequence.chance, [20.0, 24.5, 28.0]);
    sequence.warm(celsius);
}

fn heat(sequence: &mut Sequence) {
    sequence.warm(43.0);
}

/// The valve must open, whatever the lamp does.
fn chill(sequence: &mut Sequence) {
    sequence.warm(-5.0);
}

/// Impossible, or of long ago.
fn mislead(sequence: &mut Sequence) {
    let (celsius, ago) = of(
        &mut sequence.chance,
        [(900.0, 0.0), (20.0, 40.0), (43.0, 40.0)],
    );
    sequence.mislead(celsius, ago);
}

fn stop(sequence: &mut Sequence) {
    sequence.stopped |= sequence.order("stop", json!({}));
}

fn reset(sequence: &mut Sequence) {
    sequence.reset();
}

/// Somebody begins to work at a device, or has done.
fn work(sequence: &mut Sequence) {
    let device = anybody(sequence);
    let path = |verb: &str| format!("devices/{device}/{verb}");
    let note = |sequence: &Sequence, what: fn(String) -> What| {
        sequence.plan.bench.outside.note(what(device.to_owned()));
    };
    // Who works at it has gone before it is unlocked, and comes once it is locked out.
    let ordered = match sequence.locked.iter().position(|locked| *locked == device) {
        Some(place) => {
            sequence.locked.remove(place);
            note(sequence, What::Unlocked);
            sequence.order(&path("unlock"), json!({}))
        }
        None => {
            let ordered = sequence.order(&path("lock-out"), json!({}));
            sequence.locked.push(device);
            note(sequence, What::LockedOut);
            ordered
        }
    };
    assert!(ordered, "{device} can be locked out, and unlocked");
}

fn operate(sequence: &mut Sequence) {
    let operation = of(
        &mut sequence.chance,
        ["control", "control", "control", "paused", "observe"],
    );
    let words: Value = json!({"operation": operation});
    if sequence.order("zones/tent", words) {
        sequence.operation = operation;
    }
}

/// Somebody at a device moves it, as one may who does not know that it is watched.
fn hand(sequence: &mut Sequence) {
    let device = anybody(sequence);
    if sequence.locked.contains(&device) {
        return;
    }
    let level = of(&mut sequence.chance, [0.0, 1.0]);
    sequence.turn(device, level);
}

fn disturb(sequence: &mut Sequence) {
    let seconds = of(&mut sequence.chance, [0.0, 0.5, 5.0, 60.0]);
    match sequence.chance.below(4) {
        0 => sequence.lose_the_far_side(seconds),
        1 => sequence.restart(seconds),
        2 => sequence.kill(seconds, false),
        _ => sequence.kill(seconds, true),
    }
}
