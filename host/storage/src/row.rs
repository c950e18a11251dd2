//! An event as columns, both ways.

use std::collections::HashMap;
use std::sync::Arc;

use growbox_model::{
    Event, EventType, Generation, Instant, Json, Moment, Payload, Quality, Quantity, Reading,
    SensorId, Seq, Source, Text, ZoneId,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use crate::intern::{Cell, Texts};
use crate::position::{signed, unsigned};

/// How rows of this build are written.
const CODEC: i64 = 1;

/// The columns that `Names::event` reads, in its order.
pub(crate) const COLUMNS: &str = "seq, codec, at, lag, drift, type, zone, source, sensor, unit, \
     value, flags, cause, generation, body, metadata";
/// Places in `COLUMNS` that a scan looks at before it reads the rest.
pub(crate) const SEQ: usize = 0;
pub(crate) const AT: usize = 2;
pub(crate) const TYPE: usize = 5;
pub(crate) const ZONE: usize = 6;
pub(crate) const SENSOR: usize = 8;

/// Bits of `flags`. The lowest two are the quality: 0 good, 1 uncertain, 2 bad.
const QUALITY: i64 = 3;
const FOREIGN: i64 = 1 << 2;
const LATE: i64 = 1 << 3;
const HAS_ID: i64 = 1 << 4;
/// The metadata is `{"zone":ZONE}` and nothing else: the usual case, not stored.
const ZONE_ONLY: i64 = 1 << 5;

/// taken_at − taken: constant as long as nobody sets the wall clock.
pub(crate) fn founding(event: &Event) -> i64 {
    signed(event.taken_at.0.wrapping_sub(event.taken.0))
}

/// Writes one event, and its id where it has one.
pub(crate) fn insert(
    connection: &Connection,
    texts: &mut Texts,
    founded: i64,
    event: &Event,
) -> rusqlite::Result<()> {
    let kind = texts.cell(event.kind.as_str());
    let source = texts.cell(event.source.as_str());
    let zone = event.zone.as_ref().map(|zone| texts.cell(zone.as_str()));
    let (sensor, unit, value, body) = payload_columns(texts, event);
    let metadata = stored_metadata(event);
    connection
        .prepare_cached(
            "INSERT INTO event (seq, codec, at, lag, drift, type, zone, source, sensor, unit,
             value, flags, cause, generation, body, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            signed(event.seq.0),
            CODEC,
            signed(event.at.0),
            signed(event.taken_at.0.wrapping_sub(event.at.0)),
            founding(event).wrapping_sub(founded),
            kind,
            zone,
            source,
            sensor,
            unit,
            value,
            flags(event, metadata.is_none()),
            event
                .cause
                .map(|cause| signed(event.seq.0.wrapping_sub(cause.0))),
            event.generation.map(|generation| generation.0),
            body,
            metadata,
        ])?;
    if let Some(id) = &event.id {
        connection
            .prepare_cached("INSERT INTO event_id (seq, source, id) VALUES (?1, ?2, ?3)")?
            .execute(params![signed(event.seq.0), source, id])?;
    }
    Ok(())
}

type PayloadColumns<'a> = (
    Option<Cell<'a>>,
    Option<Cell<'a>>,
    Option<f64>,
    Option<&'a str>,
);

fn payload_columns<'a>(texts: &mut Texts, event: &'a Event) -> PayloadColumns<'a> {
    match &event.payload {
        Payload::Document(json) => (None, None, None, Some(json.as_str())),
        Payload::Reading(reading) => {
            let unit = reading.odd_unit().map(|unit| texts.cell(unit));
            let sensor = texts.cell(reading.sensor.as_str());
            let more = reading.more.as_ref().map(Json::as_str);
            (Some(sensor), unit, Some(reading.value), more)
        }
    }
}

/// The metadata, unless it only repeats the zone.
fn stored_metadata(event: &Event) -> Option<&str> {
    let metadata = event.metadata.as_ref()?.as_str();
    let repeats = event
        .zone
        .as_ref()
        .is_some_and(|zone| is_zone_only(metadata, zone));
    (!repeats).then_some(metadata)
}

