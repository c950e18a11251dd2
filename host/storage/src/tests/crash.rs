//! Whatever happens to the host or the file, what was durable is there, and whole.

use std::fs;
use std::path::{Path, PathBuf};

use growbox_model::Generation;
use proptest::prelude::*;

use super::fixtures::*;
use crate::{StorageError, open};

fn database(dir: &Path) -> PathBuf {
    dir.join("growbox.db")
}

/// Ten groups of two commits, each with its events and the count a plug-in keeps of them; a
/// copy of the files as a dead host would leave them. The write-ahead log is apart, with its
/// length when the log had been opened: that much was durable from the start.
fn left_behind() -> (tempfile::TempDir, Vec<u8>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let opened = fs::read(dir.path().join("growbox.db-wal")).unwrap().len();
    for seq in (1..=40_u64).step_by(2) {
        let mut step = commit(readings(seq..=seq + 1));
        step.plugin = Some(counted(1, seq + 1, seq + 1));
        log.commit(step);
        if seq % 4 == 1 {
            assert!(log.flush(PATIENCE));
        }
    }
    assert!(log.flush(PATIENCE));
    let copy = tempfile::tempdir().unwrap();
    fs::copy(database(dir.path()), database(copy.path())).unwrap();
    let wal = fs::read(dir.path().join("growbox.db-wal")).unwrap();
    (copy, wal, opened)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The write-ahead log ends anywhere: state, cursor and events still agree.
    #[test]
    fn a_commit_is_there_whole_or_not_at_all(cut in 0.0..1.0_f64) {
        let (dir, wal, opened_with) = left_behind();
        let kept = opened_with + ((wal.len() - opened_with) as f64 * cut) as usize;
        fs::write(dir.path().join("growbox.db-wal"), &wal[..kept]).unwrap();
        let (log, restored) = opened(dir.path(), &patient());
        let last = restored.last_seq.0;
        prop_assert!(last.is_multiple_of(2) && !restored.clean);
        prop_assert!(restored.tail.iter().map(|e| e.seq.0).eq(1..=last));
        let cursor = restored.plugins.first().and_then(|p| p.cursor).map_or(0, |c| c.0);
        prop_assert_eq!(cursor, last);
        let state = log.reader().state(&counter(), Generation(1)).unwrap();
        let count = state.get("count").map_or("0".into(), |v| String::from_utf8(v.clone()).unwrap());
        prop_assert_eq!(count, last.to_string());
    }
}

#[test]
fn a_whole_copy_of_a_dead_host_has_everything() {
    let (dir, wal, _) = left_behind();
    fs::write(dir.path().join("growbox.db-wal"), &wal).unwrap();
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.last_seq.0, 40);
}

#[test]
fn only_a_clean_end_counts_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let clean = |steps: Vec<growbox_model::Commit>| {
        let (log, restored) = opened(dir.path(), &patient());
        for step in steps {
            log.commit(step);
        }
        drop(log);
        restored.clean
    };
    assert!(
        clean(vec![commit(readings(1..=1))]),
        "there was none before"
    );
    assert!(!clean(vec![clean_end()]), "let go of without the mark");
    assert!(clean(vec![]), "marked");
    assert!(
        !clean(vec![clean_end(), commit(readings(2..=2))]),
        "opened since"
    );
    assert!(!clean(vec![]), "went on after the mark");
}

#[test]
fn a_damaged_database_is_set_aside_and_the_room_runs() {
    let dir = tempfile::tempdir().unwrap();
    drop(opened(dir.path(), &patient()));
    fs::write(database(dir.path()), vec![0x5a; 100_000]).unwrap();
    let (log, restored) = opened(dir.path(), &patient());
    let aside = log.health().set_aside.unwrap();
    assert_eq!(
        aside.file_name().unwrap(),
        "growbox.db.damaged-2026-01-15T10-30-00Z"
    );
    assert_eq!(fs::read(aside).unwrap(), vec![0x5a; 100_000]);
    assert!(!restored.clean, "nothing may be taken for rested");
    log.commit(commit(readings(1..=3)));
    assert!(log.flush(PATIENCE));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.last_seq.0, 3);
    assert_eq!(log.health().set_aside, None);
}

#[test]
fn damage_inside_the_tables_is_found_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(commit(readings(1..=3)));
    drop(log);
    let raw = rusqlite::Connection::open(database(dir.path())).unwrap();
    raw.execute("DELETE FROM position", []).unwrap();
    drop(raw);
    let (log, _) = opened(dir.path(), &patient());
    assert!(log.health().set_aside.is_some());
}

/// Not every row is read at the start: damage among the events shows when somebody asks for them.
#[test]
fn damage_met_while_running_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(commit(readings(1..=50_000)));
    drop(log);
    let mut bytes = fs::read(database(dir.path())).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(database(dir.path()), bytes).unwrap();
    let (log, _) = opened(dir.path(), &patient());
    assert!(log.health().set_aside.is_none());
    assert!(log.reader().backlog(growbox_model::Seq(0), 50_000).is_err());
    drop(log);
    let (log, _) = opened(dir.path(), &patient());
    assert!(log.health().set_aside.is_some());
    drop(log);
    let (log, _) = opened(dir.path(), &patient());
    assert!(log.health().set_aside.is_none(), "once");
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(opened(dir.path(), &patient()));
    let raw = rusqlite::Connection::open(database(dir.path())).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let refusal = open(dir.path(), &patient(), |_| {}).err().unwrap();
    assert!(
        matches!(refusal, StorageError::Newer { found: 99, .. }),
        "{refusal}"
    );
    assert!(database(dir.path()).exists());
}

#[test]
fn a_second_host_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let refusal = open(dir.path(), &patient(), |_| {}).err().unwrap();
    assert!(matches!(refusal, StorageError::InUse { .. }), "{refusal}");
    drop(log);
    opened(dir.path(), &patient());
}
