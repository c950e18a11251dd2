//! `growbox notify test`: who is told, what is shown, and which exit code.

use serde_json::{Value, json};

use super::{answer, host};
use crate::cli::Exit;

fn plugins() -> Value {
    json!({"plugins": [{"id": "notifier", "version": "0.1.0", "state": "running", "generation": 1,
        "behind": 0, "strikes": 0, "memory_bytes": 0, "controls": []}]})
}

fn posted() -> Value {
    json!({"results": [{"status": "accepted", "seq": 7, "id": "e7"}]})
}

fn tested(calls: &[&str]) -> Value {
    let call = |name: &&str| json!({"channel": name, "key": format!("{name}-test-7")});
    let calls: Vec<Value> = calls.iter().map(call).collect();
    json!({"seq": 8, "type": "x.notifier.tested",
        "data": {"test": 7, "calls": calls, "channels": ["ntfy", "mail"]}})
}

fn answered(seq: u64, key: &str, mut data: Value) -> Value {
    data["plugin"] = "notifier".into();
    data["key"] = key.into();
    json!({"seq": seq, "type": "plugin.call.answered", "data": data})
}

#[test]
fn each_channel_is_shown_with_its_answer_and_one_failure_is_exit_code_1() {
    let first = json!({"events": [tested(&["ntfy", "mail"]), answered(9, "ntfy-test-7", json!({"status": 200}))]});
    let refused = json!({"error": "refuses the connection\u{1b}[2J"});
    let second = json!({"events": [
        answered(10, "mail-4", json!({"status": 200})),
        answered(11, "mail-test-7", refused)]});
    let host = host(vec![
        answer(200, &plugins()),
        answer(200, &posted()),
        answer(200, &first),
        answer(200, &second),
    ]);
    let (exit, out) = host.asked("notify test");
    let expected = " CHANNEL  TOLD  ANSWER
 ntfy     yes   status 200
 mail     no    refuses the connection [2J
";
    assert_eq!((exit.unwrap(), out), (Exit::Failed, expected.to_owned()));
    let requests = host.requests();
    assert!(requests[1].contains("Bearer s3cret") && requests[1].contains("x.notifier.test"));
    assert!(requests[3].contains("after=9"), "{}", requests[3]);
}

#[test]
fn one_channel_alone_can_be_tried() {
    let page =
        json!({"events": [tested(&["ntfy"]), answered(9, "ntfy-test-7", json!({"status": 204}))]});
    let host = host(vec![
        answer(200, &plugins()),
        answer(200, &posted()),
        answer(200, &page),
    ]);
    let (exit, out) = host.asked("notify test --channel ntfy --json");
    assert_eq!(exit.unwrap(), Exit::Done);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        out,
        json!({"channels": [{"channel": "ntfy", "key": "ntfy-test-7", "told": true, "answer": "status 204"}]})
    );
    let requests = host.requests();
    assert!(
        requests[1].contains("{\"channel\":\"ntfy\"}"),
        "{}",
        requests[1]
    );
}

#[test]
fn no_notifier_and_no_such_channel_are_said() {
    let host = host(vec![
        answer(200, &json!({"plugins": []})),
        answer(200, &plugins()),
        answer(200, &posted()),
        answer(200, &json!({"events": [tested(&[])]})),
    ]);
    let nobody = host.asked("notify test").0.unwrap_err();
    assert_eq!(nobody.exit(), Exit::Failed);
    assert!(nobody.to_string().contains("[notify] ntfy = "), "{nobody}");
    let unknown = host.asked("notify test --channel nfty").0.unwrap_err();
    let said = unknown.to_string();
    assert!(
        said.contains("ntfy") && said.contains("names: ntfy, mail"),
        "{said}"
    );
}
