//! The way of an event, top to bottom, on one page.
//!
//! ```text
//!  hear     posts, readings, answers of plug-ins and drivers        intake, plugins, orders
//!  advance  a deadline that is due, or the next events              intake → say
//!           (admit → queue → number → validate → correlate → append → route)
//!  conclude settle the gate, drive, cut batches, commit             orders, plugins
//!  answer   who waited for it                                       answers
//! ```
//!
//! The turn is a function of what it is given: inputs, the machine's clocks, and the
//! ports. Under the events clock it takes one event at a time and waits until plug-ins,
//! gate and drivers have settled, so that the outcome depends on the events alone.

use std::collections::BTreeSet;

use growbox_gate::{Gate, Settlement};
use growbox_model::commit::{Commit, Record};
use growbox_model::ports::{DriverReport, Ports, wall_of};
use growbox_model::row::Answer;
use growbox_model::{DeviceId, Moment, Now, Objection, RoomSpec, Seq};
use growbox_pipeline::correlate::Recent;
use growbox_pipeline::route::Table;
use serde_json::{Value, json};

use crate::clock::{Machine, RoomClock};
use crate::health::Stats;
use crate::input::{Input, Wake};
use crate::intake::Intake;
use crate::orders::{Surroundings, put, rebind};
use crate::plugins::Plugins;
use crate::ring::Ring;
use crate::say::Saying;
use crate::zones::Zones;

/// Events taken in one stride under the running clocks, before gate and plug-ins have their say.
const STRIDE: usize = 256;

/// The flow of one room.
pub struct Flow {
    pub(crate) room: RoomSpec,
    pub(crate) clock: RoomClock,
    pub(crate) machine: Machine,
    pub(crate) intake: Intake,
    pub(crate) zones: Zones,
    pub(crate) recent: Recent,
    pub(crate) table: Table,
    pub(crate) ring: Ring,
    pub(crate) plugins: Plugins,
    pub(crate) gate: Gate,
    pub(crate) gate_next: Option<Moment>,
    /// Devices that were told something and have not answered.
    pub(crate) driving: BTreeSet<DeviceId>,
    /// What this step wants to survive.
    pub(crate) commit: Commit,
    /// What the host said before the first event founded the clock.
    pub(crate) unsaid: Vec<Saying>,
    pub(crate) last_seq: Seq,
    pub(crate) durable: Seq,
    pub(crate) stats: Stats,
}

impl Flow {
    /// One turn: hears everything, advances as far as it can, answers, and tells when to come again.
    pub fn turn(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        machine: Machine,
        ports: &mut impl Ports,
    ) -> Wake {
        self.machine = machine;
        self.clock.read(machine);
        for input in inputs {
            self.hear(input, ports);
        }
        self.conclude(ports);
        while self.advance(ports) {
            self.conclude(ports);
        }
        self.answer_posts(ports);
        self.flush(ports);
        self.wake()
    }

    fn hear(&mut self, input: Input, ports: &mut impl Ports) {
        match input {
            Input::Post {
                ticket,
                events,
                speaker,
                wait,
            } => match ports.log_refusal() {
                Some(reason) => ports.answer(ticket, Answer::Full(reason)),
                None => self.intake.post(ticket, events, speaker, wait),
            },
            Input::Readings(events) => self.intake.readings(events),
            Input::Ask(ticket, question) => self.hear_question(ticket, &question, ports),
            Input::Order(ticket, order, signature) => {
                self.hear_order(ticket, order, &signature, ports);
            }
            Input::Rebind(ticket, sensor) => {
                let answer = match rebind(&mut self.zones, &sensor) {
                    Some(record) => {
                        self.commit.records.push(record);
                        Answer::Posted(Vec::new())
                    }
                    None => {
                        let message = format!("sensor {sensor} is bound to no source");
                        Answer::NotFound(Objection::new("not_bound", message))
                    }
                };
                ports.answer(ticket, answer);
            }
            Input::Driver(report) => self.hear_driver(&report),
            Input::Handled(result) => self.hear_handled(result, ports),
            Input::Candidate(candidate) => self.hear_candidate(*candidate),
            Input::Exchanged(exchanged) => self.hear_exchanged(exchanged, ports),
            Input::Refused { plugin, reason } => self.refuse_plugin(&plugin, &reason),
            Input::Durable(seq) => self.durable = self.durable.max(seq),
            Input::Stop(reason) => self.stop(&reason, ports),
        }
    }

    /// The next deadline that is due, or the next events; false when there is nothing to do now.
    fn advance(&mut self, ports: &mut impl Ports) -> bool {
        self.fill_queue();
        if self.clock.by_events() {
            return self.advance_by_events();
        }
        let due = self
            .next_deadline()
            .is_some_and(|deadline| deadline <= self.clock.now().moment);
        if due {
            self.run_deadlines();
        }
        let full = ports.log_refusal().is_some();
        let took = (0..STRIDE)
            .take_while(|_| !full && self.take_next())
            .count();
        due || took > 0
    }

    /// One event or one deadline, once everything before it has settled.
    fn advance_by_events(&mut self) -> bool {
        if self.plugins.busy() || !self.driving.is_empty() {
            return false;
        }
        let Some((event, _)) = self.intake.queue.peek() else {
            return false;
        };
        let reaches = self
            .clock
            .founded()
            .zip(event.at)
            .map(|(now, at)| now.moment + at.since(now.wall));
        let due = self
            .next_deadline()
            .filter(|deadline| reaches.is_some_and(|moment| *deadline <= moment));
        match due {
            Some(deadline) => {
                self.clock.pass_to(deadline);
                self.run_deadlines();
                true
            }
            None => self.take_next(),
        }
    }

