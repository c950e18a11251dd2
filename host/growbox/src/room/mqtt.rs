//! The broker's session, wired: readings become posts that wait for durability, orders find it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use growbox_api::{Host as _, Post};
use growbox_drivers::mqtt::{
    Edge, Health, Intake, Letter, Mqtt, OutputForm, Running, Said, Taken, Taking,
};
use growbox_drivers::{Drivers, Sink};
use growbox_model::commit::DeadLetter;
use growbox_model::incoming::{Incoming, Speaker, reading};
use growbox_model::json::STRING_BYTES;
use growbox_model::row::{
    Answer, ComponentRow, HealthRow, Order, PostResult, PostStatus, Signature, Wait,
};
use growbox_model::{EventType, Instant, Objection, Payload, Quality, SensorSpec, Source, Text};
use serde_json::json;

use super::desk::Desk;
use super::points::Points;
use crate::config::MqttSpec;
use crate::guardian::word::Behind;

/// The session before it begins.
pub(super) struct Broker {
    edge: Edge,
    points: Points,
}

impl Broker {
    /// Lets the session's driver take its orders; nothing is connected yet.
    pub(super) fn open(
        mqtt: MqttSpec,
        points: &Points,
        drivers: &mut Drivers,
        sink: &Sink,
    ) -> Self {
        advise(&mqtt);
        let outputs = mqtt.outputs.iter().map(|point| point.address.clone());
        let outputs = outputs.collect();
        let (driver, edge) = Mqtt::new(mqtt.settings, mqtt.sensors, mqtt.outputs, sink.clone());
        drivers.join(Box::new(driver), outputs);
        let points = points.clone();
        Self { edge, points }
    }

    /// Begins the session.
    pub(super) fn start(self, desk: &Arc<Desk>) -> Running {
        desk.watch(self.edge.pulse());
        let intake = Posts {
            desk: desk.clone(),
            points: self.points,
        };
        self.edge.start(Arc::new(intake))
    }
}

/// What whoever makes devices safe without this host needs to know: levels are told, and nothing
/// is set up. That a plug is to do something else when its power returns is the host's to say.
pub(super) fn behind(mqtt: &MqttSpec) -> Behind {
    let mut outputs = mqtt.outputs.clone();
    for output in &mut outputs {
        if let OutputForm::Zigbee(zigbee) = &mut output.form {
            zigbee.power_on = None;
        }
    }
    Behind {
        settings: mqtt.settings.clone(),
        outputs,
    }
}

/// A password that others can read is said to be one.
fn advise(mqtt: &MqttSpec) {
    let Some(path) = &mqtt.settings.password else {
        return;
    };
    let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!("[mqtt] others can read the password: chmod 600 {path}");
    }
}

/// Readings on their way to the flow.
struct Posts {
    desk: Arc<Desk>,
    points: Points,
}

impl Intake for Posts {
    fn take(&self, readings: Vec<Said>) -> Taking {
        // The session listens to what it began with; a sensor may be gone or moved since.
        let sensor = |said: Said| Some((self.points.distant(&said.sensor, &said.topic)?, said));
        let (sensors, readings): (Vec<SensorSpec>, Vec<Said>) =
            readings.into_iter().filter_map(sensor).unzip();
        if readings.is_empty() {
            return Box::pin(std::future::ready(Taken::Durable));
        }
        let events = sensors.iter().zip(&readings);
        let events = events.map(|(sensor, said)| incoming(sensor, said));
        let events = events.collect();
        let answer = self.desk.post(Post {
            events,
            speaker: Speaker::Driver,
            wait: Wait::Durable,
        });
        let desk = self.desk.clone();
        Box::pin(async move {
            match answer.await {
                Ok(Answer::Posted(results)) => {
                    let (left, done): (Vec<_>, Vec<_>) = results.into_iter().partition(waits);
                    let why = left.first().and_then(|result| result.error.clone());
                    let left = left.iter().map(|result| result.index).collect();
                    file_refused(&desk, &readings, done);
                    why.map_or(Taken::Durable, |why| Taken::Partly(left, why.message))
                }
                Ok(Answer::Full(why)) => Taken::NotNow(why.to_string()),
                Ok(_) | Err(_) => Taken::NotNow("the host takes nothing now".into()),
            }
        })
    }

    fn stop(&self, topic: &str, words: &str) {
        let signature = Signature {
            who: format!("mqtt:{topic}").into(),
            reason: shown(words.as_bytes()),
        };
        // What it comes to is in the log; nobody waits for it here.
        drop(self.desk.order(Order::Stop(None), signature));
    }

