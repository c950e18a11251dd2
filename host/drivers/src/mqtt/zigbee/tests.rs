//! What Zigbee2MQTT says and is told.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Payload {
    Payload::read(text.as_bytes()).unwrap()
}

fn output(endpoint: Option<&str>) -> ZigbeeOutput {
    ZigbeeOutput {
        name: "Plug".into(),
        endpoint: endpoint.map(Into::into),
        timer: None,
        power_on: None,
    }
}

#[test]
fn one_message_is_several_readings() {
    let (found, wrong) = readings(&read(
        r#"{"battery":97,"humidity":61.2,"linkquality":120,"temperature":24.5,"voltage":3000,
            "illuminance":30000,"illuminance_lux":420,"contact":false}"#,
    ));
    let found: Vec<_> = found.iter().map(|f| (f.quantity, f.value)).collect();
    assert_eq!(
        found,
        [
            ("temperature", 24.5),
            ("humidity", 61.2),
            ("illuminance", 420.0),
            ("door", 1.0)
        ]
    );
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn one_bad_key_does_not_spoil_the_others() {
    let (found, wrong) = readings(&read(
        r#"{"temperature":"24.5","humidity":61.2,"co2":null,"contact":"open"}"#,
    ));
    assert_eq!(found.len(), 1);
    assert_eq!(
        wrong,
        [
            "temperature: \"24.5\" is text, not a number",
            "co2: null is no number",
            "contact: \"\\\"open\\\"\" is neither true nor false"
        ]
    );
    assert_eq!(readings(&read("24.5")).1, ["it is no JSON object"]);
    assert_eq!(readings(&Payload::Empty), (vec![], vec![]));
}

#[test]
fn states_are_levels() {
    let told = |text: &str, switched| state(&read(text), &output(None), switched);
    assert_eq!(told(r#"{"state":"ON","power":3}"#, true), Ok(Some(1.0)));
    assert_eq!(told(r#"{"state":"OFF"}"#, true), Ok(Some(0.0)));
    assert_eq!(told(r#"{"power":3}"#, true), Ok(None));
    assert_eq!(
        told(r#"{"state":"ON","brightness":127}"#, false),
        Ok(Some(0.5))
    );
    assert_eq!(
        told(r#"{"state":"ON","brightness":127}"#, true),
        Ok(Some(1.0))
    );
    assert!(told(r#"{"state":"TOGGLE"}"#, true).is_err());
    assert!(told("ON", true).is_err());
    let right = state(
        &read(r#"{"state_left":"ON","state_right":"OFF"}"#),
        &output(Some("right")),
        true,
    );
    assert_eq!(right, Ok(Some(0.0)));
}

#[test]
fn commands_carry_the_lease_where_the_device_has_a_timer() {
    let plug = output(None);
    let told = |level, timer| command(&plug, true, level, timer);
    assert_eq!(told(1.0, None), r#"{"state":"ON"}"#);
    assert_eq!(
        told(1.0, Some((Timer::OnTime, 120))),
        r#"{"on_time":120,"state":"ON"}"#
    );
    assert_eq!(
        told(1.0, Some((Timer::Countdown, 120))),
        r#"{"countdown":120,"state":"ON"}"#
    );
    assert_eq!(told(1.0, Some((Timer::None, 120))), r#"{"state":"ON"}"#);
    assert_eq!(told(0.0, Some((Timer::OnTime, 120))), r#"{"state":"OFF"}"#);
    assert_eq!(
        command(&plug, false, 0.5, None),
        r#"{"brightness":127,"state":"ON"}"#
    );
    assert_eq!(
        command(&output(Some("l1")), true, 1.0, None),
        r#"{"state_l1":"ON"}"#
    );
    assert_eq!(question(&plug), r#"{"state":""}"#);
}

#[test]
fn the_list_of_devices_tells_what_each_can_do() {
    let list = r#"[
        {"type":"Coordinator","friendly_name":"Coordinator"},
        {"type":"EndDevice","friendly_name":"Room climate","definition":{"vendor":"Aqara","model":"WSDCGQ11LM",
          "description":"Temperature and humidity sensor","exposes":[
            {"type":"numeric","name":"battery","access":1},{"type":"numeric","name":"temperature","access":1},
            {"type":"numeric","name":"humidity","access":1}]}},
        {"type":"Router","friendly_name":"Plug","definition":{"vendor":"X","model":"Y","description":"Plug","exposes":[
            {"type":"switch","features":[{"type":"binary","name":"state","access":7}]},
            {"type":"numeric","name":"countdown","unit":"s","access":7},{"type":"numeric","name":"power","access":5}]}},
        {"type":"Router","friendly_name":"Lamp","disabled":true,"definition":{"exposes":[
            {"type":"light","features":[{"name":"state"},{"name":"brightness"}]}]}},
        {"type":"Router","friendly_name":"Strip","definition":{"exposes":[
            {"type":"switch","endpoint":"l1","features":[]},{"type":"switch","endpoint":"l2","features":[]}]}},
        {"type":"EndDevice","friendly_name":"Unknown","definition":null},
        {"friendly_name":5}, null, 7
    ]"#;
    let found = devices(list.as_bytes()).unwrap();
    let names: Vec<&str> = found.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["Room climate", "Plug", "Lamp", "Strip", "Unknown"]);
    assert_eq!(found[0].quantities, ["temperature", "humidity"]);
    assert_eq!(
        found[0].label,
        "Aqara WSDCGQ11LM Temperature and humidity sensor"
    );
    assert_eq!(
        (&found[1].switches[..], found[1].timer),
        (&[None][..], Timer::Countdown)
    );
    assert!(found[2].dims && found[2].disabled);
    assert_eq!(
        found[3].switches,
        [Some("l1".to_owned()), Some("l2".to_owned())]
    );
    assert!(devices(b"{}").is_err() && devices(b"\xff").is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = devices(&bytes);
        if let Ok(payload) = Payload::read(&bytes) {
            let _ = state(&payload, &output(None), false);
            prop_assert!(readings(&payload).0.iter().all(|found| found.value.is_finite()));
        }
    }

    #[test]
    fn no_json_makes_it_panic(
        value in "(null|true|-?[0-9]{1,400}|\"[a-z]{0,5}\"|\\[\\]|\\{\\}|-?[0-9]e[0-9]{1,4})",
        index in 0..KEYS.len(),
    ) {
        let text = format!("{{\"{}\":{value},\"state\":\"ON\",\"brightness\":{value}}}", KEYS[index].name);
        if let Ok(payload) = Payload::read(text.as_bytes()) {
            prop_assert!(readings(&payload).0.iter().all(|found| found.value.is_finite()));
            let level = state(&payload, &output(None), false).ok().flatten();
            prop_assert!(level.is_none_or(|level| (0.0..=1.0).contains(&level)));
        }
    }

    #[test]
    fn a_level_ordered_is_the_level_told(percent in 1_u32..=100) {
        let level = f64::from(percent) / 100.0;
        let echoed = read(&command(&output(None), false, level, None));
        let told = state(&echoed, &output(None), false).unwrap().unwrap();
        prop_assert!((told - level).abs() < 0.005, "{told} {level}");
    }
}
