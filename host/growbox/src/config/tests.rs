//! What a file becomes, and what is said about a wrong one, word for word.

use std::path::Path;

use growbox_model::room::ClockForm;
use growbox_model::{DeviceId, Operation, PluginId, SensorId, Span, ZoneId};
use proptest::prelude::*;

use super::*;

mod safety;

const TENT: &str = include_str!("../../../../examples/tent.toml");
const MINIMAL: &str = include_str!("../../../../examples/minimal.toml");
const RECORDING: &str = include_str!("../../../../examples/recording.toml");
const HOME: &str = include_str!("../../../../examples/home.toml");
const ALERTS: &str = include_str!("../../../../examples/alerts.toml");
/// The configuration a grower writes, as the project promises it.
const GROWER: &str = include_str!("sample.toml");

fn checked(text: &str) -> Checked {
    let around = Surroundings {
        file: "growbox.toml",
        folder: Path::new("/etc/growbox"),
        time_zone: "Europe/Berlin",
        exists: &|path| path.ends_with("there.wasm"),
    };
    read(text, &around)
}

fn sound(text: &str) -> Configuration {
    let checked = checked(text);
    assert_eq!(checked.to_string(), "");
    checked.configuration.unwrap()
}

/// All that is said about a text.
fn said(text: &str) -> String {
    checked(text).to_string()
}

#[test]
fn an_empty_file_is_a_room() {
    let configuration = sound("");
    assert_eq!(configuration.room.node.clock, ClockForm::System);
    assert_eq!(configuration.room.node.time_zone, "Europe/Berlin");
    assert!(!configuration.room.node.measure_unknown_sensors);
    assert_eq!(configuration.api.listen.to_string(), "127.0.0.1:8420");
    assert_eq!(configuration.data, None);
}

#[test]
fn the_examples_are_sound() {
    let tent = sound(TENT);
    assert_eq!(tent.room.node.clock, ClockForm::Scaled(60.0));
    assert_eq!(tent.room.devices.len(), 7);
    assert!(sound(HOME).mqtt.is_some());
    assert_eq!(sound(MINIMAL).room.sensors.len(), 1);
    assert_eq!(sound(ALERTS).room.sensors.len(), 2);
    let recording = sound(RECORDING);
    assert_eq!(recording.room.node.clock, ClockForm::Events);
    assert!(recording.room.node.measure_unknown_sensors);
    assert_eq!(recording.room.node.max_ahead, Span::hours(168));
}

#[test]
fn roles_fill_in_what_the_file_leaves_out() {
    let tent = sound(TENT).room;
    let heater = &tent.devices[&DeviceId::new("heater").unwrap()];
    assert_eq!(
        (heater.min_on, heater.min_off),
        (Span::seconds(60), Span::seconds(120))
    );
    assert_eq!(
        (heater.max_on, heater.lease),
        (Some(Span::minutes(30)), Span::seconds(120))
    );
    assert_eq!(
        (heater.safe_level, heater.switched, heater.watts),
        (0.0, true, Some(400.0))
    );
    assert_eq!(heater.needs[0].as_str(), "temperature");
    let exhaust = &tent.devices[&DeviceId::new("exhaust").unwrap()];
    assert_eq!(
        (exhaust.low, exhaust.safe_level, exhaust.start_level),
        (0.25, 0.25, 0.25)
    );
    assert!(exhaust.never_off && !exhaust.switched);
}

#[test]
fn a_sensor_without_a_zone_forms_one() {
    let tent = sound(TENT).room;
    let room = ZoneId::new("room").unwrap();
    assert_eq!(tent.zones[&room].operation, Operation::Control);
    assert_eq!(
        tent.sensors[&SensorId::new("room").unwrap()].zone,
        Some(room.clone())
    );
    assert_eq!(
        tent.zones[&ZoneId::new("tent").unwrap()].ambient,
        Some(room)
    );
}

#[test]
fn sources_are_stored_as_the_edges_name_them() {
    let room = sound(
        "[sensor]\na = { source = \"sim:canopy\" }\nb = { source = \"http:node-1\" }\nc = {}\n",
    )
    .room;
    let source = |id: &str| room.sensors[&SensorId::new(id).unwrap()].source.clone();
    assert_eq!(source("a").unwrap().as_str(), "driver:sim:canopy");
    assert_eq!(source("b").unwrap().as_str(), "http:node-1");
    assert_eq!(source("c"), None);
}

