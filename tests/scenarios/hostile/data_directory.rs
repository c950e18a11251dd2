//! Data directories that belong to somebody else, are damaged, or come from the future.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use growbox_tests::Room;

use super::victim::{TENT, Victim};

#[test]
fn a_second_host_is_refused_and_the_first_goes_on() {
    let victim = Victim::tent();
    let address = fs::read_to_string(victim.room.data().join("address")).expect("is there");
    let ended = victim.takes_nothing(|| victim.room.run_to_end());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let data = victim.room.data().display().to_string();
    let pid = format!("process {}", victim.host.pid());
    for word in [data.as_str(), &pid, "--data"] {
        assert!(ended.stderr.contains(word), "no {word}: {}", ended.stderr);
    }
    let after = fs::read_to_string(victim.room.data().join("address")).expect("is there");
    assert_eq!(
        after, address,
        "the second host moved the first one's address"
    );
}

#[test]
fn foreign_files_are_left_alone() {
    let room = Room::new(TENT);
    let data = room.data();
    fs::create_dir(data.join("photos")).expect("writable");
    let foreign = [
        "letter.txt",
        "photos/one.jpg",
        "growbox.toml",
        "growbox.db.old",
    ];
    for name in foreign {
        fs::write(data.join(name), name).expect("writable");
    }
    fs::write(data.join("address"), "no address").expect("writable");
    let victim = Victim {
        host: room.start(),
        room,
    };
    victim.well();
    victim.host.terminate();
    for name in foreign {
        let kept = fs::read_to_string(data.join(name)).expect("still there");
        assert_eq!(kept, name);
    }
}

/// A room with a log that ended cleanly, damaged by `damage`, and started again.
fn damaged(damage: impl Fn(&Path)) {
    let Victim { room, host } = Victim::tent();
    let victim = Victim { host, room };
    let last = victim.well();
    let Victim { room, host } = victim;
    assert_eq!(host.terminate().code(), Some(0));
    let database = room.data().join("growbox.db");
    damage(&database);
    let before = fs::read(&database).expect("is there");
    let victim = Victim {
        host: room.start(),
        room,
    };
    let next = victim.well();
    assert!(next > last, "the number {next} was given before");
    let health = victim.host.stranger().get("/api/v1/health").expect(200);
    let storage = &health["components"]["storage"];
    assert_eq!(storage["status"], "degraded", "{health}");
    let why = storage["why"].as_str().unwrap_or_default();
    assert!(
        why.contains("damaged") && why.contains("growbox.db.damaged-"),
        "{why}"
    );
    let (_, aside) = why.split_once(": ").expect("a path is named");
    assert_eq!(
        fs::read(aside).expect("set aside"),
        before,
        "what was set aside is another"
    );
    assert!(
        victim.host.log().contains("set aside"),
        "{}",
        victim.host.log()
    );
    assert_eq!(victim.host.terminate().code(), Some(0));
}

fn overwrite(file: &Path, from: u64, length: usize) {
    let mut file = File::options().write(true).open(file).expect("is there");
    file.seek(SeekFrom::Start(from)).expect("a place in a file");
    file.write_all(&vec![0xa5; length]).expect("writable");
}

#[test]
fn a_log_whose_head_is_gone_is_set_aside_and_the_room_runs() {
    damaged(|database| overwrite(database, 0, 16_384));
}

#[test]
fn a_log_with_a_hole_is_set_aside_and_the_room_runs() {
    damaged(|database| overwrite(database, 8_192, 16_384));
}

#[test]
fn a_log_cut_short_is_set_aside_and_the_room_runs() {
    damaged(|database| {
        let file = File::options().write(true).open(database);
        file.expect("is there").set_len(5_000).expect("writable");
    });
}

#[test]
fn a_log_that_is_a_letter_is_set_aside_and_the_room_runs() {
    damaged(|database| fs::write(database, "Dear growbox, …").expect("writable"));
}

/// Bytes 60 to 63 of an SQLite file are its user version, most significant first.
#[test]
fn a_log_from_the_future_is_refused_with_both_numbers_and_left_alone() {
    let Victim { room, host } = Victim::tent();
    assert_eq!(host.terminate().code(), Some(0));
    let database = room.data().join("growbox.db");
    let mut bytes = fs::read(&database).expect("is there");
    let known = bytes[63];
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, &bytes).expect("writable");
    let ended = room.run_to_end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for word in [
        "version 99",
        &format!("up to {known}"),
        "growbox.db",
        "--data",
    ] {
        assert!(ended.stderr.contains(word), "no {word}: {}", ended.stderr);
    }
    assert_eq!(
        fs::read(&database).expect("is there"),
        bytes,
        "it was touched"
    );
}
