//! A room for tests: built in a line, run for minutes in no time.

use crate::native::{Instance, Store};
use crate::time::{Moment, Span, seconds};
use crate::units::{Celsius, Level, Percent};
use crate::wire::{
    Batch, Call, Clock, Command, DeviceView, Draft, Effect, Event, Measure, Payload, Quality,
    Reading, Request, Setpoint, Stop, ZoneView,
};
use crate::{Handler, Plugin};

/// The wall clock when a test room's log was founded: 2026-01-15 10:30 UTC, in ns.
const FOUNDED: u64 = 1_768_473_000_000_000_000;
/// The zone that a test room has from the beginning.
const TENT: &str = "tent";
/// The zone round it.
const ROOM: &str = "room";
/// What a request without a lease gets.
const DEFAULT_LEASE: Span = seconds(120);
/// How often a plug-in without a tick of its own is run.
const STEP: Span = seconds(30);

/// A clock that shows so much room time.
#[must_use]
pub fn clock(since_founded: Span) -> Clock {
    Clock {
        now: since_founded.as_nanoseconds(),
        wall: FOUNDED + since_founded.as_nanoseconds(),
        wall_trusted: true,
        utc_offset: 0,
    }
}

/// A batch without events.
#[must_use]
pub fn batch(since_founded: Span, zones: Vec<ZoneView>) -> Batch {
    Batch {
        clock: clock(since_founded),
        tick: false,
        skipped: 0,
        zones,
        events: Vec::new(),
    }
}

