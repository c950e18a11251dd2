//! A plug-in's stored state in memory: what counts, what this call wrote, what the log has not seen.
//!
//! Reads see this call's writes first. When the call ends well they become part of the
//! state; when it does not, they never were. What has become part of the state is
//! handed over as one delta with the next finished batch, so that state, cursor and
//! effects reach the log together.

use std::collections::BTreeMap;
use std::ops::Bound;

use growbox_model::{StateDelta, Text};

use crate::limits::{STATE_KEY_BYTES, STATE_KEYS, STATE_VALUE_BYTES};
use crate::memory::bytes;

type Overlay = BTreeMap<Text, Option<Vec<u8>>>;

/// The state of one plug-in.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    kept: BTreeMap<Text, Vec<u8>>,
    unsent: Overlay,
    call: Overlay,
    kept_bytes: u64,
    call_bytes: u64,
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
            kept_bytes,
            call_bytes: kept_bytes,
            limit,
            ..Self::default()
        }
    }

    /// The value of a key, this call's writes first.
    pub(crate) fn get(&self, key: &str) -> Option<&Vec<u8>> {
        match self.call.get(key) {
            Some(written) => written.as_ref(),
            None => self.kept.get(key),
        }
    }

    /// Writes a value; refused by the limit's name.
    pub(crate) fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), String> {
        check(key, &value)?;
        let before = self.get(key).map_or(0, |old| size(key, old));
        let total = self.call_bytes - before + size(key, &value);
        if total > self.limit {
            return Err(format!(
                "its state would grow beyond {} (state limit)",
                bytes(self.limit)
            ));
        }
        self.call_bytes = total;
        self.call.insert(key.into(), Some(value));
        Ok(())
    }

    /// Removes a key, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(old) = self.get(key) {
            self.call_bytes -= size(key, old);
            self.call.insert(key.into(), None);
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
        let kept = kept.filter(|key| !self.call.contains_key(*key));
        let written = self.call.range::<str, _>(range);
        let written = written.filter_map(|(key, value)| value.as_ref().map(|_| key));
        let mut keys: Vec<String> = under(kept, prefix, limit)
            .chain(under(written, prefix, limit))
            .collect();
        keys.sort_unstable();
        keys.truncate(limit);
        keys
    }

    /// The call ended well: what it wrote counts.
    pub(crate) fn keep_call(&mut self) {
        for (key, value) in std::mem::take(&mut self.call) {
            match &value {
                Some(value) => self.kept.insert(key.clone(), value.clone()),
                None => self.kept.remove(&key),
            };
            self.unsent.insert(key, value);
        }
        self.kept_bytes = self.call_bytes;
    }

    /// The call did not end well: it wrote nothing.
    pub(crate) fn drop_call(&mut self) {
        self.call.clear();
        self.call_bytes = self.kept_bytes;
    }

    /// What the log has not seen yet.
    pub(crate) fn take_delta(&mut self) -> StateDelta {
        std::mem::take(&mut self.unsent).into_iter().collect()
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
        assert!(shelf.take_delta().is_empty());
    }

    #[test]
    fn kept_calls_add_up_to_one_delta() {
        let mut shelf = shelf(1000);
        shelf.set("a/1", b"start".to_vec()).unwrap();
        shelf.keep_call();
        shelf.set("a/1", b"batch".to_vec()).unwrap();
        shelf.remove("b");
        shelf.keep_call();
        let delta = shelf.take_delta();
        let expected: StateDelta =
            vec![("a/1".into(), Some(b"batch".to_vec())), ("b".into(), None)];
        assert_eq!(delta, expected);
        assert!(shelf.take_delta().is_empty());
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
}
