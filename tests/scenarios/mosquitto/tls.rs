//! TLS with a certificate of one's own: the right authority connects, another is refused in words.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use growbox_tests::{Broker, Room, until};

use super::{connected, health};

/// Makes an authority, and a certificate of it for this machine; false where there is no openssl.
fn certify(folder: &Path, name: &str) -> bool {
    let file = |end: &str| folder.join(format!("{name}{end}")).display().to_string();
    let (authority, authority_key) = (file("-ca.pem"), file("-ca.key"));
    let (request, names) = (file(".csr"), file(".names"));
    let subject = format!("/CN={name}");
    fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        .expect("the folder is writable");
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    openssl(
        [
            "req",
            "-x509",
            "-days",
            "2",
            "-subj",
            &subject,
            "-keyout",
            &authority_key,
            "-out",
            &authority,
        ]
        .into_iter()
        .chain(curve),
    ) && openssl(
        [
            "req",
            "-subj",
            "/CN=broker",
            "-keyout",
            &file(".key"),
            "-out",
            &request,
        ]
        .into_iter()
        .chain(curve),
    ) && openssl([
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &authority,
        "-CAkey",
        &authority_key,
        "-CAcreateserial",
        "-extfile",
        &names,
        "-out",
        &file(".pem"),
    ])
}

fn openssl<'a>(words: impl IntoIterator<Item = &'a str>) -> bool {
    let done = Command::new("openssl")
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn the_broker_is_trusted_by_its_own_authority_and_by_no_other() {
    let mut broker = Broker::start();
    let folder = broker.folder().to_owned();
    assert!(
        certify(&folder, "ours") && certify(&folder, "theirs"),
        "openssl makes certificates"
    );
    broker.restart("allow_anonymous true\ncertfile {folder}/ours.pem\nkeyfile {folder}/ours.key\n");
    let behind = |authority: &str| {
        let (port, file) = (broker.port(), folder.join(authority));
        let file = file.display();
        format!("[mqtt]\nbroker = \"mqtts://127.0.0.1:{port}\"\nca = \"{file}\"\n[zone.tent]\n")
    };
    let room = Room::new(&behind("ours-ca.pem"));
    let host = room.start();
    connected(&host.client(), 1.0);
    assert_eq!(health(&host.client())["status"], "healthy");
    assert_eq!(host.terminate().code(), Some(0));

    let room = Room::new(&behind("theirs-ca.pem"));
    let host = room.start();
    let client = host.client();
    let why = until("the refusal to be told", || {
        let why = health(&client)["why"].as_str()?.to_owned();
        why.contains("TLS").then_some(why)
    });
    assert!(
        why.contains("authority") && why.contains("[mqtt] ca"),
        "{why}"
    );
    assert_eq!(health(&client)["figures"]["connected"], 0.0);
}
