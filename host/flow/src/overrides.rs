//! Overrides: what somebody with the token changed of a zone, kept until the file changes that key.

use growbox_model::commit::Record;
use growbox_model::{Json, Objection, Operation, Quantity, Span, Text, ZoneId, ZoneSpec};
use serde_json::{Map, Value, json};

use crate::flow::Flow;
use crate::zones::Zone;

/// The keys of a zone that can be overridden, besides `targets.<quantity>`.
const KEYS: [&str; 5] = ["stage", "mode", "operation", "lights_on", "hours_of_light"];
const TARGET: &str = "targets.";

/// What somebody changed, and what the file said then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Override {
    pub value: Value,
    pub filed: Value,
}

/// Sets one key of a zone to a JSON value.
pub(crate) fn apply(spec: &mut ZoneSpec, key: &str, value: &Value) -> Result<(), Objection> {
    match key {
        "stage" => spec.stage = Some(stage(value)?),
        "mode" => spec.mode = Some(text(key, value)?.into()),
        "operation" => spec.operation = Operation::parse(text(key, value)?)?,
        "lights_on" => spec.lights_on = Some(time_of_day(text(key, value)?)?),
        "hours_of_light" => spec.hours_of_light = Some(number(key, value, 0.0, 24.0)?),
        _ => {
            let quantity = key.strip_prefix(TARGET).ok_or_else(|| unknown(key))?;
            let quantity = Quantity::new(quantity)?;
            let (low, high) = quantity
                .spec()
                .map_or((f64::MIN, f64::MAX), |row| (row.low, row.high));
            spec.targets
                .insert(quantity, number(key, value, low, high)?);
        }
    }
    Ok(())
}

/// What a zone has under a key, as JSON.
pub(crate) fn read(spec: &ZoneSpec, key: &str) -> Value {
    match key {
        "stage" => json!(spec.stage),
        "mode" => json!(spec.mode),
        "operation" => json!(spec.operation),
        "lights_on" => json!(spec.lights_on),
        "hours_of_light" => json!(spec.hours_of_light),
        _ => json!(
            key.strip_prefix(TARGET)
                .and_then(|quantity| spec.targets.get(quantity))
        ),
    }
}

