//! The server over a real socket, spoken to by hand.

use std::io::{BufRead, BufReader, Lines as TextLines};
use std::path::PathBuf;
use std::thread::JoinHandle;

use crossbeam_channel::unbounded;

use super::*;
use crate::tent::{Output, Tent};

const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    path: PathBuf,
    stop: Option<Sender<()>>,
    switches: Receiver<Switch>,
    thread: Option<JoinHandle<Result<(), Objection>>>,
    _folder: tempfile::TempDir,
}

fn served(speed: f64) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tent.sock");
    let listener = listen(&path).unwrap();
    let (stop, stopped) = bounded(0);
    let (recorded, switches) = unbounded();
    let room = ServedRoom::new(Tent::new(1), Span::seconds(10));
    let thread = thread::spawn(move || {
        serve(listener, room, speed, &stopped, |switch| {
            recorded.send(*switch).unwrap();
        })
    });
    Served {
        path,
        stop: Some(stop),
        switches,
        thread: Some(thread),
        _folder: folder,
    }
}

impl Served {
    fn connect(&self) -> Talk {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Talk {
            lines: BufReader::new(stream.try_clone().unwrap()).lines(),
            stream,
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop = None;
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

struct Talk {
    stream: UnixStream,
    lines: TextLines<BufReader<UnixStream>>,
}

impl Talk {
    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next line that has `part` in it.
    fn hears(&mut self, part: &str) -> String {
        self.lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(part))
            .unwrap()
    }
}

#[test]
fn a_set_reaches_the_tent_and_nonsense_does_not_end_the_talk() {
    let served = served(1.0);
    let mut talk = served.connect();
    assert_eq!(talk.lines.next().unwrap().unwrap(), r#"{"simulated":true}"#);
    talk.say("nonsense\n\n{\"set\":{\"output\":\"heater\",\"level\":7}}\n");
    talk.say(&"x".repeat(100_000));
    talk.say("\n{\"set\":{\"output\":\"heater\",\"level\":1}}\n");
    assert_eq!(
        talk.hears(r#""heater","level":1"#),
        r#"{"state":{"output":"heater","level":1.0}}"#
    );
    let switch = served.switches.recv_timeout(PATIENCE).unwrap();
    assert_eq!((switch.output, switch.level), (Output::Heater, 1.0));
    assert!(served.switches.is_empty());
}

#[test]
fn what_was_set_for_a_time_ends_although_nobody_is_there() {
    let served = served(600.0);
    let mut talk = served.connect();
    talk.say("{\"set\":{\"output\":\"heater\",\"level\":1,\"within\":120}}\n");
    let on = served.switches.recv_timeout(PATIENCE).unwrap();
    drop(talk);
    let off = served.switches.recv_timeout(PATIENCE).unwrap();
    assert_eq!((off.output, off.level), (Output::Heater, 0.0));
    assert_eq!(off.at.0 - on.at.0, Span::seconds(120).0);
    served
        .connect()
        .hears(r#"{"state":{"output":"heater","level":0.0}}"#);
}

#[test]
fn the_newest_connection_takes_over() {
    let served = served(600.0);
    let mut first = served.connect();
    first.hears("simulated");
    let mut second = served.connect();
    second.hears("simulated");
    assert!(first.lines.all(|line| line.is_ok()), "closed, not broken");
    second.hears("reading");
    second.hears("canopy");
}

#[test]
fn readings_keep_coming() {
    let served = served(600.0);
    let mut talk = served.connect();
    for _ in 0..5 {
        talk.hears(r#"{"reading":{"sensor":"room","quantity":"temperature""#);
    }
}

#[test]
fn a_socket_left_behind_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tent.sock");
    drop(listen(&path).unwrap());
    let living = listen(&path).unwrap();
    assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(living);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    assert!(listen(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn an_impossible_speed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let listener = listen(&folder.path().join(format!("{speed}.sock"))).unwrap();
        let room = ServedRoom::new(Tent::new(1), Span::seconds(10));
        let (_stop, stopped) = bounded(0);
        let refusal = serve(listener, room, speed, &stopped, |_| {}).unwrap_err();
        assert_eq!(refusal.code, "bad_speed");
    }
}
