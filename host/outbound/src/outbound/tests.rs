//! Outbound against far sides that hang, drip, redirect, flood and tell secrets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use growbox_model::effect::Call;
use growbox_model::ports::{CallAnswer, CallReply};
use growbox_model::{CallId, Generation, OpenCall, PluginId};

use super::Outbound;
use crate::book::Book;
use crate::http::Patience;
use crate::mail::{MailServer, Security};
use crate::secret::{Secret, Source, placeholder};

const PATIENCE: Patience = Patience {
    connect: Duration::from_millis(300),
    whole: Duration::from_millis(600),
};

/// A far side that reads the head of each request and does this; its address.
fn far(act: impl Fn(TcpStream, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let act = std::sync::Arc::new(act);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let act = act.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                act(stream, head);
            });
        }
    });
    address
}

fn says(status: &str, headers: &str, body: &str) -> impl Fn(TcpStream, String) + use<> {
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    move |mut stream, _| drop(stream.write_all(answer.as_bytes()))
}

/// Holds the connection until the other side has had enough.
fn hang(mut stream: TcpStream) {
    let _ = stream.read(&mut [0]);
}

fn outside(book: Book) -> (Outbound, Receiver<CallAnswer>) {
    let (tell, told) = channel();
    let outbound = Outbound::with(book, PATIENCE, move |answer| drop(tell.send(answer)));
    (outbound.unwrap(), told)
}

fn get(id: u64, url: &str) -> OpenCall {
    OpenCall {
        id: CallId(id),
        plugin: PluginId::new("caller").unwrap(),
        generation: Generation(1),
        cause: None,
        call: Call {
            key: format!("k{id}"),
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
        },
    }
}

fn answer(told: &Receiver<CallAnswer>) -> Result<CallReply, String> {
    told.recv_timeout(Duration::from_secs(20)).unwrap().outcome
}

fn asked(book: Book, url: &str) -> Result<CallReply, String> {
    let (outbound, told) = outside(book);
    assert_eq!(outbound.call(get(1, url)), None);
    answer(&told)
}

#[test]
fn any_status_is_an_answer() {
    let reply = asked(
        Book::default(),
        &far(says("503 Busy", "Retry-After: 7\r\n", "later")),
    );
    let reply = reply.unwrap();
    assert_eq!((reply.status, &*reply.body), (503, "later"));
    let header = reply
        .headers
        .iter()
        .find(|(name, _)| &**name == "retry-after");
    assert_eq!(header.map(|(_, value)| &**value), Some("7"));
}

#[test]
fn nobody_is_followed_elsewhere() {
    let elsewhere = far(|_, _| panic!("followed"));
    let here = far(says(
        "302 Found",
        &format!("Location: {elsewhere}/x\r\n"),
        "",
    ));
    let reply = asked(Book::default(), &here).unwrap();
    assert_eq!(reply.status, 302);
    assert!(
        reply
            .headers
            .iter()
            .any(|(name, value)| &**name == "location" && value.starts_with(&elsewhere))
    );
}

