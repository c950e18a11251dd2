//! Too many events of a type within a time.

use crate::excursion::{First, Position, between};
use crate::words::about;
use growbox_sdk::json::Value;
use growbox_sdk::prelude::*;
use growbox_sdk::table::{one_of, schema_of_words};
use growbox_sdk::{Moment, Setting};
use serde::{Deserialize, Serialize};

/// `kind = "burst"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Burst {
    /// The events that are counted.
    pub(crate) r#type: String,
    /// More of them than this within the time are outside.
    #[setting(max = 200)]
    pub(crate) more_than: u32,
    /// The time.
    #[setting(min = "1s", max = "30d")]
    pub(crate) within: Span,
    /// What is counted together: all of a zone, of a subject (a device, a sensor), or of the room.
    #[setting(default = "zone")]
    pub(crate) per: Per,
    /// Only what is in this zone.
    pub(crate) zone: Option<String>,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Zone,
    Subject,
    Room,
}

const PER: [(&str, Per); 3] = [
    ("zone", Per::Zone),
    ("subject", Per::Subject),
    ("room", Per::Room),
];

impl Setting for Per {
    fn schema() -> Value {
        schema_of_words(&PER)
    }
    fn read(value: &Value) -> Result<Self, String> {
        one_of(value, &PER)
    }
}

/// An event that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) at: u64,
    pub(crate) seq: u64,
    taken: Moment,
}

impl Count {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            at: event.at,
            seq: event.seq,
            taken: Moment::from_nanoseconds(event.taken),
        }
    }
}

impl Burst {
    /// Counts an event, by when it happened. Only as many are kept as would be too many.
    pub(crate) fn take(&self, counts: &mut Vec<Count>, count: Count) {
        let place = counts.partition_point(|other| other.at <= count.at);
        counts.insert(place, count);
        if counts.len() > self.more_than as usize + 1 {
            counts.remove(0);
        }
    }

    /// Whether those that are kept are too many, and lie close enough together.
    pub(crate) fn position(&self, counts: &[Count]) -> Position {
        let (Some(first), Some(last)) = (counts.first(), counts.last()) else {
            return Position::Inside;
        };
        let many = counts.len() > self.more_than as usize;
        if many && between(first.at, last.at) <= self.within {
            Position::Outside
        } else {
            Position::Inside
        }
    }

    /// The same without a new event: whether the oldest of them came in within the time.
    pub(crate) fn position_at(&self, counts: &[Count], now: Moment) -> Position {
        match counts.first() {
            Some(first) if now.since(first.taken) <= self.within => self.position(counts),
            _ => Position::Inside,
        }
    }

    /// The oldest of those that are kept.
    pub(crate) fn first(counts: &[Count]) -> Option<First> {
        counts.first().map(|count| First {
            at: count.at,
            seq: Some(count.seq),
        })
    }

    /// `more than 5 device.error within 10 min`.
    pub(crate) fn words(&self, position: Position) -> String {
        let (limit, kind, within) = (self.more_than, &self.r#type, about(self.within));
        match position {
            Position::Outside => format!("more than {limit} {kind} within {within}"),
            _ => format!("no longer more than {limit} {kind} within {within}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{Inside, Outside};

    fn burst() -> Burst {
        Burst {
            r#type: "device.error".into(),
            more_than: 2,
            within: minutes(10),
            per: Per::Zone,
            zone: None,
        }
    }

    fn count(minute: u64) -> Count {
        Count {
            at: minutes(minute).as_nanoseconds(),
            seq: minute,
            taken: Moment::default() + minutes(minute),
        }
    }

    fn after(minutes: &[u64]) -> Position {
        let mut counts = Vec::new();
        for minute in minutes {
            burst().take(&mut counts, count(*minute));
        }
        assert!(counts.len() <= 3, "bounded");
        burst().position(&counts)
    }

    #[test]
    fn only_more_than_so_many_within_the_time_are_too_many() {
        assert_eq!(after(&[]), Inside);
        assert_eq!(after(&[1, 2]), Inside);
        assert_eq!(after(&[0, 5, 10]), Outside);
        assert_eq!(after(&[0, 5, 11]), Inside);
        assert_eq!(after(&[0, 5, 11, 12]), Outside);
        assert_eq!(
            after(&[5, 11, 0, 12]),
            Outside,
            "in whatever order they come"
        );
    }

    #[test]
    fn it_ends_when_the_oldest_has_left_the_time() {
        let counts = [count(0), count(5), count(10)];
        let position = |minute| burst().position_at(&counts, Moment::default() + minutes(minute));
        assert_eq!(position(10), Outside);
        assert_eq!(position(11), Inside);
    }
}
