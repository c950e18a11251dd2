//! One value a zone, or one a key of the author's choice: only what a batch touches is read and
//! written.

use crate::host;
use crate::state::{Entry, State};
use crate::wire::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Key of a zone's value: this and its id.
const ZONE_PREFIX: &str = "zone/";
/// The longest key that the host takes.
const LONGEST_KEY: usize = 128;

/// One value a zone, under `zone/ID`.
#[derive(Debug)]
pub struct PerZone<T> {
    shelf: Shelf<T>,
}

impl<T: Serialize + DeserializeOwned + Default> State for PerZone<T> {
    fn open() -> Self {
        Self {
            shelf: Shelf::default(),
        }
    }

    fn save(self) -> Result<(), Fault> {
        self.shelf.save()
    }
}

impl<T: Serialize + DeserializeOwned + Default> PerZone<T> {
    /// What is remembered of a zone; the default where that is nothing yet.
    ///
    /// A stored value that does not parse fails the batch once it is done, so that nothing is
    /// overwritten by guesswork.
    pub fn of(&mut self, zone: impl AsRef<str>) -> &mut T {
        self.shelf.of(zone_key(zone.as_ref()))
    }

    /// Every zone of which something was stored before this batch.
    #[must_use]
    pub fn stored_zones(&self) -> Vec<String> {
        let zones = stored_below(ZONE_PREFIX).into_iter();
        zones
            .map(|key| key[ZONE_PREFIX.len()..].to_string())
            .collect()
    }

    /// Forgets a zone that is gone.
    pub fn forget(&mut self, zone: &str) {
        self.shelf.forget(&zone_key(zone));
    }
}

fn zone_key(zone: &str) -> String {
    format!("{ZONE_PREFIX}{zone}")
}

/// A value of which there is one a key.
pub trait Keyed: Serialize + DeserializeOwned + Default {
    /// What each of its keys begins with in the store.
    const PREFIX: &'static str = "key/";
}

/// One value a key, under the prefix and the key.
///
/// A key that would be too long for the store is cut, and told apart by a digest at its end.
#[derive(Debug)]
pub struct PerKey<T> {
    shelf: Shelf<T>,
}

impl<T: Keyed> State for PerKey<T> {
    fn open() -> Self {
        Self {
            shelf: Shelf::default(),
        }
    }

    fn save(self) -> Result<(), Fault> {
        self.shelf.save()
    }
}

impl<T: Keyed> PerKey<T> {
    /// What is remembered under a key; the default where that is nothing yet. What does not
    /// parse fails the batch, as in [`PerZone::of`].
    pub fn of(&mut self, key: &str) -> &mut T {
        self.shelf.of(full_key(T::PREFIX, key))
    }

    /// Whether anything is remembered under a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        let key = full_key(T::PREFIX, key);
        self.shelf.entries.contains_key(&key) || host::get(&key).is_some()
    }

    /// Every key that begins so and of which something was stored before this batch.
    #[must_use]
    pub fn stored(&self, beginning: &str) -> Vec<String> {
        let keys = stored_below(&format!("{}{beginning}", T::PREFIX)).into_iter();
        keys.map(|key| key[T::PREFIX.len()..].to_string()).collect()
    }

    /// Forgets what is under a key.
    pub fn forget(&mut self, key: &str) {
        self.shelf.forget(&full_key(T::PREFIX, key));
    }
}

/// The key in the store.
fn full_key(prefix: &str, key: &str) -> String {
    let full = format!("{prefix}{key}");
    if full.len() <= LONGEST_KEY {
        return full;
    }
    let digest = format!("~{:016x}", digest(full.as_bytes()));
    let mut end = LONGEST_KEY - digest.len();
    while !full.is_char_boundary(end) {
        end -= 1;
    }
    full[..end].to_string() + &digest
}

/// A digest of bytes that stays the same from version to version: FNV-1a, 64 bits.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Values under full keys, as far as a batch touched them.
#[derive(Debug)]
struct Shelf<T> {
    entries: BTreeMap<String, Entry<T>>,
    sound: Result<(), Fault>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            sound: Ok(()),
        }
    }
}

impl<T: Serialize + DeserializeOwned + Default> Shelf<T> {
    fn of(&mut self, key: String) -> &mut T {
        let sound = &mut self.sound;
        let entry = self.entries.entry(key).or_insert_with_key(|key| {
            let (entry, parsed) = Entry::load(key);
            if sound.is_ok() {
                *sound = parsed;
            }
            entry
        });
        &mut entry.value
    }

    fn forget(&mut self, key: &str) {
        self.entries.remove(key);
        host::remove(key);
    }

    fn save(self) -> Result<(), Fault> {
        self.sound?;
        for (key, entry) in &self.entries {
            entry.save(key)?;
        }
        Ok(())
    }
}

fn stored_below(prefix: &str) -> Vec<String> {
    const PAGE: u32 = 256;
    let mut keys = Vec::new();
    loop {
        let page = host::keys(prefix, keys.last().map(String::as_str), PAGE);
        let more = page.len() == PAGE as usize;
        keys.extend(page);
        if !more {
            return keys;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Store;
    use serde::Deserialize;

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Count {
        total: u64,
    }

    impl Keyed for Count {
        const PREFIX: &'static str = "count/";
    }

    #[test]
    fn only_touched_zones_are_written() {
        let mut store = Store::default();
        let touch = |zone: &'static str| {
            move || {
                let mut state = PerZone::<Count>::open();
                state.of(zone).total += 1;
                state.save()
            }
        };
        store.within(touch("tent")).expect("saves");
        store.within(touch("room")).expect("saves");
        let written: Vec<_> = store.last_writes().keys().cloned().collect();
        assert_eq!(written, ["zone/room"]);
        let zones = store.within(|| Ok(PerZone::<Count>::open().stored_zones()));
        assert_eq!(zones, Ok(vec!["room".to_string(), "tent".to_string()]));
    }

    fn count(store: &mut Store, key: &str) {
        let one = || {
            let mut state = PerKey::<Count>::open();
            state.of(key).total += 1;
            state.save()
        };
        store.within(one).expect("saves");
    }

    #[test]
    fn a_key_is_found_counted_and_forgotten() {
        let mut store = Store::default();
        for key in ["rule/one", "rule/two", "other/one", "rule/one"] {
            count(&mut store, key);
        }
        assert_eq!(store.text("count/rule/one"), Some(r#"{"total":2}"#));
        let work = || {
            let mut state = PerKey::<Count>::open();
            assert_eq!(state.stored("rule/"), ["rule/one", "rule/two"]);
            assert!(state.has("rule/one") && !state.has("rule/three"));
            state.forget("rule/one");
            assert!(!state.has("rule/one"));
            state.save()
        };
        store.within(work).expect("saves");
        assert_eq!(store.text("count/rule/one"), None);
    }

    #[test]
    fn long_keys_fit_and_stay_apart() {
        let long = "ü".repeat(100);
        let (one, two) = (
            full_key("count/", &long),
            full_key("count/", &format!("{long}!")),
        );
        assert!(one.len() <= LONGEST_KEY && two.len() <= LONGEST_KEY);
        assert_ne!(one, two);
        assert_eq!(full_key("count/", "short"), "count/short");
    }

    #[test]
    fn more_keys_than_a_page_are_listed() {
        let mut store = Store::default();
        for number in 0..600 {
            store.put(&format!("count/{number:03}"), b"{}");
        }
        let stored = store.within(|| Ok(PerKey::<Count>::open().stored("")));
        assert_eq!(stored.map(|keys| keys.len()), Ok(600));
    }
}
