//! The configuration file is edited while the room runs: taken over whole, or refused whole.

use std::fs;

use growbox_tests::{Client, Host, Room, guest, until};
use serde_json::{Value, json};

use crate::sim::{self, Tent};
use crate::swap::{reading, replace};

const ZONE: &str = "[zone.tent]\nstage = \"mid-veg\"\nlights_on = \"06:00\"\n";
const HUNTER: &str = "hunter2-and-more";

/// Saves another text the way editors do: a new file takes the old one's name.
fn save(room: &Room, text: &str) {
    let folder = room.path().to_str().expect("temporary paths are text");
    replace(&room.config(), text.replace("{folder}", folder).as_bytes());
}

/// What the newest event of this type says, once there are so many of them.
#[track_caller]
fn told(client: &Client, event_type: &str, times: usize) -> Value {
    let filter = format!("type={event_type}");
    let mut all = until(&format!("{times} of {event_type}"), || {
        let all = client.events(&filter);
        (all.len() >= times).then_some(all)
    });
    assert_eq!(all.len(), times, "{all:#?}");
    all.pop().expect("at least one")["data"].take()
}

fn changed(client: &Client, times: usize) -> Value {
    told(client, "system.config.changed", times)
}

fn refused(client: &Client, times: usize) -> Value {
    told(client, "system.config.refused", times)
}

/// The configuration among the parts of the host's health.
fn health(client: &Client) -> Value {
    let health = client.get("/api/v1/health").body;
    health["components"]["configuration"].clone()
}

/// The file is looked at, whether it was touched or not.
fn hang_up(host: &Host) {
    let pid = i32::try_from(host.pid()).expect("a process number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process number");
    let signal = rustix::process::Signal::HUP;
    rustix::process::kill_process(pid, signal).expect("a child can be signalled");
}

#[test]
fn a_good_change_is_taken_over_and_named_key_by_key() {
    let room = Room::new(ZONE);
    let host = room.start();
    let client = host.client();
    save(&room, &ZONE.replace("mid-veg", "late-veg"));
    let said = changed(&client, 1);
    let stage =
        json!({"section": "zone.tent", "parameter": "stage", "old": "mid-veg", "new": "late-veg"});
    assert_eq!(said["changes"], json!([stage]), "{said:#}");
    assert_eq!(
        (&said["applied_by"], &said["requires_restart"]),
        (&json!("file"), &json!(false))
    );
    assert_eq!(client.row("zones", "tent")["stage"], "late-veg");
    // The same again, and then something else: only that is told.
    save(
        &room,
        &format!("# a comment\n{}", ZONE.replace("mid-veg", "late-veg")),
    );
    hang_up(&host);
    room.configure(&format!("[node]\nqueue = 5000\n{ZONE}"));
    let said = changed(&client, 2);
    assert_eq!(said["restart_for"], json!(["node.queue"]), "{said:#}");
    assert_eq!(said["requires_restart"], true);
    assert_eq!(client.row("zones", "tent")["stage"], "mid-veg");
    let why = health(&client)["why"].to_string();
    assert!(why.contains("node.queue"), "{why}");
}

#[test]
fn a_wrong_change_is_refused_with_line_and_key_and_the_old_one_goes_on() {
    let room = Room::new(ZONE);
    let host = room.start();
    let client = host.client();
    assert_eq!(health(&client)["status"], "healthy");
    let wrong = ZONE
        .replace("mid-veg", "mid-vegg")
        .replace("06:00", "07:00");
    save(&room, &wrong);
    let said = refused(&client, 1);
    let reason = &said["reasons"][0];
    assert_eq!(
        (&reason["line"], &reason["key"]),
        (&json!(2), &json!("zone.tent.stage")),
        "{said:#}"
    );
    assert_eq!(client.row("zones", "tent")["stage"], "mid-veg");
    let unwell = health(&client);
    assert_eq!(unwell["status"], "degraded");
    let why = unwell["why"].to_string();
    assert!(why.contains("line 2: zone.tent.stage"), "{why}");
    // Saved in half, then not there at all, then mended.
    room.configure("");
    let said = refused(&client, 2);
    assert!(said["message"].to_string().contains("HUP"), "{said:#}");
    fs::remove_file(room.config()).expect("it is there");
    let said = refused(&client, 3);
    assert!(
        said["message"].to_string().contains("cannot read"),
        "{said:#}"
    );
    assert!(client.events("type=system.config.changed").is_empty());
    save(&room, ZONE);
    until("health without a complaint", || {
        (health(&client)["status"] == "healthy").then_some(())
    });
    assert!(client.events("type=system.config.changed").is_empty());
}

