//! Outbound calls of plug-ins: nothing leaves without a grant.

use std::net::TcpListener;

use growbox_tests::{Client, Room, guest};
use serde_json::json;

/// A room whose plug-in calls `to` for every alert, with this line of grants.
fn room(to: &str, grant: &str) -> Room {
    let file = guest("calling");
    Room::new(&format!(
        "[zone.tent]\n[plugin.calling]\nfile = {:?}\nsettings = {{ address = \"{to}/tent\" }}\n{grant}\n",
        file.display()
    ))
}

fn raise(client: &Client) {
    let event =
        json!({"type": "alert.raised", "data": {"rule": "hot"}, "metadata": {"zone": "tent"}});
    client.settle(&[event]);
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
