//! Zones changed and alerts seen from the command line, and health as an exit code.

use growbox_tests::Room;
use serde_json::{Value, json};

const ROOM: &str = "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\nstage = \"mid-veg\"\nlights_on = \"06:00\"\n";

#[test]
fn a_zone_is_changed_with_a_preview_and_stays_so_over_a_restart() {
    let room = Room::new(ROOM);
    let host = room.start();
    let set = [
        "zone",
        "set",
        "tent",
        "--stage",
        "mid-flower",
        "--target",
        "vpd=1.2",
    ];
    let look = room.cli(set);
    assert_eq!(look.code, Some(2), "no terminal, nobody asked: {look:?}");
    for part in [
        "mid-veg",
        "mid-flower",
        "18 h",
        "12 h",
        "vpd, day",
        "humidity, night",
        "best 1.2",
    ] {
        assert!(
            look.stdout.contains(part),
            "{part} is missing in\n{}",
            look.stdout
        );
    }
    assert!(look.stderr.contains("--yes"), "{look:?}");
    assert_eq!(
        host.client().row("zones", "tent")["stage"],
        "mid-veg",
        "only a look"
    );
    let done = room
        .cli(
            set.into_iter()
                .chain(["--yes", "--who", "anna", "--reason", "buds"]),
        )
        .expect(0);
    assert!(done.contains("changed"), "{done}");
    let changed = host
        .client()
        .wait_event("type=system.config.changed", |_| true);
    assert_eq!(changed["data"]["applied_by"], "anna", "{changed:#}");
    assert_eq!(host.terminate().code(), Some(0));
    let host = room.start();
    let zone = host.client().row("zones", "tent");
    assert_eq!(
        (&zone["stage"], &zone["setpoints"]["vpd"]["target"]),
        (&json!("mid-flower"), &json!(1.2))
    );
    let again = room.cli(set);
    assert!(again.stdout.contains("nothing would change"), "{again:?}");
}

#[test]
fn wrong_changes_are_refused_by_name_and_change_nothing() {
    let room = Room::new(ROOM);
    let host = room.start();
    for (words, code, told) in [
        (["tent", "--stage", "mid-flwer"], 2, "mid-flower"),
        (["tent", "--operation", "contrl"], 2, "control"),
        (["tent", "--target", "vpd"], 2, "vpd=1.2"),
        (["tent", "--target", "vpd=90"], 1, "number from"),
        (["tent", "--lights-on", "25:00"], 1, "06:00"),
        (["tnt", "--stage", "clone"], 1, "tent"),
    ] {
        let refused = room.cli(["zone", "set"].into_iter().chain(words).chain(["--yes"]));
        assert_eq!(refused.code, Some(code), "{words:?}: {refused:?}");
        assert!(
            refused.stderr.contains(told),
            "{words:?}: {}",
            refused.stderr
        );
    }
    assert_eq!(
        room.cli(["zone", "set", "tent"]).code,
        Some(2),
        "nothing named"
    );
    assert!(
        host.client()
            .events("type=system.config.changed")
            .is_empty()
    );
}

#[test]
fn an_alert_is_listed_and_seen() {
    let room = Room::new(ROOM);
    let host = room.start();
    assert_eq!(room.cli(["alerts"]).expect(0), " no alerts\n");
    let alert = json!({"id": "burnt", "type": "alert.raised", "metadata": {"zone": "tent"}, "data":
        {"rule": "hot", "severity": "critical", "message": "31 °C", "subject": "temperature"}});
    host.client().settle(&[alert]);
    let list = room.cli(["alerts", "--state", "raised"]).expect(0);
    assert!(
        list.contains("burnt") && list.contains("31 °C") && list.contains("critical"),
        "{list}"
    );
    let seen = room
        .cli(["alerts", "acknowledge", "burnt", "--who", "anna", "--json"])
        .expect(0);
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!(
        (&seen["state"], &seen["who"]),
        (&json!("acknowledged"), &json!("anna"))
    );
    assert_eq!(
        room.cli(["alerts", "--state", "raised"]).expect(0),
        " no alerts\n"
    );
    assert_eq!(
        room.cli(["alerts", "acknowledge", "burnt"]).code,
        Some(1),
        "once is enough"
    );
    assert_eq!(room.cli(["alerts", "acknowledge", "nobody"]).code, Some(1));
    assert_eq!(room.cli(["alerts", "--state", "rised"]).code, Some(2));
}

#[test]
fn reports_and_health_have_words_and_exit_codes() {
    let room = Room::new(ROOM);
    assert_eq!(room.cli(["health"]).code, Some(3), "nobody is there");
    let host = room.start();
    for window in ["1h", "1d", "7d"] {
        let none = room.cli(["analytics", "--window", window]).expect(0);
        assert!(none.contains("no report over"), "{none}");
    }
    assert_eq!(room.cli(["analytics", "--window", "2h"]).code, Some(2));
    let report = json!({"type": "analytics.report", "data": {"window": "1h", "events": 7,
        "frequency_per_hour": {"sensor.temperature": 7.0}}});
    host.client().settle(&[report]);
    let told = room.cli(["analytics", "--window", "1h"]).expect(0);
    assert!(
        told.contains("FREQUENCY PER HOUR") && told.contains("sensor.temperature"),
        "{told}"
    );
    let health = room.cli(["health"]);
    let overall = host.client().get("/api/v1/health").expect(200)["overall"].clone();
    assert_eq!(
        health.code,
        Some(i32::from(overall != "healthy")),
        "{health:?}"
    );
}
