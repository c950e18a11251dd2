//! Outbound calls of plug-ins: nothing leaves without a grant, and an answer outlives a kill.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use growbox_tests::{Client, DEADLINE, Room, guest};
use serde_json::{Value, json};

/// A room whose plug-in calls `to` for every alert, with this line of grants.
fn room(to: &str, grant: &str) -> Room {
    let file = guest("calling");
    Room::new(&format!(
        "[zone.tent]\n[plugin.calling]\nfile = {:?}\nsettings = {{ address = \"{to}/tent\" }}\n{grant}\n",
        file.display()
    ))
}

fn raise(client: &Client) -> Value {
    let event =
        json!({"type": "alert.raised", "data": {"rule": "hot"}, "metadata": {"zone": "tent"}});
    client.settle(&[event]).remove(0)
}

/// The next call that comes in, read to the end of its body.
fn heard(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().expect("the host calls");
    let bounded = stream.set_read_timeout(Some(DEADLINE));
    bounded.expect("a deadline is longer than nothing");
    let mut said = Vec::new();
    let mut part = [0; 1024];
    while !said.ends_with(b"26 degrees") {
        let count = stream.read(&mut part).expect("the call is sent whole");
        assert!(count > 0, "{}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&part[..count]);
    }
    (stream, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn nothing_leaves_without_a_grant_and_the_refusal_names_the_line() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = format!("http://{}", listener.local_addr().expect("it has one"));
    let room = room(&to, "grant = { call = [\"https://ntfy.sh\"] }");
    let host = room.start();
    raise(&host.client());
    let row = host.client().row("plugins", "calling");
    let why = row["why"].as_str().unwrap_or_default();
    let line = format!("[plugin.calling] grant = {{ call = [\"https://ntfy.sh\", \"{to}\"] }}");
    assert!(why.contains(&line), "{row}");
    assert!(host.client().events("type=plugin.call.answered").is_empty());
    listener.set_nonblocking(true).expect("a socket can be");
    assert!(listener.accept().is_err(), "nobody was called");
}

#[test]
fn a_call_without_an_answer_is_made_again_after_a_kill() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = format!("http://{}", listener.local_addr().expect("it has one"));
    let room = room(&to, &format!("grant = {{ call = [\"{to}\"] }}"));
    let host = room.start();
    let raised = raise(&host.client());
    let (first, said) = heard(&listener);
    assert!(said.starts_with("POST /tent HTTP/1.1\r\n"), "{said}");
    host.kill();
    drop(first);

    let host = room.start();
    let (mut second, again) = heard(&listener);
    assert!(again.starts_with("POST /tent HTTP/1.1\r\n"), "{again}");
    let reply = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnoted";
    second.write_all(reply).expect("the host listens");
    let answered = host
        .client()
        .wait_event("type=plugin.call.answered", |_| true);
    assert_eq!(answered["cause"], raised["seq"], "{answered}");
    assert_eq!(answered["data"]["status"], 202, "{answered}");
    assert_eq!(answered["data"]["body"], "noted", "{answered}");
    assert_eq!(answered["data"]["plugin"], "calling", "{answered}");
}
