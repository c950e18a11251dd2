//! What people type about devices, right and wrong, at the command line of a running room.

use growbox_tests::{Ended, Outside, Room, until};

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 1
[zone.tent]
operation = "control"
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#lamp" }
"#;

/// What it said to somebody who was refused with this code.
#[track_caller]
fn refused(ended: Ended, code: i32) -> String {
    assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
    ended.stderr
}

#[test]
fn a_person_sets_holds_releases_locks_out_and_unlocks() {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["lamp"], 1.0);
    let host = room.start();
    let follows = |level: f64| {
        until("the lamp to follow", || {
            (outside.level("lamp") == level).then_some(())
        });
    };
    let say = |words: &[&str]| room.cli(["device"].iter().chain(words));
    say(&[
        "set", "lamp", "on", "--for", "1h", "--who", "ann", "--reason", "to read",
    ])
    .expect(0);
    follows(1.0);
    let why = say(&["why", "lamp", "--json"]).expect(0);
    assert!(
        why.contains("device.action.requested") && why.contains("to read"),
        "{why}"
    );
    say(&["hold", "lamp", "off", "--who", "ann", "--reason", "a leak"]).expect(0);
    follows(0.0);
    let held = say(&["set", "lamp", "on", "--who", "bob"]);
    assert!(refused(held, 1).contains("held off until released by ann"));
    say(&["release", "lamp", "--who", "ann"]).expect(0);
    say(&["set", "lamp", "on", "--who", "ann"]).expect(0);
    follows(1.0);
    say(&[
        "lock-out",
        "lamp",
        "--who",
        "ann",
        "--reason",
        "hands inside",
    ])
    .expect(0);
    follows(0.0);
    for words in [["set", "lamp", "on"], ["hold", "lamp", "on"]] {
        let told = refused(say(&words), 1);
        assert!(told.contains("locked out by ann"), "{told}");
    }
    host.kill();
    let host = room.start();
    let listed = say(&["list"]).expect(0);
    assert!(
        listed.contains("locked out by ann"),
        "over a kill: {listed}"
    );
    say(&["unlock", "lamp", "--who", "ann"]).expect(0);
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!(outside.level("lamp"), 0.0);
}

#[test]
fn what_a_person_types_wrong_is_told_and_changes_nothing() {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["lamp"], 1.0);
    let host = room.start();
    for (words, code, says) in [
        ("set lamp bright", 2, "on, off, 0% to 100%"),
        ("set lamp 150%", 2, "on, off, 0% to 100%"),
        ("set lamp NaN", 2, "on, off, 0% to 100%"),
        ("set lamp", 2, "LEVEL"),
        ("set lamp on --for never", 2, "--for"),
        ("set lamp on --for 0s", 2, "longer than nothing"),
        ("set lamp 0.5", 1, "0 or 1"),
        ("set lamb on", 1, "lamp"),
        ("set ../stop on", 2, "DEVICE"),
        ("release lamp", 1, "nobody holds or has set lamp"),
        ("unlock lamp", 1, "lamp is not locked out"),
        ("lock-out lamb", 1, "lamp"),
        ("hold lamp 2", 2, "on, off, 0% to 100%"),
    ] {
        let said = room.cli(["device"].into_iter().chain(words.split(' ')));
        let said = refused(said, code);
        assert!(said.contains(says), "{words}: {said}");
    }
    let again = refused(room.cli(["reset"]), 1);
    assert!(again.contains("nothing is stopped"), "{again}");
    let nowhere = refused(room.cli(["stop", "--zone", "tend"]), 1);
    assert!(nowhere.contains("tent"), "{nowhere}");
    assert_eq!(outside.level("lamp"), 0.0);
    assert_eq!(host.terminate().code(), Some(0));
    let gone = refused(room.cli(["device", "set", "lamp", "on"]), 3);
    assert!(!gone.is_empty());
}
