//! Which events a query or a stream wants, as its address says.

use growbox_model::ports::EventFilter;
use growbox_model::{DeviceId, EventType, Instant, Objection, SensorId, Seq, ZoneId};

use crate::params::Params;
use crate::refusal::{Outcome, Refusal};

/// The parameters of `GET /api/v1/events` and of the stream.
pub(crate) const PARAMETERS: &[&str] = &[
    "from", "to", "type", "zone", "sensor", "device", "after", "limit", "context",
];

/// Events in one page, at most.
const LIMIT: u64 = 10_000;
/// Events in one page, where the query does not say.
const DEFAULT_LIMIT: usize = 100;

/// The filter of a query.
pub(crate) fn of_query(params: &Params) -> Outcome<EventFilter> {
    let mut filter = of_stream(params)?;
    if filter.limit == usize::MAX {
        filter.limit = DEFAULT_LIMIT;
    }
    Ok(filter)
}

/// The filter of a stream: without a limit it goes on.
pub(crate) fn of_stream(params: &Params) -> Outcome<EventFilter> {
    let limit = params.number("limit", 1, LIMIT)?;
    Ok(EventFilter {
        from: params.parsed("from", Instant::parse)?,
        to: params.parsed("to", Instant::parse)?,
        types: types(params)?,
        zone: params.parsed("zone", ZoneId::new)?,
        sensor: params.parsed("sensor", SensorId::new)?,
        device: params.parsed("device", DeviceId::new)?,
        after: params.number("after", 0, u64::MAX)?.map(Seq),
        up_to: None,
        limit: limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
    })
}

fn types(params: &Params) -> Outcome<Vec<String>> {
    let types = params.all("type").map(pattern).collect::<Result<_, _>>();
    types.map_err(|e: Objection| {
        Refusal::from(e).hint("a type of the catalogue, or a prefix such as sensor.*")
    })
}

/// A prefix as it stands; a type under the name it is logged with.
fn pattern(text: &str) -> Result<String, Objection> {
    if text.ends_with('*') {
        return Ok(text.to_owned());
    }
    EventType::parse(text).map(|kind| kind.as_str().to_owned())
}
