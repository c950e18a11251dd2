//! A plain client: bytes out, status, headers and body back, with a deadline on every read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::Value;

use super::{DEADLINE, TOKEN};

pub(crate) struct Client {
    address: SocketAddr,
    headers: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        let start = format!("{name}:");
        self.head.lines().any(|line| line.starts_with(&start))
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            headers: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn with_token(self) -> Self {
        self.header("Authorization", &format!("Bearer {TOKEN}"))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, b"")
    }

    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", path, body.as_ref())
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Reply {
        self.post(path, body.to_string())
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        let host = format!("Host: {}\r\n", self.address);
        let host = if self.headers.contains("Host:") {
            ""
        } else {
            &host
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {}\r\n{}\r\n",
            body.len(),
            self.headers
        );
        let mut stream = self.raw(head.as_bytes());
        // A refusal may close the connection while the rest is on its way.
        drop(stream.write_all(body));
        read_reply(stream)
    }

    /// A connection on which `bytes` have been said.
    pub(crate) fn raw(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Says `bytes`, then that nothing more will come.
    pub(crate) fn say_and_end(&self, bytes: &[u8]) -> Reply {
        let stream = self.raw(bytes);
        stream.shutdown(Shutdown::Write).unwrap();
        read_reply(stream)
    }

    /// Opens a stream of events.
    pub(crate) fn stream(&self, path: &str) -> Stream {
        // HTTP/1.0 knows no chunks, so that the lines arrive as they are.
        let head = format!(
            "GET {path} HTTP/1.0\r\nHost: {}\r\n{}\r\n",
            self.address, self.headers
        );
        let mut lines = BufReader::new(self.raw(head.as_bytes()));
        let mut said = String::new();
        while !said.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "closed: {said}");
        }
        assert!(said.contains(" 200 "), "{said}");
        Stream { lines }
    }
}

pub(crate) fn read_reply(mut stream: TcpStream) -> Reply {
    let mut text = Vec::new();
    // A reset after the answer does not take the answer back.
    if let Err(error) = stream.read_to_end(&mut text) {
        assert!(!text.is_empty(), "no answer: {error}");
    }
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Reply {
        status: status.unwrap_or_else(|| panic!("no status: {text:?}")),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// An open stream of events.
pub(crate) struct Stream {
    lines: BufReader<TcpStream>,
}

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Stream {
    /// The next event; none when the stream has ended.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut frame = Frame {
            seq: 0,
            kind: String::new(),
            data: Value::Null,
        };
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("id", seq)) => frame.seq = seq.parse().unwrap(),
                Some(("event", kind)) => frame.kind = kind.to_owned(),
                Some(("data", data)) => frame.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() && frame.seq > 0 => return Some(frame),
                _ => {}
            }
        }
    }

    /// The next line; none when the stream has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }
}
