//! The client against real sockets: a far side played by hand, and the simulated tent.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crossbeam_channel::unbounded;

use super::*;
use crate::driver::sink_into;
use crate::room_server::{self, ServedRoom};
use crate::tent::Tent;

const DEADLINE: Duration = Duration::from_secs(20);

const HASTY: Patience = Patience {
    confirm_within: Span::millis(100),
    first_retry: Span::millis(1),
    longest_retry: Span::millis(10),
};

const CALM: Patience = Patience {
    confirm_within: Span::minutes(5),
    ..HASTY
};

struct Home {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    Home {
        path: folder.path().join("room.sock"),
        _folder: folder,
    }
}

struct Client {
    room: UnixRoom,
    heard: Receiver<DriverEvent>,
    heater: Text,
}

fn client(path: &Path, patience: Patience) -> Client {
    let (sender, heard) = unbounded();
    let path = path.display().to_string();
    let (outputs, sensors) = (["heater".into()], ["canopy".into()]);
    let room = UnixRoom::open(&path, &outputs, &sensors, patience, sink_into(sender)).unwrap();
    Client {
        room,
        heard,
        heater: format!("unix:{path}#heater").into(),
    }
}

impl Client {
    fn order(&mut self, level: f64, within: Option<Span>) {
        self.room.send(Order {
            address: self.heater.clone(),
            level,
            within,
            pulse: false,
        });
    }

    /// The next event that fits.
    fn hears(&self, fits: impl Fn(&DriverEvent) -> bool) -> DriverEvent {
        loop {
            let event = self
                .heard
                .recv_timeout(DEADLINE)
                .expect("nothing came in time");
            if fits(&event) {
                return event;
            }
        }
    }

    fn is_available(&self, now: bool) {
        self.hears(
            |event| matches!(event, DriverEvent::Available { available, .. } if *available == now),
        );
    }

    fn is_confirmed(&self, now: f64) {
        self.hears(|event| matches!(event, DriverEvent::Confirmed { level, .. } if *level == now));
    }

    fn has_failed(&self) -> String {
        match self.hears(|event| matches!(event, DriverEvent::Failed { .. })) {
            DriverEvent::Failed { message, .. } => message,
            other => unreachable!("{other:?}"),
        }
    }
}

/// The far side, played by hand.
struct Far {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Far {
    fn accept(listener: &UnixListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self {
            lines: BufReader::new(stream.try_clone().unwrap()),
            stream,
        }
    }

