//! `zigbee:NAME` and `mqtt:TOPIC`: sensors and devices behind an MQTT 5 broker.
//!
//! ```text
//!             ┌ table     topic → what it means
//!  broker ──▶ session ──▶ payload, zigbee, plain   bytes → readings, states      pure
//!     ▲       │   │  └──▶ inflow ──▶ Intake        durable, then acknowledged
//!     │       │   └─────▶ outputs ──▶ sink         confirmed, failed, available  pure
//!     └───────┴ connection: one, from CONNECT to its end
//! ```
//!
//! It lives on tokio. The caller of [`Driver::send`] only leaves its order in the output's slot
//! and goes on. A message counts as received when what it says is durable: until then the broker
//! keeps it, for an hour even while growbox is away.

mod complaints;
mod connection;
mod decode;
mod discover;
mod inflow;
mod ledger;
mod outputs;
mod payload;
mod plain;
mod receipts;
mod session;
mod settings;
mod table;
mod zigbee;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use growbox_model::{Instant, Objection, Span, Text};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::driver::{Driver, DriverEvent, Order, Sink};
use crate::machine;
use outputs::Outputs;
use session::Session;
use table::Table;

pub use connection::NoConnection;
pub use discover::{Discovery, discover};
pub use settings::{
    MappedOutput, MappedValue, OutputForm, OutputPoint, Roots, SensorForm, SensorPoint, Settings,
    Timer, ZigbeeOutput,
};
pub use zigbee::ZigbeeDevice;

/// An order that is not confirmed for this long has failed.
const CONFIRM_WITHIN: Span = Span::seconds(5);

/// What a sensor said over MQTT.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The sensor, as [`SensorPoint::sensor`] names it.
    pub sensor: Text,
    /// The topic it said it on.
    pub topic: Text,
    /// The quantity; not yet judged.
    pub quantity: Text,
    /// The value in `unit`; finite.
    pub value: f64,
    /// The unit; none means the canonical one.
    pub unit: Option<Text>,
    /// When, where the message says so and can be trusted, or where it had to wait.
    pub at: Option<Instant>,
    /// When it came.
    pub arrived: Instant,
    /// It was retained and says no time: nobody knows how old it is.
    pub undated: bool,
}

/// A message nobody could read.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Where it came.
    pub topic: Text,
    /// What was wrong with it.
    pub message: String,
    /// What it was.
    pub payload: Vec<u8>,
}

/// What became of readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Each is in the log for good, or refused for good.
    Durable,
    /// Those in these places are not taken, and why: they may come again. The others are.
    Partly(BTreeSet<usize>, String),
    /// None of them is taken, and why; they may come again.
    NotNow(String),
}

/// A future that may go anywhere.
pub type Taking = Pin<Box<dyn Future<Output = Taken> + Send>>;

/// Where readings go. Its methods return at once.
pub trait Intake: Send + Sync + 'static {
    /// Takes readings in, in their order; the answer comes when they are durable.
    fn take(&self, readings: Vec<Said>) -> Taking;

    /// Stops everything: somebody said these words where the configuration lets them.
    fn stop(&self, topic: &str, words: &str);

    /// Takes note of a message that nobody could read.
    fn refuse(&self, letter: Letter);
}

/// How well the session is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// Whether the broker is there.
    pub connected: bool,
    /// What is wrong, in words.
    pub trouble: Option<String>,
    /// Messages received.
    pub received: u64,
    /// Readings that are in the log, or refused for good.
    pub readings: u64,
    /// Messages that nobody could read, or not all of.
    pub unreadable: u64,
    /// Messages a newer one took the place of, because too many waited.
    pub passed_over: u64,
    /// Messages on their way in.
    pub under_way: u64,
    /// Messages the broker keeps until they are acknowledged.
    pub unacknowledged: u64,
    /// Connections made.
    pub connections: u64,
}

/// The driver's side: takes orders.
#[derive(Debug)]
pub struct Mqtt {
    shared: Arc<Shared>,
}

