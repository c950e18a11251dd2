//! What a person does to a device, as it is sent.

use serde_json::json;

use super::{answer, host};
use crate::cli::Exit;

#[test]
fn levels_durations_names_and_reasons_are_sent() {
    let row = json!({"id": "exhaust", "zone": "tent", "role": "exhaust", "level": 0.6,
                     "since": null, "owner": "person:Ada", "why": "smells", "until": null,
                     "available": true});
    for (words, sent) in [
        (
            "device set exhaust 60% --for 30min --reason smells --who Ada",
            r#"/set {"for":1800,"level":0.6,"reason":"smells","who":"Ada"}"#,
        ),
        ("device hold exhaust --who Ada", r#"/hold {"who":"Ada"}"#),
        (
            "device hold exhaust off --who Ada",
            r#"/hold {"level":0.0,"who":"Ada"}"#,
        ),
        (
            "device release exhaust --who Ada",
            r#"/release {"who":"Ada"}"#,
        ),
        (
            "device lock-out exhaust --who Ada",
            r#"/lock-out {"who":"Ada"}"#,
        ),
        (
            "device unlock exhaust --who Ada",
            r#"/unlock {"who":"Ada"}"#,
        ),
    ] {
        let host = host(vec![answer(200, &row)]);
        let (exit, out) = host.asked(words);
        assert_eq!(exit.unwrap(), Exit::Done, "{words}");
        assert!(out.contains("exhaust"), "{out}");
        let request = &host.requests()[0];
        let (act, body) = sent.split_once(' ').unwrap();
        let path = format!("POST /api/v1/devices/exhaust{act} ");
        assert!(request.starts_with(&path), "{request}");
        assert!(request.ends_with(body), "{request}");
    }
}