#[test]
fn who_hangs_or_drips_is_cut() {
    let dripping = far(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n");
        while stream.write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    for url in [far(|stream, _| hang(stream)), dripping] {
        let begun = Instant::now();
        let why = asked(Book::default(), &url).unwrap_err();
        assert!(why.contains("in time"), "{why}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn what_cannot_be_reached_is_said_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    let why = asked(Book::default(), &closed).unwrap_err();
    assert!(
        why.contains("refuses the connection") && !why.contains("secret-path"),
        "{why}"
    );
    let plain = far(says("200 OK", "", "")).replace("http://", "https://");
    let why = asked(Book::default(), &plain).unwrap_err();
    assert!(why.starts_with("https://127.0.0.1"), "{why}");
    let why = asked(
        Book::default(),
        &far(|mut stream, _| drop(stream.write_all(b"hello\r\n\r\n"))),
    );
    assert!(why.is_err());
    let (outbound, _told) = outside(Book::default());
    for url in ["ftp://x/", "https://", "mailto:nobody"] {
        let refused = outbound.call(get(1, url)).unwrap();
        assert!(refused.outcome.is_err(), "{url}");
    }
}

#[test]
fn a_flood_is_heard_only_at_its_beginning() {
    let flood = far(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let reply = asked(Book::default(), &flood).unwrap();
    assert_eq!(reply.body.len(), 4096);
}

#[test]
fn a_secret_goes_out_and_does_not_come_back() {
    let echo = far(|mut stream, head| {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nx-echo: hunter2\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{head}",
            head.len()
        );
        let _ = stream.write_all(answer.as_bytes());
    });
    let book = |origin: &str| Book {
        secrets: vec![Secret {
            name: "pw".into(),
            source: Source::Value("hunter2".into()),
            origins: vec![origin.into()],
        }],
        mail: None,
    };
    let url = echo.replace("://", &format!("://me:{}@", placeholder("pw")));
    let reply = asked(book(&echo), &format!("{url}/{}", placeholder("pw"))).unwrap();
    assert!(reply.body.starts_with("GET /••• HTTP"), "{}", reply.body);
    assert!(reply.body.contains("authorization: •••"), "{}", reply.body);
    assert!(!format!("{reply:?}").contains("hunter2"));
    let why = asked(book("https://else.example"), &url).unwrap_err();
    assert!(why.contains("only for https://else.example"), "{why}");
}

#[test]
fn a_slow_origin_holds_up_nobody_else() {
    let slow = far(|stream, _| hang(stream));
    let quick = far(says("200 OK", "", "here"));
    let (outbound, told) = outside(Book::default());
    for id in 0..10 {
        assert_eq!(outbound.call(get(id, &slow)), None);
    }
    assert_eq!(outbound.call(get(99, &quick)), None);
    let first = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(first.id, CallId(99));
    let refused = (100..200).filter_map(|id| outbound.call(get(id, &slow)));
    let refused: Vec<CallAnswer> = refused.collect();
    assert!(refused.len() >= 35, "{}", refused.len());
    assert!(refused[0].outcome.as_ref().unwrap_err().starts_with("busy"));
}

#[test]
fn headers_and_methods_that_are_not_a_plug_in_s_are_refused() {
    let (outbound, told) = outside(Book::default());
    let quick = far(says("200 OK", "", ""));
    let mut host = get(1, &quick);
    host.call.headers = vec![("Host".into(), "else.example".into())];
    let mut trace = get(2, &quick);
    trace.call.method = "TRACE".into();
    let mut split = get(3, &quick);
    split.call.headers = vec![("X-A".into(), "a\r\nHost: b".into())];
    for call in [host, trace, split] {
        assert_eq!(outbound.call(call), None);
        assert!(answer(&told).is_err());
    }
}

/// A mail server that takes one mail, or refuses it; what it was told.
fn mail_server(verdict: &'static str) -> (MailServer, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let _ = stream.write_all(b"220 here\r\n");
        let (mut all, mut line, mut in_data) = (String::new(), String::new(), false);
        while reader.read_line(&mut line).unwrap_or(0) > 0 {
            let word = line.trim_end();
            let answer = match (in_data, word) {
                (true, ".") => {
                    in_data = false;
                    Some(verdict)
                }
                (true, _) => None,
                (false, "DATA") => {
                    in_data = true;
                    Some("354 go on")
                }
                (false, "QUIT") => Some("221 bye"),
                (false, word) if word.starts_with("EHLO") => Some("250-here\r\n250 8BITMIME"),
                (false, _) => Some("250 fine"),
            };
            if let Some(answer) = answer {
                let _ = stream.write_all(format!("{answer}\r\n").as_bytes());
            }
            all.push_str(&line);
            line.clear();
            if answer == Some(verdict) {
                let _ = tell.send(all.clone());
            }
        }
    });
    let server = MailServer {
        host: "127.0.0.1".into(),
        port,
        security: Security::Open,
        user: None,
        from: "growbox <tent@example.org>".into(),
    };
    (server, told)
}

fn mailed(server: MailServer) -> Result<CallReply, String> {
    let (outbound, told) = outside(Book {
        secrets: Vec::new(),
        mail: Some(server),
    });
    let mut call = get(7, "mailto:me@example.org");
    call.call.headers = vec![("Subject".into(), "Too dry".into())];
    call.call.body = b"41 %\nopen the lid".to_vec();
    assert_eq!(outbound.call(call), None);
    answer(&told)
}

#[test]
fn a_mail_is_handed_in() {
    let (server, heard) = mail_server("250 taken as 7");
    let reply = mailed(server).unwrap();
    assert_eq!((reply.status, &*reply.body), (250, "taken as 7"));
    let heard = heard.recv_timeout(Duration::from_secs(20)).unwrap();
    for wanted in [
        "MAIL FROM:<tent@example.org>",
        "RCPT TO:<me@example.org>",
        "Subject: Too dry",
        "Message-ID: <caller-k7@growbox>",
        "open the lid",
    ] {
        assert!(heard.contains(wanted), "no {wanted} in\n{heard}");
    }
}

#[test]
fn a_mail_that_is_refused_has_the_server_s_status() {
    let (server, _heard) = mail_server("550 no such user");
    let reply = mailed(server).unwrap();
    assert_eq!((reply.status, &*reply.body), (550, "no such user"));
    let why = asked(Book::default(), "mailto:me@example.org").unwrap_err();
    assert!(why.contains("[notify] mail"), "{why}");
}
