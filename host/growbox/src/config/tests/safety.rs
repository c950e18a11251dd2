//! Safety rules and pins: what roles and chips bring, and what is said about wrong ones.

use super::*;

#[test]
fn roles_bring_safety_rules_and_the_file_goes_before_them() {
    let room = "[zone.tent]\n[device]\nfan = { zone = \"tent\", role = \"exhaust\", output = \"null:fan\" }\n\
                heat = { zone = \"tent\", role = \"heater\", output = \"null:heat\" }\n";
    let ids = |text: &str| -> Vec<String> {
        let rules = checked(text).configuration.unwrap().room.safety;
        rules.iter().map(|rule| rule.id.to_string()).collect()
    };
    assert_eq!(
        ids(room),
        ["tent-hot", "tent-wet", "tent-dew", "tent-co2", "tent-blind"]
    );
    let rules = sound(room).room.safety;
    let co2 = rules.iter().find(|rule| &*rule.id == "tent-co2").unwrap();
    assert!(co2.latch && co2.shipped && co2.dwell <= Span::minutes(5));
    assert_eq!(co2.devices, [(DeviceId::new("fan").unwrap(), 1.0)].into());
    let own = format!(
        "{room}[safety.tent-hot]\nquantity = \"temperature\"\nabove = 34\nlatch = false\n\
         devices = {{ heat = 0 }}\n[safety.tent-wet]\nenabled = false\n"
    );
    assert_eq!(
        ids(&own),
        ["tent-hot", "tent-dew", "tent-co2", "tent-blind"]
    );
    let hot = &checked(&own).configuration.unwrap().room.safety[0];
    let growbox_model::Danger::Above { limit, clear, .. } = &hot.when else {
        panic!("{hot:?}")
    };
    assert_eq!((*limit, *clear, hot.latch), (34.0, 31.0, false));
    let off = said(&own);
    assert!(
        off.contains("tent-wet is turned off: nobody guards"),
        "{off}"
    );
    assert!(off.contains("tent-hot moves fan too"), "{off}");
}

#[test]
fn another_limit_for_a_shipped_rule_leaves_the_rest_as_shipped() {
    let room = "[zone.tent]\n[zone.attic]\n[device]\n\
                fan = { zone = \"tent\", role = \"exhaust\", output = \"null:fan\" }\n";
    let of = |text: &str| {
        let checked = checked(&format!("{room}{text}"));
        assert_eq!(checked.findings, [], "{text}");
        let rules = checked.configuration.unwrap().room.safety;
        let rule = rules.into_iter().find(|rule| &*rule.id == "tent-co2");
        (rule.unwrap(), checked.explanations)
    };
    let (shipped, _) = of("");
    let limits = |rule: &growbox_model::SafetySpec| match &rule.when {
        growbox_model::Danger::Above { limit, clear, .. } => (*limit, *clear),
        other => panic!("{other:?}"),
    };
    for (text, expected) in [
        ("quantity = \"co2\"\nabove = 1500", (1500.0, 1000.0)),
        ("above = 400", (400.0, 200.0)),
        ("clear = 900", (2000.0, 900.0)),
        ("dwell = 60", (2000.0, 1500.0)),
    ] {
        let (own, explanations) = of(&format!("[safety.tent-co2]\n{text}\n"));
        assert_eq!(limits(&own), expected);
        let alike = growbox_model::SafetySpec {
            when: shipped.when.clone(),
            shipped: true,
            ..own
        };
        assert_eq!(alike, shipped);
        let devices = explanations
            .iter()
            .find(|explanation| explanation.key == "safety.tent-co2.devices")
            .unwrap();
        assert_eq!(devices.value, "fan = 1");
    }
    for (text, wrong) in [
        ("devices = {}", "tent-co2 moves fan too"),
        (
            "quantity = \"humidity\"\nabove = 90",
            "which watches zone tent for co2 >= 2000",
        ),
        ("zone = \"attic\"", "which watches zone tent"),
    ] {
        let said = said(&format!("{room}[safety.tent-co2]\n{text}\n"));
        assert!(
            said.contains(wrong) && said.contains("warning"),
            "{text}: {said}"
        );
    }
}

