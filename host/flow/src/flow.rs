//! The way of an event, top to bottom, on one page.
//!
//! ```text
//!  hear     posts, readings, answers of plug-ins and drivers        intake, plugins, orders
//!  advance  a deadline that is due, or the next events              intake → say
//!           (admit → queue → number → validate → correlate → append → route)
//!  conclude settle the gate, drive, cut batches, commit             judge, plugins
//!  answer   who waited for it                                       answers
//! ```
//!
//! The turn is a function of what it is given: inputs, the machine's clocks, and the
//! ports. Under the events clock it takes one event at a time and waits until plug-ins,
//! gate and drivers have settled, so that the outcome depends on the events alone.

use std::collections::BTreeMap;

use growbox_gate::{Change, Consequence, Gate, Settlement};
use growbox_model::commit::{Commit, Record};
use growbox_model::ports::{Ports, Written};
use growbox_model::{
    DeviceId, Instant, Moment, Now, Outcome, RoomSpec, SafePlan, Seq, Text, ZoneId,
};
use growbox_pipeline::correlate::Recent;
use growbox_pipeline::names::Names;
use growbox_pipeline::route::Table;
use serde_json::{Value, json};

use crate::alerts::Alerts;
use crate::calls::Calls;
use crate::clock::{Machine, RoomClock};
use crate::health::Stats;
use crate::input::{Input, Wake};
use crate::intake::Intake;
use crate::judge::{Surroundings, put};
use crate::lanes::Taking;
use crate::latency::Latency;
use crate::orders::Pledge;
use crate::plugins::Plugins;
use crate::reconfigure::Standing;
use crate::reports::Reports;
use crate::ring::Ring;
use crate::round::Round;
use crate::safety::Violations;
use crate::say::Saying;
use crate::watch::Watch;
use crate::zones::Zones;

/// Events taken in one stride under the running clocks, before gate and plug-ins have their say.
const STRIDE: usize = 256;
/// Steps in one turn: then orders, answers of plug-ins and reports of drivers are heard again,
/// however much waits to be taken.
const STEPS: usize = 4;
/// Under the events clock a step is one event.
const STEPS_BY_EVENTS: usize = 1024;

/// The flow of one room.
pub struct Flow {
    pub(crate) room: RoomSpec,
    pub(crate) clock: RoomClock,
    pub(crate) machine: Machine,
    pub(crate) intake: Intake,
    pub(crate) zones: Zones,
    /// The names the log holds.
    pub(crate) names: Names,
    pub(crate) alerts: Alerts,
    pub(crate) reports: Reports,
    pub(crate) calls: Calls,
    pub(crate) recent: Recent,
    pub(crate) table: Table,
    pub(crate) ring: Ring,
    pub(crate) plugins: Plugins,
    pub(crate) gate: Gate,
    pub(crate) gate_next: Option<Moment>,
    /// The safe plan that was handed over last, its moments in room time.
    pub(crate) planned: Option<SafePlan>,
    /// Devices that were told something and have not answered, with the machine time until
    /// which they are waited for.
    pub(crate) driving: BTreeMap<DeviceId, Moment>,
    pub(crate) round: Round,
    /// What this step wants to survive.
    pub(crate) commit: Commit,
    /// What the host said before the first event founded the clock.
    pub(crate) unsaid: Vec<Saying>,
    pub(crate) last_seq: Seq,
    pub(crate) durable: Seq,
    /// How far the log has come with its commits.
    pub(crate) written: Written,
    /// The newest event whose durability was asked for.
    pub(crate) urged: Seq,
    /// After an unclean end nothing is taken before this event is durable: else a second crash
    /// could jump to the same numbers again.
    pub(crate) first_durable: Seq,
    pub(crate) standing: Standing,
    pub(crate) life: Life,
    /// Whether the last turn left something to do now.
    pub(crate) more: bool,
    pub(crate) stats: Stats,
    pub(crate) latency: Latency,
    pub(crate) watch: Watch,
    pub(crate) violations: Violations,
    /// Answers that are given once what they promise is on disk.
    pub(crate) pledges: Vec<Pledge>,
}

/// How far the end of the process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// Everything goes to its safe level.
    Ending,
    /// Everything is there, and the log has the mark of a clean end.
    Ended,
}

impl Flow {
    /// One turn: hears everything, advances as far as it can, answers, and tells when to come again.
    pub fn turn(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        machine: Machine,
        ports: &mut impl Ports,
    ) -> Wake {
        self.watch.note_wall(self.machine, machine);
        self.machine = machine;
        self.written = ports.written();
        self.more = false;
        self.clock.read(machine);
        self.tell_jump();
        for input in inputs {
            self.hear(input, ports);
        }
        if self.life != Life::Ended {
            self.close_round(ports);
            self.conclude(ports);
            if self.taking(ports) == Taking::Ahead {
                self.bring_ahead();
            }
            self.more = self.advance_far(ports);
        }
        self.perform_calls(ports);
        self.end_when_safe(ports);
        self.answer_posts(ports);
        self.wake()
    }

