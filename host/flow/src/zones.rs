//! The zones as the log folds into them: their series, who speaks for which sensor, who fell silent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use growbox_model::{
    DeviceSpec, Event, Instant, Moment, Operation, Quantity, Reading, Role, RoomSpec, SensorId,
    SensorSpec, Source, Span, Text, ZoneId, ZoneSpec,
};
use growbox_pipeline::validate::{Bindings, SERIES};

use crate::overrides::Override;
use crate::pause::Pause;
use crate::series::Series;
use crate::setpoints::Ramps;

/// Seconds east of UTC at an instant, daylight saving included.
pub type UtcOffset = Box<dyn Fn(Instant) -> i32 + Send>;

/// A series that fell silent or came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Silence {
    pub sensor: SensorId,
    pub quantity: Quantity,
    pub zone: Option<ZoneId>,
    pub last_seen: Instant,
    pub interval: Span,
}

#[derive(Debug)]
pub(crate) struct Zone {
    /// As configured, with overrides applied.
    pub spec: ZoneSpec,
    pub pause: Option<Pause>,
    /// What somebody with the token changed, by key.
    pub overrides: BTreeMap<Text, Override>,
    /// Set points on their way.
    pub ramps: Ramps,
    members: Vec<usize>,
    /// Quantities its devices need.
    pub needs: BTreeSet<Quantity>,
}

/// All zones and series.
pub(crate) struct Zones {
    zones: BTreeMap<ZoneId, Zone>,
    /// Grows with every change of what the gate asks: operation, and which measures are fresh.
    revision: u64,
    series: Vec<Series>,
    index: HashMap<(SensorId, Quantity), usize>,
    bindings: BTreeMap<SensorId, Source>,
    /// When to look whether a series has fallen silent: never later than that happens.
    silence: BinaryHeap<Reverse<(Moment, usize)>>,
    intervals: BTreeMap<SensorId, Option<Span>>,
    /// Who is frozen after saying the very same for so long.
    frozen_after: BTreeMap<SensorId, Span>,
    /// Whom the configuration names as the source of a sensor.
    named: BTreeMap<SensorId, Source>,
    measure_unknown: bool,
    utc_offset: UtcOffset,
}

impl Zones {
    pub(crate) fn new(room: &RoomSpec, utc_offset: UtcOffset) -> Self {
        let zones = room
            .zones
            .values()
            .map(|spec| (spec.id.clone(), Zone::new(spec, room)))
            .collect();
        Self {
            zones,
            revision: 0,
            series: Vec::new(),
            index: HashMap::new(),
            bindings: BTreeMap::new(),
            silence: BinaryHeap::new(),
            intervals: intervals(room),
            frozen_after: frozen_after(room),
            named: named(room),
            measure_unknown: room.node.measure_unknown_sensors,
            utc_offset,
        }
    }

    /// Another room: what is known of zones and sensors that stay goes on.
    pub(crate) fn exchange(&mut self, old: &RoomSpec, new: &RoomSpec) {
        self.revision += 1;
        let mut before = std::mem::take(&mut self.zones);
        for spec in new.zones.values() {
            let mut zone = Zone::new(spec, new);
            if let Some(known) = before.remove(&spec.id) {
                zone.pause = known.pause;
                zone.overrides = known.overrides;
                zone.ramps = known.ramps;
            }
            self.zones.insert(spec.id.clone(), zone);
        }
        self.intervals = intervals(new);
        self.frozen_after = frozen_after(new);
        self.named = named(new);
        self.rebind(old, new);
        self.index.clear();
        self.silence.clear();
        for series in std::mem::take(&mut self.series) {
            self.take_up(series, old, new);
        }
    }

    /// The configuration wins over whoever spoke first.
    fn rebind(&mut self, old: &RoomSpec, new: &RoomSpec) {
        let bound = |room: &RoomSpec, id: &SensorId| room.sensors.get(id)?.source.clone();
        for id in old.sensors.keys() {
            if bound(old, id).is_some() && bound(new, id).is_none() {
                self.bindings.remove(id);
            }
        }
        for id in new.sensors.keys() {
            if let Some(source) = bound(new, id) {
                self.bindings.insert(id.clone(), source);
            }
        }
    }

