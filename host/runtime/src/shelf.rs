//! A plug-in's stored state in memory: what the log was told, and what was written since.
//!
//! Reads see what was written first. A batch that ends well turns it into one delta, which
//! goes to the log together with the batch's cursor and effects; a call that does not end
//! well wrote nothing. What `start` wrote waits for the next finished batch.

use std::collections::BTreeMap;
use std::ops::Bound;

use growbox_model::{StateDelta, Text};

use crate::limits::{STATE_KEY_BYTES, STATE_KEYS, STATE_VALUE_BYTES};
use crate::memory::bytes;

type Overlay = BTreeMap<Text, Option<Vec<u8>>>;

/// The state of one plug-in.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// As the log was told.
    kept: BTreeMap<Text, Vec<u8>>,
    /// Written since, the running call included.
    written: Overlay,
    /// What `written` goes back to when the running call does not end well.
    started: Overlay,
    bytes: u64,
    started_bytes: u64,
    limit: u64,
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

impl Shelf {
    pub(crate) fn new(kept: BTreeMap<Text, Vec<u8>>, limit: u64) -> Self {
        let kept_bytes = kept.iter().map(|(k, v)| size(k, v)).sum();
        Self {
            kept,
            bytes: kept_bytes,
            started_bytes: kept_bytes,
            limit,
            ..Self::default()
        }
    }

    /// The value of a key, what was written first.
    pub(crate) fn get(&self, key: &str) -> Option<&Vec<u8>> {
        match self.written.get(key) {
            Some(written) => written.as_ref(),
            None => self.kept.get(key),
        }
    }

    /// Writes a value; refused by the limit's name.
    pub(crate) fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), String> {
        check(key, &value)?;
        let before = self.get(key).map_or(0, |old| size(key, old));
        let total = self.bytes - before + size(key, &value);
        if total > self.limit {
            return Err(format!(
                "its state would grow beyond {} (state limit)",
                bytes(self.limit)
            ));
        }
        self.bytes = total;
        self.written.insert(key.into(), Some(value));
        Ok(())
    }

    /// Removes a key, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(old) = self.get(key) {
            self.bytes -= size(key, old);
            self.written.insert(key.into(), None);
        }
    }

    /// Keys that begin with `prefix`, in order, those behind `after` only.
    pub(crate) fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        let limit = limit.min(STATE_KEYS) as usize;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let range = (from, Bound::Unbounded);
        let kept = self.kept.range::<str, _>(range).map(|(key, _)| key);
        let kept = kept.filter(|key| !self.written.contains_key(*key));
        let written = self.written.range::<str, _>(range);
        let written = written.filter_map(|(key, value)| value.as_ref().map(|_| key));
        let mut keys: Vec<String> = under(kept, prefix, limit)
            .chain(under(written, prefix, limit))
            .collect();
        keys.sort_unstable();
        keys.truncate(limit);
        keys
    }

    /// `start` ended well: what it wrote counts, once a batch is finished.
    pub(crate) fn keep_start(&mut self) {
        self.started = self.written.clone();
        self.started_bytes = self.bytes;
    }

    /// The batch ended well: what changed since the last one.
    pub(crate) fn keep_batch(&mut self) -> StateDelta {
        self.started.clear();
        self.started_bytes = self.bytes;
        let delta: StateDelta = std::mem::take(&mut self.written).into_iter().collect();
        for (key, value) in &delta {
            match value {
                Some(value) => self.kept.insert(key.clone(), value.clone()),
                None => self.kept.remove(key),
            };
        }
        delta
    }

    /// The call did not end well: it wrote nothing.
    pub(crate) fn drop_call(&mut self) {
        self.written = self.started.clone();
        self.bytes = self.started_bytes;
    }

    /// The state as the log was told.
    pub(crate) fn into_kept(self) -> BTreeMap<Text, Vec<u8>> {
        self.kept
    }
}

fn check(key: &str, value: &[u8]) -> Result<(), String> {
    if key.is_empty() || key.len() > STATE_KEY_BYTES {
        return Err(format!(
            "a key of stored state has 1 to {STATE_KEY_BYTES} bytes, not {}",
            key.len()
        ));
    }
    if value.len() > STATE_VALUE_BYTES {
        return Err(format!(
            "a value of stored state has at most {}, not {}",
            bytes(STATE_VALUE_BYTES as u64),
            bytes(value.len() as u64)
        ));
    }
    Ok(())
}