#[test]
fn a_plugin_is_read_whole() {
    let text = r#"
[node]
data = "state"
[device]
fan = { role = "circulation", output = "null:fan", switched = false, lease = "10min", controllers = ["a", "vpd-control"] }
[plugin.a]
file = "there.wasm"
settings = { margin = 1.5, name = "x", list = [1, 2], deep = { when = 2026-01-15T10:30:00Z } }
deadline = "50ms"
memory = "16MiB"
grant = { control = ["fan"], read_history = ["temperature"], emergency_stop = ["*"], call = ["https://example.org"] }
deny.emit = ["alert.*"]
[plugin.vpd-control]
enabled = false
grant.control = ["fan"]
"#;
    let configuration = sound(text);
    let plugin = &configuration.room.plugins[&PluginId::new("a").unwrap()];
    assert_eq!(
        plugin.file.as_deref(),
        Some(Path::new("/etc/growbox/there.wasm"))
    );
    assert_eq!(
        plugin.settings.as_str(),
        r#"{"deep":{"when":"2026-01-15T10:30:00Z"},"list":[1,2],"margin":1.5,"name":"x"}"#
    );
    assert_eq!(
        (plugin.deadline, plugin.memory_bytes),
        (Span::millis(50), 16 << 20)
    );
    assert!(plugin.grant.names("control", "fan") && plugin.deny.names("emit", "alert.raised"));
    assert_eq!(
        configuration.data.as_deref(),
        Some(Path::new("/etc/growbox/state"))
    );
}

#[test]
fn what_the_grower_writes_is_sound_but_for_what_this_build_lacks() {
    let checked = checked(GROWER);
    let codes: Vec<(&str, &str)> = checked
        .findings
        .iter()
        .map(|f| (f.code.as_str(), f.key.as_str()))
        .collect();
    let expected = [
        ("no_such_file", "mqtt.password.file"),
        ("not_in_this_build", "mqtt.home_assistant"),
        ("no_driver", "sensor.canopy.source"),
        ("no_driver", "device.exhaust.output"),
        ("no_such_file", "plugin.dew-guard.file"),
    ];
    assert_eq!(codes, expected);
    assert!(checked.configuration.is_none());
}

