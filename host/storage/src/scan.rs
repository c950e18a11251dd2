//! One reading transaction over the log: stretches of rows, sieved before they are decoded.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use growbox_model::ports::EventFilter;
use growbox_model::{Event, Seq};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use crate::minutes::{self, Stretch, clamped, minute};
use crate::position::Position;
use crate::row::{COLUMNS, Names, SENSOR, TYPE, ZONE};

/// In which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// The log as one transaction sees it.
pub(crate) struct View<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) names: &'a mut Names,
    pub(crate) position: Position,
}

impl View<'_> {
    /// Hands over every event of a stretch that the filter wants, until `take` breaks.
    pub(crate) fn scan(
        &mut self,
        stretch: &Stretch,
        order: Order,
        sieve: &mut Sieve<'_>,
        mut take: impl FnMut(Arc<Event>) -> ControlFlow<()>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let direction = match order {
            Order::OldestFirst => "ASC",
            Order::NewestFirst => "DESC",
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {direction}"
        ))?;
        let mut rows =
            statement.query(params![clamped(*stretch.start()), clamped(*stretch.end())])?;
        let founded = self.position.founded.unwrap_or(0);
        while let Some(row) = rows.next()? {
            if !sieve.passes(self.connection, self.names, row)? {
                continue;
            }
            let event = self.names.event(self.connection, founded, row)?;
            if let Some(event) = event.filter(|event| sieve.filter.wants(event))
                && take(event).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Where events of this filter may be, by sequence and by time: disjoint and ascending.
    pub(crate) fn stretches(
        &self,
        filter: &EventFilter,
        bounds: &Stretch,
    ) -> rusqlite::Result<Vec<Stretch>> {
        if filter.from.is_none() && filter.to.is_none() {
            return Ok(minutes::united(
                vec![(*bounds.start(), *bounds.end())],
                bounds,
            ));
        }
        let first = filter.from.map_or(0, minute);
        let last = filter.to.map_or(u64::MAX, minute);
        let mut found: Vec<(u64, u64)> = minutes::stretches(self.connection, first..=last, bounds)?
            .into_iter()
            .map(Stretch::into_inner)
            .collect();
        found.push((self.position.indexed.0 + 1, u64::MAX));
        Ok(minutes::united(found, bounds))
    }
}

/// The sequence numbers a filter names, below what is still unwritten.
pub(crate) fn bounds(filter: &EventFilter, unwritten: Option<Seq>) -> Stretch {
    let first = filter.after.map_or(0, |after| after.0.saturating_add(1));
    let below = unwritten.map_or(u64::MAX, |seq| seq.0.saturating_sub(1));
    first..=filter.up_to.map_or(u64::MAX, |seq| seq.0).min(below)
}

/// Looks at type, zone and sensor of a row before anything else of it is read.
pub(crate) struct Sieve<'f> {
    filter: &'f EventFilter,
    kinds: HashMap<i64, bool>,
    zones: HashMap<i64, bool>,
    sensors: HashMap<i64, bool>,
}

impl<'f> Sieve<'f> {
    pub(crate) fn new(filter: &'f EventFilter) -> Self {
        Self {
            filter,
            kinds: HashMap::new(),
            zones: HashMap::new(),
            sensors: HashMap::new(),
        }
    }

    fn passes(
        &mut self,
        connection: &Connection,
        names: &mut Names,
        row: &Row<'_>,
    ) -> rusqlite::Result<bool> {
        let filter = self.filter;
        let kind = filter.types.is_empty()
            || remembered(&mut self.kinds, row.get_ref(TYPE)?, |cell| {
                let kind = names.kind(connection, cell)?;
                Ok(kind.is_some_and(|kind| filter.types.iter().any(|t| kind.matches(t))))
            })?;
        Ok(kind
            && (filter.zone.is_none()
                || remembered(&mut self.zones, row.get_ref(ZONE)?, |cell| {
                    Ok(names.zone(connection, cell)? == filter.zone)
                })?)
            && (filter.sensor.is_none()
                || remembered(&mut self.sensors, row.get_ref(SENSOR)?, |cell| {
                    Ok(names.sensor(connection, cell)? == filter.sensor)
                })?))
    }
}

/// What was found out about an interned string holds for the whole scan.
fn remembered(
    known: &mut HashMap<i64, bool>,
    cell: ValueRef<'_>,
    find_out: impl FnOnce(ValueRef<'_>) -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    let ValueRef::Integer(number) = cell else {
        return find_out(cell);
    };
    if let Some(answer) = known.get(&number) {
        return Ok(*answer);
    }
    let answer = find_out(cell)?;
    known.insert(number, answer);
    Ok(answer)
}
