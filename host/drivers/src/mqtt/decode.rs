//! A message of a sensor becomes readings, or says what is wrong with it.

use growbox_model::{Instant, Text};

use super::payload::Payload;
use super::settings::{SensorForm, SensorPoint};
use super::{Said, plain, zigbee};

/// When a message came, and whether it was an old one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming {
    pub(super) arrived: Instant,
    pub(super) retained: bool,
}

/// The readings of a message for one sensor, and what could not be read of it.
pub(super) fn readings(
    sensor: &SensorPoint,
    payload: &Payload,
    coming: Coming,
) -> (Vec<Said>, Vec<String>) {
    let at = payload.time(coming.arrived);
    let said = |quantity: Text, value: f64, unit: Option<Text>| Said {
        sensor: sensor.sensor.clone(),
        topic: sensor.topic.clone(),
        quantity,
        value,
        unit,
        at,
        arrived: coming.arrived,
        undated: coming.retained && at.is_none(),
    };
    match &sensor.form {
        SensorForm::Zigbee => {
            let (found, wrong) = zigbee::readings(payload);
            let found = found.into_iter();
            let readings = found
                .map(|found| said(found.quantity.into(), found.value, Some(found.unit.into())));
            (readings.collect(), wrong)
        }
        SensorForm::Mapped(mapped) => match plain::value(payload, mapped) {
            Ok(value) => {
                let reading =
                    value.map(|value| said(mapped.quantity.clone(), value, mapped.unit.clone()));
                (reading.into_iter().collect(), Vec::new())
            }
            Err(why) => (Vec::new(), vec![why]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retained_message_without_a_time_is_of_unknown_age() {
        let sensor = SensorPoint {
            sensor: "room".into(),
            topic: "z/Room".into(),
            form: SensorForm::Zigbee,
        };
        let undated = |text: &str, retained| {
            let coming = Coming {
                arrived: Instant(1_700_000_000_000_000_000),
                retained,
            };
            let payload = Payload::read(text.as_bytes()).unwrap();
            let (readings, _) = readings(&sensor, &payload, coming);
            (readings[0].undated, readings[0].at.is_some())
        };
        assert_eq!(undated(r#"{"temperature":21}"#, false), (false, false));
        assert_eq!(undated(r#"{"temperature":21}"#, true), (true, false));
        let dated = r#"{"temperature":21,"last_seen":"2023-11-14T20:00:00Z"}"#;
        assert_eq!(undated(dated, true), (false, true));
    }
}