fn is_zone_only(metadata: &str, zone: &ZoneId) -> bool {
    metadata
        .strip_prefix("{\"zone\":\"")
        .and_then(|rest| rest.strip_suffix("\"}"))
        == Some(zone.as_str())
}

fn flags(event: &Event, metadata_left_out: bool) -> i64 {
    let quality = match event.reading().map(|reading| reading.quality) {
        None | Some(Quality::Good) => 0,
        Some(Quality::Uncertain) => 1,
        Some(Quality::Bad) => 2,
    };
    let bit = |set: bool, bit: i64| if set { bit } else { 0 };
    quality
        | bit(event.foreign, FOREIGN)
        | bit(event.late, LATE)
        | bit(event.id.is_some(), HAS_ID)
        | bit(metadata_left_out && event.metadata.is_some(), ZONE_ONLY)
}

/// The reader's side of the interned strings: what each number stands for, checked once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    kinds: Named<Kind>,
    zones: Named<ZoneId>,
    sensors: Named<SensorId>,
    sources: Named<Source>,
    units: Named<Text>,
}

#[derive(Debug, Clone)]
struct Kind {
    kind: EventType,
    reading: Option<(Quantity, Text)>,
}

/// Meanings by number; none where the stored text means nothing to this build.
#[derive(Debug)]
struct Named<T>(HashMap<i64, Option<T>>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Named<T> {
    fn resolve(
        &mut self,
        connection: &Connection,
        cell: ValueRef<'_>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> rusqlite::Result<Option<T>> {
        match cell {
            ValueRef::Integer(number) => {
                if let Some(known) = self.0.get(&number) {
                    return Ok(known.clone());
                }
                let text: String = connection
                    .prepare_cached("SELECT text FROM text WHERE id = ?1")?
                    .query_row([number], |row| row.get(0))?;
                let meaning = parse(&text);
                self.0.insert(number, meaning.clone());
                Ok(meaning)
            }
            ValueRef::Text(bytes) => Ok(std::str::from_utf8(bytes).ok().and_then(parse)),
            _ => Ok(None),
        }
    }
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        let kind = EventType::parse(name).ok()?;
        let reading = kind.quantity().map(|quantity| {
            let unit = quantity.spec().map_or("", |spec| spec.unit);
            (quantity, unit.into())
        });
        Some(Self { kind, reading })
    }
}

impl Names {
    /// What a cell of the column `type` means.
    pub(crate) fn kind(
        &mut self,
        connection: &Connection,
        cell: ValueRef<'_>,
    ) -> rusqlite::Result<Option<EventType>> {
        Ok(self
            .kinds
            .resolve(connection, cell, Kind::parse)?
            .map(|kind| kind.kind))
    }

    /// What a cell of the column `zone` means.
    pub(crate) fn zone(
        &mut self,
        connection: &Connection,
        cell: ValueRef<'_>,
    ) -> rusqlite::Result<Option<ZoneId>> {
        self.zones
            .resolve(connection, cell, |text| ZoneId::new(text).ok())
    }

    /// What a cell of the column `sensor` means.
    pub(crate) fn sensor(
        &mut self,
        connection: &Connection,
        cell: ValueRef<'_>,
    ) -> rusqlite::Result<Option<SensorId>> {
        self.sensors
            .resolve(connection, cell, |text| SensorId::new(text).ok())
    }

    /// What a cell of a column `source` means.
    pub(crate) fn source(
        &mut self,
        connection: &Connection,
        cell: ValueRef<'_>,
    ) -> rusqlite::Result<Option<Source>> {
        self.sources
            .resolve(connection, cell, |text| Some(Source(text.into())))
    }

