//! Devices behind a broker: the same far side with the same record, its orders and answers over MQTT.
//!
//! ```text
//!  growbox ──cmnd/NAME──▶ broker ──▶ bridge ──set──▶ outside
//!          ◀──stat/NAME──        ◀──        ◀─state──
//!          ◀──sens/NAME──        ◀──        ◀reading─
//! ```

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::outside::Outside;
use crate::wait::until;

/// Requests of the client that may wait.
const REQUESTS: usize = 1000;
/// Before it tries to reach a broker, or a far side, again.
const PAUSE: Duration = Duration::from_millis(50);

/// Relays between a broker and a far side, until it is dropped.
pub struct Bridge {
    client: Client,
    far: Arc<Far>,
    rings: f64,
}

/// The output that [`Bridge::flush`] moves.
pub const BELL: &str = "bell";

/// The far side's end.
#[derive(Debug)]
struct Far {
    path: PathBuf,
    stream: Mutex<Option<UnixStream>>,
    /// The bridge is gone.
    over: AtomicBool,
}

impl Bridge {
    /// Joins the far side that listens at `path` to this broker; both may go and come back.
    ///
    /// # Panics
    /// Where there is no room for its requests.
    pub fn build(broker: &Broker, path: &Path) -> Self {
        let mut options = MqttOptions::new("bridge", "127.0.0.1", broker.port());
        options.set_keep_alive(Duration::from_secs(5));
        let (client, mut connection) = Client::new(options, REQUESTS);
        let far = Arc::new(Far {
            path: path.to_owned(),
            stream: Mutex::new(None),
            over: AtomicBool::new(false),
        });
        let bridge = Self {
            client: client.clone(),
            far: far.clone(),
            rings: 0.0,
        };
        let (answers, listens) = (client.clone(), far.clone());
        std::thread::spawn(move || listens.relay(&answers));
        std::thread::spawn(move || {
            for event in connection.iter() {
                if far.is_over() {
                    return;
                }
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let subscribed = client.subscribe("cmnd/+", QoS::AtLeastOnce);
                        subscribed.expect("there is room for one request");
                        // Whoever joins the far side anew is told every level.
                        far.hang_up();
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        far.order(&text(&publish.topic), &text(&publish.payload));
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(PAUSE),
                }
            }
        });
        bridge
    }

    /// Waits until what the broker has taken so far has come to the far side, which has an output
    /// [`BELL`]: it is told last, and each time more.
    ///
    /// # Panics
    /// Where it does not ring.
    pub fn flush(&mut self, outside: &Outside) {
        self.rings += 1.0;
        until("the bell to ring", || {
            let ring = format!("{}", self.rings);
            // Before the bridge is there again nobody hears it.
            drop(
                self.client
                    .try_publish("cmnd/bell", QoS::AtLeastOnce, false, ring),
            );
            (outside.level(BELL) == self.rings).then_some(())
        });
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.far.over.store(true, Ordering::Release);
        self.far.hang_up();
        // Where the broker is gone the client sees it at its next attempt.
        drop(self.client.try_disconnect());
    }
}

impl Far {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn stream(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hang_up(&self) {
        if let Some(stream) = self.stream().take() {
            // An error means that it is gone already.
            drop(stream.shutdown(std::net::Shutdown::Both));
        }
    }

    /// `1`, `1 30` (for 30 seconds) or `0`.
    fn order(&self, topic: &str, payload: &str) {
        let Some(output) = topic.strip_prefix("cmnd/") else {
            return;
        };
        let mut words = payload.split(' ').map(str::parse::<f64>);
        let Some(Ok(level)) = words.next() else {
            panic!("{topic}: {payload:?} is no order");
        };
        let mut set = json!({"output": output, "level": level});
        if let Some(Ok(within)) = words.next() {
            set["within"] = json!(within);
        }
        if let Some(stream) = self.stream().as_mut() {
            // Who is gone hears nothing: the host learns it from what is not answered.
            drop(writeln!(stream, "{}", json!({ "set": set })));
        }
    }

    /// Joins the far side, again and again, and passes on what it says.
    fn relay(&self, client: &Client) {
        while !self.is_over() {
            let Ok(stream) = UnixStream::connect(&self.path) else {
                std::thread::sleep(PAUSE);
                continue;
            };
            let Ok(reading) = stream.try_clone() else {
                return;
            };
            *self.stream() = Some(stream);
            for line in BufReader::new(reading).lines().map_while(Result::ok) {
                // Where the line breaks, so may what is said.
                let Ok(said) = serde_json::from_str::<Value>(&line) else {
                    break;
                };
                let (state, reading) = (&said["state"], &said["reading"]);
                let published = if let Some(output) = state["output"].as_str() {
                    let level = state["level"].as_f64().unwrap_or_default();
                    let topic = format!("stat/{output}");
                    client.try_publish(topic, QoS::AtLeastOnce, true, format!("{level}"))
                } else if let Some(sensor) = reading["sensor"].as_str() {
                    let value = reading["value"].to_string();
                    let topic = format!("sens/{sensor}");
                    client.try_publish(topic, QoS::AtLeastOnce, false, value)
                } else {
                    Ok(())
                };
                // What finds no room while the broker is away is told again when it is back.
                drop(published);
            }
        }
    }
}