fn under<'a>(
    keys: impl Iterator<Item = &'a Text>,
    prefix: &str,
    limit: usize,
) -> impl Iterator<Item = String> {
    keys.take_while(move |key| key.starts_with(prefix))
        .take(limit)
        .map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shelf(limit: u64) -> Shelf {
        let kept = [("a/1", "one"), ("a/2", "two"), ("b", "bee")];
        let kept = kept.map(|(k, v)| (Text::from(k), v.as_bytes().to_vec()));
        Shelf::new(kept.into(), limit)
    }

    #[test]
    fn a_call_sees_its_own_writes_and_a_dropped_call_leaves_none() {
        let mut shelf = shelf(1000);
        shelf.set("a/1", b"uno".to_vec()).unwrap();
        shelf.remove("a/2");
        shelf.set("a/3", b"tre".to_vec()).unwrap();
        assert_eq!(shelf.get("a/1").unwrap(), b"uno");
        assert_eq!(shelf.get("a/2"), None);
        assert_eq!(shelf.keys("a/", None, 10), ["a/1", "a/3"]);
        shelf.drop_call();
        assert_eq!(shelf.get("a/1").unwrap(), b"one");
        assert_eq!(shelf.keys("a/", None, 10), ["a/1", "a/2"]);
        assert!(shelf.keep_batch().is_empty());
    }

    #[test]
    fn what_start_wrote_outlives_failed_batches_and_goes_out_with_the_next_good_one() {
        let mut shelf = shelf(1000);
        shelf.set("a/1", b"start".to_vec()).unwrap();
        shelf.set("c", b"start".to_vec()).unwrap();
        shelf.keep_start();
        shelf.set("a/1", b"failed".to_vec()).unwrap();
        shelf.drop_call();
        assert_eq!(shelf.get("a/1").unwrap(), b"start");
        shelf.set("c", b"batch".to_vec()).unwrap();
        shelf.remove("b");
        let delta: StateDelta = vec![
            ("a/1".into(), Some(b"start".to_vec())),
            ("b".into(), None),
            ("c".into(), Some(b"batch".to_vec())),
        ];
        assert_eq!(shelf.keep_batch(), delta);
        shelf.drop_call();
        assert!(shelf.keep_batch().is_empty());
        assert_eq!(shelf.keys("", None, 10), ["a/1", "a/2", "c"]);
        assert_eq!(shelf.into_kept().len(), 3);
    }

    #[test]
    fn listings_go_on_behind_a_key() {
        let shelf = shelf(1000);
        assert_eq!(shelf.keys("", None, 2), ["a/1", "a/2"]);
        assert_eq!(shelf.keys("", Some("a/2"), 2), ["b"]);
        assert_eq!(shelf.keys("a/", Some("a/1"), 2), ["a/2"]);
        assert_eq!(shelf.keys("b", Some("a/1"), 2), ["b"]);
    }

    #[test]
    fn the_limit_counts_what_is_there_now() {
        // a/1one + a/2two + bbee
        let mut shelf = shelf(6 + 6 + 4);
        assert!(
            shelf
                .set("c", b"".to_vec())
                .unwrap_err()
                .contains("state limit")
        );
        shelf.set("b", b"eeb".to_vec()).unwrap();
        shelf.remove("a/1");
        shelf.set("c", b"12345".to_vec()).unwrap();
        shelf.drop_call();
        assert!(shelf.set("c", b"".to_vec()).is_err());
        assert!(shelf.set("b", vec![0; STATE_VALUE_BYTES + 1]).is_err());
        assert!(shelf.set(&"k".repeat(STATE_KEY_BYTES + 1), vec![]).is_err());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(&'static str, usize),
        Remove(&'static str),
        KeepStart,
        KeepBatch,
        Drop,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = prop::sample::select(vec!["a", "a/1", "ab", "b"]);
        prop_oneof![
            4 => (key.clone(), 0_usize..9).prop_map(|(key, size)| Step::Set(key, size)),
            3 => key.prop_map(Step::Remove),
            1 => Just(Step::KeepStart),
            1 => Just(Step::KeepBatch),
            1 => Just(Step::Drop),
        ]
    }

    proptest! {
        /// The shelf is a map with two points to go back to; its deltas, applied in order,
        /// are what it kept; it never grows beyond its limit.
        #[test]
        fn behaves_like_a_map_that_can_go_back(steps in prop::collection::vec(step(), 1..60)) {
            const LIMIT: u64 = 20;
            let mut shelf = Shelf::new(BTreeMap::new(), LIMIT);
            let (mut now, mut safe) = (BTreeMap::new(), BTreeMap::new());
            let mut log: BTreeMap<Text, Vec<u8>> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Set(key, bytes) => {
                        let mut then = now.clone();
                        then.insert(Text::from(key), vec![7; bytes]);
                        let fits = then.iter().map(|(k, v)| size(k, v)).sum::<u64>() <= LIMIT;
                        prop_assert_eq!(shelf.set(key, vec![7; bytes]).is_ok(), fits);
                        if fits {
                            now = then;
                        }
                    }
                    Step::Remove(key) => {
                        shelf.remove(key);
                        now.remove(key);
                    }
                    Step::KeepStart => {
                        shelf.keep_start();
                        safe = now.clone();
                    }
                    Step::KeepBatch => {
                        for (key, value) in shelf.keep_batch() {
                            match value {
                                Some(value) => log.insert(key, value),
                                None => log.remove(&key),
                            };
                        }
                        prop_assert_eq!(&log, &now);
                        safe = now.clone();
                    }
                    Step::Drop => {
                        shelf.drop_call();
                        now = safe.clone();
                    }
                }
                for key in ["a", "a/1", "ab", "b"] {
                    prop_assert_eq!(shelf.get(key), now.get(key));
                }
                let under_a = now.keys().filter(|key| key.starts_with('a'));
                let under_a: Vec<String> = under_a.map(ToString::to_string).collect();
                prop_assert_eq!(shelf.keys("a", None, 10), under_a);
            }
            prop_assert_eq!(shelf.into_kept(), log);
        }
    }
}