    fn hear(&mut self, input: Input, ports: &mut impl Ports) {
        match input {
            Input::Durable(seq) => self.durable = self.durable.max(seq),
            Input::Ask(ticket, question) => self.hear_question(ticket, &question, ports),
            Input::Post {
                ticket,
                events,
                speaker,
                wait,
            } => self.hear_post(ticket, events, (speaker, wait), ports),
            _ if self.life == Life::Ended => {}
            Input::Readings(events) => self.intake.readings(events, self.machine.boot),
            Input::DeadLetter(letter) => self.file(letter),
            Input::Order(ticket, order, by) => self.hear_order(ticket, order, &by, ports),
            Input::Rebind(ticket, sensor) => self.rebind(ticket, &sensor, ports),
            Input::Driver(report) => self.hear_report(report),
            Input::Handled(result) => self.hear_result(result, ports),
            Input::Called(answer) => self.hear_called(answer),
            Input::Candidate(candidate) => self.hear_candidate(*candidate),
            Input::Exchanged(exchanged) => self.hear_exchanged(exchanged, ports),
            Input::Refused { plugin, reason } => self.refuse_plugin(&plugin, &reason),
            Input::Gap(first, last, events) => self.say_gap(first, last, events),
            Input::Configured(next) => self.reconfigure(*next, ports),
            Input::Misconfigured(refused) => self.keep_configuration(refused),
            Input::Stop(reason) => self.stop(&reason, ports),
        }
    }

    /// Why nothing ordinary is taken in now; a full log still takes what goes ahead (`lanes.rs`).
    pub(crate) fn refuses(&self, ports: &impl Ports) -> Option<Text> {
        match self.life {
            Life::Running => ports.log_refusal(),
            Life::Ending | Life::Ended => Some("the host is stopping".into()),
        }
    }

    /// As far as it goes in one turn; whether more is left.
    fn advance_far(&mut self, ports: &mut impl Ports) -> bool {
        let steps = if self.clock.by_events() {
            STEPS_BY_EVENTS
        } else {
            STEPS
        };
        (0..steps).all(|_| {
            let advanced = self.advance(ports);
            if advanced {
                self.conclude(ports);
            }
            advanced
        })
    }

    /// The next deadline that is due, or the next events; false when there is nothing to do now.
    fn advance(&mut self, ports: &mut impl Ports) -> bool {
        self.fill_queue();
        let taking = self.taking(ports);
        if self.clock.by_events() {
            return taking == Taking::Everything && self.advance_by_events();
        }
        let due = self
            .next_deadline()
            .is_some_and(|deadline| deadline <= self.clock.now().moment);
        if due {
            self.run_deadlines();
        }
        let took = (0..STRIDE).take_while(|_| self.take_next(taking)).count();
        due || took > 0
    }

    /// One event or one deadline, once everything before it has settled.
    fn advance_by_events(&mut self) -> bool {
        if self.plugins.busy() || self.drivers_busy() {
            return false;
        }
        let Some((event, _)) = self.intake.queue.peek() else {
            return false;
        };
        let reached = self.reached_by(event.at);
        let due = self
            .next_deadline()
            .filter(|deadline| reached.is_some_and(|moment| *deadline <= moment));
        match due {
            None => self.take_next(Taking::Everything),
            Some(_) if self.turn_away_next() => true,
            Some(deadline) => {
                self.clock.pass_to(deadline);
                self.run_deadlines();
                true
            }
        }
    }

    fn run_deadlines(&mut self) {
        let now = self.clock.now().moment;
        self.tell_silence();
        self.resume_due();
        self.plugins.note_ticks(now);
        if self.clock.by_events() {
            self.take_released();
        }
        self.gate_next = None;
    }

    /// Whether the numbers of this run can no longer be given again, or none is given yet.
    pub(crate) fn start_is_durable(&self) -> bool {
        self.durable >= self.first_durable || self.last_seq < self.first_durable
    }

