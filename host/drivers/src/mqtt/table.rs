//! Topics: what each of them means, and how it is subscribed to.

use std::collections::BTreeMap;

use growbox_model::Text;

use super::settings::{OutputForm, OutputPoint, SensorPoint};

/// Every topic that is listened to.
#[derive(Debug, Default)]
pub(super) struct Table {
    topics: BTreeMap<Text, Topic>,
}

/// What the messages of one topic are about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Topic {
    /// Sensors, by their index.
    pub(super) sensors: Vec<usize>,
    /// Outputs whose state it tells, by their index.
    pub(super) states: Vec<usize>,
    /// Outputs of which it tells whether they are there, by their index.
    pub(super) presences: Vec<usize>,
    /// Whoever speaks there wants everything stopped.
    pub(super) stop: bool,
    /// The part of Zigbee2MQTT itself that speaks there.
    pub(super) bridge: Option<Bridge>,
}

/// What Zigbee2MQTT says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bridge {
    /// Whether it runs.
    State,
    /// Its devices.
    Devices,
}

impl Topic {
    /// Whether anything is read there beside stops and the list of devices.
    pub(super) fn is_read(&self) -> bool {
        self.bridge == Some(Bridge::State)
            || !self.sensors.is_empty()
            || !self.states.is_empty()
            || !self.presences.is_empty()
    }
}

impl Table {
    pub(super) fn of(base: &str, sensors: &[SensorPoint], outputs: &[OutputPoint]) -> Self {
        let mut table = Self::default();
        for (index, sensor) in sensors.iter().enumerate() {
            table.at(&sensor.topic).sensors.push(index);
        }
        for (index, output) in outputs.iter().enumerate() {
            match &output.form {
                OutputForm::Zigbee(zigbee) => table.zigbee(base, &zigbee.name, index),
                OutputForm::Mapped(mapped) => {
                    if let Some(topic) = &mapped.state_topic {
                        table.at(topic).states.push(index);
                    }
                    if let Some(topic) = &mapped.availability_topic {
                        table.at(topic).presences.push(index);
                    }
                }
            }
        }
        table
    }

    /// Listens for stops there.
    pub(super) fn stop(&mut self, topic: &str) {
        self.at(topic).stop = true;
    }

    fn zigbee(&mut self, base: &str, name: &str, index: usize) {
        self.at(&format!("{base}/{name}")).states.push(index);
        self.at(&format!("{base}/{name}/availability"))
            .presences
            .push(index);
        self.at(&format!("{base}/bridge/state")).bridge = Some(Bridge::State);
        self.at(&format!("{base}/bridge/devices")).bridge = Some(Bridge::Devices);
    }

    fn at(&mut self, topic: &str) -> &mut Topic {
        self.topics.entry(topic.into()).or_default()
    }

    pub(super) fn find(&self, topic: &str) -> Option<(&Text, &Topic)> {
        self.topics.get_key_value(topic)
    }

    /// All topics; and whether what was retained there is wanted at each connection, not only
    /// when the session is new: a state may have changed while nobody listened, and what
    /// Zigbee2MQTT publishes (QoS 0) no session keeps.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = (&Text, bool)> {
        self.topics.iter().map(|(name, topic)| {
            let only_readings =
                topic.states.is_empty() && topic.presences.is_empty() && topic.bridge.is_none();
            (name, !only_readings)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::settings::{SensorForm, ZigbeeOutput};

    #[test]
    fn a_plug_that_measures_is_one_topic() {
        let sensor = SensorPoint {
            sensor: "plug-power".into(),
            topic: "z/Plug".into(),
            form: SensorForm::Zigbee,
        };
        let output = OutputPoint {
            address: "zigbee:Plug".into(),
            switched: true,
            form: OutputForm::Zigbee(ZigbeeOutput {
                name: "Plug".into(),
                endpoint: None,
                timer: None,
                power_on: None,
            }),
        };
        let lone = SensorPoint {
            topic: "shed/air".into(),
            ..sensor.clone()
        };
        let table = Table::of("z", &[sensor, lone], &[output]);
        let subscriptions: Vec<(&str, bool)> = table
            .subscriptions()
            .map(|(topic, retained)| (&**topic, retained))
            .collect();
        assert_eq!(
            subscriptions,
            [
                ("shed/air", false),
                ("z/Plug", true),
                ("z/Plug/availability", true),
                ("z/bridge/devices", true),
                ("z/bridge/state", true)
            ]
        );
        let (_, topic) = table.find("z/Plug").unwrap();
        assert_eq!(
            (&topic.sensors[..], &topic.states[..]),
            (&[0][..], &[0][..])
        );
        assert!(table.find("z/Plug/set").is_none());
    }
}
