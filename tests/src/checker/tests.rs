//! The checker sees what it is there to see: each promise, kept and broken.

use serde_json::{Value, json};

use super::{Circuit, DeviceLimits, Limits, judge};
use crate::record::{By, Entry, What};

fn limits() -> Limits {
    let heater = DeviceLimits {
        min_on: 10.0,
        min_off: 20.0,
        max_on: Some(100.0),
        doses_per_day: Some(3),
        watts: 400.0,
        ..DeviceLimits::default()
    };
    let valve = DeviceLimits {
        watts: 100.0,
        ..DeviceLimits::default()
    };
    Limits {
        devices: [("heater", heater), ("valve", valve)]
            .map(|(name, limit)| (name.to_owned(), limit))
            .into(),
        circuits: vec![Circuit {
            max_amperes: 2.0,
            volts: 230.0,
            devices: vec!["heater".to_owned(), "valve".to_owned()],
        }],
        grain: 0.01,
        slack: 1.0,
        forgotten: 0.1,
        ..Limits::default()
    }
}

fn entry(at: f64, what: What) -> Entry {
    Entry::new(at, what)
}

fn switch(at: f64, level: f64, by: By) -> Entry {
    entry(at, What::Switched("heater".to_owned(), level, by))
}

#[track_caller]
fn breaks(promise: &str, limits: &Limits, record: &[Entry], log: &[Value]) {
    let faults = judge(limits, record, log);
    let broken: Vec<&str> = faults.iter().map(|fault| fault.promise).collect();
    assert_eq!(broken, [promise], "{faults:?}");
}

#[track_caller]
fn keeps(limits: &Limits, record: &[Entry], log: &[Value]) {
    assert_eq!(judge(limits, record, log), []);
}

#[test]
fn shortest_times_are_judged_to_the_grain() {
    let run = |off: f64, on: f64| {
        [
            switch(0.0, 1.0, By::Order),
            switch(off, 0.0, By::Order),
            switch(on, 1.0, By::Order),
        ]
    };
    keeps(&limits(), &run(10.0, 30.0), &[]);
    breaks(
        "minimum off is never broken",
        &limits(),
        &run(10.0, 29.9),
        &[],
    );
    breaks(
        "who breaks minimum on is named",
        &limits(),
        &run(9.9, 30.0),
        &[],
    );
    let by_timer = [switch(0.0, 1.0, By::Order), switch(9.9, 0.0, By::Timer)];
    breaks("who breaks minimum on is named", &limits(), &by_timer, &[]);
}

#[test]
fn minimum_on_may_be_broken_by_name_and_at_that_time_only() {
    let said = |at: f64, value: f64| entry(at, What::Said("mark".to_owned(), value));
    let record = [
        switch(0.0, 1.0, By::Order),
        said(1.0, 1.0),
        switch(5.0, 0.0, By::Order),
        said(9.0, 2.0),
        said(50.0, 3.0),
    ];
    let mark = |seq: u64, value: f64| json!({"seq": seq, "type": "sensor.illuminance", "data": {"sensor_id": "mark", "value": value}});
    let change = |seq: u64, trigger: &str| {
        json!({"seq": seq, "type": "device.state.changed",
            "data": {"device_id": "heater", "power_level": 0.0, "trigger": trigger}})
    };
    let log = |seq: u64, trigger: &str| {
        let mut log = vec![mark(10, 1.0), mark(20, 2.0), mark(30, 3.0)];
        log.push(change(seq, trigger));
        log.sort_by_key(|event| event["seq"].as_u64());
        log
    };
    keeps(
        &limits(),
        &record,
        &log(15, "stop; breaks the minimum on of 10s"),
    );
    let promise = "who breaks minimum on is named";
    breaks(promise, &limits(), &record, &log(15, "person:ann"));
    breaks(promise, &limits(), &record, &log(25, "stop"));
}