    fn take_next(&mut self) -> bool {
        let next = self.intake.queue.pop();
        let took = next.is_some();
        if let Some((event, origin)) = next {
            self.take(event, origin);
        }
        took
    }

    fn run_deadlines(&mut self) {
        self.tell_silence();
        self.resume_due();
        self.gate_next = None;
    }

    /// Whatever has changed: the gate settles, drivers hear of it, plug-ins get their batches, the log its commit.
    pub(crate) fn conclude(&mut self, ports: &mut impl Ports) {
        let now = self.clock.now();
        let settlement = self.gate.settle(
            &Surroundings {
                zones: &self.zones,
                now,
            },
            now,
        );
        self.carry_out(settlement, now, ports);
        self.exchange_plugins(ports);
        self.cut_batches(ports);
        self.flush(ports);
    }

    fn carry_out(&mut self, settlement: Settlement, now: Now, ports: &mut impl Ports) {
        self.gate_next = settlement.next;
        for outcome in settlement.outcomes {
            let data = json!({
                "device_id": outcome.device,
                "reason": outcome.why,
                "success": outcome.outcome == growbox_model::Outcome::Executed,
            });
            let zone = self
                .room
                .devices
                .get(&outcome.device)
                .and_then(|device| device.zone.clone());
            let saying = Saying::host(outcome.outcome.event_type(), &data);
            self.say(saying.in_zone(zone).caused_by(Some(outcome.seq)));
        }
        for change in settlement.changes {
            let mut data = json!({
                "device_id": change.device,
                "new_state": state_word(change.new),
                "trigger": change.trigger,
                "power_level": percent(change.new),
            });
            put(
                &mut data,
                "old_state",
                change.old.map(|old| json!(state_word(old))),
            );
            let zone = self
                .room
                .devices
                .get(&change.device)
                .and_then(|device| device.zone.clone());
            self.say(
                Saying::host("device.state.changed", &data)
                    .in_zone(zone)
                    .caused_by(change.cause),
            );
        }
        self.commit.records.extend(settlement.records);
        if !settlement.orders.is_empty() {
            self.flush(ports);
        }
        for order in settlement.orders {
            self.driving.insert(order.device.clone());
            ports.drive(order);
        }
        tracing::trace!(next = ?settlement.next.map(|next| wall_of(next, now)), "gate settled");
    }

    fn hear_driver(&mut self, report: &DriverReport) {
        if let DriverReport::Confirmed(device, _)
        | DriverReport::Failed(device, _)
        | DriverReport::Available(device, false) = report
        {
            self.driving.remove(device);
        }
        self.gate.report(report, self.clock.now());
    }

    /// The process ends: everything to its safe level, protection stamps, the mark of a clean end.
    fn stop(&mut self, reason: &growbox_model::Text, ports: &mut impl Ports) {
        let now = self.clock.now();
        let settlement = self.gate.end(
            &Surroundings {
                zones: &self.zones,
                now,
            },
            now,
        );
        self.carry_out(settlement, now, ports);
        self.say_stopping(reason);
        self.flush(ports);
    }

    /// Hands everything of this step to the log, as one message.
    pub(crate) fn flush(&mut self, ports: &mut impl Ports) {
        let pressing = |record: &Record| {
            matches!(
                record,
                Record::Switched(_)
                    | Record::Hold(..)
                    | Record::Stopped(..)
                    | Record::Generation(..)
            )
        };
        self.commit.urgent |= self.commit.records.iter().any(pressing) || self.durability_awaited();
        if self.commit.is_empty() && !self.commit.urgent {
            return;
        }
        let mut commit = std::mem::take(&mut self.commit);
        commit.now = self.clock.now();
        ports.commit(commit);
    }

    /// The next instant at which something happens without anybody saying anything.
    fn next_deadline(&mut self) -> Option<Moment> {
        [
            self.gate_next,
            self.plugins.next_tick(),
            self.zones.next_silence(),
            self.zones.next_resumption(),
            self.intake
                .admission
                .next_release()
                .filter(|_| self.clock.by_events()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn wake(&mut self) -> Wake {
        let room = self.next_deadline();
        let release = self
            .intake
            .admission
            .next_release()
            .filter(|_| !self.clock.by_events());
        let at = room.and_then(|moment| self.clock.machine_time_of(moment));
        let machine = [at, release, self.plugins.next_retry()]
            .into_iter()
            .flatten()
            .min();
        Wake { room, machine }
    }

    /// The room clock, once it is founded.
    pub fn now(&self) -> Option<Now> {
        self.clock.founded()
    }

    /// Whether nothing waits: no event, no plug-in, no driver.
    pub fn is_idle(&self) -> bool {
        self.intake.is_idle() && !self.plugins.busy() && self.driving.is_empty()
    }
}

/// `off`, `on`, or percent between.
fn state_word(level: f64) -> Value {
    if level <= 0.0 {
        json!("off")
    } else if level >= 1.0 {
        json!("on")
    } else {
        json!(format!("{} %", percent(level)))
    }
}

fn percent(level: f64) -> f64 {
    (level * 1000.0).round() / 10.0
}