#[test]
fn where_co2_is_brought_in_nobody_goes_on_without_knowing_how_much() {
    let room = "[zone.tent]\n[zone.outdoors]\n[device]\n\
                fan = { zone = \"tent\", role = \"exhaust\", output = \"null:fan\" }\n\
                dry = { zone = \"tent\", role = \"dehumidifier\", output = \"null:dry\" }\n\
                gas = { zone = \"tent\", role = \"co2\", output = \"null:gas\" }\n";
    let rules = sound(room).room.safety;
    let ids: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
    let tent = [
        "tent-hot",
        "tent-wet",
        "tent-dew",
        "tent-co2",
        "tent-co2-blind",
    ];
    let outdoors = ["outdoors-hot", "outdoors-co2"];
    assert_eq!(ids, [&outdoors[..], &tent[..]].concat());
    let of = |name: &str| {
        let rule = rules.iter().find(|rule| &*rule.id == name).unwrap();
        let levels = rule.devices.iter();
        let levels: Vec<_> = levels.map(|(id, level)| (id.as_str(), *level)).collect();
        (levels, rule.latch)
    };
    let airs = vec![("fan", 1.0), ("gas", 0.0)];
    assert_eq!(of("tent-co2-blind"), (airs, false));
    let cools = vec![("dry", 0.0), ("fan", 1.0), ("gas", 0.0)];
    assert_eq!(of("tent-hot"), (cools, false));
}

#[test]
fn wrong_safety_rules_are_refused_at_their_line() {
    let room = "[zone.tent]\n[device]\nheat = { zone = \"tent\", role = \"heater\", output = \"null:heat\" }\n";
    for (rule, wrong) in [
        ("above = 40", "this rule names no quantity"),
        (
            "quantity = \"temprature\"\nabove = 40",
            "did you mean \"temperature\"?",
        ),
        ("quantity = \"temperature\"", "exactly one of above, below"),
        (
            "quantity = \"temperature\"\nabove = 40\nbelow = 3",
            "exactly one of above, below",
        ),
        (
            "quantity = \"temperature\"\nabove = 40\nclear = 41",
            "on the dangerous side",
        ),
        (
            "quantity = \"temperature\"\nabove = 40\ndevices = { heater = 0 }",
            "unknown device \"heater\"",
        ),
        (
            "quantity = \"temperature\"\nabove = 40\ndevices = { heat = 0.5 }",
            "a switched device knows only 0 and 1",
        ),
        (
            "quantity = \"temperature\"\nuntrusted = [\"stale\", \"silly\"]",
            "unknown trouble \"silly\"",
        ),
        (
            "quantity = \"temperature\"\nuntrusted = []",
            "this rule can never trip: untrusted names no trouble",
        ),
        (
            "quantity = \"co2\"\nabove = 20000",
            "no co2 of 20000 is believed",
        ),
        (
            "quantity = \"co2\"\nabove = 400\nclear = -100",
            "never over: no co2 of -100 is believed",
        ),
        (
            "zone = \"tnet\"\nquantity = \"temperature\"\nabove = 40",
            "unknown zone \"tnet\"",
        ),
        (
            "quantity = \"temperature\"\nabove = 40\ndwell = -1",
            "growbox.toml:7",
        ),
    ] {
        let said = said(&format!("{room}[safety.own]\n{rule}\n"));
        assert!(
            said.contains(wrong) && said.contains("error"),
            "{rule}: {said}"
        );
    }
}

#[test]
fn a_pin_has_a_polarity_and_one_that_is_on_at_boot_is_told() {
    let device = |pin: u8, active_low: bool| {
        format!(
            "[device]\nx = {{ role = \"other\", switched = true, output = \"gpio:{pin}\", active_low = {active_low} }}\n"
        )
    };
    let output = |text: &str| {
        let room = checked(text).configuration.unwrap().room;
        room.devices["x"].output.to_string()
    };
    for (pin, active_low, address, warned) in [
        (5, true, "gpio:5#low", false),
        (22, false, "gpio:22", false),
        (5, false, "gpio:5", true),
        (22, true, "gpio:22#low", true),
    ] {
        let text = device(pin, active_low);
        assert_eq!(output(&text), address);
        assert_eq!(
            said(&text).contains("may be on while the machine boots"),
            warned
        );
    }
    let fan = "[device]\nx = { role = \"exhaust\", output = \"gpio:22\" }\n";
    assert!(
        said(fan).contains("gpio:22 knows only off and on"),
        "{}",
        said(fan)
    );
}

