//! A room that is only observed: whatever happens, nothing outside moves, until a person stops it.

use growbox_tests::{By, Client, Host, guest, until};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::far_room::{FarRoom, say};

const OUTPUTS: [&str; 3] = ["heater", "lamp", "exhaust"];

fn configuration() -> String {
    let toggler = guest("toggler");
    format!(
        r#"
[node]
clock = "scaled"
speed = 1
[zone.tent]
operation = "observe"
[sensor]
canopy = {{ zone = "tent", source = "http", interval = "1min" }}
[device]
heater = {{ zone = "tent", role = "heater", min_on = 0, min_off = 0, cool_down = 0, output = "unix:{{folder}}/room.sock#heater" }}
lamp = {{ zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{{folder}}/room.sock#lamp" }}
exhaust = {{ zone = "tent", role = "exhaust", output = "unix:{{folder}}/room.sock#exhaust" }}
[plugin.toggler]
file = {toggler:?}
grant = {{ control = ["heater"] }}
[safety.far-too-hot]
quantity = "temperature"
above = 41
clear = 35
dwell = 0
devices = {{ heater = 0, lamp = 0, exhaust = 1 }}
"#
    )
}

/// Everybody asks, and it gets too hot: all of it is judged and recorded.
fn everybody_asks(client: &Client) {
    let told = client.events("type=device.action.*").len();
    let reading = |value: f64| json!({"type": "sensor.temperature", "data": {"sensor_id": "canopy", "value": value}});
    for value in [20.0, 20.1, 20.2] {
        client.settle(&[reading(value)]);
    }
    let set = json!({"level": 0.0, "for": 600, "who": "ann", "reason": "a test"});
    let _ = client.post("/api/v1/devices/lamp/set", &set).expect(200);
    let asked = |who: &str, events: &[Value]| {
        let of = |event: &&Value| {
            event["data"]["requester"]
                .as_str()
                .is_some_and(|name| name.contains(who))
        };
        events.iter().filter(of).count()
    };
    until("all of it to be judged", || {
        let news = client.events("type=device.action.*").split_off(told);
        (asked("toggler", &news) >= 4 && asked("ann", &news) >= 2).then_some(())
    });
    client.settle(&[reading(43.0)]);
}

fn violations(host: &Host) -> usize {
    let told = host.client().events("type=safety.violation");
    let of = |event: &&Value| event["data"]["rule"] == "far-too-hot";
    told.iter().filter(of).count()
}

#[test]
fn nothing_moves_in_an_observed_room_until_a_person_stops_it() {
    let bench = FarRoom::new(&configuration(), &OUTPUTS, 1.0);
    // Somebody else runs it.
    for output in OUTPUTS {
        bench.outside.turn(output, 1.0);
    }
    bench.outside.turn("exhaust", 0.6);
    let moved = || {
        let of = |output| bench.switches(output, 0.0);
        let all = OUTPUTS.into_iter().flat_map(of);
        all.filter(|(.., by)| *by != By::Hand).collect::<Vec<_>>()
    };
    let host = bench.room.start_guarded();
    everybody_asks(&host.client());
    assert_eq!(violations(&host), 1, "safety sees it");
    let host = host.replaced_after(Signal::KILL);
    assert_eq!(moved(), [], "neither the host nor its guardian");
    everybody_asks(&host.client());
    assert_eq!(host.terminate().code(), Some(0));
    bench.room.cli(["safe"]).expect(0);
    assert_eq!(moved(), [], "nor its end, nor `growbox safe`");
    let host = bench.room.start();
    everybody_asks(&host.client());
    assert_eq!(moved(), [], "nor whoever begins");
    say(&host, "stop");
    bench.follows("heater", 0.0);
    bench.follows("lamp", 0.0);
    bench.follows("exhaust", 1.0);
    let stopped = host.client().wait_event("type=system.emergency", |_| true);
    assert_eq!(stopped["data"]["message"], "a test");
    // Once: what somebody else does with them afterwards is not growbox's affair.
    bench.outside.turn("lamp", 1.0);
    everybody_asks(&host.client());
    assert_eq!(bench.outside.level("lamp"), 1.0);
    assert_eq!(host.terminate().code(), Some(0));
}
