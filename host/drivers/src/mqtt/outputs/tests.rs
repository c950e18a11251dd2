//! Orders, confirmations and reach, without a broker.

use super::*;
use crate::mqtt::settings::{MappedOutput, ZigbeeOutput};

const PLUG: &str = "zigbee:Plug";
const LAMP: &str = "mqtt:lamp/set";

fn zigbee(timer: Option<Timer>) -> OutputPoint {
    OutputPoint {
        address: PLUG.into(),
        switched: true,
        form: OutputForm::Zigbee(ZigbeeOutput {
            name: "Plug".into(),
            endpoint: None,
            timer,
            power_on: None,
        }),
    }
}

fn mapped(state_topic: Option<&str>) -> OutputPoint {
    OutputPoint {
        address: LAMP.into(),
        switched: true,
        form: OutputForm::Mapped(MappedOutput {
            topic: "lamp/set".into(),
            on: "1".into(),
            on_for: None,
            off: "0".into(),
            level: None,
            state_topic: state_topic.map(Into::into),
            state_pointer: None,
            availability_topic: None,
        }),
    }
}

fn outputs(points: Vec<OutputPoint>) -> Outputs {
    Outputs::new("z", points, Span::seconds(5))
}

fn order(address: &str, level: f64, within: Option<Span>) -> Order {
    Order {
        address: address.into(),
        level,
        within,
        pulse: false,
    }
}

fn at(seconds: u64) -> Span {
    Span::seconds(seconds)
}

fn available(address: &str, available: bool) -> DriverEvent {
    DriverEvent::Available {
        address: address.into(),
        available,
    }
}

fn confirmed(address: &str, level: f64) -> DriverEvent {
    DriverEvent::Confirmed {
        address: address.into(),
        level,
    }
}

fn told(outputs: &mut Outputs, now: Span) -> Vec<String> {
    let (messages, _) = outputs.messages(now);
    let told = messages.into_iter();
    told.map(|message| format!("{} {}", message.topic, message.payload))
        .collect()
}