    fn says(&mut self, text: &str) {
        writeln!(self.stream, "{text}").unwrap();
    }

    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn orders_go_out_and_readings_come_in() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let mut client = client(&home.path, CALM);
    let mut far = Far::accept(&listener);
    client.is_available(true);
    far.says(r#"{"simulated":true}"#);
    client.hears(|event| {
        matches!(
            event,
            DriverEvent::Attached {
                simulated: true,
                ..
            }
        )
    });
    assert_eq!(client.room.simulated(), Some(true));
    far.says(r#"{"reading":{"sensor":"canopy","quantity":"humidity","value":61.5,"unit":"%"}}"#);
    client.hears(|event| matches!(event, DriverEvent::Reading { value, .. } if *value == 61.5));
    client.order(1.0, Some(Span::seconds(90)));
    assert!(
        far.hears()
            .starts_with(r#"{"set":{"output":"heater","level":1.0,"within":"#)
    );
    far.says(r#"{"state":{"output":"heater","level":1}}"#);
    client.is_confirmed(1.0);
}

#[test]
fn an_order_is_taken_while_nobody_hears_what_the_room_says() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let (told, telling) = unbounded();
    let (gate, shut) = bounded::<()>(0);
    let sink: Sink = Arc::new(move |event| {
        let _ = told.send(event);
        // Until the test lets it go.
        let _ = shut.recv();
    });
    let path = home.path.display().to_string();
    let mut room = UnixRoom::open(&path, &["heater".into()], &[], CALM, sink).unwrap();
    let mut far = Far::accept(&listener);
    let first = telling.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(first, DriverEvent::Available { .. }), "{first:?}");
    room = taken(room, &path);
    gate.send(()).unwrap();
    far.says(r#"{"simulated":true}"#);
    let second = telling.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(second, DriverEvent::Attached { .. }), "{second:?}");
    drop(taken(room, &path));
    drop(gate);
}

/// The heater takes an order in time; a thread that waits for ever is left behind.
fn taken(mut room: UnixRoom, path: &str) -> UnixRoom {
    let order = Order {
        address: format!("unix:{path}#heater").into(),
        level: 1.0,
        within: None,
        pulse: false,
    };
    let (done, is_done) = bounded(1);
    thread::spawn(move || {
        room.send(order);
        done.send(room)
    });
    let room = is_done.recv_timeout(DEADLINE);
    room.expect("an order does not wait for whoever hears what the room says")
}

#[test]
fn a_room_that_comes_back_gets_only_what_is_wanted_then() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let mut client = client(&home.path, CALM);
    let mut far = Far::accept(&listener);
    client.is_available(true);
    client.order(1.0, None);
    far.hears();
    drop(far);
    assert!(client.has_failed().contains("connection lost"));
    client.is_available(false);
    let mut far = Far::accept(&listener);
    client.is_available(true);
    client.order(0.0, None);
    assert_eq!(far.hears(), r#"{"set":{"output":"heater","level":0.0}}"#);
}

#[test]
fn nobody_there_is_said_once_and_somebody_later_is_found() {
    let home = home();
    let mut client = client(&home.path, HASTY);
    client.is_available(false);
    let events = client.room.send(Order {
        address: client.heater.clone(),
        level: 1.0,
        within: None,
        pulse: false,
    });
    assert!(
        matches!(&events[..], [DriverEvent::Failed { .. }]),
        "{events:?}"
    );
    let listener = UnixListener::bind(&home.path).unwrap();
    let mut far = Far::accept(&listener);
    client.is_available(true);
    client.order(0.0, None);
    assert_eq!(far.hears(), r#"{"set":{"output":"heater","level":0.0}}"#);
}

#[test]
fn a_room_that_says_nothing_of_an_order_has_failed_it() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let mut client = client(&home.path, HASTY);
    let _far = Far::accept(&listener);
    client.order(1.0, None);
    assert!(client.has_failed().contains("not confirmed within 0.1s"));
}

#[test]
fn nonsense_is_reported_and_survived() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let client = client(&home.path, CALM);
    let mut far = Far::accept(&listener);
    far.says("nonsense");
    client.hears(|event| matches!(event, DriverEvent::Unreadable { count: 1, .. }));
    far.says(&"x".repeat(200_000));
    client.hears(|event| matches!(event, DriverEvent::Unreadable { count: 2, .. }));
    far.says(r#"{"state":{"output":"heater","level":0.5}}"#);
    client.hears(|event| matches!(event, DriverEvent::State { level, .. } if *level == 0.5));
}

#[test]
fn the_last_order_is_written_although_the_driver_is_dropped_at_once() {
    let home = home();
    let listener = UnixListener::bind(&home.path).unwrap();
    let mut client = client(&home.path, CALM);
    let mut far = Far::accept(&listener);
    client.is_available(true);
    client.order(0.0, None);
    drop(client);
    assert!(far.hears().contains(r#""level":0.0"#));
    assert_eq!(far.hears(), "", "then the connection is closed");
}

#[test]
fn the_simulated_tent_obeys_over_its_socket() {
    let home = home();
    let listener = room_server::listen(&home.path).unwrap();
    let (stop, stopped) = bounded::<()>(0);
    let room = ServedRoom::new(Tent::new(1), Span::seconds(10));
    let server = thread::spawn(move || room_server::serve(listener, room, 600.0, &stopped, |_| {}));
    let mut client = client(&home.path, CALM);
    client.hears(|event| {
        matches!(
            event,
            DriverEvent::Attached {
                simulated: true,
                ..
            }
        )
    });
    client.order(1.0, Some(Span::seconds(60)));
    client.is_confirmed(1.0);
    client.hears(|event| matches!(event, DriverEvent::State { level, .. } if *level == 0.0));
    client.hears(|event| matches!(event, DriverEvent::Reading { .. }));
    drop(stop);
    server.join().unwrap().unwrap();
    client.is_available(false);
}
