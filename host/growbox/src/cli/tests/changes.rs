//! Alerts and changes of zones: what is shown, asked, and sent.

use serde_json::{Value, json};

use super::{answer, host, shown};
use crate::cli::Exit;

#[test]
fn alerts_are_listed_with_who_knows() {
    let alert = json!({"id": "e88213", "rule": "vpd-deviation", "state": "acknowledged", "severity": "warning",
        "zone": "tent", "subject": "vpd", "message": "VPD 1.9 kPa for 15 min\u{1b}[2J", "since": "2026-01-15T13:40:00Z",
        "raised": "2026-01-15T13:55:00Z", "acknowledged": "2026-01-15T14:01:00Z", "who": "anna",
        "cleared": null, "action_taken": "notification"});
    let listing = json!({"alerts": [alert]});
    let expected = " ALERT   STATE         SEVERITY  RULE           ABOUT        SINCE  RAISED
 e88213  acknowledged  warning   vpd-deviation  vpd in tent  13:40  13:55
   VPD 1.9 kPa for 15 min [2J
   did: notification
   seen by anna, 14:01
";
    assert_eq!(shown("alerts", &listing), expected);
    assert_eq!(shown("alerts", &json!({"alerts": []})), " no alerts\n");

    let host = host(vec![answer(200, &listing), answer(200, &alert)]);
    host.asked("alerts --state raised").0.unwrap();
    let (exit, out) = host.asked("alerts acknowledge e88213 --who anna --reason seen");
    assert_eq!((exit.unwrap(), out), (Exit::Done, expected.to_owned()));
    let requests = host.requests();
    assert!(
        requests[0].starts_with("GET /api/v1/alerts?state=raised "),
        "{}",
        requests[0]
    );
    assert!(
        requests[1].starts_with("POST /api/v1/alerts/e88213/acknowledge "),
        "{}",
        requests[1]
    );
    assert!(requests[1].contains("Bearer s3cret") && requests[1].contains("\"reason\":\"seen\""));
}

#[test]
fn a_zone_is_changed_after_a_look() {
    let zone = json!({"id": "tent", "stage": "mid-veg", "operation": "control", "mode": null, "day": true,
        "setpoints": {}, "climate": {}, "missing": []});
    let listing = json!({"zones": [zone]});
    let host = host(vec![
        answer(200, &listing),
        answer(200, &listing),
        answer(200, &zone),
        answer(200, &listing),
    ]);
    let set = "zone set tent --stage mid-flower --target vpd=1.2";
    let (refused, out) = host.asked(set);
    assert_eq!(refused.unwrap_err().exit(), Exit::Wrong, "nobody to ask");
    assert!(out.contains("18 h") && out.contains("12 h"), "{out}");
    let (exit, _) = host.asked(&format!("{set} --yes --who anna"));
    assert_eq!(exit.unwrap(), Exit::Done);
    let unknown = host
        .asked("zone set tnt --stage mid-flower --yes")
        .0
        .unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean \"tent\""),
        "{unknown}"
    );
    let requests = host.requests();
    let body = requests[2].lines().last().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({"stage": "mid-flower", "targets.vpd": 1.2, "who": "anna"})
    );
}
