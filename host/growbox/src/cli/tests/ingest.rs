//! `ingest` against a host that is full, goes away with what it was sent, and comes back.

use serde_json::{Value, json};

use super::{answer, host};
use crate::cli::Exit;

/// The host went away after it had read everything.
const GONE: &str = "";

fn lines(folder: &std::path::Path) -> String {
    let file = folder.join("in.jsonl");
    std::fs::write(
        &file,
        "{\"id\":\"a\",\"type\":\"x\"}\n{\"type\":\"x\"}\n{\"id\":\"c\",\"type\":\"x\"}\n",
    )
    .unwrap();
    format!("ingest --json {}", file.display())
}

fn results(statuses: &[&str]) -> Value {
    let results = statuses.iter().enumerate();
    let results = results.map(|(index, status)| json!({"index": index, "status": status}));
    json!({"results": results.collect::<Vec<_>>()})
}

#[test]
fn what_has_an_id_is_sent_again_and_the_rest_is_told() {
    let host = host(vec![
        GONE.into(),
        answer(202, &results(&["duplicate", "accepted"])),
    ]);
    let (exit, out) = host.asked(&lines(host.folder.path()));
    assert_eq!(
        exit.unwrap(),
        Exit::Failed,
        "nobody knows of the second line"
    );
    let sum: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({"lines": 3, "accepted": 1, "duplicate": 1, "late": 0, "bad": 0,
        "refused": 0, "unknown": 1, "unsent": 0});
    assert_eq!(sum, expected);
    let requests = host.requests();
    assert!(
        requests[0].starts_with("POST /api/v1/events?edge=stdin "),
        "{}",
        requests[0]
    );
    assert!(requests[0].contains("Bearer s3cret"));
    assert!(
        requests[1].ends_with("{\"id\":\"a\",\"type\":\"x\"}\n{\"id\":\"c\",\"type\":\"x\"}\n"),
        "{}",
        requests[1]
    );
}

#[test]
fn a_full_log_is_waited_for_and_nothing_is_lost() {
    let full = json!({"error": {"code": "log_full", "message": "the disk is full"}});
    let full = answer(503, &full).replacen("\r\n", "\r\nretry-after: 1\r\n", 1);
    let host = host(vec![full, answer(202, &results(&["accepted"; 3]))]);
    let (exit, out) = host.asked(&lines(host.folder.path()));
    assert_eq!(exit.unwrap(), Exit::Done);
    assert!(out.contains("\"accepted\":3"), "{out}");
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn a_wrong_token_ends_it_with_the_sum() {
    let refusal = json!({"error": {"code": "unauthorized", "message": "this is not the token"}});
    let host = host(vec![answer(401, &refusal)]);
    let (exit, out) = host.asked(&lines(host.folder.path()));
    let failure = exit.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.to_string().as_str()),
        (Exit::Failed, "this is not the token")
    );
    assert!(out.contains("\"accepted\":0"), "{out}");
}