#[test]
fn a_secret_in_the_file_is_told_nowhere() {
    let settings =
        |secret: &str| format!("{ZONE}[plugin.alert-rules.settings]\napi_token = {secret}\n");
    let room = Room::new(ZONE);
    let host = room.start();
    let client = host.client();
    save(&room, &settings(&format!("\"{HUNTER}-1\"")));
    let said = changed(&client, 1);
    let keys: Vec<&Value> = said["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| &change["parameter"])
        .collect();
    assert_eq!(keys, [&json!("settings.api_token")], "{said:#}");
    save(&room, &settings(&format!("\"{HUNTER}-2\" \"{HUNTER}-3\"")));
    refused(&client, 1);
    save(
        &room,
        &format!("{ZONE}[api]\ntoken = \"{HUNTER}-4\"\n[zone.tent.password]\na = \"{HUNTER}-5\"\n"),
    );
    refused(&client, 2);
    let events = json!(client.events("")).to_string();
    let health = client.get("/api/v1/health").body.to_string();
    let listed = client.get("/api/v1/plugins").body.to_string();
    for (place, text) in [
        ("events", events),
        ("health", health),
        ("plugins", listed),
        ("log", host.log()),
    ] {
        assert!(!text.contains(HUNTER), "{place}: {text}");
    }
}

#[test]
fn a_narrowed_grant_ends_the_claim() {
    let toggler = guest("toggler");
    let room = |grant: &str| {
        format!(
            "{}[plugin.toggler]\nfile = {toggler:?}\ngrant = {{ control = [{grant}] }}\n",
            sim::ROOM
        )
    };
    let granted = room("\"heater\"");
    let room_of = Room::new(&granted);
    let tent = Tent::start(&room_of);
    let host = room_of.start();
    let client = host.client();
    tent.await_level("heater", 1.0);
    until("the claim", || {
        (client.row("devices", "heater")["owner"] == "toggler").then_some(())
    });
    save(&room_of, &room(""));
    changed(&client, 1);
    let heater = client.row("devices", "heater");
    assert_ne!(heater["owner"], "toggler", "{heater:#}");
    client.wait_event("type=device.action.denied&device=heater", |event| {
        event["data"]["requester"] == "toggler"
    });
    tent.await_level("heater", 0.0);
}

#[test]
fn a_removed_device_goes_to_its_safe_level_first_and_may_come_back() {
    let room = Room::new(sim::ROOM);
    let tent = Tent::start(&room);
    let host = room.start();
    let client = host.client();
    sim::ask(&client, 3000);
    tent.await_level("exhaust", 0.8);
    let without: Vec<&str> = sim::ROOM
        .lines()
        .filter(|line| !line.starts_with("exhaust"))
        .collect();
    save(&room, &(without.join("\n") + "\n"));
    changed(&client, 1);
    assert_eq!(tent.await_level("exhaust", 0.25), "(Order)");
    until("the device to be gone", || {
        let listed = client.get("/api/v1/devices").expect(200);
        let rows = listed["devices"].as_array().expect("a listing");
        rows.iter().all(|row| row["id"] != "exhaust").then_some(())
    });
    save(&room, sim::ROOM);
    changed(&client, 2);
    until("the device to be back, at its safe level", || {
        let listed = client.get("/api/v1/devices").expect(200);
        let rows = listed["devices"].as_array().expect("a listing").iter();
        let exhaust = rows.clone().find(|row| row["id"] == "exhaust")?;
        (exhaust["level"] == 0.25 && exhaust["available"] == true).then_some(())
    });
}

#[test]
fn what_a_person_changed_stays_until_the_file_changes_that_key() {
    let room = Room::new(ZONE);
    let host = room.start();
    let client = host.client();
    room.cli([
        "zone",
        "set",
        "tent",
        "--stage",
        "mid-flower",
        "--yes",
        "--who",
        "anna",
    ])
    .expect(0);
    changed(&client, 1);
    let later = ZONE.replace("06:00", "07:00");
    save(&room, &later);
    let said = changed(&client, 2);
    assert_eq!(said["overrides_kept"][0]["parameter"], "stage", "{said:#}");
    assert_eq!(client.row("zones", "tent")["stage"], "mid-flower");
    save(&room, &later.replace("mid-veg", "late-veg"));
    let said = changed(&client, 3);
    assert_eq!(said["overrides_ended"][0]["parameter"], "stage", "{said:#}");
    assert_eq!(client.row("zones", "tent")["stage"], "late-veg");
    assert_eq!(host.terminate().code(), Some(0));
    let host = room.start();
    let zone = host.client().row("zones", "tent");
    assert_eq!(zone["stage"], "late-veg", "the log has ended it too");
}

#[test]
fn plugins_come_and_go_with_the_file() {
    let counting = guest("counting");
    let counts = format!("{ZONE}[plugin.counting]\nfile = {counting:?}\n");
    let room = Room::new(ZONE);
    let host = room.start();
    let client = host.client();
    save(&room, &counts);
    until("the plug-in to run", || {
        let listed = client.get("/api/v1/plugins").expect(200);
        let rows = listed["plugins"].as_array().expect("a listing").iter();
        rows.clone()
            .any(|row| row["id"] == "counting" && row["state"] == "running")
            .then_some(())
    });
    client.settle(&[reading(0)]);
    save(&room, ZONE);
    let removed = told(&client, "plugin.removed", 1);
    assert_eq!(removed["plugin"], "counting");
    let listed = client.get("/api/v1/plugins").expect(200);
    assert!(!listed.to_string().contains("counting"), "{listed:#}");
}

#[test]
fn other_settings_are_a_new_generation_and_wrong_ones_leave_the_old() {
    let room = Room::new(ZONE);
    let with = |tolerance: &str| {
        format!("{ZONE}[plugin.vpd-control]\nsettings = {{ tolerance = {tolerance} }}\n")
    };
    room.configure(&with("0.1"));
    let host = room.start();
    let client = host.client();
    let generation = || client.row("plugins", "vpd-control")["generation"].clone();
    assert_eq!(generation(), 1);
    save(&room, &with("0.2"));
    assert_eq!(told(&client, "plugin.swapped", 1)["generation"], 2);
    assert_eq!(generation(), 2);
    save(&room, &with("50"));
    let why = told(&client, "plugin.refused", 1)["reason"].to_string();
    assert!(why.contains("tolerance"), "{why}");
    let row = client.row("plugins", "vpd-control");
    assert_eq!(
        (&row["generation"], &row["state"]),
        (&json!(2), &json!("running")),
        "{row}"
    );
}