#[test]
fn an_order_is_told_and_confirmed_by_the_state() {
    let mut outputs = outputs(vec![zigbee(None)]);
    assert_eq!(
        outputs.connected(at(0)),
        [],
        "it may still say that it is away"
    );
    assert_eq!(outputs.present(0, true, at(0)), [available(PLUG, true)]);
    assert_eq!(outputs.order(&order(PLUG, 1.0, None), at(1)), []);
    assert_eq!(told(&mut outputs, at(1)), [r#"z/Plug/set {"state":"ON"}"#]);
    assert_eq!(told(&mut outputs, at(1)), Vec::<String>::new());
    assert_eq!(
        outputs.state(0, 1.0, true),
        [],
        "an old state confirms nothing"
    );
    assert_eq!(outputs.state(0, 0.0, false), []);
    assert_eq!(outputs.state(0, 1.0, false), [confirmed(PLUG, 1.0)]);
    assert_eq!(outputs.state(0, 1.0, false), []);
    let moved = DriverEvent::State {
        address: PLUG.into(),
        level: 0.0,
    };
    assert_eq!(outputs.state(0, 0.0, false), [moved]);
}

#[test]
fn what_is_not_confirmed_in_time_has_failed() {
    let mut outputs = outputs(vec![zigbee(None)]);
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    outputs.order(&order(PLUG, 1.0, None), at(1));
    outputs.messages(at(1));
    assert_eq!(outputs.next_deadline(), Some(at(6)));
    assert_eq!(outputs.overdue(at(5)), []);
    let failed = failed(
        &PLUG.into(),
        1.0,
        "not confirmed within 5s; it says nothing",
    );
    assert_eq!(outputs.overdue(at(6)), [failed]);
    assert_eq!(outputs.next_deadline(), None);
}

#[test]
fn the_newest_wish_is_told_again_when_the_broker_is_back() {
    let mut outputs = outputs(vec![zigbee(Some(Timer::OnTime))]);
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    outputs.order(&order(PLUG, 1.0, Some(Span::seconds(120))), at(0));
    assert_eq!(
        told(&mut outputs, at(0)),
        [r#"z/Plug/set {"on_time":120,"state":"ON"}"#]
    );
    let lost = outputs.lost("gone", at(1));
    assert_eq!(
        lost,
        [failed(&PLUG.into(), 1.0, "gone"), available(PLUG, false)]
    );
    let refused = outputs.order(&order(PLUG, 0.0, None), at(2));
    assert!(matches!(&refused[..], [DriverEvent::Failed { .. }]));
    outputs.order(&order(PLUG, 1.0, Some(Span::seconds(60))), at(3));
    assert_eq!(told(&mut outputs, at(3)), Vec::<String>::new());
    outputs.connected(at(13));
    assert_eq!(outputs.present(0, true, at(13)), [available(PLUG, true)]);
    assert_eq!(
        told(&mut outputs, at(13)),
        [r#"z/Plug/set {"on_time":50,"state":"ON"}"#],
        "for what is left of its time"
    );
    outputs.lost("gone", at(14));
    outputs.connected(at(100));
    outputs.present(0, true, at(100));
    assert_eq!(
        told(&mut outputs, at(100)),
        Vec::<String>::new(),
        "its time has run out"
    );
}

#[test]
fn silence_about_presence_counts_as_presence_after_a_while() {
    let mut outputs = outputs(vec![zigbee(None)]);
    outputs.connected(at(0));
    assert_eq!(outputs.next_deadline(), Some(GRACE));
    let (_, events) = outputs.messages(GRACE);
    assert_eq!(events, [available(PLUG, true)]);
}

#[test]
fn who_says_that_it_is_away_is_away() {
    let mut outputs = outputs(vec![zigbee(None), mapped(None)]);
    assert_eq!(outputs.connected(at(0)), [available(LAMP, true)]);
    assert_eq!(outputs.bridge(false, at(0)), [available(PLUG, false)]);
    assert_eq!(outputs.bridge(true, at(1)), [available(PLUG, true)]);
    assert_eq!(outputs.present(0, false, at(2)), [available(PLUG, false)]);
    outputs.order(&order(PLUG, 1.0, None), at(3));
    assert_eq!(told(&mut outputs, at(3)), Vec::<String>::new());
    outputs.present(0, true, at(4));
    assert_eq!(told(&mut outputs, at(4)), [r#"z/Plug/set {"state":"ON"}"#]);
}

#[test]
fn without_a_state_topic_what_was_ordered_is_believed() {
    let mut outputs = outputs(vec![mapped(None)]);
    outputs.connected(at(0));
    outputs.order(&order(LAMP, 1.0, None), at(0));
    let (messages, events) = outputs.messages(at(0));
    assert_eq!(messages[0].payload, "1");
    assert_eq!(events, [confirmed(LAMP, 1.0)]);
    let mut answering = super::tests::outputs(vec![mapped(Some("lamp/state"))]);
    answering.connected(at(0));
    answering.order(&order(LAMP, 1.0, None), at(0));
    assert_eq!(answering.messages(at(0)).1, []);
}

#[test]
fn the_list_of_devices_brings_the_timer() {
    let mut outputs = outputs(vec![zigbee(None)]);
    let device = |name: &str, timer| ZigbeeDevice {
        name: name.into(),
        label: String::new(),
        quantities: vec![],
        switches: vec![None],
        dims: false,
        timer,
        power_on: Vec::new(),
        disabled: false,
    };
    let unknown = outputs.learn(&[device("Other", Timer::None)]);
    assert_eq!(
        unknown,
        ["zigbee:Plug: Zigbee2MQTT knows no device of this name"]
    );
    assert!(outputs.learn(&[device("Plug", Timer::None)])[0].contains("no timer of its own"));
    assert_eq!(
        outputs.learn(&[device("Plug", Timer::Countdown)]),
        Vec::<String>::new()
    );
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    outputs.order(&order(PLUG, 1.0, Some(Span::millis(1500))), at(0));
    assert_eq!(
        told(&mut outputs, at(0)),
        [r#"z/Plug/set {"countdown":2,"state":"ON"}"#]
    );
}

#[test]
fn a_pulse_is_told_once_and_only_to_who_is_there() {
    let dose = Order {
        pulse: true,
        ..order(PLUG, 1.0, Some(Span::seconds(5)))
    };
    let mut outputs = outputs(vec![zigbee(Some(Timer::OnTime))]);
    assert!(matches!(
        &outputs.order(&dose, at(0))[..],
        [DriverEvent::Failed { .. }]
    ));
    outputs.connected(at(1));
    outputs.present(0, true, at(1));
    assert_eq!(told(&mut outputs, at(1)), Vec::<String>::new());
    assert_eq!(outputs.order(&dose, at(2)), []);
    let (messages, _) = outputs.messages(at(2));
    assert!(messages[0].at_once, "no broker may keep it for later");
    outputs.lost("gone", at(3));
    outputs.connected(at(4));
    outputs.present(0, true, at(4));
    assert_eq!(told(&mut outputs, at(4)), Vec::<String>::new());
}