    /// A series in the other room; that of a sensor which is configured no longer goes.
    fn take_up(&mut self, mut series: Series, old: &RoomSpec, new: &RoomSpec) {
        let (before, after) = (
            old.sensors.get(&series.sensor),
            new.sensors.get(&series.sensor),
        );
        if before.is_some() && after.is_none() {
            return;
        }
        let zone = |sensor: Option<&SensorSpec>| sensor.and_then(|sensor| sensor.zone.clone());
        if zone(before) != zone(after) {
            series.zone = zone(after);
        }
        let interval = |sensor: Option<&SensorSpec>| sensor.and_then(|sensor| sensor.interval);
        if interval(before) != interval(after) {
            series.expect_every(interval(after));
        }
        series.measured |= after.is_some();
        series.watched = None;
        let place = self.series.len();
        let key = (series.sensor.clone(), series.quantity.clone());
        self.index.insert(key, place);
        self.series.push(series);
        self.move_to_zone(place, None);
        self.watch(place);
    }

    /// Folds one reading in; tells who recovered with it.
    pub(crate) fn observe(&mut self, event: &Event, reading: &Reading) -> Option<Silence> {
        let key = (reading.sensor.clone(), reading.quantity.clone());
        let Some(&place) = self.index.get(&key) else {
            self.add(key, event, reading);
            return None;
        };
        let series = &mut self.series[place];
        let frozen_after = self.frozen_after.get(&reading.sensor).copied();
        let trouble = series.trouble(event.taken, frozen_after);
        let moved = (series.zone != event.zone).then(|| series.zone.clone());
        let other = series.source != event.source;
        let recovered = series.take(event, reading).then(|| silence_of(series));
        if moved.is_some() || other || series.trouble(event.taken, frozen_after) != trouble {
            self.revision += 1;
        }
        if let Some(from) = moved {
            self.move_to_zone(place, from.as_ref());
        }
        self.watch(place);
        recovered
    }

    fn add(&mut self, key: (SensorId, Quantity), event: &Event, reading: &Reading) {
        let configured = self.intervals.get(&reading.sensor);
        let measured =
            configured.is_some() || self.measure_unknown || event.source.plugin().is_some();
        let series = Series::first(event, reading, configured.copied().flatten(), measured);
        let place = self.series.len();
        self.series.push(series);
        self.index.insert(key, place);
        self.revision += 1;
        self.move_to_zone(place, None);
        self.watch(place);
    }

    fn move_to_zone(&mut self, place: usize, from: Option<&ZoneId>) {
        if let Some(zone) = from.and_then(|zone| self.zones.get_mut(zone)) {
            zone.members.retain(|member| *member != place);
        }
        let to = self.series[place].zone.clone();
        if let Some(zone) = to.and_then(|zone| self.zones.get_mut(&zone)) {
            zone.members.push(place);
        }
    }

    /// Series that have fallen silent by now.
    pub(crate) fn fall_silent(&mut self, now: Moment) -> Vec<Silence> {
        let mut silent = Vec::new();
        while self.next_silence().is_some_and(|when| when <= now) {
            let Some(Reverse((_, place))) = self.silence.pop() else {
                break;
            };
            let series = &mut self.series[place];
            series.stale = true;
            series.watched = None;
            self.revision += 1;
            silent.push(silence_of(series));
        }
        silent
    }

    /// When the next series becomes stale.
    pub(crate) fn next_silence(&mut self) -> Option<Moment> {
        while let Some(Reverse((when, place))) = self.silence.peek().copied() {
            let series = &mut self.series[place];
            let watched = series.watched == Some(when);
            if watched && !series.stale && series.stale_at() == when {
                return Some(when);
            }
            self.silence.pop();
            if watched {
                series.watched = None;
                self.watch(place);
            }
        }
        None
    }

    /// Looks at a series again no later than it would fall silent.
    fn watch(&mut self, place: usize) {
        let series = &mut self.series[place];
        let when = series.stale_at();
        if !series.stale && series.watched.is_none_or(|watched| when < watched) {
            series.watched = Some(when);
            self.silence.push(Reverse((when, place)));
        }
    }

    /// A zone.
    pub(crate) fn zone(&self, zone: &ZoneId) -> Option<&Zone> {
        self.zones.get(zone)
    }

    /// A zone, to be changed.
    pub(crate) fn zone_mut(&mut self, zone: &ZoneId) -> Option<&mut Zone> {
        self.revision += 1;
        self.zones.get_mut(zone)
    }

