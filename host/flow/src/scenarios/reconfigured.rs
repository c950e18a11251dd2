//! Another configuration is taken over while the room runs.

use growbox_model::commit::Record;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order, PostStatus, Question, Signature, ZoneRow};
use growbox_model::{
    DeviceId, Generation, Operation, PluginId, PluginSpec, RoomSpec, SensorId, SensorSpec, Seq,
    Source, Span, ZoneId, ZoneSpec,
};
use serde_json::{Value, json};

use crate::bench::{self, Bench, Guest, asking, at, counting, every, guest, tent, warmth};
use crate::memory::Memory;
use crate::{ConfigChange, Input, Misconfiguration, Reconfiguration};

fn changed(section: &str, parameter: &str) -> ConfigChange {
    ConfigChange {
        section: section.into(),
        parameter: parameter.into(),
        old: Value::Null,
        new: Value::Null,
    }
}

/// Takes over the running room with these changes.
fn take_over(bench: &mut Bench, change: impl FnOnce(&mut RoomSpec)) {
    let mut room = bench.flow.room.clone();
    change(&mut room);
    let next = Reconfiguration {
        room,
        changes: vec![changed("zone.tent", "stage")],
        restart_for: Vec::new(),
    };
    bench.turn([Input::Configured(Box::new(next))]);
    bench.run();
}

fn running() -> Bench {
    Bench::new(bench::room(ClockForm::System), Vec::new())
}

fn zone(bench: &mut Bench, id: &str) -> ZoneRow {
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("zones")
    };
    rows.into_iter().find(|row| row.id.as_str() == id).unwrap()
}

fn order_zone(bench: &mut Bench, keys: &Value) {
    let ticket = bench.ticket();
    let by = Signature {
        who: "anna".into(),
        reason: "".into(),
    };
    let order = Order::Zone(tent(), growbox_model::Json::of(keys));
    bench.turn([Input::Order(ticket, order, by)]);
    bench.run();
}

fn newest_change(bench: &Bench) -> Value {
    let said = bench.said("system.config.changed");
    json!(said.last().unwrap().document().unwrap().map())
}

#[test]
fn zones_come_change_and_go() {
    let mut bench = running();
    bench.post(vec![warmth("canopy", 24.0, at(0))]);
    take_over(&mut bench, |room| {
        room.zones.get_mut("tent").unwrap().stage = Some("mid-flower".into());
        room.zones.remove("lab");
        let attic = ZoneId::new("attic").unwrap();
        room.zones.insert(attic.clone(), ZoneSpec::bare(attic));
    });
    let tent = zone(&mut bench, "tent");
    assert_eq!(tent.stage.as_deref(), Some("mid-flower"));
    assert!(tent.climate.contains_key("temperature"), "readings stay");
    assert_eq!(zone(&mut bench, "attic").stage, None);
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("zones")
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(newest_change(&bench)["applied_by"], "file");
    assert_eq!(newest_change(&bench)["requires_restart"], false);
}

#[test]
fn the_same_again_says_nothing_and_a_refusal_is_told_once() {
    let mut bench = running();
    let refusal = || {
        Input::Misconfigured(Misconfiguration {
            file: "growbox.toml".into(),
            message: "line 3: unknown stage".into(),
            reasons: vec![json!({"line": 3})],
        })
    };
    let before = bench.events().len();
    bench.turn([refusal()]);
    bench.turn([refusal()]);
    bench.run();
    assert_eq!(bench.said("system.config.refused").len(), 1);
    let health = |bench: &mut Bench| {
        let Answer::Health(row) = bench.ask(Question::Health) else {
            panic!("health")
        };
        row.components["configuration"].clone()
    };
    let sick = health(&mut bench);
    assert_eq!(&*sick.status, "degraded");
    assert!(sick.why.unwrap().contains("line 3"));
    let room = bench.flow.room.clone();
    bench.turn([Input::Configured(Box::new(Reconfiguration {
        room,
        changes: Vec::new(),
        restart_for: Vec::new(),
    }))]);
    bench.run();
    assert_eq!(&*health(&mut bench).status, "healthy");
    assert_eq!(bench.events().len(), before + 1);
}

