//! With the token: settings taken over and kept, requests, stops; without it: foreign.

use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order, PostStatus, Question, Signature, ZoneRow};
use growbox_model::{DeviceId, Json, Moment, RoomSpec, Span};
use serde_json::json;

use crate::bench::{Bench, asking, at, event, every, field, guest, room, tent, warmth};
use crate::memory::Memory;
use crate::{Input, Machine};

fn bench() -> Bench {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    bench.pass(Span::minutes(1));
    bench
}

fn zone(bench: &mut Bench, id: &str) -> ZoneRow {
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("no zones")
    };
    rows.into_iter().find(|row| row.id.as_str() == id).unwrap()
}

fn switch() -> DeviceId {
    DeviceId::new("switch").unwrap()
}

#[test]
fn settings_are_taken_over_and_outlive_a_restart_until_the_file_changes_them() {
    let mut first = bench();
    for value in [
        json!({"type": "control.stage.changed", "data": {"new_stage": "mid-flower"},
               "metadata": {"zone": "tent"}}),
        json!({"type": "control.mode.changed", "data": {"new_mode": "VPD_Target"}}),
        json!({"type": "control.target.updated", "data": {"parameter": "vpd", "new_target": 1.3},
               "metadata": {"zone": "tent"}}),
    ] {
        assert_eq!(first.tell(value).status, PostStatus::Accepted);
    }
    let check = |bench: &mut Bench, stage: &str| {
        let row = zone(bench, "tent");
        assert_eq!(row.stage.as_deref(), Some(stage));
        assert_eq!(row.mode.as_deref(), Some("VPD_Target"));
        assert_eq!(row.setpoints["vpd"].target, 1.3);
        let lab = zone(bench, "lab");
        assert_eq!((lab.stage, lab.mode.as_deref()), (None, Some("VPD_Target")));
    };
    check(&mut first, "mid-flower");
    let restart = |spec: RoomSpec| {
        let memory = Memory::of(&first.behind.commits);
        Bench::restarted(spec, Vec::new(), memory, at(300))
    };
    check(&mut restart(room(ClockForm::System)), "mid-flower");
    let mut changed = room(ClockForm::System);
    changed.zones.get_mut("tent").unwrap().stage = Some("late-veg".into());
    check(&mut restart(changed), "late-veg");
}

#[test]
fn a_pause_refuses_controllers_and_ends_by_itself_even_over_a_restart() {
    let mut first = bench();
    first.tell(json!({"type": "control.automation.paused",
        "data": {"reason": "maintenance", "estimated_duration": 600}}));
    assert_eq!(&*zone(&mut first, "tent").operation, "paused");
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(300));
    assert_eq!(&*zone(&mut second, "tent").operation, "paused");
    second.pass(Span::seconds(361));
    assert_eq!(&*zone(&mut second, "tent").operation, "control");
    assert_eq!(
        second.said("control.automation.resumed").len(),
        2,
        "one a zone"
    );
}

#[test]
fn a_pause_lasts_as_long_as_it_was_to_though_the_clock_is_set_only_after_the_start() {
    let mut first = bench();
    first.tell(json!({"type": "control.automation.paused",
        "data": {"reason": "maintenance", "estimated_duration": 600}}));
    let memory = Memory::of(&first.behind.commits);
    // Five minutes later, on a machine that believes it is the day before.
    let machine = Machine {
        boot: Moment(1_000),
        wall: at(60).minus(Span::hours(24)),
        wall_trusted: false,
    };
    let mut second = Bench::restarted_on(machine, room(ClockForm::System), Vec::new(), memory);
    second.machine.wall = at(360);
    second.machine.wall_trusted = true;
    second.pass(Span::seconds(299));
    assert_eq!(&*zone(&mut second, "tent").operation, "paused");
    // A clock that is set once more changes nothing.
    second.machine.wall = at(0);
    second.pass(Span::seconds(2));
    assert_eq!(&*zone(&mut second, "tent").operation, "control");
}

#[test]
fn a_pause_bears_the_new_label_once_the_wall_clock_has_jumped() {
    let mut first = bench();
    first.tell(json!({"type": "control.automation.paused",
        "data": {"reason": "maintenance", "estimated_duration": 600}}));
    let tomorrow = at(60).plus(Span::hours(24));
    first.machine.wall = tomorrow;
    first.run();
    let memory = Memory::of(&first.behind.commits);
    let wall = tomorrow.plus(Span::seconds(300));
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, wall);
    assert_eq!(&*zone(&mut second, "tent").operation, "paused");
    second.pass(Span::seconds(301));
    assert_eq!(&*zone(&mut second, "tent").operation, "control");
}

