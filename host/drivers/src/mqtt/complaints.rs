//! What could not be read: counted for each topic, named at the first and at every doubling.

use std::collections::HashMap;

use growbox_model::{Span, Text};

/// So long after the last one the line counts as clean again.
const FORGOTTEN: Span = Span::minutes(10);

/// Counts of what was wrong, by topic. Topics are those of the configuration, so there is no
/// end of them only where the configuration has none.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    by_topic: HashMap<Text, u64>,
    pub(super) count: u64,
    last: Option<(Span, String)>,
}

impl Complaints {
    /// Counts one; the topic's count where it is to be named.
    pub(super) fn note(&mut self, topic: &Text, why: &str, now: Span) -> Option<u64> {
        self.count += 1;
        self.last = Some((now, format!("{topic}: {why}")));
        let count = self.by_topic.entry(topic.clone()).or_default();
        *count += 1;
        count.is_power_of_two().then_some(*count)
    }

    /// The last one, while it is fresh.
    pub(super) fn fresh(&self, now: Span) -> Option<&str> {
        let (at, why) = self.last.as_ref()?;
        (now.0.saturating_sub(at.0) < FORGOTTEN.0).then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_is_named_at_its_first_and_at_every_doubling() {
        let mut complaints = Complaints::default();
        let mut note = |topic: &str| complaints.note(&topic.into(), "no text", Span::ZERO);
        let named: Vec<_> = (0..9).map(|_| note("a")).collect();
        let wanted =
            [1, 2, 0, 4, 0, 0, 0, 8, 0].map(|count| Some(count).filter(|count| *count > 0));
        assert_eq!(named, wanted);
        assert_eq!(note("b"), Some(1));
        assert_eq!(complaints.count, 10);
        assert_eq!(complaints.fresh(Span::minutes(9)), Some("b: no text"));
        assert_eq!(complaints.fresh(Span::minutes(10)), None);
    }
}