    /// Whatever has changed: the gate settles, drivers hear of it, plug-ins get their batches, the log its commit.
    pub(crate) fn conclude(&mut self, ports: &mut impl Ports) {
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
            written: self.written,
        };
        let settlement = self.gate.settle(&world, now);
        self.carry_out(settlement, ports);
        self.exchange_plugins(ports);
        self.check_health(ports);
        self.cut_batches(ports);
        self.flush(ports);
    }

    fn carry_out(&mut self, settlement: Settlement, ports: &mut impl Ports) {
        self.gate_next = settlement.next;
        for outcome in settlement.outcomes {
            self.say_outcome(&outcome);
        }
        for change in settlement.changes {
            self.say_change(&change, None);
        }
        for turn in &settlement.turns {
            self.say_turn(turn);
        }
        for testimony in &settlement.testimonies {
            self.say_testimony(testimony);
        }
        self.commit.records.extend(settlement.records);
        if !settlement.orders.is_empty() {
            self.flush(ports);
        }
        for device in &settlement.gone {
            self.driving.remove(&device.id);
            ports.detach(device);
        }
        for device in &settlement.came {
            ports.attach(device);
        }
        // Before the first order: whatever is moved is known to who comes after.
        self.hand_over(ports);
        for order in settlement.orders {
            self.await_driver(order.device.clone());
            ports.drive(order);
        }
    }

    fn say_outcome(&mut self, told: &Consequence) {
        let mut data = json!({
            "device_id": told.device,
            "reason": told.why,
            "success": told.outcome == Outcome::Executed,
        });
        put(&mut data, "duration", told.ran.map(|ran| json!(ran)));
        let saying = Saying::host(told.outcome.event_type(), &data);
        let zone = self.zone_of(&told.device);
        self.announce(saying.in_zone(zone).caused_by(Some(told.seq)));
    }

    /// A device has come to another level, now or then.
    pub(crate) fn say_change(&mut self, change: &Change, at: Option<Instant>) {
        if change
            .old
            .is_some_and(|old| (old > 0.0) != (change.new > 0.0))
        {
            self.stats.switched(&change.device);
        }
        let mut data = json!({
            "device_id": change.device,
            "new_state": state_word(change.new),
            "trigger": change.trigger,
            "power_level": percent(change.new),
        });
        let old = change.old.map(state_word);
        put(&mut data, "old_state", old);
        let saying = Saying::host("device.state.changed", &data);
        let zone = self.zone_of(&change.device);
        let violation = self.violations.behind(&change.trigger, zone.as_ref());
        let saying = saying.in_zone(zone).caused_by(change.cause.or(violation));
        self.announce(Saying { at, ..saying });
    }

    pub(crate) fn zone_of(&self, device: &DeviceId) -> Option<ZoneId> {
        self.room.devices.get(device)?.zone.clone()
    }

    /// The process ends: everything to its safe level, first of all.
    fn stop(&mut self, reason: &Text, ports: &mut impl Ports) {
        if self.life != Life::Running {
            return;
        }
        self.life = Life::Ending;
        self.say_stopping(reason);
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
            written: self.written,
        };
        let settlement = self.gate.end(&world, now);
        self.carry_out(settlement, ports);
    }

    /// Once every driver has answered, the mark of a clean end: nothing may follow it.
    fn end_when_safe(&mut self, ports: &mut impl Ports) {
        if self.life == Life::Ending && self.driving.is_empty() {
            self.commit.records.push(Record::CleanEnd);
            self.commit.urgent = true;
            self.flush(ports);
            self.life = Life::Ended;
        }
    }

    /// Hands everything of this step to the log, as one message.
    pub(crate) fn flush(&mut self, ports: &mut impl Ports) {
        let pressing = |record: &Record| {
            matches!(
                record,
                Record::Switched(_)
                    | Record::Dosed(_)
                    | Record::Hold(..)
                    | Record::Stopped(..)
                    | Record::Tripped(..)
                    | Record::LockedOut(..)
                    | Record::Doubted(..)
                    | Record::CallOpened(_)
                    | Record::Generation(..)
            )
        };
        self.commit.urgent |= self.commit.records.iter().any(pressing) || self.urges();
        if self.commit.is_empty() && !self.commit.urgent {
            return;
        }
        let mut commit = std::mem::take(&mut self.commit);
        commit.now = self.clock.now();
        ports.commit(commit);
        self.written = ports.written();
        if self.calls.said() {
            self.calls.handed(self.written.handed);
        }
    }

    /// Whether somebody waits for a commit that was not asked to hurry yet.
    fn urges(&mut self) -> bool {
        // Under the events clock the start is said only when the first event founds the clock.
        let start = Some(self.first_durable).filter(|seq| *seq <= self.last_seq);
        let awaited = self.durability_awaited().max(start);
        let awaited = awaited.filter(|seq| *seq > self.durable.max(self.urged));
        self.urged = awaited.unwrap_or(self.urged);
        awaited.is_some()
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
        if self.life == Life::Ended {
            return Wake::default();
        }
        let room = self.next_deadline();
        let release = self
            .intake
            .admission
            .next_release()
            .filter(|_| !self.clock.by_events());
        let at = room.and_then(|moment| self.clock.machine_time_of(moment));
        let (retry, patience) = (self.plugins.next_retry(), self.next_patience());
        let now = self.more.then_some(self.machine.boot);
        let look = self.next_health_look();
        let pledge = self.pledges.iter().filter_map(|pledge| pledge.until).min();
        let machine = [now, at, release, retry, patience, look, pledge]
            .into_iter()
            .flatten()
            .min();
        Wake { room, machine }
    }

    /// The room clock, once it is founded.
    pub fn now(&self) -> Option<Now> {
        self.clock.founded()
    }

    /// The room clock while it runs by itself; none under the events clock.
    pub fn running(&self) -> Option<Now> {
        self.clock.founded().filter(|_| !self.clock.by_events())
    }

    /// The machine time at which a running clock will say `moment`.
    pub fn machine_time_of(&self, moment: Moment) -> Option<Moment> {
        self.clock.machine_time_of(moment)
    }

    /// Whether nothing waits: no event, no plug-in, no driver.
    pub fn is_idle(&self) -> bool {
        let nothing = self.intake.is_idle() && !self.plugins.busy() && !self.drivers_busy();
        nothing || self.life == Life::Ended
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