#[test]
fn a_pause_of_some_systems_concerns_the_devices_of_their_roles() {
    let mut spec = room(ClockForm::System);
    let mut light = spec.devices["switch"].clone();
    light.id = DeviceId::new("light").unwrap();
    light.role = growbox_model::Role::new("light").unwrap();
    light.output = "null:light".into();
    spec.devices.insert(light.id.clone(), light);
    let mut both = guest("both", every(&["sensor.*"]), |_, _| {
        let light = |effect| match effect {
            growbox_model::Effect::Request(mut request) => {
                request.device = DeviceId::new("light").unwrap();
                growbox_model::Effect::Request(request)
            }
            other => other,
        };
        Ok(vec![asking(1.0, &[]), light(asking(1.0, &[]))])
    });
    both.spec
        .grant
        .control
        .push(DeviceId::new("light").unwrap());
    let mut bench = Bench::new(spec, vec![both]);
    bench.pass(Span::minutes(1));
    bench.tell(json!({"type": "control.automation.paused", "data":
        {"reason": "new lamp", "affected_systems": ["lighting"]}, "metadata": {"zone": "tent"}}));
    bench.post(vec![warmth("a", 20.0, at(60))]);
    let device = |kind: &str| {
        let verdicts = bench.said(kind).into_iter();
        verdicts.map(|e| field(&e, "device_id")).collect::<Vec<_>>()
    };
    assert_eq!(device("device.action.granted"), [json!("switch")]);
    assert_eq!(device("device.action.denied"), [json!("light")]);
    assert_eq!(&*zone(&mut bench, "tent").operation, "control");
}

#[test]
fn resumed_ends_a_pause_and_a_zone_paused_by_its_file_goes_to_control() {
    let mut spec = room(ClockForm::System);
    spec.zones.get_mut("lab").unwrap().operation = growbox_model::Operation::Paused;
    let mut bench = Bench::new(spec, Vec::new());
    bench.tell(json!({"type": "control.automation.paused", "data": {"reason": "x"}}));
    bench.tell(json!({"type": "control.automation.resumed", "data": {"reason": "y"}}));
    assert_eq!(&*zone(&mut bench, "tent").operation, "control");
    assert_eq!(&*zone(&mut bench, "lab").operation, "control");
}

#[test]
fn without_the_token_it_is_foreign_and_reaches_nobody() {
    let all = guest("all", every(&["*"]), crate::bench::counting);
    let mut bench = Bench::new(room(ClockForm::System), vec![all]);
    let orders = bench.behind.orders.len();
    let foreign = [
        json!({"type": "control.stage.changed", "data": {"new_stage": "mid-flower"}}),
        json!({"type": "system.emergency", "data": {"rule": "r", "message": "m"}}),
        json!({"type": "sensor.stale", "data": {"sensor_id": "a", "quantity": "temperature",
               "last_seen": at(0), "interval": 60}}),
        json!({"type": "device.action.requested",
               "data": {"device_id": "switch", "action": "activate", "level": 1.0}}),
    ];
    let results = bench.post(foreign.into_iter().map(event).collect());
    for result in &results {
        assert!(
            result.foreign && result.status == PostStatus::Accepted,
            "{result:?}"
        );
        assert!(!bench.given("all").contains(&result.seq.unwrap()));
    }
    assert_eq!(bench.behind.orders.len(), orders);
    assert_eq!(zone(&mut bench, "tent").stage, None);
    assert!(bench.said("device.action.granted").is_empty());
}

#[test]
fn a_requested_action_is_a_persons_set() {
    let mut bench = bench();
    bench.tell(json!({"type": "device.action.requested",
        "data": {"device_id": "switch", "action": "activate", "requester": "bert"}}));
    assert_eq!(bench.behind.orders.last().unwrap().level, 1.0);
    let granted = bench.said("device.action.granted").remove(0);
    assert_eq!(
        granted.cause,
        Some(bench.said("device.action.requested")[0].seq)
    );
    bench.tell(json!({"type": "device.action.requested",
        "data": {"device_id": "switch", "action": "dance"}}));
    let denied = bench.said("device.action.denied").remove(0);
    assert_eq!(field(&denied, "policy"), json!("form"));
}