/// The session's side, not yet begun.
pub struct Edge {
    settings: Settings,
    sensors: Vec<SensorPoint>,
    table: Table,
    shared: Arc<Shared>,
    sink: Sink,
}

/// The session while it lasts.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Tells how well a session is.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Shared>);

/// What both sides share.
#[derive(Debug)]
struct Shared {
    outputs: Mutex<Outputs>,
    health: Mutex<Health>,
    wake: Notify,
    stopping: AtomicBool,
}

impl Mqtt {
    /// A driver and the session it will speak through; nothing is connected before
    /// [`Edge::start`].
    pub fn new(
        settings: Settings,
        sensors: Vec<SensorPoint>,
        outputs: Vec<OutputPoint>,
        sink: Sink,
    ) -> (Self, Edge) {
        let mut table = Table::of(&settings.base, &sensors, &outputs);
        if let Some(topic) = &settings.stop_topic {
            table.stop(topic);
        }
        let shared = Arc::new(Shared {
            outputs: Mutex::new(Outputs::new(&settings.base, outputs, CONFIRM_WITHIN)),
            health: Mutex::default(),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        let edge = Edge {
            settings,
            sensors,
            table,
            shared: shared.clone(),
            sink,
        };
        (Self { shared }, edge)
    }
}

impl Driver for Mqtt {
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let events = self.shared.outputs().order(&order, machine::now());
        self.shared.wake.notify_one();
        events
    }

    /// How an output is spoken to stands in the configuration, which is read at the start.
    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection> {
        let known = self.shared.outputs().known(point);
        known.ok_or_else(|| {
            let message = format!("{point} is reached after a restart");
            Objection::new("needs_restart", message)
        })
    }

    fn detach(&mut self, point: &str) {
        self.shared.outputs().forget(point);
    }

    /// Readings go their own way, to the [`Intake`].
    fn listen(&mut self, _points: &BTreeSet<Text>) {}

    fn simulated(&self) -> Option<bool> {
        Some(false)
    }

    /// What a session that hangs, or broke down, never gets to tell fails here.
    fn advance(&mut self, _to: Instant) -> Vec<DriverEvent> {
        self.shared.outputs().overdue(machine::now())
    }
}

impl Edge {
    /// Begins the session; connecting goes on in the background, for ever. Called on tokio.
    pub fn start(self, intake: Arc<dyn Intake>) -> Running {
        let shared = self.shared.clone();
        shared.outputs().begin(machine::now());
        let session = Session::new(
            self.settings,
            self.sensors,
            self.table,
            self.shared,
            self.sink,
            intake,
        );
        let task = tokio::spawn(session.run());
        Running { shared, task }
    }

    /// How the session will be.
    pub fn pulse(&self) -> Pulse {
        Pulse(self.shared.clone())
    }
}

impl Running {
    /// Says goodbye to the broker; orders that were given are still told.
    pub async fn close(self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        // A session that broke down has nothing to say any more.
        let _ = self.task.await;
    }
}

impl Pulse {
    /// How well it is now.
    pub fn health(&self) -> Health {
        let health = self.0.health.lock();
        health.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// Held only for pure steps, never while waiting.
    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_fails_though_its_session_hangs() {
        let lamp = OutputPoint {
            address: "zigbee:Lamp".into(),
            switched: true,
            form: OutputForm::Zigbee(ZigbeeOutput {
                name: "Lamp".into(),
                endpoint: None,
                timer: None,
                power_on: None,
            }),
        };
        let shared = Arc::new(Shared {
            outputs: Mutex::new(Outputs::new("z", vec![lamp], Span::ZERO)),
            health: Mutex::default(),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        shared.outputs().begin(machine::now());
        let mut driver = Mqtt { shared };
        let order = Order {
            address: "zigbee:Lamp".into(),
            level: 1.0,
            within: None,
            pulse: false,
        };
        assert_eq!(driver.send(order), []);
        let told = driver.advance(Instant(0));
        assert!(
            matches!(&told[..], [DriverEvent::Failed { .. }]),
            "{told:?}"
        );
    }
}