#[test]
fn what_waits_for_a_restart_is_named_and_the_clock_stays() {
    let mut bench = running();
    let mut room = bench.flow.room.clone();
    room.node.clock = ClockForm::Events;
    bench.turn([Input::Configured(Box::new(Reconfiguration {
        room,
        changes: vec![changed("node", "clock")],
        restart_for: vec!["node.clock".into()],
    }))]);
    bench.run();
    let said = newest_change(&bench);
    assert_eq!(said["requires_restart"], true);
    assert_eq!(said["restart_for"], json!(["node.clock"]));
    assert_eq!(bench.flow.room.node.clock, ClockForm::System);
}

#[test]
fn an_override_stays_until_the_file_changes_its_key() {
    let mut bench = running();
    order_zone(
        &mut bench,
        &json!({"stage": "mid-veg", "targets.vpd": 1.0, "operation": "observe"}),
    );
    take_over(&mut bench, |room| {
        room.zones.get_mut("tent").unwrap().stage = Some("late-flower".into());
    });
    let row = zone(&mut bench, "tent");
    assert_eq!(row.stage.as_deref(), Some("late-flower"), "the file wins");
    assert_eq!(row.setpoints["vpd"].target, 1.0, "left alone");
    assert_eq!(&*row.operation, "observe");
    let said = newest_change(&bench);
    assert_eq!(said["overrides_ended"][0]["parameter"], "stage");
    assert_eq!(said["overrides_kept"].as_array().unwrap().len(), 2);
    let ended = Record::Override(tent(), "stage".into(), None);
    assert!(bench.records().contains(&ended));
    let memory = Memory::of(&bench.behind.commits);
    let room = bench.flow.room.clone();
    let mut second = Bench::restarted(room, Vec::new(), memory, at(60));
    let row = zone(&mut second, "tent");
    assert_eq!(row.stage.as_deref(), Some("late-flower"));
    assert_eq!(row.setpoints["vpd"].target, 1.0);
}

#[test]
fn the_configuration_wins_over_who_spoke_first() {
    let mut bench = running();
    let reading = || warmth("canopy", 24.0, at(0));
    bench.post(vec![reading()]);
    let canopy = SensorId::new("canopy").unwrap();
    let spec = |zone: &str, source: &str| SensorSpec {
        zone: ZoneId::new(zone).ok(),
        source: Some(Source(source.into())),
        interval: Some(Span::seconds(10)),
        ..SensorSpec::bare(canopy.clone())
    };
    let first = spec("lab", "http:probe");
    take_over(&mut bench, |room| {
        room.sensors.insert(canopy.clone(), first);
    });
    assert!(
        zone(&mut bench, "tent").climate.is_empty(),
        "it is in the lab"
    );
    assert!(zone(&mut bench, "lab").climate.contains_key("temperature"));
    bench.pass(Span::seconds(31));
    assert_eq!(
        bench.said("sensor.stale").len(),
        1,
        "the new interval holds"
    );
    let refused = bench.post(vec![reading()]).remove(0);
    assert!(refused.status == PostStatus::Refused, "{refused:?}");
    take_over(&mut bench, |room| {
        room.sensors.remove(&canopy);
    });
    bench.pass(Span::minutes(20));
    assert_eq!(bench.said("sensor.stale").len(), 1, "nobody misses it");
    let taken = bench.post(vec![reading()]).remove(0);
    assert!(taken.status != PostStatus::Refused, "{taken:?}");
}

fn controller() -> Guest {
    guest("controller", every(&["sensor.*"]), |batch, _| {
        let causes: Vec<_> = batch.events.iter().map(|event| event.seq).collect();
        Ok(vec![asking(1.0, &causes)])
    })
}

fn switch() -> DeviceId {
    DeviceId::new("switch").unwrap()
}

fn controlled() -> Bench {
    let mut bench = Bench::new(bench::room(ClockForm::System), vec![controller()]);
    bench.pass(Span::minutes(5));
    bench.post(vec![warmth("canopy", 24.0, at(300))]);
    assert_eq!(bench.behind.orders.last().unwrap().level, 1.0);
    bench
}

#[test]
fn a_removed_device_is_put_to_its_safe_level_and_then_detached() {
    let mut bench = controlled();
    take_over(&mut bench, |room| {
        room.devices.clear();
        for plugin in room.plugins.values_mut() {
            plugin.grant.control.clear();
        }
    });
    assert_eq!(bench.behind.orders.last().unwrap().level, 0.0);
    assert_eq!(bench.behind.wires, ["-null:switch"]);
    assert_eq!(bench.said("device.action.lapsed").len(), 1);
    let orders = bench.behind.orders.len();
    bench.post(vec![warmth("canopy", 24.5, at(301))]);
    assert_eq!(bench.behind.orders.len(), orders);
}

