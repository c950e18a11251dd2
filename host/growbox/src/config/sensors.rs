//! `[sensor]`: where each sensor stands, and who may speak for it.

use std::collections::BTreeMap;

use growbox_drivers::{Address, parse_source};
use growbox_model::id::quoted;
use growbox_model::{Quantity, SensorId, SensorSpec, Source, Span, ZoneId, ZoneSpec};
use toml_edit::{TableLike, Value};

use super::mqtt::{Broker, sensor_point};
use super::report::{Report, Wrong};
use super::section::{Section, as_table, entries, locate};
use super::value::{Read, number, span_in, text};

/// Reads every line of `[sensor]`. A sensor without a zone forms one of its own name.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    zones: &mut BTreeMap<ZoneId, ZoneSpec>,
    broker: &mut Broker,
) -> BTreeMap<SensorId, SensorSpec> {
    let mut sensors = BTreeMap::new();
    for (name, table) in entries(report, root, "sensor") {
        let path = format!("sensor.{name}");
        let id = SensorId::new(name).map_err(|objection| report.error(&path, objection.into()));
        let mut section = Section::new(report, &path, Some(table));
        let zone = if section.has("zone") {
            section.given("zone", |value| Ok(ZoneId::new(&text(value)?)?))
        } else {
            own_zone(&mut section, name, zones)
        };
        let source = section.or_none(
            "source",
            |value| source(value, broker),
            "the first that speaks for it is bound to it",
        );
        if let Some((_, Some(address))) = &source {
            broker
                .sensors
                .extend(sensor_point(&mut section, name, address, broker));
        }
        let source = source.map(|(source, _)| source);
        let interval = section.or_none(
            "interval",
            span_in(Span::millis(1)..=Span::hours(24 * 7)),
            "learnt from its last gaps; three times that and it is stale",
        );
        let frozen_after = section.or_none(
            "frozen_after",
            span_in(Span::minutes(1)..=Span::hours(24 * 7)),
            "some say the very same for long, and mean it",
        );
        let offsets = offsets(&mut section);
        section.finish();
        if let Ok(id) = id {
            sensors.insert(
                id.clone(),
                SensorSpec {
                    zone,
                    source,
                    interval,
                    offsets,
                    frozen_after,
                    ..SensorSpec::bare(id)
                },
            );
        }
    }
    sensors
}

/// `offsets = { temperature = -0.4 }`: what calibration found, in canonical units.
fn offsets(section: &mut Section<'_, '_>) -> BTreeMap<Quantity, f64> {
    let path = section.key("offsets");
    let mut offsets = BTreeMap::new();
    let Some(item) = section.raw("offsets") else {
        return offsets;
    };
    let Some(table) = as_table(section.report, &path, item) else {
        return offsets;
    };
    for (name, item) in table.iter() {
        let place = format!("{path}.{name}");
        locate(section.report, &place, table, name);
        let none = || Err(Wrong::new("wrong_type", "this is no number"));
        let offset = item.as_value().map_or_else(none, number);
        match (Quantity::new(name), offset) {
            (Ok(quantity), Ok(offset)) => {
                offsets.insert(quantity, offset);
            }
            (Err(objection), _) => section.report.error(&place, objection.into()),
            (_, Err(wrong)) => section.report.error(&place, wrong),
        }
    }
    section.report.explain_given(&path);
    offsets
}

fn own_zone(
    section: &mut Section<'_, '_>,
    name: &str,
    zones: &mut BTreeMap<ZoneId, ZoneSpec>,
) -> Option<ZoneId> {
    let key = section.key("zone");
    let Ok(zone) = ZoneId::new(name) else {
        let message = format!(
            "sensor {} names no zone, and its own name cannot be one",
            quoted(name)
        );
        section.report.error(
            &key,
            Wrong::new("missing_zone", message).but("add zone = \"…\""),
        );
        return None;
    };
    section.report.explain_default(
        &key,
        zone.to_string(),
        "no zone named: it forms one of its own",
    );
    zones
        .entry(zone.clone())
        .or_insert_with(|| ZoneSpec::bare(zone.clone()));
    Some(zone)
}

/// An edge (`http`, `http:NAME`, `stdin`), or a driver's address; the address where there is one.
fn source(value: &Value, broker: &Broker) -> Read<(Source, Option<Address>)> {
    let said = text(value)?;
    if said == "http"
        || said == "stdin"
        || said
            .strip_prefix("http:")
            .is_some_and(|name| !name.is_empty())
    {
        return Ok((Source(said.as_str().into()), None));
    }
    if let Some(address) = said.strip_prefix("driver:") {
        let message = format!("{} is written without driver:", quoted(&said));
        return Err(Wrong::new("bad_address", message).but(format!("source = \"{address}\"")));
    }
    match parse_source(&said) {
        Ok(address) => {
            let text = match broker.topic_of(&address) {
                Some(topic) => format!("mqtt:{topic}"),
                None => format!("driver:{address}"),
            };
            Ok((Source(text.into()), Some(address)))
        }
        Err(objection) if objection.code == "bad_address" => {
            Err(Wrong::from(objection).but("or an edge: \"http\", \"http:NAME\", \"stdin\""))
        }
        Err(objection) => Err(objection.into()),
    }
}