    /// Every zone there is.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &ZoneId> {
        self.zones.keys()
    }

    /// Every zone with its name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&ZoneId, &Zone)> {
        self.zones.iter()
    }

    /// The same number as before: the gate would get the same answers.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Binds a sensor to its source; tells whether that is news.
    pub(crate) fn bind(&mut self, sensor: &SensorId, source: &Source) -> bool {
        if self.bindings.contains_key(sensor) {
            return false;
        }
        self.bindings.insert(sensor.clone(), source.clone());
        true
    }

    /// Releases a sensor; tells whether it was bound.
    pub(crate) fn release(&mut self, sensor: &SensorId) -> bool {
        self.bindings.remove(sensor).is_some()
    }

    /// Whom the configuration names as the source of a sensor.
    pub(crate) fn named(&self, sensor: &SensorId) -> Option<&Source> {
        self.named.get(sensor)
    }

    /// Whether what a series says now counts.
    pub(crate) fn believes(&self, series: &Series, now: Moment) -> bool {
        series.trouble(now, self.frozen_after(series)).is_none()
    }

    /// When a series counts as frozen.
    pub(crate) fn frozen_after(&self, series: &Series) -> Option<Span> {
        self.frozen_after.get(&series.sensor).copied()
    }

    pub(crate) fn members(&self, zone: &ZoneId) -> impl Iterator<Item = &Series> {
        let places = self
            .zones
            .get(zone)
            .map(|z| z.members.as_slice())
            .unwrap_or_default();
        places
            .iter()
            .map(|place| &self.series[*place])
            .filter(|series| series.measured)
    }

    /// Every series there is, to be changed.
    pub(crate) fn all_series(&mut self) -> impl Iterator<Item = &mut Series> {
        self.revision += 1;
        self.series.iter_mut()
    }

    /// A series that had fallen silent before the host started.
    pub(crate) fn was_silent(&mut self, sensor: &SensorId, quantity: &Quantity) {
        if let Some(&place) = self.index.get(&(sensor.clone(), quantity.clone())) {
            self.series[place].stale = true;
            self.revision += 1;
        }
    }

    /// When the next pause ends.
    pub(crate) fn next_resumption(&self) -> Option<Moment> {
        self.zones
            .values()
            .filter_map(|zone| zone.pause.as_ref()?.until)
            .min()
    }

    /// Every series that can be believed now, whether it enters a measure or not.
    pub(crate) fn fresh_series(&self, now: Moment) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(move |series| series.fresh(now))
    }

    /// The newest value of each series of a sensor, stale or not.
    pub(crate) fn newest_of(&self, sensor: &SensorId) -> impl Iterator<Item = f64> {
        let mine = self.series.iter().filter(move |s| s.sensor == *sensor);
        mine.map(|series| series.value)
    }

    /// How many series are stale, of how many.
    pub(crate) fn stale(&self) -> (usize, usize) {
        let counted = self.series.iter().filter(|s| s.measured);
        (counted.clone().filter(|s| s.stale).count(), counted.count())
    }

    pub(crate) fn utc_offset(&self, wall: Instant) -> i32 {
        (self.utc_offset)(wall)
    }

    /// A zone's operation; a pause of single systems concerns only the roles in them.
    pub(crate) fn operation(&self, zone: &ZoneId, role: Option<Role>) -> Operation {
        let Some(zone) = self.zones.get(zone) else {
            return Operation::Control;
        };
        match &zone.pause {
            Some(pause) if zone.spec.operation == Operation::Control && pause.concerns(role) => {
                Operation::Paused
            }
            _ => zone.spec.operation,
        }
    }
}

impl Zone {
    fn new(spec: &ZoneSpec, room: &RoomSpec) -> Self {
        let mine = |device: &&DeviceSpec| device.zone.as_ref() == Some(&spec.id);
        let needs = room
            .devices
            .values()
            .filter(mine)
            .flat_map(|d| d.needs.iter().cloned())
            .collect();
        Self {
            spec: spec.clone(),
            pause: None,
            overrides: BTreeMap::new(),
            ramps: Ramps::default(),
            members: Vec::new(),
            needs,
        }
    }
}

impl Bindings for Zones {
    fn source_of(&self, sensor: &SensorId) -> Option<&Source> {
        self.bindings.get(sensor)
    }

    fn has_room_for(&self, sensor: &SensorId, quantity: &Quantity) -> bool {
        self.series.len() < SERIES || self.index.contains_key(&(sensor.clone(), quantity.clone()))
    }
}

fn intervals(room: &RoomSpec) -> BTreeMap<SensorId, Option<Span>> {
    let interval = |sensor: &SensorSpec| (sensor.id.clone(), sensor.interval);
    room.sensors.values().map(interval).collect()
}

fn frozen_after(room: &RoomSpec) -> BTreeMap<SensorId, Span> {
    let sensors = room.sensors.values();
    let spans = sensors.filter_map(|sensor| Some((sensor.id.clone(), sensor.frozen_after?)));
    spans.collect()
}

fn named(room: &RoomSpec) -> BTreeMap<SensorId, Source> {
    let sensors = room.sensors.values();
    let named = sensors.filter_map(|sensor| Some((sensor.id.clone(), sensor.source.clone()?)));
    named.collect()
}