    fn refuse(&self, letter: Letter) {
        self.desk.file(DeadLetter {
            taken: Instant(0),
            source: Source(format!("mqtt:{}", letter.topic).into()),
            code: "unreadable".into(),
            message: letter.message.into(),
            body: shown(&letter.payload),
        });
    }
}

fn incoming(sensor: &SensorSpec, said: &Said) -> Result<Incoming, Objection> {
    // What was kept by the broker for nobody knows how long is no measure of now.
    let quality = if said.undated {
        Quality::Bad
    } else {
        Quality::Good
    };
    let reading = reading(
        sensor.id.clone(),
        &said.quantity,
        said.value,
        said.unit.as_deref(),
        quality,
    )?;
    Ok(Incoming {
        id: None,
        kind: EventType::of_quantity(&reading.quantity),
        zone: sensor.zone.clone(),
        source: Source(format!("mqtt:{}", said.topic).into()),
        at: said.at,
        cause: None,
        payload: Payload::Reading(reading),
        metadata: None,
    })
}

/// Whether a reading is refused only while the log is full.
fn waits(result: &PostResult) -> bool {
    let code = result.error.as_ref().map(|error| error.code.as_str());
    code == Some("log_full")
}

/// Nobody waits for the answer: what was refused becomes a dead letter.
fn file_refused(desk: &Desk, readings: &[Said], results: Vec<PostResult>) {
    for result in results {
        let (PostStatus::Refused, Some(error)) = (result.status, result.error) else {
            continue;
        };
        let Some(said) = readings.get(result.index) else {
            continue;
        };
        let body = json!({
            "type": format!("sensor.{}", said.quantity),
            "timestamp": said.at,
            "data": {"sensor_id": said.sensor, "value": said.value, "unit": said.unit},
        });
        desk.file(DeadLetter {
            taken: Instant(0),
            source: Source(format!("mqtt:{}", said.topic).into()),
            code: error.code.into(),
            message: error.message.into(),
            body: body.to_string().into(),
        });
    }
}

/// Bytes as text, at most as long as the log keeps a string.
fn shown(bytes: &[u8]) -> Text {
    let (shown, _) = bytes.split_at(bytes.len().min(STRING_BYTES / 4));
    String::from_utf8_lossy(shown).into()
}

/// The session's health among that of the others.
pub(super) fn with_broker(mut row: HealthRow, health: &Health) -> HealthRow {
    // Which devices are out of reach without it, the devices' own part says.
    let status = match health.trouble {
        None => "healthy",
        Some(_) => "degraded",
    };
    let figures = [
        ("connected", f64::from(u8::from(health.connected))),
        ("connections", health.connections as f64),
        ("messages", health.received as f64),
        ("readings", health.readings as f64),
        ("unreadable", health.unreadable as f64),
        ("passed_over", health.passed_over as f64),
        ("under_way", health.under_way as f64),
        ("unacknowledged", health.unacknowledged as f64),
    ];
    if status != "healthy" && &*row.overall == "healthy" {
        row.overall = "degraded".into();
    }
    let part = ComponentRow {
        status: status.into(),
        why: health.trouble.as_deref().map(Text::from),
        figures: figures.map(|(name, figure)| (name.into(), figure)).into(),
    };
    row.components.insert("mqtt".into(), part);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_makes_devices_safe_sets_nothing_up() {
        let told = json!({
            "address": "zigbee:Plug", "switched": true,
            "form": {"Zigbee": {"name": "Plug", "endpoint": null, "timer": null, "power_on": "off"}},
        });
        let broker = json!({
            "host": "localhost", "port": 1883, "tls": null, "user": null, "password": null,
            "client_id": "growbox", "base": "zigbee2mqtt", "own": "growbox/here", "keep_alive": 5,
        });
        let mqtt = MqttSpec {
            settings: serde_json::from_value(broker).unwrap(),
            sensors: Vec::new(),
            outputs: vec![serde_json::from_value(told).unwrap()],
        };
        let power_on = |outputs: &[growbox_drivers::mqtt::OutputPoint]| match &outputs[0].form {
            OutputForm::Zigbee(output) => output.power_on,
            OutputForm::Mapped(_) => None,
        };
        assert!(power_on(&mqtt.outputs).is_some());
        assert_eq!(power_on(&behind(&mqtt).outputs), None);
    }
}