    /// A row of `COLUMNS` as an event; none, with a warning, where this build cannot read it.
    pub(crate) fn event(
        &mut self,
        connection: &Connection,
        founded: i64,
        row: &Row<'_>,
    ) -> rusqlite::Result<Option<Arc<Event>>> {
        let event = self.decode(connection, founded, row)?;
        if event.is_none() {
            let seq: i64 = row.get(SEQ)?;
            tracing::warn!(
                seq,
                "an event of the log is left out: its row was written by another version"
            );
        }
        Ok(event.map(Arc::new))
    }

    fn decode(
        &mut self,
        connection: &Connection,
        founded: i64,
        row: &Row<'_>,
    ) -> rusqlite::Result<Option<Event>> {
        if row.get::<_, i64>(1)? != CODEC {
            return Ok(None);
        }
        let seq = Seq(unsigned(row.get(SEQ)?));
        let at = unsigned(row.get(AT)?);
        let taken_at = at.wrapping_add(unsigned(row.get(3)?));
        let flags: i64 = row.get(11)?;
        let Some(kind) = self
            .kinds
            .resolve(connection, row.get_ref(TYPE)?, Kind::parse)?
        else {
            return Ok(None);
        };
        let Some(source) = self.source(connection, row.get_ref(7)?)? else {
            return Ok(None);
        };
        let zone = self.zone(connection, row.get_ref(ZONE)?)?;
        let Some(payload) = self.payload(connection, row, &kind, flags)? else {
            return Ok(None);
        };
        Ok(Some(Event {
            seq,
            id: id_of(connection, seq, flags)?,
            kind: kind.kind,
            metadata: metadata_of(row, flags, zone.as_ref())?,
            zone,
            source,
            at: Instant(at),
            taken: taken(taken_at, founded, row.get(4)?),
            taken_at: Instant(taken_at),
            cause: row
                .get::<_, Option<i64>>(12)?
                .map(|back| Seq(seq.0.wrapping_sub(unsigned(back)))),
            generation: row.get::<_, Option<u32>>(13)?.map(Generation),
            foreign: flags & FOREIGN != 0,
            late: flags & LATE != 0,
            payload,
        }))
    }

    fn payload(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
        kind: &Kind,
        flags: i64,
    ) -> rusqlite::Result<Option<Payload>> {
        let body = json(row.get_ref(14)?);
        let Some(sensor) = self.sensor(connection, row.get_ref(SENSOR)?)? else {
            return Ok(body.map(Payload::Document));
        };
        let Some((quantity, canonical)) = kind.reading.clone() else {
            return Ok(None);
        };
        let unit = self
            .units
            .resolve(connection, row.get_ref(9)?, |text| Some(text.into()))?;
        Ok(Some(Payload::Reading(Reading {
            sensor,
            quantity,
            value: row.get(10)?,
            unit: unit.unwrap_or(canonical),
            quality: match flags & QUALITY {
                0 => Quality::Good,
                1 => Quality::Uncertain,
                _ => Quality::Bad,
            },
            more: body,
        })))
    }
}

fn json(cell: ValueRef<'_>) -> Option<Json> {
    cell.as_str().ok().map(Json::trusted)
}

/// The room time of a row.
pub(crate) fn taken(taken_at: u64, founded: i64, drift: i64) -> Moment {
    Moment(taken_at.wrapping_sub(unsigned(founded.wrapping_add(drift))))
}

fn id_of(connection: &Connection, seq: Seq, flags: i64) -> rusqlite::Result<Option<Text>> {
    if flags & HAS_ID == 0 {
        return Ok(None);
    }
    connection
        .prepare_cached("SELECT id FROM event_id WHERE seq = ?1")?
        .query_row([signed(seq.0)], |row| row.get(0))
        .map(Some)
}

fn metadata_of(row: &Row<'_>, flags: i64, zone: Option<&ZoneId>) -> rusqlite::Result<Option<Json>> {
    if flags & ZONE_ONLY == 0 {
        return Ok(json(row.get_ref(15)?));
    }
    Ok(zone.map(|zone| Json::trusted(&format!("{{\"zone\":\"{zone}\"}}"))))
}
