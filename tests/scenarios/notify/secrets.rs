//! Secrets go to their far side and nowhere else, also after the configuration was changed.

use std::fs;
use std::path::Path;

use growbox_tests::{FarSide, Reply, until};

use super::{has_header, raise, real};

#[test]
fn a_secret_is_nowhere_but_at_its_far_side() {
    // Both say what they were given.
    let ntfy = FarSide::http(&[Reply::Status(200, "hello tk-hunter2")]);
    let webhook = FarSide::http(&[Reply::Status(403, "not with me:hunter3 or hunter3")]);
    let room = real(&format!(
        "ntfy = {{ url = \"http://{}/tent\", token = {{ file = \"{{folder}}/ntfy\" }} }}
webhook = \"http://me:hunter3@{}/hook\"",
        ntfy.authority(),
        webhook.authority()
    ));
    fs::write(room.path().join("ntfy"), "tk-hunter2\n").expect("the folder is writable");
    let host = room.start();
    raise(&host.client(), "hot");
    let said = ntfy.hear(1).remove(0);
    assert!(
        has_header(&said, "Authorization", "Bearer tk-hunter2"),
        "{said}"
    );
    let said = webhook.hear(1).remove(0);
    assert!(
        said.to_lowercase().contains("\nauthorization: basic "),
        "{said}"
    );
    let client = host.client();
    client.wait_event("type=x.notifier.gave_up", |_| true);
    client.wait_event("type=plugin.call.answered", |event| {
        event["data"]["key"] == "ntfy-1"
    });
    let export = room.cli(["events", "export"]).expect(0);
    assert!(export.contains("plugin.call.answered"), "{export}");
    clean("the export", export.as_bytes());
    clean(
        "the plug-ins",
        room.cli(["plugin", "list"]).expect(0).as_bytes(),
    );
    clean(
        "the check",
        room.cli(["check", "--explain"]).expect(0).as_bytes(),
    );
    clean("what the host wrote", host.log().as_bytes());
    host.terminate();
    clean_folder(&room.data());
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    for secret in ["hunter2", "hunter3"] {
        let secret = secret.as_bytes();
        let found = bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!found, "{what} tells a secret");
    }
}

#[track_caller]
fn clean_folder(folder: &Path) {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the data directory is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_file() {
            clean(
                &path.display().to_string(),
                &fs::read(&path).expect("it can be read"),
            );
            files += 1;
        }
    }
    assert!(files > 0, "the log is a file");
}

#[test]
fn another_configuration_tells_others_with_their_secret() {
    let old = FarSide::http(&[Reply::Status(200, "")]);
    let new = FarSide::http(&[Reply::Status(200, "")]);
    let room = real(&format!("ntfy = \"http://{}/tent\"", old.authority()));
    fs::write(room.path().join("ntfy"), "tk-new\n").expect("the folder is writable");
    let host = room.start();
    let client = host.client();
    raise(&client, "hot");
    assert_eq!(old.hear(1).len(), 1);
    room.configure(&format!(
        "[zone.tent]\n[notify]\nntfy = {{ url = \"http://{0}/tent\", token = {{ file = \"{{folder}}/ntfy\" }} }}\nheartbeat = \"http://{0}/beat\"\n",
        new.authority()
    ));
    let changed = client.wait_event("type=system.config.changed", |_| true);
    assert!(changed.to_string().contains("notify"), "{changed}");
    let waits = client.wait_event("type=system.config.changed", |event| {
        event["data"]["requires_restart"] == true
    });
    assert!(waits.to_string().contains("heartbeat"), "{waits}");
    // One that still has the old address may not call it any more, and tries again later.
    until("the notifier with its new settings", || {
        let notifier = client.row("plugins", "notifier");
        (notifier["generation"] == 2 && notifier["state"] == "running").then_some(())
    });
    raise(&client, "dry");
    let said = new.hear(1).remove(0);
    assert!(
        has_header(&said, "Title", "Critical in tent: dry"),
        "{said}"
    );
    assert!(
        has_header(&said, "Authorization", "Bearer tk-new"),
        "{said}"
    );
    assert_eq!(old.said().len(), 1, "{:?}", old.said());
}
