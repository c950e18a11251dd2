//! Configurations that cannot be: all that is wrong at once, with file, line, key and what would be right.

use std::fs;

use growbox_tests::Room;

/// Many mistakes, one a line; beside each what has to be said about it.
const WRONG: &[(&str, &[&str])] = &[
    ("[node]", &[]),
    (
        "clock = \"sundial\"",
        &["sundial", "system, scaled, events"],
    ),
    ("colour = \"green\"", &["colour"]),
    ("[zone.tent]", &[]),
    (
        "stage = \"mid-vag\"",
        &["mid-vag", "did you mean \"mid-veg\"?"],
    ),
    ("lights_on = \"6 am\"", &["6 am", "06:00"]),
    ("leaf_offset_celsius = \"cold\"", &["text", "number"]),
    ("[sensor]", &[]),
    (
        "canopy = { zone = \"tnt\" }",
        &["tnt", "did you mean \"tent\"?"],
    ),
    ("[device]", &[]),
    (
        "exhaust = { zone = \"tent\", role = \"exaust\", output = \"null:a\" }",
        &["exaust", "did you mean \"exhaust\"?", "growbox roles"],
    ),
    (
        "heater = { zone = \"tent\", role = \"heater\", output = \"pwm:5\" }",
        &[
            "no driver for pwm:",
            "sim:, gpio:, unix:, zigbee:, mqtt:, null:",
        ],
    ),
    ("[plugin.stranger]", &["stranger", "file ="]),
    ("[api]", &[]),
    ("listen = \"0.0.0.0:8420\"", &["0.0.0.0:8420"]),
];

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text: String = WRONG.iter().map(|(line, _)| format!("{line}\n")).collect();
    let room = Room::new(&text);
    let file = room.config().display().to_string();
    let check = room.cli(["check", "--config", &file]);
    let run = room.run_to_end();
    for ended in [check, run] {
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for (index, (line, words)) in WRONG.iter().enumerate() {
            if words.is_empty() {
                continue;
            }
            let place = format!("{file}:{}  ", index + 1);
            let said = &ended.stderr;
            let at = said.find(&place);
            let at = at.unwrap_or_else(|| panic!("nothing about {line}: {said}"));
            let begin = said[..at].rfind("error: ").expect("an error is called one");
            let end = said[at..]
                .find("error: ")
                .map_or(said.len(), |next| at + next);
            let told = &said[begin..end];
            assert!(
                words.iter().all(|word| told.contains(word)),
                "{words:?}: {told}"
            );
            assert!(told.contains('^'), "no mark in {told}");
        }
    }
    let left = fs::read_dir(room.data()).expect("is there").count();
    assert_eq!(
        left, 1,
        "a wrong configuration left something beside compiled/"
    );
}

#[test]
fn a_file_that_is_none_is_named() {
    let room = Room::new("");
    fs::write(room.path().join("binary.toml"), b"[node]\n\xff\xfe\0\x01\n").expect("writable");
    fs::write(room.path().join("cut.toml"), "[zone.tent]\nstage = \"mid").expect("writable");
    fs::write(
        room.path().join("deep.toml"),
        format!("x = {}", "[".repeat(50_000)),
    )
    .expect("writable");
    fs::write(room.path().join("twice.toml"), "[zone.tent]\n[zone.tent]\n").expect("writable");
    for (file, words) in [
        (
            "missing.toml",
            &["missing.toml", "No such file", "--config FILE"][..],
        ),
        (".", &["directory", "--config FILE"]),
        ("binary.toml", &["binary.toml", "line 2", "UTF-8"]),
        ("cut.toml", &["cut.toml:2", "TOML"]),
        ("deep.toml", &["deep.toml:1", "TOML"]),
        ("twice.toml", &["twice.toml:2", "duplicate"]),
    ] {
        for command in ["check", "run"] {
            let ended = room.cli([command, "--config", file]);
            assert_eq!(ended.code, Some(2), "{command} {file}: {ended:?}");
            let said = &ended.stderr;
            assert!(
                words.iter().all(|word| said.contains(word)),
                "{words:?}: {said}"
            );
            assert!(
                said.len() < 2000,
                "{} bytes are said about {file}",
                said.len()
            );
        }
    }
}

#[test]
fn pins_are_refused_where_there_are_none() {
    let room = Room::new(
        "[device]\nrelay = { role = \"other\", switched = true, output = \"gpio:17\" }\n",
    );
    let file = room.config().display().to_string();
    assert_eq!(room.cli(["check", "--config", &file]).code, Some(0));
    if std::path::Path::new("/dev/gpiomem").exists() {
        return;
    }
    let ended = room.run_to_end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("gpio: needs a Raspberry Pi"),
        "{ended:?}"
    );
}
