//! Changes: only with the token, signed, and answered with the row.

use growbox_model::row::{Answer, Order};
use growbox_model::{Objection, Span};
use serde_json::json;

use super::Room;
use super::memory::device;

const SET: &str = "/api/v1/devices/exhaust/set";

#[test]
fn every_change_needs_the_token() {
    let room = Room::new();
    for path in [
        SET,
        "/api/v1/devices/exhaust/hold",
        "/api/v1/devices/exhaust/release",
        "/api/v1/devices/exhaust/lock-out",
        "/api/v1/devices/exhaust/unlock",
        "/api/v1/zones/tent",
        "/api/v1/alerts/e17/acknowledge",
        "/api/v1/stop",
        "/api/v1/reset",
        "/api/v1/sensors/canopy/rebind",
    ] {
        let reply = room.client().post(path, "{\"level\": 1}");
        assert_eq!(
            (reply.status, reply.code()),
            (401, "unauthorized".to_owned()),
            "{path}"
        );
    }
    assert!(room.host.orders.lock().unwrap().is_empty());
}

#[test]
fn a_set_is_signed_and_answers_the_row() {
    let room = Room::new();
    let body = json!({"level": 0.6, "for": "1h", "who": "anna", "reason": "smells"});
    let reply = room.client().with_token().post_json(SET, &body);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["id"], "exhaust");
    let (order, signature) = room.host.orders.lock().unwrap().pop().unwrap();
    assert_eq!(
        order,
        Order::Set(device("exhaust").id, 0.6, Some(Span::hours(1)))
    );
    assert_eq!((&*signature.who, &*signature.reason), ("anna", "smells"));
}

#[test]
fn orders_are_read_with_their_defaults() {
    let room = Room::new();
    let exhaust = device("exhaust").id;
    for (path, body, expected) in [
        (
            "/api/v1/alerts/e17/acknowledge",
            "",
            Order::Acknowledge("e17".into()),
        ),
        (
            "/api/v1/devices/exhaust/hold",
            "",
            Order::Hold(exhaust.clone(), None, None),
        ),
        (
            "/api/v1/devices/exhaust/hold",
            "{\"level\": 0, \"for\": 90}",
            Order::Hold(exhaust.clone(), Some(0.0), Some(Span::seconds(90))),
        ),
        (
            "/api/v1/devices/exhaust/release",
            "{}",
            Order::Release(exhaust.clone()),
        ),
        (
            "/api/v1/devices/exhaust/lock-out",
            "",
            Order::LockOut(exhaust.clone()),
        ),
        ("/api/v1/devices/exhaust/unlock", "", Order::Unlock(exhaust)),
        ("/api/v1/stop", "", Order::Stop(None)),
        ("/api/v1/reset", "{\"zone\": null}", Order::Reset(None)),
    ] {
        let reply = room.client().with_token().post(path, body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let (order, signature) = room.host.orders.lock().unwrap().pop().unwrap();
        assert_eq!(order, expected);
        assert_eq!(
            (&*signature.who, &*signature.reason),
            ("operator", "no reason given")
        );
    }
}

#[test]
fn stopping_everything_answers_a_listing() {
    let room = Room::new();
    let reply = room.client().with_token().post("/api/v1/stop", "");
    assert_eq!(reply.json()["devices"][0]["id"], "exhaust");
}

#[test]
fn a_zone_takes_keys_of_its_configuration() {
    let room = Room::new();
    let path = "/api/v1/zones/tent";
    let body = json!({"stage": "flower", "who": "anna", "reason": "week 5"});
    assert_eq!(
        room.client().with_token().post_json(path, &body).status,
        200
    );
    let (order, _) = room.host.orders.lock().unwrap().pop().unwrap();
    let Order::Zone(zone, settings) = order else {
        panic!("not a zone: {order:?}")
    };
    assert_eq!(
        (zone.as_str(), settings.as_str()),
        ("tent", "{\"stage\":\"flower\"}")
    );
    let nothing = room
        .client()
        .with_token()
        .post_json(path, &json!({"who": "anna"}));
    assert_eq!(
        (nothing.status, nothing.code()),
        (400, "nothing_to_change".to_owned())
    );
}

#[test]
fn a_wrong_order_is_refused_before_it_reaches_the_host() {
    let room = Room::new();
    for body in [
        "",
        "[]",
        "{",
        "{\"level\": 2}",
        "{\"level\": \"high\"}",
        "{\"level\": null}",
        "{\"level\": 1, \"for\": \"soon\"}",
        "{\"level\": 1, \"who\": 7}",
        "{\"level\": 1, \"form\": 3}",
    ] {
        let reply = room.client().with_token().post(SET, body);
        assert_eq!(reply.status, 400, "{body}: {}", reply.body);
    }
    let reply = room
        .client()
        .with_token()
        .post(SET, "{\"level\": 1, \"form\": 3}");
    assert_eq!(reply.json()["error"]["nearest"], "for");
    let reply = room
        .client()
        .with_token()
        .post("/api/v1/devices/EXHAUST/set", "{\"level\": 1}");
    assert_eq!((reply.status, reply.code()), (400, "bad_id".to_owned()));
    let reply = room
        .client()
        .with_token()
        .post("/api/v1/stop", vec![b' '; 70_000]);
    assert_eq!(reply.status, 413);
    assert!(room.host.orders.lock().unwrap().is_empty());
}

#[test]
fn the_hosts_refusals_have_their_status() {
    let room = Room::new();
    let send = || room.client().with_token().post(SET, "{\"level\": 1}");
    let objection = Objection::unknown("unknown_device", "device", "exaust", ["exhaust"]);
    room.host.answer_next(Answer::NotFound(objection));
    let reply = send();
    assert_eq!(
        (reply.status, reply.code()),
        (404, "unknown_device".to_owned())
    );
    assert_eq!(reply.json()["error"]["nearest"], "exhaust");
    room.host
        .answer_next(Answer::Conflict(Objection::new("hold", "anna holds it")));
    let reply = send();
    assert_eq!((reply.status, reply.code()), (409, "hold".to_owned()));
}

#[test]
fn a_sensor_is_released_from_its_source() {
    let room = Room::new();
    let path = "/api/v1/sensors/zigbee:0x1.Canopy/rebind";
    let reply = room.client().with_token().post(path, "");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({"sensor_id": "zigbee:0x1.Canopy", "source": null})
    );
    room.host.answer_next(Answer::NotFound(Objection::new(
        "unknown_sensor",
        "no such sensor",
    )));
    assert_eq!(room.client().with_token().post(path, "").status, 404);
}