#[test]
fn a_sensor_has_offsets_and_may_freeze() {
    let text = "[zone.tent]\n[sensor]\na = { zone = \"tent\", offsets = { temperature = -0.4, humidity = 2 }, frozen_after = \"2h\" }\n";
    let sensor = &sound(text).room.sensors["a"];
    assert_eq!(sensor.frozen_after, Some(Span::hours(2)));
    let offsets: Vec<_> = sensor.offsets.values().copied().collect();
    assert_eq!(offsets, [2.0, -0.4]);
    for (offsets, wrong) in [
        ("{ temprature = 1 }", "did you mean \"temperature\"?"),
        ("{ temperature = \"warm\" }", "found text, wanted a number"),
        ("5", "wanted a table"),
    ] {
        let text =
            format!("[zone.tent]\n[sensor]\na = {{ zone = \"tent\", offsets = {offsets} }}\n");
        assert!(said(&text).contains(wrong), "{}", said(&text));
    }
}

#[test]
fn a_witness_is_a_sensor_of_the_file_and_its_threshold_fits_the_device() {
    let room = |feedback: &str| {
        format!(
            "[zone.tent]\n[sensor]\nmeter = {{ zone = \"tent\" }}\n[device]\nheat = {{ zone = \"tent\", \
             role = \"heater\", output = \"null:heat\", watts = 400, feedback = {feedback} }}\n"
        )
    };
    let heat = DeviceId::new("heat").unwrap();
    let feedback = |text: &str| {
        let configuration = sound(&room(text));
        configuration.room.devices[&heat].feedback.clone().unwrap()
    };
    let power = feedback("{ sensor = \"meter\" }");
    assert_eq!((power.quantity.as_str(), power.on_above), ("power", 40.0));
    let contact = feedback("{ sensor = \"meter\", quantity = \"x_contact\", within = \"3s\" }");
    assert_eq!((contact.on_above, contact.within), (0.5, Span::seconds(3)));
    for (text, says) in [
        ("{ sensor = \"metre\" }", "meter"),
        ("{ quantity = \"power\" }", "add sensor"),
        ("{ sensor = \"meter\", within = \"2h\" }", "within"),
        ("{ sensor = \"meter\", quantity = \"powder\" }", "power"),
        ("true", "feedback"),
    ] {
        let said = said(&room(text));
        assert!(said.contains("feedback") && said.contains(says), "{said}");
    }
}

#[test]
fn a_plug_goes_where_it_is_safe_when_its_power_returns() {
    let plug = |role: &str, more: &str| {
        format!(
            "[mqtt]\nbroker = \"localhost\"\n[zone.tent]\n[device]\nplug = {{ zone = \"tent\", \
             role = \"{role}\", switched = true, output = \"zigbee:Plug\"{more} }}\n"
        )
    };
    let power_on = |text: &str| {
        let devices = sound(text).room.devices;
        devices[&DeviceId::new("plug").unwrap()].power_on
    };
    use growbox_model::PowerOn;
    assert_eq!(power_on(&plug("humidifier", "")), Some(PowerOn::Off));
    assert_eq!(power_on(&plug("circulation", "")), Some(PowerOn::On));
    let previous = plug("light", ", power_on = \"previous\"");
    assert_eq!(power_on(&previous), Some(PowerOn::Previous));
    assert_eq!(power_on(&plug("light", ", power_on = \"unchanged\"")), None);
    let wrong = said(&plug("light", ", power_on = \"of\""));
    assert!(
        wrong.contains("power_on") && wrong.contains("off"),
        "{wrong}"
    );
    let nowhere =
        said("[device]\nx = { role = \"other\", output = \"null:x\", power_on = \"off\" }\n");
    assert!(nowhere.contains("power_on has no effect"), "{nowhere}");
}

#[test]
fn the_button_is_a_sensor_with_a_source_and_no_pin_is_two_things() {
    let room = |button: &str, sensor: &str| {
        format!(
            "[node]\nstop_input = \"{button}\"\n[sensor]\nbutton = {{ {sensor} }}\n[device]\n\
             lamp = {{ role = \"other\", switched = true, output = \"gpio:17\" }}\n"
        )
    };
    let sound = sound(&room("button", "source = \"gpio:4\""));
    assert_eq!(sound.room.node.stop_input, SensorId::new("button").ok());
    for (button, sensor, says) in [
        ("buton", "source = \"gpio:4\"", "button"),
        (
            "button",
            "interval = \"1min\"",
            "anybody may speak for button",
        ),
        (
            "button",
            "source = \"gpio:17#low\"",
            "pin 17 is that of lamp",
        ),
        ("no name", "source = \"gpio:4\"", "stop_input"),
    ] {
        let said = said(&room(button, sensor));
        assert!(said.contains(says), "{said}");
    }
}
