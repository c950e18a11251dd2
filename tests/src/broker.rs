//! A real MQTT broker for one test, and an ordinary client of it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use tempfile::TempDir;

use crate::place::workspace;
use crate::wait::until;

/// Requests of a client that may wait.
const REQUESTS: usize = 20_000;

/// mosquitto on a port of its own; it ends with the test.
#[derive(Debug)]
pub struct Broker {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl Broker {
    /// Whether there is a mosquitto on this machine.
    #[must_use]
    pub fn is_possible() -> bool {
        let help = Command::new(program()).arg("-h").output();
        help.is_ok()
    }

    /// Starts one that lets anybody in.
    ///
    /// # Panics
    /// Where there is no mosquitto, or it does not come up.
    #[must_use]
    pub fn start() -> Self {
        let mut broker = Self {
            child: None,
            port: free_port(),
            folder: TempDir::new().expect("the machine has room for temporary files"),
        };
        broker.restart("allow_anonymous true\n");
        broker
    }

    /// Starts it again with other lines of configuration and nothing of what it knew;
    /// `{folder}` in them is its folder.
    ///
    /// # Panics
    /// As [`Broker::start`].
    pub fn restart(&mut self, lines: &str) {
        self.kill();
        let common = fs::read_to_string(workspace().join("tests/mosquitto/mosquitto.conf"));
        let common = common.expect("the broker's configuration is committed");
        let path = self.folder().to_str().expect("temporary paths are text");
        let (lines, port) = (lines.replace("{folder}", path), self.port);
        let text = format!("{common}user root\nlistener {port} 127.0.0.1\n{lines}");
        fs::write(self.folder().join("mosquitto.conf"), text).expect("the folder is writable");
        self.revive();
    }

    /// Starts it again, with nothing of what it knew.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn revive(&mut self) {
        let child = Command::new(program())
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("cargo xtask test installs mosquitto"));
        until("mosquitto to listen", || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it was started, and not killed since.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A client of it that hears everything.
    ///
    /// # Panics
    /// Where it cannot connect.
    #[must_use]
    pub fn peer(&self, name: &str) -> Peer {
        Peer::connect(self.port, name)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> PathBuf {
    let usual = PathBuf::from("/usr/sbin/mosquitto");
    if usual.is_file() {
        usual
    } else {
        "mosquitto".into()
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

/// What a client has heard: topic and payload.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// An ordinary client that hears every topic.
pub struct Peer {
    client: Client,
    heard: Heard,
}

impl Peer {
    fn connect(port: u16, name: &str) -> Self {
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_max_packet_size(Some(8 << 20));
        let (client, mut connection) = Client::new(options, REQUESTS);
        let heard = Heard::default();
        let ears = heard.clone();
        client
            .subscribe("#", QoS::AtLeastOnce)
            .expect("there is room for one request");
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.send(())),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        let message = (text(&publish.topic), text(&publish.payload));
                        ears.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(message);
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        is_ready
            .recv_timeout(Duration::from_secs(20))
            .expect("the broker lets a client in");
        Self { client, heard }
    }

    /// Publishes at QoS 1.
    ///
    /// # Panics
    /// Where too much waits.
    pub fn say(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.publish(topic, payload.into(), false);
    }

    /// Publishes at QoS 1, for those too who come later.
    ///
    /// # Panics
    /// Where too much waits.
    pub fn leave(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.publish(topic, payload.into(), true);
    }

    fn publish(&self, topic: &str, payload: Vec<u8>, retain: bool) {
        self.client
            .publish(topic, QoS::AtLeastOnce, retain, payload)
            .expect("the client lives");
    }

    /// Everything heard on a topic so far.
    #[must_use]
    pub fn heard(&self, topic: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let there = heard.iter().filter(|(said_on, _)| said_on == topic);
        there.map(|(_, payload)| payload.clone()).collect()
    }

    /// Waits until a topic has so many messages, and gives them.
    ///
    /// # Panics
    /// Where they do not come.
    #[track_caller]
    #[must_use]
    pub fn hears(&self, topic: &str, count: usize) -> Vec<String> {
        until(&format!("{count} messages on {topic}"), || {
            Some(self.heard(topic)).filter(|heard| heard.len() >= count)
        })
    }
}