#[test]
fn an_unknown_role_names_the_nearest() {
    let text = "[zone.tent]\n[device]\nexhaust = { zone = \"tent\", role = \"exaust\", output = \"sim:exhaust\" }\n";
    let expected = "\
error: unknown role \"exaust\", did you mean \"exhaust\"?
  growbox.toml:3  exhaust = { zone = \"tent\", role = \"exaust\", output = \"sim:exhaust\" }
                                                    ^^^^^^^^   all roles: growbox roles
";
    assert_eq!(said(text), expected);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = r#"[node]
clock = "sundial"
time_zone = "Europe/Berln"
colour = "green"

[zone.Tent]
stage = "mid-vag"

[zone.tent]
lights_on = "6 am"
ambient = "rom"
leaf_offset_celsius = "cold"

[sensor]
canopy = { zone = "tnt", source = "sim:canpy" }
"Room 1" = { zone = "tent" }

[device]
heater = { zone = "tent", role = "heater", output = "pwm:5", active_low = true, min_on = "long" }
lamp = { zone = "tent", role = "light", min_level_percent = 14, output = "sim:light" }
lamp2 = { role = "heater", output = "sim:light" }
pump = 5

[plugin.vpd-contrl]
grant = { control = ["heatr"], emit = ["sensr.*"], drive = ["x"] }

[api]
listen = "0.0.0.0:8420"

[sfety.hot]
level = 1
"#;
    let expected = r#"error: unknown clock "sundial"
  growbox.toml:2  clock = "sundial"
                          ^^^^^^^^^   known: system, scaled, events
error: unknown time zone "Europe/Berln", did you mean "Europe/Berlin"?
  growbox.toml:3  time_zone = "Europe/Berln"
                              ^^^^^^^^^^^^^^   IANA names, such as "Europe/Berlin" or "UTC"
error: unknown key "colour"
  growbox.toml:4  colour = "green"
                  ^^^^^^   known: name, clock, speed, time_zone, unknown_sensors, max_ahead, max_age, queue, ring, health_every, stop_input, data
error: zone id "Tent" does not fit [a-z0-9_-]{1,64}
  growbox.toml:6  [zone.Tent]
                        ^^^^
error: unknown stage "mid-vag", did you mean "mid-veg"?
  growbox.toml:7  stage = "mid-vag"
                          ^^^^^^^^^   known: germination, clone, early-veg, mid-veg, late-veg, early-flower, mid-flower, late-flower, drying
error: "6 am" is no time of day such as "06:00"
  growbox.toml:10  lights_on = "6 am"
                               ^^^^^^
error: unknown zone "rom"
  growbox.toml:11  ambient = "rom"
                             ^^^^^   known: tent
error: found text, wanted a number
  growbox.toml:12  leaf_offset_celsius = "cold"
                                         ^^^^^^
error: unknown zone "tnt", did you mean "tent"?
  growbox.toml:15  canopy = { zone = "tnt", source = "sim:canpy" }
                                     ^^^^^   known: tent
error: unknown sensor of the simulated tent "canpy", did you mean "canopy"?
  growbox.toml:15  canopy = { zone = "tnt", source = "sim:canpy" }
                                                     ^^^^^^^^^^^
error: sensor id "Room 1" does not fit [A-Za-z0-9_.:-]{1,64}
  growbox.toml:16  "Room 1" = { zone = "tent" }
                   ^^^^^^^^
error: this build has no driver for pwm: ("pwm:5"); it has sim:, gpio:, unix:, zigbee:, mqtt:, null:
  growbox.toml:19  heater = { zone = "tent", role = "heater", output = "pwm:5", active_low = true, min_on = "long" }
                                                                       ^^^^^^^
error: "long" is no duration: seconds as a number, or text such as "30s", "5min", "1h", "2d"
  growbox.toml:19  heater = { zone = "tent", role = "heater", output = "pwm:5", active_low = true, min_on = "long" }
                                                                                                            ^^^^^^
error: a heater needs a fresh temperature of its zone to run, and lamp2 names no zone
  growbox.toml:21  lamp2 = { role = "heater", output = "sim:light" }
                   ^^^^^   add zone = "…"
error: output "sim:light" is already that of device lamp
  growbox.toml:21  lamp2 = { role = "heater", output = "sim:light" }
                                                       ^^^^^^^^^^^   in line 20
error: found a number, wanted a table
  growbox.toml:22  pump = 5
                   ^^^^   [device.pump] or pump = { … }
error: plug-in vpd-contrl has no file, and is not first-party
  growbox.toml:24  [plugin.vpd-contrl]
                           ^^^^^^^^^^   add file = "….wasm"; first-party: alert-rules, analytics, irrigation, notifier, photoperiod, sensor-watch, vpd-control
error: unknown device "heatr", did you mean "heater"?
  growbox.toml:25  grant = { control = ["heatr"], emit = ["sensr.*"], drive = ["x"] }
                                        ^^^^^^^   known: heater, lamp, lamp2
error: unknown event type "sensr.*", did you mean "sensor.*"?
  growbox.toml:25  grant = { control = ["heatr"], emit = ["sensr.*"], drive = ["x"] }
                                                          ^^^^^^^^^   known: sensor.*, device.*, control.*, vpd.*, alert.*, analytics.*, plugin.*, system.*, storage.*, safety.*, x.*
error: unknown key "drive"
  growbox.toml:25  grant = { control = ["heatr"], emit = ["sensr.*"], drive = ["x"] }
                                                                      ^^^^^   known: control, emit, read_history, emergency_stop, call
error: growbox does not listen beyond this machine without credentials, which this build cannot check yet: 0.0.0.0:8420
  growbox.toml:28  listen = "0.0.0.0:8420"
                            ^^^^^^^^^^^^^^
error: unknown table "sfety", did you mean "safety"?
  growbox.toml:30  [sfety.hot]
                    ^^^^^   known: node, zone, sensor, device, plugin, filters, storage, api, mqtt, notify, circuit, safety
warning: min_level_percent has no effect on a switched device
  growbox.toml:20  lamp = { zone = "tent", role = "light", min_level_percent = 14, output = "sim:light" }
                                                                               ^^   switched = false, where the output can do more
"#;
    assert_eq!(said(text), expected);
}

#[test]
fn two_plugins_on_one_device_must_be_ordered() {
    let device = "[device]\nfan = { role = \"circulation\", output = \"null:fan\"CONTROLLERS }\n";
    let plugins = "[plugin.vpd-control]\ngrant = { control = [\"fan\"] }\n[plugin.photoperiod]\ngrant = { control = [\"fan\"] }\n";
    let with =
        |controllers: &str| format!("{}{plugins}", device.replace("CONTROLLERS", controllers));
    let expected = "\
error: photoperiod and vpd-control may all command fan, and nothing says who goes first
  growbox.toml:2  fan = { role = \"circulation\", output = \"null:fan\" }
                  ^^^   controllers = [\"photoperiod\", \"vpd-control\"], highest first
";
    assert_eq!(said(&with("")), expected);
    assert!(
        said(&with(", controllers = [\"vpd-control\"]"))
            .contains("controllers = [\"vpd-control\", \"photoperiod\"]")
    );
    assert_eq!(
        said(&with(", controllers = [\"vpd-control\", \"photoperiod\"]")),
        ""
    );
    let denied = format!("{}deny.control = [\"fan\"]\n", with(""));
    assert_eq!(
        said(&denied),
        "",
        "what is denied again is no second controller"
    );
}

#[test]
fn a_controller_must_be_a_plugin_and_should_be_granted() {
    let text = "[device]\nfan = { role = \"circulation\", output = \"null:fan\", controllers = [\"vpd-control\", \"dew-guard\"] }\n[plugin.vpd-control]\n";
    let expected = "\
error: unknown plug-in \"dew-guard\"
  growbox.toml:2  fan = { role = \"circulation\", output = \"null:fan\", controllers = [\"vpd-control\", \"dew-guard\"] }
                                                                                                   ^^^^^^^^^^^   known: vpd-control
warning: vpd-control is a controller of fan without the grant to command it
  growbox.toml:2  fan = { role = \"circulation\", output = \"null:fan\", controllers = [\"vpd-control\", \"dew-guard\"] }
                                                                                    ^^^^^^^^^^^^^   [plugin.vpd-control] grant = { control = [\"fan\"] }
";
    assert_eq!(said(text), expected);
}

#[test]
fn a_stage_out_of_reach_says_what_to_change() {
    let expected = "\
warning: early-veg by day: VPD 0.65–0.80 kPa cannot be reached at 23–28 °C and 60–70 % with a leaf offset of 0 °C, only 0.84–1.51 kPa
  growbox.toml:2  stage = \"early-veg\"
                          ^^^^^^^^^^^   allow humidity up to 72 %, or raise VPD to 0.84 kPa; or set leaf_offset_celsius, if leaves are colder than the air
";
    let found = checked("[zone.tent]\nstage = \"early-veg\"\n");
    let day = found
        .findings
        .iter()
        .find(|f| f.message.contains("by day"))
        .unwrap();
    assert_eq!(format!("{day}\n"), expected);
    assert!(found.configuration.is_some(), "a warning forbids nothing");
    assert_eq!(
        said("[zone.tent]\nstage = \"early-veg\"\nleaf_offset_celsius = -1.5\n"),
        ""
    );
    let target = said("[zone.tent]\nstage = \"mid-veg\"\ntargets.vpd = 3.5\n");
    assert!(
        target.contains("targets.vpd = 3.5\n") && target.contains("lower VPD to"),
        "{target}"
    );
}

#[test]
fn levels_must_be_levels_the_device_can_have() {
    let device = |rest: &str| {
        said(&format!(
            "[device]\nx = {{ output = \"null:x\", {rest} }}\n"
        ))
    };
    for (rest, message) in [
        (
            "role = \"pump\", safe_level = 0.5",
            "safe_level is 0.5, and a switched device knows only 0 and 1",
        ),
        (
            "role = \"exhaust\", start_level = 0",
            "start_level is 0, and x is never off",
        ),
        (
            "role = \"intake\", safe_level = 0.1",
            "safe_level is 0.1, and x runs within 0.2 … 1",
        ),
        (
            "role = \"intake\", max_level_percent = 10",
            "the lowest level, 20 %, is above the highest, 10 %",
        ),
        (
            "role = \"pump\", max_on = \"2s\", min_on = \"5s\"",
            "the longest run of x is shorter than its minimum on of 5s",
        ),
    ] {
        assert!(device(rest).contains(message), "{rest}: {}", device(rest));
    }
    assert_eq!(device("role = \"exhaust\", switched = true"), "");
    assert_eq!(device("role = \"intake\", safe_level = 0"), "");
    let heater = said(
        "[zone.a]\n[device]\nx = { zone = \"a\", role = \"heater\", output = \"sim:heater\", switched = false }\n",
    );
    assert!(
        heater.starts_with("error: sim:heater knows only off and on\n"),
        "{heater}"
    );
}

#[test]
fn what_is_behind_a_broker_needs_the_system_clock_unless_it_is_simulated() {
    let room = |more: &str| format!("[node]\nclock = \"events\"\n[mqtt]\nbroker = \"a\"\n{more}");
    let found = said(&room(""));
    assert!(
        found.contains("is real, and needs the system clock"),
        "{found}"
    );
    assert!(found.contains("[mqtt] simulated = true"), "{found}");
    assert_eq!(said(&room("simulated = true\n")), "");
}

#[test]
fn what_has_no_effect_is_told() {
    for (text, message) in [
        ("[node]\nspeed = 5\n", "speed has no effect on this clock"),
        (
            "[zone.a]\nlights_on = \"06:00\"\n",
            "lights_on has no effect: there is no day without a stage or hours_of_light",
        ),
        (
            "[zone.a]\nhours_of_light = 12\n",
            "hours_of_light has no effect",
        ),
        (
            "[device]\nx = { role = \"pump\", output = \"null:x\", active_low = true }\n",
            "active_low has no effect: null:x has no pin",
        ),
    ] {
        let found = checked(text);
        assert!(found.to_string().contains(message), "{found}");
        assert!(found.errors().next().is_none() && found.warnings().count() == 1);
    }
}

#[test]
fn text_that_is_no_toml_says_where() {
    let found = said("[node]\nname = \"a\"\nname = \"b\"\n");
    assert!(
        found
            .starts_with("error: this is no TOML: duplicate key\n  growbox.toml:3  name = \"b\"\n"),
        "{found}"
    );
    let found = said("[zone.tent\n");
    assert!(found.starts_with("error: this is no TOML: "), "{found}");
    assert!(found.contains("growbox.toml:1  [zone.tent\n"), "{found}");
}

#[test]
fn explanations_name_line_or_reason_and_no_secret() {
    let text = "[zone.a]\n[device]\nheater = { zone = \"a\", role = \"heater\", output = \"sim:heater\" }\n\
                [plugin.x]\nfile = \"there.wasm\"\ngrant.call = [\"https://me:pw@example.org\"]\n";
    let checked = checked(text);
    let find = |key: &str| {
        checked
            .explanations
            .iter()
            .find(|row| row.key == key)
            .unwrap()
    };
    assert_eq!(find("device.heater.role").origin, Origin::File { line: 3 });
    let Origin::Default { why } = &find("device.heater.min_off").origin else {
        panic!("not a default")
    };
    assert!(
        why.starts_with("role heater: a heater that nobody watches"),
        "{why}"
    );
    assert_eq!(find("device.heater.min_off").value, "2min");
    assert_eq!(
        find("plugin.x.grant.call").value,
        "[\"https://example.org\"]"
    );
    let shown = render_explanations("growbox.toml", &checked.explanations);
    let row = shown.lines().find(|row| row.contains("device.heater.role"));
    let words: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(words, ["device.heater.role", "heater", "growbox.toml:3"]);
}

#[test]
fn doses_a_day_come_from_the_role_or_the_file() {
    let of = |rest: &str| {
        let text =
            format!("[zone.a]\n[device]\nx = {{ zone = \"a\", output = \"null:x\", {rest} }}\n");
        let room = sound(&text).room;
        room.devices[&DeviceId::new("x").unwrap()].doses_per_day
    };
    assert_eq!(of("role = \"pump\""), Some(24));
    assert_eq!(of("role = \"pump\", doses_per_day = 6"), Some(6));
    assert_eq!(of("role = \"co2\""), None);
    let text = "[zone.a]\n[device]\nx = { zone = \"a\", role = \"pump\", output = \"null:x\", doses_per_day = 0 }\n";
    assert!(said(text).contains("doses_per_day"), "{}", said(text));
}

#[test]
fn every_key_is_explained_once() {
    for text in [TENT, MINIMAL, RECORDING, GROWER, ""] {
        let mut keys: Vec<String> = checked(text)
            .explanations
            .into_iter()
            .map(|row| row.key)
            .collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}

proptest! {
    /// Whatever is cut out of a sound file, or put into it, there is an answer and no panic;
    /// and a configuration exactly where there is no error.
    #[test]
    fn any_damage_gets_an_answer(start in 0..TENT.len(), length in 0..40_usize, put in "[ -~äß\n\"=\\[\\]{}]{0,6}") {
        let mut text: Vec<char> = TENT.chars().collect();
        let start = start.min(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, put.chars());
        let text: String = text.into_iter().collect();
        let checked = checked(&text);
        prop_assert_eq!(checked.configuration.is_none(), checked.errors().next().is_some());
        for finding in &checked.findings {
            prop_assert!(!finding.to_string().is_empty());
        }
    }
}
