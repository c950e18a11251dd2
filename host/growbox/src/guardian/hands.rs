//! Hands: connections of their own to everything in a safe plan, so that a driver that hangs in the host holds up nothing here.

use std::collections::BTreeSet;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, unbounded};
use growbox_drivers::mqtt::{Intake, Letter, Mqtt, Running, Said, Settings, Taken, Taking};
use growbox_drivers::{DriverEvent, Drivers, Options, Order, sink_into};
use growbox_model::Text;

use super::plan::Safing;
use super::word::{Behind, Kept};

/// Every driver of a plan, and what they say.
pub(crate) struct Hands {
    drivers: Drivers,
    heard: Receiver<DriverEvent>,
    broker: Option<(tokio::runtime::Runtime, Running)>,
}

impl Hands {
    /// Begins to connect. One address that is wrong is one device that fails, no more.
    pub(crate) fn open(kept: &Kept, safing: &mut Safing) -> anyhow::Result<Self> {
        let (sender, heard) = unbounded();
        let sink = sink_into(sender);
        let drivers = Drivers::open([], [], Options::default(), &sink);
        let mut drivers = drivers.map_err(|_| anyhow::anyhow!("no drivers"))?;
        let broker = match &kept.broker {
            Some(behind) => Some(connect(behind, &mut drivers, &sink)?),
            None => None,
        };
        for device in &kept.plan.devices {
            if let Err(objection) = drivers.attach(&device.output) {
                safing.failed(&device.output, &objection.to_string());
            }
        }
        Ok(Self {
            drivers,
            heard,
            broker,
        })
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
    pub(crate) fn listen(&mut self, at_most: std::time::Duration, safing: &mut Safing) {
        let first = self.heard.recv_timeout(at_most);
        for event in first.into_iter().chain(self.heard.try_iter()) {
            take(&event, safing);
        }
    }

    /// Says goodbye to the broker.
    pub(crate) fn close(self) {
        if let Some((runtime, running)) = self.broker {
            runtime.block_on(running.close());
        }
    }
}

fn take(event: &DriverEvent, safing: &mut Safing) {
    match event {
        DriverEvent::Confirmed { address, level } => safing.confirmed(address, *level),
        DriverEvent::Failed {
            address, message, ..
        } => safing.failed(address, message),
        DriverEvent::Available {
            address,
            available: false,
        } => safing.failed(address, "it cannot be reached"),
        _ => {}
    }
}

/// A session beside the host's, under a name of its own, so that neither pushes the other out.
fn connect(
    behind: &Behind,
    drivers: &mut Drivers,
    sink: &growbox_drivers::Sink,
) -> anyhow::Result<(tokio::runtime::Runtime, Running)> {
    let settings = Settings {
        client_id: format!("{}-guardian", behind.settings.client_id),
        own: format!("{}/guardian", behind.settings.own),
        stop_topic: None,
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
    Ok((runtime, running))
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
