//! The disk fills up while devices run: what is asked may be refused, and no limit is broken.

use std::fs;
use std::time::{Duration, Instant};

use growbox_tests::{Chance, until};
use serde_json::Value;

use super::bench_room::{Bench, devices};
use crate::hostile::disk::{fill, fill_log};
use crate::hostile::mounted::{self, Mounted};

const STRETCH: Duration = Duration::from_secs(4);

/// People go on asking; a refusal is an answer.
pub(super) fn ask_around(bench: &Bench, data: &str, chance: &mut Chance) -> usize {
    let names: Vec<&str> = devices().filter(|name| *name != "pump").collect();
    let (begun, mut done) = (Instant::now(), 0);
    while begun.elapsed() < STRETCH {
        let name = names[usize::try_from(chance.below(names.len() as u64)).expect("a place")];
        let level = ["off", "on"][usize::try_from(chance.below(2)).expect("one of two")];
        let words = ["--data", data, "device", "set", name, level, "--for", "6s"];
        let answer = bench.room.cli(words);
        assert!(matches!(answer.code, Some(0 | 1)), "{answer:?}");
        done += usize::from(answer.code == Some(0));
        bench.outside.say(
            "canopy",
            "temperature",
            20.0 + f64::from(u32::try_from(done % 50).unwrap_or(0)) / 10.0,
        );
    }
    done
}

#[test]
fn a_full_disk_breaks_no_limit() {
    if !mounted::possible("a_full_disk_breaks_no_limit") {
        return;
    }
    let bench = Bench::new(4.0);
    let host = Mounted::start(&bench.room, "mount -t tmpfs -o size=256m tmpfs \"$0\"");
    let data = host.data().display().to_string();
    let mut chance = Chance::new();
    assert!(ask_around(&bench, &data, &mut chance) > 0);
    let ballast = host.data().join("ballast");
    fill(&ballast);
    ask_around(&bench, &data, &mut chance);
    fs::remove_file(&ballast).expect("is there");
    assert!(ask_around(&bench, &data, &mut chance) > 0, "it goes on");
    bench.acquit_by(&bench.room.export(host.data()));
    assert_eq!(host.terminate().code(), Some(0));
}

/// Why a device is where it is, in words.
fn why(bench: &Bench, data: &str, device: &str) -> String {
    let list = ["--data", data, "device", "list", "--json"];
    let rows: Value = serde_json::from_str(&bench.room.cli(list).expect(0)).expect("JSON");
    let rows = rows["devices"].as_array().expect("a list").clone();
    let row = rows.into_iter().find(|row| row["id"] == device);
    row.expect("it is there")["why"].to_string()
}

#[test]
fn a_full_log_makes_neither_safety_nor_the_stop_deaf() {
    if !mounted::possible("a_full_log_makes_neither_safety_nor_the_stop_deaf") {
        return;
    }
    let bench = Bench::new(4.0);
    let host = Mounted::start(&bench.room, "mount -t tmpfs -o size=256m tmpfs \"$0\"");
    let data = host.data().display().to_string();
    let ballast = host.data().join("ballast");
    fill(&ballast);
    fill_log(host.address);
    let turn_on = |device: &str| {
        let words = [
            "--data", &data, "device", "set", device, "on", "--for", "60s",
        ];
        let _ = bench.room.cli(words).expect(0);
        until("it to be on", || {
            (bench.outside.level(device) == 1.0).then_some(())
        });
    };
    let goes_off = |device: &str| {
        until("it to be off", || {
            (bench.outside.level(device) == 0.0).then_some(())
        });
    };
    bench.outside.say("canopy", "temperature", 20.0);
    turn_on("heater");
    bench.outside.say("canopy", "temperature", 43.0);
    goes_off("heater");
    let hot = why(&bench, &data, "heater");
    assert!(hot.contains("tent-hot"), "{hot}");
    turn_on("valve");
    let _ = bench
        .room
        .cli(["--data", &data, "stop", "--reason", "smoke"])
        .expect(0);
    goes_off("valve");
    let stopped = why(&bench, &data, "valve");
    assert!(stopped.contains("smoke"), "{stopped}");
    fs::remove_file(&ballast).expect("is there");
    assert_eq!(host.terminate().code(), Some(0));
}