/// A zone under control with nothing in it.
#[must_use]
pub fn zone(id: &str) -> ZoneView {
    ZoneView {
        zone: id.into(),
        ambient: None,
        stage: None,
        operation: "control".into(),
        mode: None,
        day: None,
        setpoints: Vec::new(),
        climate: Vec::new(),
        missing: Vec::new(),
        devices: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A good measure, taken when the log was founded.
#[must_use]
pub fn measure(quantity: &str, value: f64) -> Measure {
    Measure {
        quantity: quantity.into(),
        unit: unit_of(quantity).into(),
        value,
        quality: Quality::Good,
        taken: 0,
    }
}

/// A set point in the middle of a range.
#[must_use]
pub fn setpoint(quantity: &str, low: f64, high: f64) -> Setpoint {
    Setpoint {
        quantity: quantity.into(),
        unit: unit_of(quantity).into(),
        low,
        target: f64::midpoint(low, high),
        high,
    }
}

/// A device that can do every level, is off, and is at hand.
#[must_use]
pub fn device(id: &str, role: &str) -> DeviceView {
    DeviceView {
        id: id.into(),
        role: role.into(),
        switched: false,
        low: 0.0,
        high: 1.0,
        level: 0.0,
        since: 0,
        available: true,
        owner: None,
        until: None,
        refusal: None,
        free_at: None,
    }
}

/// The canonical unit of the quantities that tests use.
fn unit_of(quantity: &str) -> &'static str {
    match quantity {
        "temperature" => "celsius",
        "vpd" => "kilopascal",
        "co2" => "parts_per_million",
        _ => "percent",
    }
}

/// One zone `tent` with a handler at work in it.
///
/// Devices do at once what they are asked, until the lease ends; air is what the test says,
/// always fresh.
#[derive(Debug)]
pub struct TestRoom<H> {
    id: String,
    instance: Instance<H>,
    tick: Span,
    now: Span,
    wall_trusted: bool,
    sequence: u64,
    zones: Vec<ZoneView>,
    requests: Vec<Request>,
    emitted: Vec<Draft>,
    stops: Vec<Stop>,
    calls: Vec<Call>,
}

impl<H: Plugin> TestRoom<H> {
    /// A room with nothing in it but a zone and a handler.
    #[must_use]
    pub fn with(handler: H) -> Self {
        let manifest = H::manifest();
        let tick = manifest.tick.map_or(STEP, Span::from_nanoseconds);
        Self {
            id: manifest.id,
            instance: Instance::of(handler),
            tick,
            now: Span::ZERO,
            wall_trusted: true,
            sequence: 0,
            zones: vec![zone(TENT)],
            requests: Vec::new(),
            emitted: Vec::new(),
            stops: Vec::new(),
            calls: Vec::new(),
        }
    }
}

impl<H: Handler> TestRoom<H> {
    /// Gives the zone a device of every level, called by its role.
    #[must_use]
    pub fn device(mut self, role: &str) -> Self {
        self.tent().devices.push(device(role, role));
        self
    }

    /// Gives the zone a device that is only on or off, called by its role.
    #[must_use]
    pub fn switch(mut self, role: &str) -> Self {
        let switch = DeviceView {
            switched: true,
            ..device(role, role)
        };
        self.tent().devices.push(switch);
        self
    }

    /// Sets the air of the zone.
    #[must_use]
    pub fn air(mut self, temperature: Celsius, humidity: Percent) -> Self {
        self.set_air(temperature, humidity);
        self
    }

    /// Sets the air of the zone that this one draws in.
    #[must_use]
    pub fn outside(mut self, temperature: Celsius, humidity: Percent) -> Self {
        self.set_outside(temperature, humidity);
        self
    }

    /// Sets the range of a quantity.
    #[must_use]
    pub fn setpoint(mut self, quantity: &str, low: f64, high: f64) -> Self {
        self.tent().setpoints.retain(|s| s.quantity != quantity);
        self.tent().setpoints.push(setpoint(quantity, low, high));
        self
    }

    /// Sets a device that has been silent, or anything else of the zone's view.
    #[must_use]
    pub fn view(mut self, change: impl FnOnce(&mut ZoneView)) -> Self {
        change(self.tent());
        self
    }

    /// Changes the air from now on.
    pub fn set_air(&mut self, temperature: Celsius, humidity: Percent) -> &mut Self {
        set_climate(self.tent(), temperature, humidity);
        self
    }

    /// Changes the air outside from now on.
    pub fn set_outside(&mut self, temperature: Celsius, humidity: Percent) -> &mut Self {
        if !self.zones.iter().any(|zone| zone.zone == ROOM) {
            self.tent().ambient = Some(ROOM.into());
            self.zones.push(zone(ROOM));
        }
        let room = self.zones.iter_mut().find(|zone| zone.zone == ROOM);
        set_climate(room.expect("pushed above"), temperature, humidity);
        self
    }

    /// Lets the sensors of a quantity fall silent.
    pub fn silence(&mut self, quantity: &str) -> &mut Self {
        let tent = self.tent();
        tent.climate.retain(|measure| measure.quantity != quantity);
        tent.missing.push(quantity.into());
        self
    }

    /// The zone's view, to be changed at will.
    pub fn tent(&mut self) -> &mut ZoneView {
        &mut self.zones[0]
    }

    /// Puts a handler with other settings in the place of the one at work; what is remembered
    /// is kept.
    pub fn swap(&mut self, handler: H) -> &mut Self {
        let store = std::mem::take(self.instance.store_mut());
        self.instance = Instance::of(handler);
        *self.instance.store_mut() = store;
        self
    }

    /// A reading of the zone as it would come in now, of a sensor called by its quantity.
    pub fn reading(&mut self, quantity: &str, value: f64) -> Event {
        self.reading_of(quantity, quantity, value)
    }

    /// A reading of the zone as it would come in now.
    pub fn reading_of(&mut self, sensor: &str, quantity: &str, value: f64) -> Event {
        let reading = Reading {
            sensor: sensor.into(),
            quantity: quantity.into(),
            value,
            unit: unit_of(quantity).into(),
            quality: Quality::Good,
        };
        self.event(&format!("sensor.{quantity}"), Payload::Reading(reading))
    }

    /// An event of the zone with a JSON object as it would come in now.
    pub fn document(&mut self, event_type: &str, data: &serde_json::Value) -> Event {
        self.event(event_type, Payload::Document(data.to_string()))
    }

    /// Hands events over as one batch.
    pub fn send(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Self {
        self.forget();
        self.batch(false, events.into_iter().collect());
        self
    }

    /// Lets time pass, tick by tick. What was asked before is forgotten.
    pub fn run(&mut self, length: Span) -> &mut Self {
        self.forget();
        for _ in 0..length.divided_by(self.tick).unwrap_or(0) {
            self.now = self.now + self.tick;
            self.batch(true, Vec::new());
        }
        self
    }

    /// Lets time pass without anybody noticing.
    pub fn wait(&mut self, length: Span) -> &mut Self {
        self.now = self.now + length;
        self
    }

    /// Says whether the wall clock can be believed from now on.
    pub fn trust_wall(&mut self, trusted: bool) -> &mut Self {
        self.wall_trusted = trusted;
        self
    }

    /// What the wall clock shows, in ns since the Unix epoch.
    #[must_use]
    pub fn wall(&self) -> u64 {
        clock(self.now).wall
    }

    /// Room time.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::default() + self.now
    }

    /// What the last `run` or `send` asked of devices.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// What the last `run` or `send` emitted.
    #[must_use]
    pub fn emitted(&self) -> &[Draft] {
        &self.emitted
    }

    /// What the last `run` or `send` called outside.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// What was emitted of one type.
    pub fn emitted_of(&self, event_type: &str) -> impl Iterator<Item = &Draft> {
        self.emitted
            .iter()
            .filter(move |draft| draft.type_ == event_type)
    }

    /// What the last `run` or `send` stopped.
    #[must_use]
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// What the handler remembers and said.
    pub fn store(&mut self) -> &mut Store {
        self.instance.store_mut()
    }

    /// That nothing was asked.
    ///
    /// # Panics
    /// Where something was.
    pub fn expect_nothing(&mut self) -> &mut Self {
        assert!(self.requests.is_empty(), "asked: {:#?}", self.requests);
        self
    }

    /// That this level of this device was asked.
    ///
    /// # Panics
    /// Where it was not.
    pub fn expect_request(&mut self, device: &str, level: impl Into<Level>) -> &mut Self {
        let wanted = Command::Level(level.into().0);
        let found = self
            .requests
            .iter()
            .any(|r| r.device == device && r.command == wanted);
        assert!(found, "no {wanted:?} of {device} in {:#?}", self.requests);
        self
    }

    /// That a pulse of this device was asked, of this length.
    ///
    /// # Panics
    /// Where it was not.
    pub fn expect_pulse(&mut self, device: &str, length: Span) -> &mut Self {
        let wanted = Command::Pulse(length.as_nanoseconds());
        let found = self
            .requests
            .iter()
            .any(|r| r.device == device && r.command == wanted);
        assert!(found, "no {wanted:?} of {device} in {:#?}", self.requests);
        self
    }

    /// That this device was let go.
    ///
    /// # Panics
    /// Where it was not.
    pub fn expect_release(&mut self, device: &str) -> &mut Self {
        let released = |r: &Request| r.device == device && r.command == Command::Release;
        assert!(
            self.requests.iter().any(released),
            "{device} was kept: {:#?}",
            self.requests
        );
        self
    }

    fn forget(&mut self) {
        self.requests.clear();
        self.emitted.clear();
        self.stops.clear();
        self.calls.clear();
    }

    fn event(&mut self, event_type: &str, payload: Payload) -> Event {
        self.sequence += 1;
        Event {
            seq: self.sequence,
            type_: event_type.into(),
            zone: Some(TENT.into()),
            source: "test".into(),
            at: clock(self.now).wall,
            taken: self.now.as_nanoseconds(),
            cause: None,
            correlation: None,
            payload,
            metadata: None,
        }
    }

    fn batch(&mut self, tick: bool, events: Vec<Event>) {
        self.end_leases();
        for measure in self.zones.iter_mut().flat_map(|zone| &mut zone.climate) {
            measure.taken = self.now.as_nanoseconds();
        }
        let mut batch = Batch {
            tick,
            events,
            ..batch(self.now, self.zones.clone())
        };
        batch.clock.wall_trusted = self.wall_trusted;
        let effects = self.instance.handle(&batch).expect("handles the batch");
        for effect in effects {
            match effect {
                Effect::Request(request) => self.take_request(request),
                Effect::Emit(draft) => self.emitted.push(draft),
                Effect::Stop(stop) => self.stops.push(stop),
                Effect::Call(call) => self.calls.push(call),
                other => panic!("a test room does not know {other:?}"),
            }
        }
    }

    fn take_request(&mut self, request: Request) {
        let now = self.now.as_nanoseconds();
        let devices = &mut self.zones[0].devices;
        let device = devices
            .iter_mut()
            .find(|device| device.id == request.device);
        let device = device.unwrap_or_else(|| panic!("no device {}", request.device));
        match request.command {
            Command::Level(level) => {
                let lease = request.lease.unwrap_or(DEFAULT_LEASE.as_nanoseconds());
                device.level = level;
                device.owner = Some(self.id.clone());
                device.until = Some(now + lease);
            }
            Command::Pulse(length) => {
                device.level = 1.0;
                device.owner = Some(self.id.clone());
                device.until = Some(now + length);
            }
            _ => let_go(device),
        }
        self.requests.push(request);
    }

    fn end_leases(&mut self) {
        let now = self.now.as_nanoseconds();
        let devices = self.zones.iter_mut().flat_map(|zone| &mut zone.devices);
        devices
            .filter(|device| device.until.is_some_and(|until| until < now))
            .for_each(let_go);
    }
}

fn let_go(device: &mut DeviceView) {
    device.level = 0.0;
    device.owner = None;
    device.until = None;
}

fn set_climate(zone: &mut ZoneView, temperature: Celsius, humidity: Percent) {
    zone.climate
        .retain(|m| m.quantity != "temperature" && m.quantity != "humidity");
    zone.missing
        .retain(|quantity| quantity != "temperature" && quantity != "humidity");
    zone.climate.push(measure("temperature", temperature.0));
    zone.climate.push(measure("humidity", humidity.0));
}