#[test]
fn a_device_with_another_output_is_detached_first_and_attached_then() {
    let mut bench = controlled();
    take_over(&mut bench, |room| {
        room.devices.get_mut("switch").unwrap().output = "null:other".into();
    });
    assert_eq!(bench.behind.wires, ["-null:switch", "+null:other"]);
    let last = bench.behind.orders.last().unwrap();
    assert_eq!((&*last.output, last.level), ("null:other", 0.0));
    bench.pass(Span::minutes(5));
    bench.post(vec![warmth("canopy", 24.5, at(600))]);
    let last = bench.behind.orders.last().unwrap();
    assert_eq!((&*last.output, last.level), ("null:other", 1.0));
}

#[test]
fn a_narrower_grant_ends_the_claim_at_once() {
    let mut bench = controlled();
    take_over(&mut bench, |room| {
        let plugin = room.plugins.get_mut("controller").unwrap();
        plugin.deny.control = vec![switch()];
    });
    let lapsed = bench.said("device.action.lapsed");
    let why = lapsed[0].document().unwrap().map()["reason"].clone();
    assert!(why.as_str().unwrap().contains("no longer granted"), "{why}");
    bench.pass(Span::minutes(1));
    assert_eq!(bench.behind.orders.last().unwrap().level, 0.0);
    bench.post(vec![warmth("canopy", 24.5, at(360))]);
    assert_eq!(bench.said("device.action.denied").len(), 1);
}

#[test]
fn other_settings_are_a_new_generation_and_other_limits_are_not() {
    let mut bench = controlled();
    let plugin = |bench: &Bench| bench.flow.plugins.boxes["controller"].generation;
    assert_eq!(plugin(&bench), Generation(1));
    let mut slower = controller();
    slower.spec.deadline = Span::seconds(1);
    bench.load(slower);
    bench.run();
    assert_eq!(plugin(&bench), Generation(1));
    assert!(bench.said("plugin.swapped").is_empty());
    assert_eq!(
        bench.flow.plugins.boxes["controller"].spec.deadline,
        Span::seconds(1)
    );
    let mut other = controller();
    other.digest = "one with other settings";
    bench.load(other);
    bench.run();
    assert_eq!(plugin(&bench), Generation(2));
    assert_eq!(bench.said("plugin.swapped").len(), 1);
}

#[test]
fn a_removed_plugin_lets_go_and_comes_back_where_it_was() {
    let mut bench = Bench::new(
        bench::room(ClockForm::System),
        vec![
            controller(),
            guest("counter", every(&["sensor.*"]), counting),
        ],
    );
    bench.post(vec![warmth("canopy", 24.0, at(0))]);
    take_over(&mut bench, |room| room.plugins.clear());
    assert_eq!(bench.said("plugin.removed").len(), 2);
    assert_eq!(bench.behind.orders.last().unwrap().level, 0.0);
    bench.post(vec![warmth("canopy", 24.5, at(301))]);
    let counter = PluginId::new("counter").unwrap();
    assert_eq!(bench.behind.memory.state(&counter).len(), 1);
    let again = PluginSpec::bare(counter.clone());
    take_over(&mut bench, |room| {
        room.plugins.insert(counter.clone(), again);
    });
    bench.load(guest("counter", every(&["sensor.*"]), counting));
    bench.run();
    bench.post(vec![warmth("canopy", 25.0, at(2))]);
    let given = bench.given("counter");
    let readings: Vec<Seq> = bench
        .said("sensor.temperature")
        .iter()
        .map(|e| e.seq)
        .collect();
    assert_eq!(given, readings, "each once, the one meanwhile too");
    assert_eq!(
        bench.flow.plugins.boxes["counter"].generation,
        Generation(1)
    );
}

#[test]
fn an_exchange_of_the_clockless_room_is_heard_with_the_first_event() {
    let mut bench = Bench::new(bench::room(ClockForm::Events), vec![controller()]);
    take_over(&mut bench, |room| {
        room.zones.get_mut("tent").unwrap().operation = Operation::Observe;
    });
    bench.post(vec![warmth("canopy", 24.0, at(0))]);
    assert_eq!(bench.said("system.config.changed").len(), 1);
    assert!(bench.behind.orders.iter().all(|order| order.level == 0.0));
}
