//! A zone: its air, what the air should be, and the devices in it.

use crate::time::{Moment, Span};
use crate::units::{Celsius, CelsiusDelta, GramsPerCubicMetre, Kilopascal, Level, Percent};
use crate::wire::{Batch, DeviceView, Measure, Quality, Setpoint, ZoneView};
use growbox_climate::{self as climate, Range, Stage};
use std::ops::Deref;

/// A zone at the instant the batch was cut. Dereferences to the contract's view.
#[derive(Clone, Copy, Debug)]
pub struct Zone<'a> {
    batch: &'a Batch,
    view: &'a ZoneView,
}

/// Air, with everything that follows from its temperature, its humidity and the leaf in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Air {
    /// Of the air.
    pub temperature: Celsius,
    /// Relative humidity.
    pub humidity: Percent,
    /// Of a leaf: the air and the zone's leaf offset.
    pub leaf: Celsius,
    /// Where its water begins to condense.
    pub dew_point: Celsius,
    /// What draws water out of the leaf.
    pub vpd: Kilopascal,
    /// The water in it.
    pub water: GramsPerCubicMetre,
}

impl Air {
    /// Air of this temperature and humidity, round a leaf that is `leaf_offset` warmer.
    #[must_use]
    pub fn new(temperature: Celsius, humidity: Percent, leaf_offset: CelsiusDelta) -> Self {
        let (celsius, percent) = (temperature.0, humidity.0);
        Self {
            temperature,
            humidity,
            leaf: temperature + leaf_offset,
            dew_point: Celsius(climate::dew_point(celsius, percent)),
            vpd: Kilopascal(climate::vpd(celsius, percent, leaf_offset.0)),
            water: GramsPerCubicMetre(climate::absolute_humidity(celsius, percent)),
        }
    }
}

impl<'a> Zone<'a> {
    pub(crate) fn of(batch: &'a Batch, index: usize) -> Self {
        Self {
            batch,
            view: &batch.zones[index],
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.view.zone
    }

    /// The zone its air comes from, where there is one.
    #[must_use]
    pub fn ambient(&self) -> Option<Self> {
        let name = self.view.ambient.as_ref()?;
        let view = self.batch.zones.iter().find(|view| view.zone == *name)?;
        Some(Self { view, ..*self })
    }

    /// The growth stage, where it is one of the table.
    #[must_use]
    pub fn growth_stage(&self) -> Option<Stage> {
        Stage::from_name(self.view.stage.as_deref()?)
    }

    /// Whether requests have a chance: neither paused nor only observed.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.view.operation == "paused"
    }

    /// What a quantity should be.
    #[must_use]
    pub fn setpoint(&self, quantity: &str) -> Option<&'a Setpoint> {
        self.view.setpoints.iter().find(|s| s.quantity == quantity)
    }

    /// The range a quantity should stay in.
    #[must_use]
    pub fn range(&self, quantity: &str) -> Option<Range> {
        self.setpoint(quantity).map(|s| Range::new(s.low, s.high))
    }

    /// What a quantity is, whatever its age; fresh and plausible sensors only.
    #[must_use]
    pub fn measure(&self, quantity: &str) -> Option<&'a Measure> {
        self.view.climate.iter().find(|m| m.quantity == quantity)
    }

    /// What a quantity is, unless it is bad, missing, or older than `age`.
    #[must_use]
    pub fn measure_within(&self, quantity: &str, age: Span) -> Option<f64> {
        let measure = self.measure(quantity)?;
        let taken = Moment::from_nanoseconds(measure.taken);
        let now = Moment::from_nanoseconds(self.batch.clock.now);
        let fresh = now.since(taken) <= age;
        (fresh && measure.quality != Quality::Bad && !self.lacks(quantity)).then_some(measure.value)
    }

    /// Whether the sensors of a quantity are stale, bad or absent.
    #[must_use]
    pub fn lacks(&self, quantity: &str) -> bool {
        self.view.missing.iter().any(|missing| missing == quantity)
    }

    /// The air, unless its temperature or humidity is missing or older than `age`.
    #[must_use]
    pub fn air_within(&self, age: Span) -> Option<Air> {
        let temperature = self.measure_within("temperature", age)?;
        let humidity = self.measure_within("humidity", age)?;
        Some(Air::new(
            Celsius(temperature),
            Percent(humidity),
            self.leaf_offset(),
        ))
    }

    /// Leaf minus air, as the zone's configuration says; 0 where it says nothing.
    #[must_use]
    pub fn leaf_offset(&self) -> CelsiusDelta {
        let text = self.attribute("leaf_offset_celsius");
        let offset = text.and_then(|text| text.trim().parse::<f64>().ok());
        CelsiusDelta(offset.filter(|offset| offset.is_finite()).unwrap_or(0.0))
    }

    /// An attribute of the zone, such as `leaf_offset_celsius`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        let found = self.view.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The device of this id, else the first of this role.
    #[must_use]
    pub fn device(&self, id_or_role: &str) -> Option<Device<'a>> {
        let by_id = self.devices().find(|device| device.id == id_or_role);
        by_id.or_else(|| self.devices_of(id_or_role).next())
    }

    /// Every device.
    pub fn devices(&self) -> impl Iterator<Item = Device<'a>> + use<'a> {
        self.view.devices.iter().map(|view| Device { view })
    }

    /// Every device of a role.
    pub fn devices_of<'r>(&self, role: &'r str) -> impl Iterator<Item = Device<'a>> + use<'a, 'r> {
        self.devices().filter(move |device| device.role == role)
    }
}

