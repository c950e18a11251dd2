//! A look at what Zigbee2MQTT has: its list of devices, which the broker keeps.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::Packet;

use super::connection::{Connection, Entry, News, NoConnection};
use super::settings::Settings;
use super::zigbee::{self, ZigbeeDevice};

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// The bridge's devices.
    Devices(Vec<ZigbeeDevice>),
    /// The bridge's list cannot be read, and why.
    Unreadable(String),
    /// The broker is there, and no bridge has left a list.
    NoBridge,
}

/// Connects, waits at most so long for the list, and leaves nothing behind.
///
/// # Errors
///
/// Where there is no connection.
pub async fn discover(settings: &Settings, at_most: Duration) -> Result<Discovery, NoConnection> {
    // A name of its own: the same one would push a running host out.
    let settings = &Settings {
        client_id: format!("{}-discover-{}", settings.client_id, std::process::id()),
        ..settings.clone()
    };
    let mut line = Connection::open(settings, Entry::Passing)?;
    let topic = format!("{}/bridge/devices", settings.base);
    let deadline = tokio::time::sleep(at_most);
    tokio::pin!(deadline);
    let mut connected = false;
    loop {
        let news = tokio::select! {
            news = line.next() => news?,
            () = &mut deadline => break,
        };
        let News::Packet(packet) = news else { continue };
        match *packet {
            Packet::ConnAck(_) => {
                connected = true;
                line.subscribe(std::iter::once((topic.as_str(), true)));
            }
            Packet::Publish(publish) => {
                let list = zigbee::devices(&publish.payload);
                line.close(Duration::from_secs(1)).await;
                return Ok(list.map_or_else(Discovery::Unreadable, Discovery::Devices));
            }
            _ => {}
        }
    }
    if connected {
        Ok(Discovery::NoBridge)
    } else {
        let host = &settings.host;
        let seconds = at_most.as_secs();
        Err(NoConnection::Broker(format!(
            "the broker at {host} does not answer within {seconds} s"
        )))
    }
}
