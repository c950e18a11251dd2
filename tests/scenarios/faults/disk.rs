//! The disk fills up while devices run: what is asked may be refused, and no limit is broken.

use std::fs;
use std::time::{Duration, Instant};

use growbox_tests::Chance;
use serde_json::Value;

use super::bench_room::{Bench, devices};
use crate::hostile::disk::fill;
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
    let export = bench
        .room
        .cli(["--data", &data, "events", "export"])
        .expect(0);
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("an export is JSON lines");
    let log: Vec<Value> = export.lines().skip(1).map(line).collect();
    bench.acquit_by(&log);
    assert_eq!(host.terminate().code(), Some(0));
}
