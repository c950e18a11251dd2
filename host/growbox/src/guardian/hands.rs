//! Hands: connections of their own to everything in a safe plan, so that a driver that hangs in the host holds up nothing here.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, unbounded};
use growbox_drivers::mqtt::{Intake, Letter, Mqtt, Running, Said, Settings, Taken, Taking};
use growbox_drivers::{DriverEvent, Drivers, Options, Order, Sink, sink_into};
use growbox_model::Text;

use super::plan::Safing;
use super::word::{Behind, Kept};
use crate::room::boot_time;

/// Saying goodbye to the broker takes at most so long.
const GOODBYE: Duration = Duration::from_millis(1500);

/// Every driver of a plan, and what they say. Dropped, it says goodbye to the broker.
pub(crate) struct Hands {
    drivers: Drivers,
    heard: Receiver<DriverEvent>,
    sink: Sink,
    broker: Option<(Behind, Broker)>,
}

/// A session with the broker, and what it runs on; none once it is over.
struct Broker(Option<(tokio::runtime::Runtime, Running)>);

impl Hands {
    /// Begins to connect. One address that is wrong is one device that fails, no more, and a
    /// session that cannot begin fails those behind the broker alone.
    /// A session of hands that were there before goes on.
    pub(crate) fn open(
        kept: &Kept,
        safing: &mut Safing,
        before: Option<Self>,
    ) -> anyhow::Result<Self> {
        let same =
            |hands: &Self| hands.behind().is_some() && hands.behind() == kept.broker.as_ref();
        let mut hands = match before.filter(same) {
            Some(hands) => hands,
            None => Self::new(kept.broker.as_ref())?,
        };
        for device in &kept.plan.devices {
            if let Err(objection) = hands.drivers.attach(&device.output) {
                safing.failed(&device.output, &objection.to_string());
            }
        }
        Ok(hands)
    }

    fn new(behind: Option<&Behind>) -> anyhow::Result<Self> {
        let (sender, heard) = unbounded();
        let sink = sink_into(sender);
        let drivers = Drivers::open([], [], Options::default(), &sink);
        let mut hands = Self {
            drivers: drivers.map_err(|_| anyhow::anyhow!("no drivers"))?,
            heard,
            sink,
            broker: None,
        };
        if let Some(behind) = behind {
            match connect(behind, &mut hands.drivers, &hands.sink) {
                Ok(broker) => hands.broker = Some((behind.clone(), broker)),
                Err(error) => tracing::error!("no session with the broker: {error:#}"),
            }
        }
        Ok(hands)
    }

    fn behind(&self) -> Option<&Behind> {
        self.broker.as_ref().map(|(behind, _)| behind)
    }

    /// Whether an output stands behind the broker.
    pub(crate) fn is_behind_broker(&self, output: &str) -> bool {
        let here = |behind: &Behind| behind.outputs.iter().any(|own| *own.address == *output);
        self.behind().is_some_and(here)
    }

    /// Leaves an output to somebody else.
    pub(crate) fn let_go(&mut self, output: &str) {
        self.drivers.detach(output);
    }

    /// Tells an output where to be, and takes in what is known at once.
    pub(crate) fn tell(&mut self, output: Text, level: f64, safing: &mut Safing) {
        let order = Order {
            address: output,
            level,
            within: None,
            pulse: false,
        };
        for event in self.drivers.send(order) {
            take(&event, safing);
        }
    }

    /// Waits at most so long for something to be said, and takes it in.
    pub(crate) fn listen(&mut self, at_most: Duration, safing: &mut Safing) {
        let first = self.heard.recv_timeout(at_most);
        for event in first.into_iter().chain(self.heard.try_iter()) {
            take(&event, safing);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some((runtime, running)) = self.0.take() else {
            return;
        };
        runtime.block_on(async {
            // Who does not answer sees the line break.
            let _ = tokio::time::timeout(GOODBYE, running.close()).await;
        });
        // Who looks up the broker's name may do so for minutes; nobody waits for that.
        runtime.shutdown_background();
    }
}

fn take(event: &DriverEvent, safing: &mut Safing) {
    match event {
        DriverEvent::Confirmed { address, level } => safing.confirmed(address, *level),
        DriverEvent::Failed {
            address, message, ..
        } => safing.failed(address, message),
        DriverEvent::State { address, level } => safing.moved(address, *level, boot_time()),
        DriverEvent::Available {
            address,
            available: false,
        } => safing.lost(address, boot_time()),
        _ => {}
    }
}

/// A session beside the host's, under a name of its own, so that neither pushes the other out.
/// It begins clean each time: what the broker kept since the last time would confirm today's
/// orders with yesterday's states.
fn connect(behind: &Behind, drivers: &mut Drivers, sink: &Sink) -> anyhow::Result<Broker> {
    let settings = Settings {
        client_id: format!("{}-guardian", behind.settings.client_id),
        own: format!("{}/guardian", behind.settings.own),
        stop_topic: None,
        fleeting: true,
        ..behind.settings.clone()
    };
    let outputs: BTreeSet<Text> = behind.outputs.iter().map(|o| o.address.clone()).collect();
    let (driver, edge) = Mqtt::new(settings, Vec::new(), behind.outputs.clone(), sink.clone());
    drivers.join(Box::new(driver), outputs);
    let runtime = crate::run::runtime().context("no threads for the broker")?;
    let running = {
        let _entered = runtime.enter();
        edge.start(std::sync::Arc::new(Deaf))
    };
    Ok(Broker(Some((runtime, running))))
}

/// Listens to no sensor.
struct Deaf;

impl Intake for Deaf {
    fn take(&self, _readings: Vec<Said>) -> Taking {
        Box::pin(std::future::ready(Taken::Durable))
    }

    fn stop(&self, _topic: &str, _words: &str) {}

    fn refuse(&self, _letter: Letter) {}
}