#[test]
fn what_a_hand_did_to_a_lost_device_nobody_could_see() {
    let record = |by: By| {
        [
            switch(0.0, 1.0, By::Order),
            entry(15.0, What::Lost),
            switch(20.0, 0.0, by),
            entry(21.0, What::Returned),
            entry(22.0, What::Joined),
            switch(22.5, 1.0, By::Order),
            switch(40.0, 0.0, By::Order),
        ]
    };
    keeps(&limits(), &record(By::Hand), &[]);
    let promise = "minimum off is never broken";
    breaks(promise, &limits(), &record(By::Timer), &[]);
    let mut after = record(By::Hand).to_vec();
    after.push(switch(50.0, 1.0, By::Order));
    breaks(promise, &limits(), &after, &[]);
}

#[test]
fn longest_runs_and_doses_are_bounded() {
    let run = |length: f64| [switch(0.0, 1.0, By::Order), switch(length, 0.0, By::Timer)];
    keeps(&limits(), &run(100.5), &[]);
    let promise = "maximum on binds all but safety";
    breaks(promise, &limits(), &run(102.0), &[]);
    let doses = |apart: f64| {
        let start = |index: i32| {
            let at = f64::from(index) * apart;
            [
                switch(at, 1.0, By::Order),
                switch(at + 10.0, 0.0, By::Timer),
            ]
        };
        (0..4).flat_map(start).collect::<Vec<_>>()
    };
    keeps(&limits(), &doses(28_800.0), &[]);
    let promise = "doses of a day are bounded";
    breaks(promise, &limits(), &doses(20_000.0), &[]);
}

#[test]
fn a_fuse_and_a_pair_are_looked_after() {
    let valve = |at: f64| entry(at, What::Switched("valve".to_owned(), 1.0, By::Order));
    let record = [switch(0.0, 1.0, By::Order), valve(1.0)];
    breaks("current is never exceeded", &limits(), &record, &[]);
    let mut limits = limits();
    limits.circuits[0].max_amperes = 2.2;
    keeps(&limits, &record, &[]);
    limits.never_together = vec![("heater".to_owned(), "valve".to_owned())];
    breaks("never together", &limits, &record, &[]);
}

#[test]
fn a_neighbour_must_have_been_out_of_the_way_for_a_while() {
    let mut limits = limits();
    limits.circuits.clear();
    limits.never_together = vec![("heater".to_owned(), "valve".to_owned())];
    limits.settle_time = 5.0;
    let valve =
        |at: f64, level: f64| entry(at, What::Switched("valve".to_owned(), level, By::Order));
    let record = |at: f64| {
        [
            valve(0.0, 1.0),
            valve(10.0, 0.0),
            switch(at, 1.0, By::Order),
        ]
    };
    keeps(&limits, &record(15.0), &[]);
    breaks("never together", &limits, &record(14.9), &[]);
}

#[test]
fn what_a_device_needs_comes_first_and_goes_last() {
    let mut limits = limits();
    limits.circuits.clear();
    limits.needs_first = vec![("heater".to_owned(), "valve".to_owned())];
    limits.settle_time = 5.0;
    let valve =
        |at: f64, level: f64| entry(at, What::Switched("valve".to_owned(), level, By::Order));
    let promise = "what it needs comes first";
    breaks(promise, &limits, &[switch(9.0, 1.0, By::Order)], &[]);
    let begun = |at: f64| vec![valve(0.0, 1.0), switch(at, 1.0, By::Order)];
    breaks(promise, &limits, &begun(4.9), &[]);
    keeps(&limits, &begun(5.0), &[]);
    let ended = |first: Entry, then: Entry| [begun(5.0), vec![first, then]].concat();
    let (off, heater) = (valve(30.0, 0.0), switch(30.0, 0.0, By::Order));
    keeps(&limits, &ended(heater.clone(), off.clone()), &[]);
    breaks(promise, &limits, &ended(off, heater), &[]);
}

