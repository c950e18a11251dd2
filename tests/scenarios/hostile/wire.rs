//! HTTP by hand, so that an attacker can send what no proper client would.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use growbox_tests::DEADLINE;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(super) struct Heard {
    /// The HTTP status; 0 where the connection just ended.
    pub(super) status: u16,
    /// The headers, lower case.
    pub(super) head: String,
    /// The body.
    pub(super) body: String,
}

impl Heard {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// The body as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        let json = serde_json::from_str(&self.body);
        json.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Expects an answer that refuses the whole request, with this code.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{error}");
        error["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Opens a connection; reading from it ends with the deadline.
pub(super) fn open(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the host listens");
    let bounded = stream.set_read_timeout(Some(DEADLINE));
    bounded.expect("a deadline is longer than nothing");
    stream
}

/// Sends these bytes, then says that no more will come, and hears the answer to its end.
pub(super) fn cut(to: SocketAddr, bytes: &[u8]) -> Heard {
    exchange(to, bytes, |stream| {
        let _ = stream.shutdown(Shutdown::Write);
    })
}

/// Sends these bytes, and hears the answer to its end.
pub(super) fn say(to: SocketAddr, bytes: &[u8]) -> Heard {
    exchange(to, bytes, |_| {})
}

fn exchange(to: SocketAddr, bytes: &[u8], then: impl FnOnce(&TcpStream)) -> Heard {
    let mut stream = open(to);
    // Whoever is refused early may not be heard to the end.
    let _ = stream.write_all(bytes);
    then(&stream);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    Heard::of(&heard)
}

/// The head of a request that closes the connection after it.
pub(super) fn head(to: SocketAddr, line: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    let named = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !named("host") {
        head.push_str(&format!("Host: {to}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

/// A whole request.
pub(super) fn call(to: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Heard {
    let head = head(to, line, headers);
    let mut bytes = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    say(to, &bytes)
}
