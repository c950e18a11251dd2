//! People who mistype.

use growbox_tests::Room;

use super::victim::{TENT, Victim};

#[test]
fn what_is_typed_wrong_is_named_with_what_would_be_right() {
    let room = Room::new(TENT);
    for (words, said) in [
        (&["fnord"][..], &["fnord", "--help"][..]),
        (&["evnts", "tail"], &["evnts", "events"]),
        (
            &["run", "--confg", "growbox.toml"],
            &["--confg", "--config"],
        ),
        (
            &["run", "--config", "growbox.toml", "--listen", "banana"],
            &["banana", "127.0.0.1:8420"],
        ),
        (
            &["run", "--config", "growbox.toml", "--listen", "0.0.0.0:0"],
            &["0.0.0.0:0", "credentials"],
        ),
        (&["device", "why"], &["<DEVICE>"]),
        (
            &["events", "query", "--from", "yesterday"],
            &["yesterday", "2026-01-15T10:30:00Z", "2d"],
        ),
        (
            &["events", "query", "--limit", "10001"],
            &["10001", "10000"],
        ),
        (&[], &["Usage: growbox"]),
    ] {
        let ended = room.cli(words);
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        let all = said.iter().all(|word| ended.stderr.contains(word));
        assert!(all, "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn nobody_home_is_said_with_where_it_looked() {
    let room = Room::new(TENT);
    let ended = room.cli(["device", "list"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let data = room.data().display().to_string();
    assert!(ended.stderr.contains(&data), "{}", ended.stderr);
    assert!(ended.stderr.contains("growbox run"), "{}", ended.stderr);
}

#[test]
fn a_thing_that_is_not_there_is_said_to_be_missing() {
    let victim = Victim::tent();
    for words in [
        ["device", "why", "heatr"],
        ["events", "why", "#999999"],
        ["events", "why", "nope"],
    ] {
        let ended = victim.room.cli(words);
        assert_eq!(ended.code, Some(1), "{words:?}: {ended:?}");
        let named = words[2].trim_start_matches('#');
        assert!(ended.stderr.contains(named), "{words:?}: {}", ended.stderr);
    }
    victim.well();
}

#[test]
fn a_port_in_use_is_refused_and_its_owner_goes_on() {
    let victim = Victim::tent();
    let taken = victim.address().to_string();
    let other = Room::new(TENT);
    let config = other.config().display().to_string();
    let ended = other.cli(["run", "--config", &config, "--listen", &taken]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for word in [taken.as_str(), "in use", "--listen"] {
        assert!(ended.stderr.contains(word), "no {word}: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    victim.well();
}