impl Deref for Zone<'_> {
    type Target = ZoneView;
    fn deref(&self) -> &ZoneView {
        self.view
    }
}

/// A zone stands for its id.
impl AsRef<str> for Zone<'_> {
    fn as_ref(&self) -> &str {
        &self.view.zone
    }
}

/// A device of a zone. Dereferences to the contract's view.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    view: &'a DeviceView,
}

impl Device<'_> {
    /// Where it is.
    #[must_use]
    pub fn level_now(&self) -> Level {
        Level(self.view.level)
    }
}

impl Deref for Device<'_> {
    type Target = DeviceView;
    fn deref(&self) -> &DeviceView {
        self.view
    }
}

/// A device stands for its id.
impl AsRef<str> for Device<'_> {
    fn as_ref(&self) -> &str {
        &self.view.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Room;
    use crate::testing::{batch, device, measure, zone};
    use crate::time::minutes;

    fn tent() -> ZoneView {
        let mut tent = zone("tent");
        tent.climate = vec![measure("temperature", 25.0), measure("humidity", 60.0)];
        tent.devices = vec![device("fan-2", "exhaust"), device("exhaust", "other")];
        tent
    }

    #[test]
    fn air_follows_from_two_measures_and_the_leaf() {
        let mut tent = tent();
        tent.attributes = vec![("leaf_offset_celsius".into(), "-2".into())];
        let batch = batch(minutes(1), vec![tent]);
        let zone = Room::of(&batch).zone("tent").expect("is there");
        let air = zone.air_within(minutes(5)).expect("is fresh");
        assert_eq!(air.leaf, Celsius(23.0));
        assert!((air.vpd.0 - 0.91).abs() < 0.005);
    }

    #[test]
    fn old_missing_and_bad_air_is_no_air() {
        let batch_of = |tent| batch(minutes(6), vec![tent]);
        let old = batch_of(tent());
        assert!(
            Room::of(&old)
                .zone("tent")
                .expect("there")
                .air_within(minutes(5))
                .is_none()
        );

        let mut lacking = tent();
        lacking.missing = vec!["humidity".into()];
        let lacking = batch_of(lacking);
        assert!(
            Room::of(&lacking)
                .zone("tent")
                .expect("there")
                .air_within(minutes(9))
                .is_none()
        );

        let mut bad = tent();
        bad.climate[0].quality = Quality::Bad;
        let bad = batch_of(bad);
        assert!(
            Room::of(&bad)
                .zone("tent")
                .expect("there")
                .air_within(minutes(9))
                .is_none()
        );
    }

    #[test]
    fn an_id_goes_before_a_role() {
        let batch = batch(minutes(1), vec![tent()]);
        let zone = Room::of(&batch).zone("tent").expect("is there");
        assert_eq!(zone.device("exhaust").expect("by id").role, "other");
        assert_eq!(zone.device("other").expect("by role").id, "exhaust");
        assert_eq!(zone.devices_of("exhaust").count(), 1);
        assert!(zone.device("heater").is_none());
    }

    #[test]
    fn ambient_is_another_zone() {
        let mut tent = tent();
        tent.ambient = Some("room".into());
        let batch = batch(minutes(1), vec![tent, zone("room")]);
        let room = Room::of(&batch);
        let tent = room.zone("tent").expect("is there");
        assert_eq!(tent.ambient().map(|zone| zone.id()), Some("room"));
        assert!(room.zone("room").expect("is there").ambient().is_none());
    }

    #[test]
    fn an_offset_that_is_no_number_counts_as_none() {
        let mut tent = tent();
        tent.attributes = vec![("leaf_offset_celsius".into(), "NaN".into())];
        let batch = batch(minutes(1), vec![tent]);
        let zone = Room::of(&batch).zone("tent").expect("is there");
        assert_eq!(zone.leaf_offset(), CelsiusDelta(0.0));
    }
}