fn silence_of(series: &Series) -> Silence {
    Silence {
        sensor: series.sensor.clone(),
        quantity: series.quantity.clone(),
        zone: series.zone.clone(),
        last_seen: series.at,
        interval: series.interval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::incoming::reading;
    use growbox_model::room::{FilterSpec, NodeSpec};
    use growbox_model::{EventType, Now, Payload, Quality, Seq};

    fn tent() -> ZoneId {
        ZoneId::new("tent").unwrap()
    }

    fn zones() -> Zones {
        let mut spec = ZoneSpec::bare(tent());
        spec.stage = Some("mid-veg".into());
        let room = RoomSpec {
            node: NodeSpec {
                measure_unknown_sensors: true,
                ..NodeSpec::default()
            },
            zones: [(tent(), spec)].into(),
            sensors: BTreeMap::new(),
            devices: BTreeMap::new(),
            plugins: BTreeMap::new(),
            circuits: BTreeMap::new(),
            safety: Vec::new(),
            filters: FilterSpec::default(),
        };
        Zones::new(&room, Box::new(|_| 0))
    }

    fn take(zones: &mut Zones, sensor: &str, value: f64, seconds: u64) -> Option<Silence> {
        let reading = reading(
            SensorId::new(sensor).unwrap(),
            "temperature",
            value,
            None,
            Quality::Good,
        )
        .unwrap();
        let when = Span::seconds(seconds).0;
        let event = Event {
            seq: Seq(1),
            id: None,
            kind: EventType::of_quantity(&reading.quantity),
            zone: Some(tent()),
            source: Source::host(),
            at: Instant(when),
            taken: Moment(when),
            taken_at: Instant(when),
            cause: None,
            generation: None,
            foreign: false,
            late: false,
            payload: Payload::Reading(reading.clone()),
            metadata: None,
        };
        zones.observe(&event, &reading)
    }

    fn now(seconds: u64) -> Now {
        let when = Span::seconds(seconds).0;
        Now {
            moment: Moment(when),
            wall: Instant(when),
            wall_trusted: true,
        }
    }

    fn temperature(zones: &Zones, seconds: u64) -> Option<f64> {
        zones
            .view(&tent(), now(seconds))?
            .climate
            .first()
            .map(|measure| measure.value)
    }

    #[test]
    fn sensors_vote_by_median_and_implausible_ones_do_not() {
        let mut zones = zones();
        take(&mut zones, "a", 20.0, 0);
        take(&mut zones, "b", 21.0, 0);
        take(&mut zones, "c", 80.0, 0);
        take(&mut zones, "d", 200.0, 0);
        assert_eq!(temperature(&zones, 1), Some(21.0));
    }

    #[test]
    fn a_series_is_stale_after_three_of_its_intervals() {
        let mut zones = zones();
        for n in 0..5 {
            take(&mut zones, "a", 20.0, n * 60);
        }
        assert_eq!(zones.next_silence(), Some(now(240 + 180).moment));
        assert!(zones.fall_silent(now(419).moment).is_empty());
        let silent = zones.fall_silent(now(420).moment);
        assert_eq!((silent.len(), silent[0].interval), (1, Span::minutes(1)));
        assert_eq!(
            zones.view(&tent(), now(420)).unwrap().missing[0].as_str(),
            "temperature"
        );
        assert!(take(&mut zones, "a", 20.0, 500).is_some(), "recovered");
        assert_eq!(zones.next_silence(), Some(now(500 + 180).moment));
    }

    #[test]
    fn a_series_that_turns_out_faster_is_missed_sooner() {
        let mut zones = zones();
        take(&mut zones, "slow", 20.0, 0);
        for n in 0..5 {
            take(&mut zones, "fast", 20.0, n * 2);
        }
        assert_eq!(zones.next_silence(), Some(now(8 + 6).moment));
        let silent = zones.fall_silent(now(14).moment);
        assert_eq!(silent[0].sensor.as_str(), "fast");
        assert_eq!(zones.next_silence(), Some(now(900).moment));
    }

    #[test]
    fn set_points_come_from_the_stage_and_targets_override() {
        let mut zones = zones();
        let point = |zones: &Zones| zones.view(&tent(), now(0)).unwrap().setpoints[0].clone();
        assert_eq!((point(&zones).low, point(&zones).high), (0.75, 1.10));
        assert!((point(&zones).target - 0.925).abs() < 1e-12);
        let spec = &mut zones.zone_mut(&tent()).unwrap().spec;
        spec.targets.insert(Quantity::new("vpd").unwrap(), 1.0);
        assert_eq!(point(&zones).target, 1.0);
    }
}
