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

/// The ids seen lately.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: HashMap<Key, Option<Seq>>,
    order: VecDeque<(Moment, Key)>,
}

impl Duplicates {
    /// Remembers an id without a number yet; tells the number (where there is one) when it was known.
    pub fn first_time(
        &mut self,
        source: &Source,
        id: &Text,
        machine: Moment,
    ) -> Result<(), Option<Seq>> {
        self.forget(machine);
        let key = (source.clone(), id.clone());
        if let Some(seq) = self.seen.get(&key) {
            return Err(*seq);
        }
        self.seen.insert(key.clone(), None);
        self.order.push_back((machine, key));
        Ok(())
    }

    /// Tells the number an id got.
    pub fn numbered(&mut self, source: &Source, id: &Text, seq: Seq) {
        if let Some(known) = self.seen.get_mut(&(source.clone(), id.clone())) {
            *known = Some(seq);
        }
    }

    /// Forgets one id again: what carried it was not taken after all.
    pub fn forget_one(&mut self, source: &Source, id: &Text) {
        let key = (source.clone(), id.clone());
        self.seen.remove(&key);
        self.order.retain(|(_, known)| *known != key);
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
        assert_eq!(ids.first_time(&a, &id, Moment(0)), Ok(()));
        assert_eq!(ids.first_time(&a, &id, Moment(1)), Err(None));
        ids.numbered(&a, &id, Seq(7));
        assert_eq!(ids.first_time(&a, &id, Moment(2)), Err(Some(Seq(7))));
        assert_eq!(ids.first_time(&b, &id, Moment(3)), Ok(()));
        ids.forget_one(&a, &id);
        assert_eq!(ids.first_time(&a, &id, Moment(4)), Ok(()));
    }

    #[test]
    fn whichever_reaches_further_holds() {
        let mut ids = Duplicates::default();
        let source = Source("http".into());
        let text = |n: usize| -> Text { n.to_string().into() };
        for n in 0..=REMEMBERED_IDS {
            ids.first_time(&source, &text(n), Moment(0)).unwrap();
        }
        let later = Moment(0) + REMEMBERED + Span::seconds(1);
        assert!(
            ids.first_time(&source, &text(0), later).is_ok(),
            "old, and beyond the newest ids"
        );
        assert!(
            ids.first_time(&source, &text(50_000), later).is_err(),
            "old, but among the newest ids"
        );
    }
}
