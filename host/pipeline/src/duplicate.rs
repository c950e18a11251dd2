//! Duplicates: the same source saying the same id again, within ten minutes or the newest 100 000 ids.

use std::collections::{HashMap, VecDeque};

use growbox_model::{Moment, Seq, Source, Span, Text};

/// How long an id is remembered at least, machine clock.
pub const REMEMBERED: Span = Span::minutes(10);
/// How many ids are remembered at least.
pub const REMEMBERED_IDS: usize = 100_000;
/// Beyond this many the oldest goes even within ten minutes: memory is bounded.
const MOST_IDS: usize = 1_000_000;

type Key = (Source, Text);

/// The ids seen lately, each with the number its event got.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: HashMap<Key, Seq>,
    order: VecDeque<(Moment, Key)>,
}

impl Duplicates {
    /// The number the same source's event of this id got before.
    pub fn known(&self, source: &Source, id: &Text) -> Option<Seq> {
        if self.seen.is_empty() {
            return None;
        }
        self.seen.get(&(source.clone(), id.clone())).copied()
    }

    /// Remembers the number an id got.
    pub fn remember(&mut self, source: &Source, id: &Text, seq: Seq, machine: Moment) {
        self.forget(machine);
        let key = (source.clone(), id.clone());
        if self.seen.insert(key.clone(), seq).is_none() {
            self.order.push_back((machine, key));
        }
    }

    fn forget(&mut self, machine: Moment) {
        while self.order.len() > REMEMBERED_IDS {
            let Some((when, _)) = self.order.front() else {
                return;
            };
            if machine.since(*when) < REMEMBERED && self.order.len() < MOST_IDS {
                return;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.seen.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_counts_once_per_source() {
        let mut ids = Duplicates::default();
        let (a, b) = (Source("http".into()), Source("http:b".into()));
        let id: Text = "1".into();
        assert_eq!(ids.known(&a, &id), None);
        ids.remember(&a, &id, Seq(7), Moment(0));
        assert_eq!(ids.known(&a, &id), Some(Seq(7)));
        assert_eq!(ids.known(&b, &id), None);
    }

    #[test]
    fn whichever_reaches_further_holds() {
        let mut ids = Duplicates::default();
        let source = Source("http".into());
        let text = |n: usize| -> Text { n.to_string().into() };
        for n in 0..=REMEMBERED_IDS {
            ids.remember(&source, &text(n), Seq(n as u64), Moment(0));
        }
        assert!(
            ids.known(&source, &text(0)).is_some(),
            "not ten minutes old"
        );
        let later = Moment(0) + REMEMBERED + Span::seconds(1);
        ids.remember(&source, &"new".into(), Seq(0), later);
        assert_eq!(
            ids.known(&source, &text(0)),
            None,
            "old, and beyond the newest ids"
        );
        assert!(
            ids.known(&source, &text(50_000)).is_some(),
            "old, but among the newest ids"
        );
    }
}
