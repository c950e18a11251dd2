//! `[api]`, `[storage]`, `[filters]`: the rims of the flow.

use std::net::{Ipv4Addr, SocketAddr};

use growbox_model::Span;
use growbox_model::room::FilterSpec;
use toml_edit::Value;

use super::plugins::event_pattern;
use super::section::Section;
use super::value::{Read, listen_address, number_in, span_in, text};

/// Where growbox listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8420);

/// How long events are kept unless told otherwise: a whole grow.
const RETENTION: Span = Span::hours(24 * 120);

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSpec {
    /// Where to listen; always loopback.
    pub listen: SocketAddr,
}

/// `[storage]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSpec {
    /// How long changes are gathered before they are made durable together.
    pub commit_interval: Span,
    /// How long events are kept; none means for ever.
    pub retention: Option<Span>,
}

impl Default for ApiSpec {
    fn default() -> Self {
        Self { listen: LISTEN }
    }
}

impl Default for StorageSpec {
    fn default() -> Self {
        Self {
            commit_interval: Span::seconds(1),
            retention: Some(RETENTION),
        }
    }
}

/// Reads `[api]`.
pub(super) fn api(mut section: Section<'_, '_>) -> ApiSpec {
    let listen = section.or(
        "listen",
        |value| Ok(listen_address(&text(value)?)?),
        LISTEN,
        "this machine only",
    );
    section.finish();
    ApiSpec { listen }
}

/// Reads `[storage]`.
pub(super) fn storage(mut section: Section<'_, '_>) -> StorageSpec {
    let base = StorageSpec::default();
    let interval = span_in(Span::millis(20)..=Span::hours(1));
    let commit_interval = section.or(
        "commit_interval",
        interval,
        base.commit_interval,
        "what may be lost with the power; longer spares the card",
    );
    if !section.has("retention") {
        let key = section.key("retention");
        section.report.explain_default(
            &key,
            RETENTION.to_string(),
            "a whole grow; \"forever\" keeps everything",
        );
    }
    let retention = section
        .given("retention", retention)
        .unwrap_or(base.retention);
    section.finish();
    StorageSpec {
        commit_interval,
        retention,
    }
}

fn retention(value: &Value) -> Read<Option<Span>> {
    if value.as_str() == Some("forever") {
        return Ok(None);
    }
    span_in(Span::hours(1)..=Span::hours(24 * 366 * 100))(value).map(Some)
}

/// Readings a second that MQTT may bring of each series.
const MQTT_RATE: f64 = 10.0;

/// Reads `[filters]`.
pub(super) fn filters(mut section: Section<'_, '_>) -> FilterSpec {
    let rate = || number_in(0.001..=1e6);
    let why = "no limit unless set";
    let filters = FilterSpec {
        readings_per_second: section.or_none("readings_per_second", rate(), why),
        mqtt_readings_per_second: Some(section.or(
            "mqtt_readings_per_second",
            rate(),
            MQTT_RATE,
            "of each series; one chatty device must not flood the log",
        )),
        events_per_second: section.or_none("events_per_second", rate(), why),
        drop_types: section.list(
            "drop_types",
            "a list of event types such as \"sensor.motion\"",
            event_pattern,
        ),
    };
    section.finish();
    filters
}