#[test]
fn an_emergency_stops_its_zone_until_a_person_resets_it() {
    let mut bench = bench();
    bench.order(Order::Set(switch(), 1.0, None));
    bench.pass(Span::minutes(1));
    bench.tell(json!({"type": "system.emergency",
        "data": {"rule": "smoke", "message": "smoke", "zone": "tent"}}));
    assert_eq!(bench.behind.orders.last().unwrap().level, 0.0);
    bench.pass(Span::minutes(1));
    let refused = bench.order(Order::Set(switch(), 1.0, None));
    assert!(
        matches!(&refused, Answer::Conflict(why) if why.code == "stop"),
        "{refused:?}"
    );
    let memory = Memory::of(&bench.behind.commits);
    let mut bench = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(300));
    bench.pass(Span::minutes(1));
    assert!(matches!(
        bench.order(Order::Set(switch(), 1.0, None)),
        Answer::Conflict(_)
    ));
    assert!(matches!(
        bench.order(Order::Reset(Some(tent()))),
        Answer::Devices(_)
    ));
    assert!(matches!(
        bench.order(Order::Set(switch(), 1.0, None)),
        Answer::Devices(_)
    ));
}

#[test]
fn a_zone_is_changed_by_all_of_its_keys_or_none() {
    let mut bench = bench();
    let keys = |value| Order::Zone(tent(), Json::of(&value));
    let wrong = keys(json!({"mode": "VPD_Target", "stage": "mid-flwer"}));
    assert!(matches!(bench.order(wrong), Answer::Conflict(why)
        if why.nearest.as_deref() == Some("mid-flower")));
    assert_eq!(zone(&mut bench, "tent").mode, None);
    let right = keys(json!({"mode": "VPD_Target", "operation": "observe"}));
    assert!(matches!(bench.order(right), Answer::Zones(_)));
    assert_eq!(&*zone(&mut bench, "tent").operation, "observe");
    assert_eq!(bench.said("system.config.changed").len(), 1);
}

#[test]
fn a_stop_before_the_first_event_works_and_is_told_later() {
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    assert!(matches!(bench.order(Order::Stop(None)), Answer::Devices(_)));
    let early = bench.order(Order::Set(switch(), 1.0, None));
    assert!(matches!(early, Answer::Conflict(why) if why.code == "no_time_yet"));
    assert!(bench.events().is_empty());
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(bench.said("system.emergency").len(), 1);
}

#[test]
fn a_lock_out_is_answered_once_no_crash_can_undo_it() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    bench.behind.fsyncs = false;
    let ticket = bench.ticket();
    let signature = Signature {
        who: "ann".into(),
        reason: "hands inside".into(),
    };
    bench.turn([Input::Order(ticket, Order::LockOut(switch()), signature)]);
    assert!(
        !bench.behind.answers.contains_key(&ticket),
        "not on disk yet"
    );
    bench.fsync();
    bench.run();
    let Some(Answer::Devices(rows)) = bench.behind.answers.get(&ticket) else {
        panic!("no answer")
    };
    assert!(rows[0].why.contains("locked out by ann"));
}

#[test]
fn a_stop_says_who_and_what_it_did_leads_back_to_it() {
    let mut bench = bench();
    bench.order(Order::Set(switch(), 1.0, Some(Span::hours(1))));
    bench.pass(Span::minutes(10));
    bench.order(Order::Stop(None));
    let emergency = bench.said("system.emergency").remove(0);
    assert_eq!(field(&emergency, "requester"), "person:anna");
    let changes = bench.said("device.state.changed");
    let off = changes.last().unwrap();
    assert_eq!(field(off, "new_state"), "off");
    assert_eq!(off.cause, Some(emergency.seq));
}

#[test]
fn a_posted_emergency_is_what_its_stop_leads_back_to_after_a_restart_too() {
    let mut first = bench();
    first.tell(json!({"type": "system.emergency", "data": {"message": "smoke"}}));
    let emergency = first.said("system.emergency").remove(0).seq;
    let memory = Memory::of(&first.behind.commits);
    let second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(70));
    let change = second.said("device.state.changed").remove(0);
    assert_eq!(change.cause, Some(emergency));
}

#[test]
fn a_stop_and_a_hold_are_answered_once_no_crash_can_undo_them_or_patience_ends() {
    for (order, fsynced) in [
        (Order::Stop(None), true),
        (Order::Hold(switch(), Some(0.0), None), true),
        (Order::Stop(None), false),
    ] {
        let mut bench = bench();
        bench.behind.fsyncs = false;
        let ticket = bench.ticket();
        let by = Signature {
            who: "anna".into(),
            reason: "smoke".into(),
        };
        bench.turn([Input::Order(ticket, order, by)]);
        bench.run();
        assert!(bench.behind.commits.last().unwrap().urgent);
        assert!(!bench.behind.answers.contains_key(&ticket));
        if fsynced {
            bench.fsync();
        } else {
            bench.pass(Span::seconds(2));
        }
        assert!(bench.behind.answers.contains_key(&ticket), "{fsynced}");
    }
}