#[test]
fn starts_levels_and_lock_outs_are_looked_after() {
    let mut limits = limits();
    let heater = limits.devices.get_mut("heater").expect("is there");
    (heater.doses_per_day, heater.starts_per_hour) = (None, Some(2));
    heater.runs_at = Some((0.5, 1.0));
    let starts = |apart: f64| {
        let run = |index: i32| {
            let at = f64::from(index) * apart;
            [
                switch(at, 1.0, By::Order),
                switch(at + 20.0, 0.0, By::Order),
            ]
        };
        (0..3).flat_map(run).collect::<Vec<_>>()
    };
    keeps(&limits, &starts(1_800.0), &[]);
    let promise = "starts of an hour are bounded";
    breaks(promise, &limits, &starts(1_700.0), &[]);
    let promise = "levels stay inside the envelope";
    breaks(promise, &limits, &[switch(0.0, 0.4, By::Order)], &[]);
    let locked = |at: f64| entry(at, What::LockedOut("heater".to_owned()));
    let promise = "who is locked out stays off";
    let surprised = [locked(0.0), switch(1.0, 1.0, By::Order)];
    breaks(promise, &limits, &surprised, &[]);
    let unlocked = entry(0.5, What::Unlocked("heater".to_owned()));
    keeps(
        &limits,
        &[locked(0.0), unlocked, switch(1.0, 1.0, By::Order)],
        &[],
    );
}

/// Within a step nobody knows when; between steps everybody does.
#[test]
fn a_step_excuses_no_more_than_its_length() {
    let step = |at: f64, until: f64, level: f64| Entry {
        until,
        ..switch(at, level, By::Order)
    };
    let record = |until: f64| {
        [
            step(0.0, 1.0, 1.0),
            step(30.0, 31.0, 0.0),
            step(until - 1.0, until, 1.0),
        ]
    };
    keeps(&limits(), &record(50.0), &[]);
    breaks("minimum off is never broken", &limits(), &record(49.0), &[]);
}

fn event(seq: u64, kind: &str, cause: u64) -> Value {
    json!({"seq": seq, "type": format!("device.action.{kind}"), "cause": cause, "source": "http",
        "timestamp": format!("2026-01-15T10:30:{seq:02}Z"),
        "data": {"device_id": "heater", "requester": "ann", "action": "activate", "level": 1.0,
            "until": "2026-01-15T10:30:30Z"}})
}

#[test]
fn requests_have_one_verdict_and_renewals_none() {
    let log = [event(1, "requested", 0), event(2, "granted", 1)];
    keeps(&limits(), &[], &log);
    let promise = "exactly one verdict per request";
    breaks(promise, &limits(), &[], &log[..1]);
    let twice = [log[0].clone(), log[1].clone(), event(3, "denied", 1)];
    breaks(promise, &limits(), &[], &twice);
    let renewed = [
        log[0].clone(),
        log[1].clone(),
        event(3, "requested", 0),
        event(4, "granted", 3),
    ];
    let promise = "an equal renewal counts on the first";
    breaks(promise, &limits(), &[], &renewed);
    let mut ended = renewed.to_vec();
    ended.insert(2, event(2, "lapsed", 1));
    keeps(&limits(), &[], &ended);
    let mut done = renewed.to_vec();
    done.insert(2, event(2, "executed", 1));
    breaks(promise, &limits(), &[], &done);
    for event in &mut done {
        event["data"]["action"] = json!("pulse");
    }
    keeps(&limits(), &[], &done);
}

#[test]
fn a_stop_lets_nothing_in_until_its_reset() {
    let stop = json!({"seq": 1, "type": "system.emergency", "data": {}});
    let reset = json!({"seq": 2, "type": "system.emergency.reset", "data": {}});
    let asked = [event(3, "requested", 0), event(4, "granted", 3)];
    let log = |before: &[&Value]| {
        let before = before.iter().map(|event| (*event).clone());
        before.chain(asked.clone()).collect::<Vec<_>>()
    };
    let promise = "a stop is in force before the next request";
    breaks(promise, &limits(), &[], &log(&[&stop]));
    keeps(&limits(), &[], &log(&[&stop, &reset]));
}
