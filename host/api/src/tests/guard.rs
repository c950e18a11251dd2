//! Who may speak at all.

use super::client::read_reply;
use super::{Room, reading};

const EVENTS: &str = "/api/v1/events";

#[test]
fn a_host_that_is_not_this_machine_is_refused() {
    let room = Room::new();
    for host in ["evil.example", "localhost.evil.example:80", "10.1.2.3", ""] {
        let reply = room.client().header("Host", host).get("/api/v1/live");
        assert_eq!(
            (reply.status, reply.code()),
            (403, "foreign_host".to_owned()),
            "{host}"
        );
    }
    for host in ["localhost", "127.0.0.1", "[::1]:8420"] {
        let reply = room.client().header("Host", host).get("/api/v1/live");
        assert_eq!(reply.status, 200, "{host}");
    }
}

#[test]
fn a_request_without_host_or_with_two_is_refused() {
    let room = Room::new();
    for head in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let stream = room.client().raw(head.as_bytes());
        assert_eq!(read_reply(stream).status, 403, "{head}");
    }
}

#[test]
fn a_page_of_somebody_else_may_not_post() {
    let room = Room::new();
    let host = room.address.to_string();
    let own = format!("http://{host}");
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        "file://",
        &host,
    ] {
        let client = room.client().header("Origin", origin).with_token();
        let reply = client.post_json(EVENTS, &reading("a", 1.0));
        assert_eq!(
            (reply.status, reply.code()),
            (403, "foreign_origin".to_owned()),
            "{origin}"
        );
    }
    assert_eq!(room.host.count(), 0);
    let client = room.client().header("Origin", &own);
    assert_eq!(client.post_json(EVENTS, &reading("a", 1.0)).status, 202);
}

#[test]
fn a_wrong_token_is_refused_even_where_none_is_needed() {
    let room = Room::new();
    for wrong in ["Bearer wrong", "Bearer", "Bearer ", "Basic YTpi", ""] {
        let client = room.client().header("Authorization", wrong);
        let reply = client.post_json(EVENTS, &reading("a", 1.0));
        assert_eq!(
            (reply.status, reply.code()),
            (401, "unauthorized".to_owned()),
            "{wrong}"
        );
        assert!(reply.has_header("www-authenticate"));
    }
    assert_eq!(room.host.count(), 0);
    assert_eq!(room.client().with_token().get("/api/v1/live").status, 200);
}

#[test]
fn what_does_not_exist_says_what_does() {
    let room = Room::new();
    for (method, path, status) in [
        ("GET", "/api/v2/events", 404),
        ("GET", "/api/v1/", 404),
        ("DELETE", EVENTS, 405),
        ("GET", "/api/v1/stop", 405),
    ] {
        let reply = room.client().send(method, path, b"");
        assert_eq!(reply.status, status, "{method} {path}");
        let error = &reply.json()["error"];
        assert!(
            error["hint"].is_string() && error["message"].is_string(),
            "{error}"
        );
        assert!(error["message"].to_string().contains(path), "{error}");
    }
}

#[test]
fn every_answer_is_sealed() {
    let room = Room::new();
    for path in ["/", "/api/v1/live", "/nowhere"] {
        let reply = room.client().get(path);
        for header in [
            "content-security-policy",
            "x-content-type-options",
            "cache-control",
        ] {
            assert!(
                reply.has_header(header),
                "{path} lacks {header}: {}",
                reply.head
            );
        }
        assert!(!reply.has_header("access-control-allow-origin"));
    }
}