fn unknown(key: &str) -> Objection {
    Objection::unknown("unknown_key", "key of a zone", key, KEYS)
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, Objection> {
    value
        .as_str()
        .ok_or_else(|| Objection::new("wrong_field", format!("{key} is a text, not {value}")))
}

fn number(key: &str, value: &Value, low: f64, high: f64) -> Result<f64, Objection> {
    value
        .as_f64()
        .filter(|n| (low..=high).contains(n))
        .ok_or_else(|| {
            Objection::new(
                "wrong_field",
                format!("{key} is a number from {low} to {high}, not {value}"),
            )
        })
}

fn stage(value: &Value) -> Result<Text, Objection> {
    let name = text("stage", value)?;
    growbox_climate::Stage::from_name(name)
        .map(|stage| stage.name().into())
        .ok_or_else(|| {
            Objection::unknown(
                "unknown_stage",
                "stage",
                name,
                growbox_climate::Stage::names(),
            )
        })
}

/// `HH:MM` or `HH:MM:SS` as seconds after midnight.
fn time_of_day(text: &str) -> Result<u32, Objection> {
    let bad = || {
        Objection::new(
            "bad_time",
            format!("{text:?} is no time of day such as \"06:00\""),
        )
    };
    let mut parts = text.split(':').map(|part| part.parse::<u32>().ok());
    let mut next = |most: u32| {
        parts
            .next()
            .flatten()
            .filter(|n| *n <= most)
            .ok_or_else(bad)
    };
    let (hours, minutes) = (next(23)?, next(59)?);
    let seconds = if text.matches(':').count() == 2 {
        next(59)?
    } else {
        0
    };
    Ok(hours * 3600 + minutes * 60 + seconds)
}

impl Flow {
    /// Changes keys of a zone until the file changes them: all of them, or none. Set points that
    /// move with them get there over a while, or at once.
    pub(crate) fn override_keys(
        &mut self,
        zone: &ZoneId,
        keys: &Map<String, Value>,
        over: Option<Span>,
    ) -> Result<(), Objection> {
        let mut trial = self.zone_to_change(zone)?.spec.clone();
        for (key, value) in keys {
            apply(&mut trial, key, value)?;
        }
        let before = self.points_of(zone);
        for (key, value) in keys {
            self.override_zone(zone, key, value)?;
        }
        if let Some(before) = before {
            self.go_over(zone, &before, over);
        }
        Ok(())
    }

    /// Changes one key of a zone until the file changes it. Whoever says what its operation is
    /// ends a pause.
    pub(crate) fn override_zone(
        &mut self,
        zone: &ZoneId,
        key: &str,
        value: &Value,
    ) -> Result<(), Objection> {
        let state = self.zone_to_change(zone)?;
        apply(&mut state.spec, key, value)?;
        if key == "operation" && state.pause.is_some() {
            self.keep_pause(zone, None);
        }
        let filed = self
            .room
            .zones
            .get(zone)
            .map_or(Value::Null, |spec| read(spec, key));
        let kept = Json::of(&json!({"value": value, "file": filed}));
        if let Some(state) = self.zones.zone_mut(zone) {
            let value = value.clone();
            state
                .overrides
                .insert(key.into(), Override { value, filed });
        }
        self.commit
            .records
            .push(Record::Override(zone.clone(), key.into(), Some(kept)));
        self.commit.urgent = true;
        Ok(())
    }

    fn zone_to_change(&mut self, zone: &ZoneId) -> Result<&mut Zone, Objection> {
        let known = self.room.zones.keys().map(ZoneId::as_str);
        self.zones
            .zone_mut(zone)
            .ok_or_else(|| Objection::unknown("unknown_zone", "zone", zone.as_str(), known))
    }

    /// Takes up what the log kept, as far as the file still says what it said then.
    pub(crate) fn restore_overrides(&mut self, kept: &[(ZoneId, Text, Json)]) {
        for (zone, key, kept) in kept {
            let Some(state) = self.zones.zone_mut(zone) else {
                continue;
            };
            let filed = self
                .room
                .zones
                .get(zone)
                .map_or(Value::Null, |spec| read(spec, key));
            let kept = kept.map();
            let value = kept
                .get("value")
                .filter(|_| kept.get("file") == Some(&filed));
            let value = value.filter(|value| apply(&mut state.spec, key, value).is_ok());
            if let Some(value) = value.cloned() {
                state
                    .overrides
                    .insert(key.clone(), Override { value, filed });
            } else {
                state.ramps.clear();
                self.commit
                    .records
                    .push(Record::Override(zone.clone(), key.clone(), None));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_applied_checked_and_read_back() {
        let mut spec = ZoneSpec::bare(ZoneId::new("tent").unwrap());
        for (key, value) in [
            ("stage", json!("mid-flower")),
            ("mode", json!("VPD_Target")),
            ("operation", json!("observe")),
            ("hours_of_light", json!(11.5)),
            ("targets.vpd", json!(1.2)),
        ] {
            apply(&mut spec, key, &value).unwrap();
            assert_eq!(read(&spec, key), value);
        }
        apply(&mut spec, "lights_on", &json!("06:30")).unwrap();
        assert_eq!(spec.lights_on, Some(23_400));
        assert_eq!(
            apply(&mut spec, "stage", &json!("mid-flwer"))
                .unwrap_err()
                .nearest
                .as_deref(),
            Some("mid-flower")
        );
        assert!(apply(&mut spec, "lights_on", &json!("25:00")).is_err());
        assert!(apply(&mut spec, "targets.vpd", &json!(90)).is_err());
        assert!(apply(&mut spec, "leaf", &json!(1)).is_err());
    }
}
