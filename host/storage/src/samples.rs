//! One series over a stretch of time: readings as they are, or folded into steps.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use growbox_model::ports::{EventFilter, Sample, Window};
use growbox_model::{Event, Instant, Quality, SensorId, Seq, Span};

use crate::minutes::{self, minute, newest_minute};
use crate::scan::{Order, Sieve, View, bounds};

/// When and how much.
pub(crate) type Point = (Instant, f64);

/// The first look back; each further one is twice as long.
const FIRST_LOOK_MINUTES: u64 = 60;
const MINUTE: Span = Span::minutes(1);

/// Which events may be samples of a series.
pub(crate) fn filter(sensor: &SensorId, quantity: &str, window: Window) -> EventFilter {
    EventFilter {
        from: Some(window.start),
        to: Some(window.end),
        types: vec![format!("sensor.{quantity}")],
        sensor: Some(sensor.clone()),
        up_to: Some(window.up_to),
        limit: usize::try_from(window.limit).unwrap_or(usize::MAX),
        ..EventFilter::default()
    }
}

/// The sample in an event; none where its reading is not fit for measures.
pub(crate) fn point(event: &Event) -> Option<Point> {
    let reading = event.reading()?;
    (reading.quality != Quality::Bad && !event.foreign).then_some((event.at, reading.value))
}

/// Looks back from the newest minute until the newest `limit` entries are complete.
/// `points` are those of the unwritten tail.
pub(crate) fn series(
    view: &mut View<'_>,
    filter: &EventFilter,
    mut points: Vec<Point>,
    unwritten: Option<Seq>,
    step: Option<Span>,
) -> rusqlite::Result<Vec<Sample>> {
    let start = filter.from.unwrap_or_default();
    let bounds = bounds(filter, unwritten);
    let beyond = (view.position.indexed.0 + 1, *bounds.end());
    for stretch in minutes::united(vec![beyond], &bounds) {
        gather(view, &stretch, filter, &mut points)?;
    }
    let indexed = *bounds.start()..=view.position.indexed.0.min(*bounds.end());
    let mut look = FIRST_LOOK_MINUTES;
    let mut end = filter.to.unwrap_or_default();
    while end > start {
        let Some(newest) = newest_minute(view.connection, minute(end))? else {
            break;
        };
        let from = start.max(Instant(
            newest.saturating_sub(look).saturating_mul(MINUTE.0),
        ));
        let part = EventFilter {
            from: Some(from),
            to: Some(end),
            ..filter.clone()
        };
        for stretch in minutes::stretches(view.connection, minute(from)..=minute(end), &indexed)? {
            gather(view, &stretch, &part, &mut points)?;
        }
        if complete(&points, from, start, step) >= filter.limit {
            break;
        }
        (end, look) = (from.min(end), look.saturating_mul(2));
    }
    Ok(newest(fold(points, start, step), filter.limit))
}

fn gather(
    view: &mut View<'_>,
    stretch: &minutes::Stretch,
    filter: &EventFilter,
    points: &mut Vec<Point>,
) -> rusqlite::Result<()> {
    let mut sieve = Sieve::new(filter);
    view.scan(stretch, Order::OldestFirst, &mut sieve, |event| {
        points.extend(point(&event));
        ControlFlow::Continue(())
    })
    .map(|_| ())
}

/// How many entries lie wholly at `from` or later, and so will not change any more.
fn complete(points: &[Point], from: Instant, start: Instant, step: Option<Span>) -> usize {
    let known = points.iter().filter(|(at, _)| *at >= from);
    match step.filter(|step| step.0 > 0) {
        None => known.count(),
        Some(step) => {
            let whole = known
                .map(|(at, _)| step_of(*at, start, step))
                .filter(|at| *at >= from);
            whole.collect::<std::collections::BTreeSet<_>>().len()
        }
    }
}

/// Steps count from the start of the window.
fn step_of(at: Instant, start: Instant, step: Span) -> Instant {
    let into = at.since(start).0;
    start.plus(Span(into - into % step.0))
}

fn fold(mut points: Vec<Point>, start: Instant, step: Option<Span>) -> Vec<Sample> {
    points.sort_by_key(|(at, _)| *at);
    let Some(step) = step.filter(|step| step.0 > 0) else {
        return points.into_iter().map(single).collect();
    };
    let mut steps: BTreeMap<Instant, Sample> = BTreeMap::new();
    for (at, value) in points {
        let at = step_of(at, start, step);
        steps
            .entry(at)
            .and_modify(|sample| add(sample, value))
            .or_insert_with(|| single((at, value)));
    }
    steps.into_values().collect()
}

fn single((at, value): Point) -> Sample {
    Sample {
        at,
        low: value,
        mean: value,
        high: value,
        count: 1,
    }
}

fn add(sample: &mut Sample, value: f64) {
    sample.count = sample.count.saturating_add(1);
    sample.low = sample.low.min(value);
    sample.high = sample.high.max(value);
    sample.mean += (value - sample.mean) / f64::from(sample.count);
}

fn newest(mut samples: Vec<Sample>, limit: usize) -> Vec<Sample> {
    let surplus = samples.len().saturating_sub(limit);
    samples.drain(..surplus);
    samples
}
