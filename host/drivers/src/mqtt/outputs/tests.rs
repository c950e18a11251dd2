//! Orders, confirmations and reach, without a broker.

use super::*;
use crate::mqtt::settings::{MappedOutput, Timer, ZigbeeOutput};

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
    let mut outputs = Outputs::new("z", points, Span::seconds(5));
    outputs.begin(at(0));
    outputs
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

fn is_failure(event: &DriverEvent) -> bool {
    matches!(event, DriverEvent::Failed { address, level: 1.0, .. } if &**address == PLUG)
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
fn what_was_wanted_before_an_outage_is_never_told_after_it() {
    let dose = Order {
        pulse: true,
        ..order(PLUG, 1.0, Some(Span::seconds(60)))
    };
    let lease = order(PLUG, 1.0, Some(Span::seconds(120)));
    for wanted in [lease, order(PLUG, 1.0, None), dose] {
        for (told_before, confirmed_before) in [(false, false), (true, false), (true, true)] {
            for broker_goes in [true, false] {
                let mut outputs = outputs(vec![zigbee(Some(Timer::OnTime))]);
                outputs.connected(at(0));
                outputs.present(0, true, at(0));
                assert_eq!(outputs.order(&wanted, at(0)), []);
                if told_before {
                    assert_eq!(told(&mut outputs, at(0)).len(), 1);
                }
                if confirmed_before {
                    assert_eq!(outputs.state(0, 1.0, false), [confirmed(PLUG, 1.0)]);
                }
                let lost = match broker_goes {
                    true => outputs.lost("gone", at(1)),
                    false => outputs.present(0, false, at(1)),
                };
                let failures = lost.iter().filter(|event| is_failure(event));
                assert_eq!(failures.count(), usize::from(!confirmed_before), "{lost:?}");
                assert_eq!(lost.last(), Some(&available(PLUG, false)));
                if broker_goes {
                    outputs.connected(at(2));
                }
                assert_eq!(outputs.present(0, true, at(2)), [available(PLUG, true)]);
                assert_eq!(told(&mut outputs, at(2)), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn what_is_ordered_while_it_is_out_of_reach_has_failed_and_is_never_told() {
    let mut outputs = outputs(vec![zigbee(None)]);
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    outputs.lost("gone", at(1));
    let refused = |outputs: &mut Outputs, seconds: u64| {
        let known = outputs.order(&order(PLUG, 1.0, None), at(seconds));
        assert!(
            matches!(&known[..], [DriverEvent::Failed { .. }]),
            "{known:?}"
        );
    };
    refused(&mut outputs, 2);
    outputs.connected(at(3));
    refused(&mut outputs, 3);
    outputs.present(0, false, at(3));
    refused(&mut outputs, 4);
    outputs.present(0, true, at(5));
    assert_eq!(told(&mut outputs, at(5)), Vec::<String>::new());
    assert_eq!(outputs.next_deadline(), None);
    assert_eq!(outputs.order(&order(PLUG, 0.0, None), at(6)), []);
    assert_eq!(told(&mut outputs, at(6)), [r#"z/Plug/set {"state":"OFF"}"#]);
}

#[test]
fn an_order_before_anybody_knows_waits_for_what_is_left_of_its_time() {
    let wanted = order(PLUG, 1.0, Some(Span::seconds(60)));
    let mut waiting = outputs(vec![zigbee(Some(Timer::OnTime))]);
    assert_eq!(waiting.order(&wanted, at(0)), []);
    waiting.connected(at(2));
    waiting.present(0, true, at(2));
    assert_eq!(
        told(&mut waiting, at(2)),
        [r#"z/Plug/set {"on_time":58,"state":"ON"}"#]
    );
    let mut in_vain = outputs(vec![zigbee(None)]);
    assert_eq!(in_vain.order(&wanted, at(0)), []);
    assert!(is_failure(&in_vain.lost("nobody there", at(1))[0]));
    in_vain.connected(at(2));
    in_vain.present(0, true, at(2));
    assert_eq!(told(&mut in_vain, at(2)), Vec::<String>::new());
}

#[test]
fn an_order_that_nobody_can_be_told_fails_in_time_and_by_name() {
    let mut outputs = outputs(vec![zigbee(None)]);
    outputs.order(&order(PLUG, 1.0, None), at(1));
    assert_eq!(outputs.next_deadline(), Some(at(6)));
    assert_eq!(outputs.overdue(at(5)), []);
    let why = "nobody could be told within 5s";
    assert_eq!(outputs.overdue(at(6)), [failed(&PLUG.into(), 1.0, why)]);
    assert_eq!(outputs.next_deadline(), None);
    outputs.order(&order(PLUG, 1.0, Some(Span::seconds(1))), at(7));
    outputs.connected(at(9));
    outputs.present(0, true, at(9));
    let why = "its time ran out before it could be told";
    let (messages, events) = outputs.messages(at(9));
    assert_eq!(
        (messages, events),
        (vec![], vec![failed(&PLUG.into(), 1.0, why)])
    );
}

#[test]
fn before_the_session_begins_nothing_is_overdue() {
    let mut outputs = Outputs::new("z", vec![zigbee(None)], Span::seconds(5));
    outputs.order(&order(PLUG, 1.0, None), at(0));
    assert_eq!(outputs.overdue(at(60)), [], "plug-ins still load");
    outputs.begin(at(60));
    assert_eq!(outputs.next_deadline(), Some(at(65)));
    assert!(is_failure(&outputs.overdue(at(65))[0]));
}

#[test]
fn a_newer_order_outlives_the_deadline_of_the_one_before() {
    let mut outputs = outputs(vec![zigbee(None)]);
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    outputs.order(&order(PLUG, 1.0, None), at(1));
    outputs.messages(at(1));
    outputs.order(&order(PLUG, 0.0, None), at(6));
    assert_eq!(outputs.overdue(at(6)), []);
    assert_eq!(told(&mut outputs, at(6)), [r#"z/Plug/set {"state":"OFF"}"#]);
    assert_eq!(outputs.state(0, 0.0, false), [confirmed(PLUG, 0.0)]);
}

#[test]
fn only_what_is_said_after_the_order_was_told_confirms_it() {
    let off = r#"z/Plug/set {"state":"OFF"}"#;
    let mut kept = outputs(vec![zigbee(None)]);
    kept.connected(at(0));
    kept.present(0, true, at(0));
    assert_eq!(kept.state(0, 0.0, true).len(), 1, "the broker kept it");
    kept.order(&order(PLUG, 0.0, None), at(1));
    let (messages, events) = kept.messages(at(1));
    assert_eq!(
        (messages.len(), events),
        (1, vec![]),
        "what was kept is old"
    );
    assert_eq!(kept.state(0, 0.0, false), [confirmed(PLUG, 0.0)]);
    kept.order(&order(PLUG, 0.0, None), at(2));
    let (messages, events) = kept.messages(at(2));
    assert_eq!(events, [], "it is there, and may not have heard this yet");
    let again = messages[0].receipt.unwrap();
    assert_eq!(kept.taken(again, Ok(())), [confirmed(PLUG, 0.0)]);
    // Twice in a row the newest counts; a hand in between is told.
    let again = |kept: &mut Outputs| {
        kept.order(&order(PLUG, 0.0, None), at(2));
        kept.messages(at(2)).0[0].receipt.unwrap()
    };
    let (older, newest) = (again(&mut kept), again(&mut kept));
    assert_eq!(kept.taken(older, Ok(())), []);
    assert_eq!(kept.taken(newest, Ok(())), [confirmed(PLUG, 0.0)]);
    let newest = again(&mut kept);
    assert_eq!(kept.state(0, 1.0, false).len(), 1, "it has moved");
    assert_eq!(kept.taken(newest, Ok(())), [], "and is not there");
    assert_eq!(kept.state(0, 0.0, false), [confirmed(PLUG, 0.0)]);
    // One order fails; what was said before it is no proof any more.
    kept.order(&order(PLUG, 1.0, None), at(3));
    kept.messages(at(3));
    let why = "not confirmed within 5s; it says nothing";
    assert_eq!(kept.overdue(at(8)), [failed(&PLUG.into(), 1.0, why)]);
    kept.order(&order(PLUG, 0.0, None), at(9));
    assert_eq!(kept.messages(at(9)).1, []);
    assert_eq!(kept.state(0, 0.0, false), [confirmed(PLUG, 0.0)]);
    // And so it is with what was said before it went away.
    kept.present(0, false, at(10));
    kept.present(0, true, at(11));
    kept.order(&order(PLUG, 0.0, None), at(12));
    let (messages, events) = kept.messages(at(12));
    assert_eq!((&*messages[0].payload, events), (&off[11..], vec![]));
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
    assert_eq!(outputs.present(0, true, at(4)), [available(PLUG, true)]);
    assert_eq!(told(&mut outputs, at(4)), Vec::<String>::new());
}

#[test]
fn without_a_state_topic_the_brokers_word_counts_for_the_newest_command() {
    let mut outputs = outputs(vec![mapped(None)]);
    outputs.connected(at(0));
    let tell = |outputs: &mut Outputs, level: f64, now: u64| {
        assert_eq!(outputs.order(&order(LAMP, level, None), at(now)), []);
        let (messages, events) = outputs.messages(at(now));
        assert_eq!(events, [], "nobody has taken it yet");
        messages[0].receipt.unwrap()
    };
    let on = tell(&mut outputs, 1.0, 0);
    assert_eq!(outputs.taken(on, Ok(())), [confirmed(LAMP, 1.0)]);
    assert_eq!(outputs.taken(on, Ok(())), []);
    let off = tell(&mut outputs, 0.0, 1);
    outputs.order(&order(LAMP, 1.0, None), at(1));
    assert_eq!(outputs.taken(off, Ok(())), [], "wanted no longer");
    let newest = outputs.messages(at(1)).0[0].receipt.unwrap();
    assert_eq!(outputs.taken(off, Ok(())), []);
    let why = || "nobody listens".to_owned();
    let refused = [failed(&LAMP.into(), 1.0, "nobody listens")];
    assert_eq!(outputs.taken(newest, Err(why())), refused);
    let late = tell(&mut outputs, 0.0, 2);
    let told = outputs.overdue(at(7));
    let why = "the broker did not take it within 5s";
    assert_eq!(told, [failed(&LAMP.into(), 0.0, why)]);
    assert_eq!(outputs.taken(late, Ok(())), []);
}

#[test]
fn with_a_state_topic_the_brokers_word_confirms_nothing() {
    let mut outputs = outputs(vec![mapped(Some("lamp/state"))]);
    outputs.connected(at(0));
    outputs.messages(GRACE);
    outputs.order(&order(LAMP, 1.0, None), at(1));
    let (messages, events) = outputs.messages(at(1));
    assert_eq!(events, []);
    assert_eq!(outputs.taken(messages[0].receipt.unwrap(), Ok(())), []);
    assert_eq!(outputs.state(0, 1.0, false), [confirmed(LAMP, 1.0)]);
}

#[test]
fn who_speaks_only_of_changes_agrees_by_silence_with_what_the_broker_keeps_of_it() {
    let silent = |kept: f64, taken: bool| {
        let mut outputs = outputs(vec![mapped(Some("lamp/state"))]);
        outputs.connected(at(0));
        outputs.state(0, kept, true);
        outputs.messages(at(0));
        outputs.order(&order(LAMP, 0.0, None), at(1));
        let (messages, events) = outputs.messages(at(1));
        assert_eq!(events, [], "what it said before proves nothing");
        if taken {
            outputs.taken(messages[0].receipt.unwrap(), Ok(()));
        }
        assert_eq!(outputs.overdue(at(5)), []);
        outputs.overdue(at(6))
    };
    assert_eq!(silent(0.0, true), [confirmed(LAMP, 0.0)]);
    for (kept, taken) in [(1.0, true), (0.0, false)] {
        let why = "not confirmed within 5s; it says nothing";
        assert_eq!(silent(kept, taken), [failed(&LAMP.into(), 0.0, why)]);
    }
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
    let timer = |outputs: &mut Outputs, pulse, millis| {
        let order = Order {
            pulse,
            ..order(PLUG, 1.0, Some(Span::millis(millis)))
        };
        outputs.order(&order, at(0));
        told(outputs, at(0)).remove(0)
    };
    for (pulse, millis, seconds) in [(false, 1_500, 1), (false, 1_950, 2), (true, 1_500, 2)] {
        let wanted = format!(r#"z/Plug/set {{"countdown":{seconds},"state":"ON"}}"#);
        assert_eq!(timer(&mut outputs, pulse, millis), wanted);
    }
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

#[test]
fn a_plug_that_is_only_observed_is_not_told_what_to_do_when_its_power_returns() {
    let mut point = zigbee(None);
    if let OutputForm::Zigbee(output) = &mut point.form {
        output.power_on = Some(growbox_model::PowerOn::Off);
    }
    let mut outputs = outputs(vec![point]);
    outputs.connected(at(0));
    outputs.present(0, true, at(0));
    let device = ZigbeeDevice {
        name: "Plug".into(),
        label: String::new(),
        quantities: vec![],
        switches: vec![None],
        dims: false,
        timer: Timer::OnTime,
        power_on: vec!["off".into()],
        disabled: false,
    };
    assert_eq!(outputs.learn(&[device]), Vec::<String>::new());
    assert_eq!(told(&mut outputs, at(1)), Vec::<String>::new());
    outputs.order(&order(PLUG, 0.0, None), at(2));
    let both = [
        r#"z/Plug/set {"state":"OFF"}"#,
        r#"z/Plug/set {"power_on_behavior":"off"}"#,
    ];
    assert_eq!(told(&mut outputs, at(2)), both);
}
