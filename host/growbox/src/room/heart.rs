//! The heart: one thread that owns the flow, hears messages, and lets it turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use growbox_flow::{Flow, Input, Wake};
use growbox_model::ports::Ticket;
use growbox_model::row::Question;

use super::clock;
use super::outbound::Beats;
use super::ports::LivePorts;

/// Messages heard in one turn.
const HEARD: usize = 64;
/// How often the desk gets fresh zone rows.
const ZONES_EVERY: Duration = Duration::from_secs(1);
/// At the end the queue may drain for so long, and the drivers may answer for so long.
const DRAIN: Duration = Duration::from_secs(2);
/// Without anything to do the heart still looks around this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A message to the heart.
#[derive(Debug)]
pub(crate) enum Message {
    /// For the flow.
    Input(Input),
    /// The process is to end, and why.
    End(&'static str),
}

/// The flow and what it lives on.
pub(super) struct Heart {
    flow: Flow,
    ports: LivePorts,
    messages: Receiver<Message>,
    hurry: Arc<AtomicBool>,
    beats: Beats,
    zones_told: Option<Instant>,
}

impl Heart {
    pub(super) fn new(
        flow: Flow,
        ports: LivePorts,
        messages: Receiver<Message>,
        hurry: Arc<AtomicBool>,
        beats: Beats,
    ) -> Self {
        Self {
            flow,
            ports,
            messages,
            hurry,
            beats,
            zones_told: None,
        }
    }

    /// Beats until the end is told.
    pub(super) fn beat(mut self) {
        let mut heard = Vec::with_capacity(HEARD);
        loop {
            let wake = self.turn(&mut heard);
            if heard.is_empty()
                && let Some(reason) = self.listen(wake, &mut heard)
            {
                return self.end(reason, heard);
            }
        }
    }

    /// One turn of the flow; what became known in it is heard in the next.
    fn turn(&mut self, heard: &mut Vec<Input>) -> Wake {
        self.beats.beat();
        self.tell_zones(heard);
        heard.push(Input::Durable(self.ports.durable()));
        heard.extend(self.ports.take_gap());
        let wake = self
            .flow
            .turn(heard.drain(..), clock::machine(), &mut self.ports);
        self.flow.turn_ended(clock::machine());
        if let Some(now) = self.flow.running() {
            self.ports.live_up_to(now.wall);
        }
        heard.append(&mut self.ports.take_heard());
        wake
    }

    fn tell_zones(&mut self, heard: &mut Vec<Input>) {
        if self
            .zones_told
            .is_none_or(|told| told.elapsed() >= ZONES_EVERY)
        {
            self.zones_told = Some(Instant::now());
            heard.push(Input::Ask(Ticket(0), Question::Zones));
        }
    }

    /// Waits for messages until something falls due; the reason when the end is told.
    fn listen(&self, wake: Wake, heard: &mut Vec<Input>) -> Option<&'static str> {
        let mut next = match self.messages.recv_timeout(self.sleep(wake)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Some("nobody is left"),
        };
        while let Some(message) = next.take() {
            match message {
                Message::End(reason) => return Some(reason),
                Message::Input(input) => heard.push(input),
            }
            if heard.len() < HEARD {
                next = self.messages.try_recv().ok();
            }
        }
        None
    }

    fn sleep(&self, wake: Wake) -> Duration {
        let machine = clock::machine().boot;
        let flow = wake.machine.map(|moment| moment.since(machine).duration());
        let drivers = self
            .flow
            .running()
            .zip(self.ports.next_due())
            .and_then(|(now, due)| {
                let moment = now.moment + due.since(now.wall);
                Some(self.flow.machine_time_of(moment)?.since(machine).duration())
            });
        [flow, drivers]
            .into_iter()
            .flatten()
            .min()
            .map_or(LONGEST_SLEEP, |sleep| sleep.min(LONGEST_SLEEP))
    }

    /// The queue drains, plug-ins end their batch, devices go to their safe levels, drivers confirm.
    fn end(mut self, reason: &'static str, mut heard: Vec<Input>) {
        self.until_idle(&mut heard);
        heard.push(Input::Stop(reason.into()));
        self.turn(&mut heard);
        self.until_idle(&mut heard);
    }

    fn until_idle(&mut self, heard: &mut Vec<Input>) {
        let begun = Instant::now();
        loop {
            let wake = self.turn(heard);
            if self.flow.is_idle() && heard.is_empty() {
                return;
            }
            if begun.elapsed() > DRAIN || self.hurry.load(Ordering::Acquire) {
                return;
            }
            if heard.is_empty() {
                self.listen(wake, heard);
            }
        }
    }
}
