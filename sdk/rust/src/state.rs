//! State that survives: kept by the host, committed with the batch, written only when it changed.

use crate::time::{Moment, Span};
use crate::wire::Fault;
use crate::{fault, host};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a handler remembers. Opened before each batch, saved after it.
///
/// Nothing is kept in the instance: what is not in the store is gone when the host drops it.
pub trait State {
    /// Before a batch. Reads nothing yet, or what is always needed.
    fn open() -> Self;

    /// After a batch: writes what changed.
    ///
    /// # Errors
    /// A stored value that does not parse, or one that the host does not take.
    fn save(self) -> Result<(), Fault>;
}

/// Remembers nothing.
impl State for () {
    fn open() -> Self {}

    fn save(self) -> Result<(), Fault> {
        Ok(())
    }
}

/// A value that is stored as a whole, as JSON under one key.
pub trait Stored: Serialize + DeserializeOwned + Default {
    /// Its key in the store.
    const KEY: &'static str = "state";
}

/// Two kinds of memory side by side, under keys that differ.
impl<A: State, B: State> State for (A, B) {
    fn open() -> Self {
        (A::open(), B::open())
    }

    fn save(self) -> Result<(), Fault> {
        self.0.save()?;
        self.1.save()
    }
}

/// One value, as it was stored and as it is now.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    stored: Option<Vec<u8>>,
    pub(crate) value: T,
}

impl<T: Serialize + DeserializeOwned + Default> Entry<T> {
    /// Reads a key. What does not parse is told by the second half, with a default in its place.
    pub(crate) fn load(key: &str) -> (Self, Result<(), Fault>) {
        let stored = host::get(key);
        let parsed = stored
            .as_deref()
            .map_or(Ok(T::default()), serde_json::from_slice);
        let (value, sound) = match parsed {
            Ok(value) => (value, Ok(())),
            Err(error) => (
                T::default(),
                Err(fault::permanent(format!(
                    "state under \"{key}\" does not parse: {error}"
                ))),
            ),
        };
        (Self { stored, value }, sound)
    }

    /// Writes the key where its text is another one than before.
    pub(crate) fn save(&self, key: &str) -> Result<(), Fault> {
        let refuse = |why: String| fault::permanent(format!("state under \"{key}\": {why}"));
        let text = serde_json::to_vec(&self.value).map_err(|error| refuse(error.to_string()))?;
        if self.stored.as_deref() == Some(text.as_slice()) {
            return Ok(());
        }
        host::set(key, &text).map_err(refuse)
    }
}

/// One value for the whole plug-in.
#[derive(Debug)]
pub struct Whole<T> {
    entry: Entry<T>,
    sound: Result<(), Fault>,
}

impl<T: Stored> State for Whole<T> {
    fn open() -> Self {
        let (entry, sound) = Entry::load(T::KEY);
        Self { entry, sound }
    }

    fn save(self) -> Result<(), Fault> {
        self.sound?;
        self.entry.save(T::KEY)
    }
}

impl<T> std::ops::Deref for Whole<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.entry.value
    }
}

impl<T> std::ops::DerefMut for Whole<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.entry.value
    }
}

/// Since when something has been so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dwell {
    since: Option<Moment>,
}

impl Dwell {
    /// For how long `now_so` has held by `now`; no time at all where it does not.
    pub fn held(&mut self, now_so: bool, now: Moment) -> Span {
        if !now_so {
            self.since = None;
            return Span::ZERO;
        }
        now.since(*self.since.get_or_insert(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Store;
    use crate::time::{minutes, seconds};

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Count {
        total: u64,
    }

    impl Stored for Count {
        const KEY: &'static str = "count";
    }

    fn count_one() -> Result<(), Fault> {
        let mut state = Whole::<Count>::open();
        state.total += 1;
        state.save()
    }

    #[test]
    fn what_is_saved_is_found_again() {
        let mut store = Store::default();
        for _ in 0..3 {
            store.within(count_one).expect("saves");
        }
        assert_eq!(store.text("count"), Some(r#"{"total":3}"#));
    }

    #[test]
    fn nothing_is_written_where_nothing_changed() {
        let mut store = Store::default();
        store.within(count_one).expect("saves");
        store
            .within(|| Whole::<Count>::open().save())
            .expect("saves");
        assert!(store.last_writes().is_empty());
    }

    #[test]
    fn damaged_state_is_told_and_kept() {
        let mut store = Store::default();
        store.put("count", b"{\"total\":");
        let fault = store.within(count_one).expect_err("does not parse");
        assert!(matches!(fault, Fault::Permanent(why) if why.contains("\"count\"")));
        assert_eq!(store.text("count"), Some("{\"total\":"));
    }

    #[test]
    fn a_failed_batch_leaves_no_trace() {
        let mut store = Store::default();
        let failed: Result<(), Fault> = store.within(|| {
            count_one()?;
            Err(fault::transient("no"))
        });
        assert!(failed.is_err());
        assert_eq!(store.text("count"), None);
    }

    #[test]
    fn dwell_begins_again_when_it_stops() {
        let at = |span: Span| Moment::from_nanoseconds(0) + span;
        let mut dwell = Dwell::default();
        assert_eq!(dwell.held(true, at(minutes(1))), Span::ZERO);
        assert_eq!(dwell.held(true, at(minutes(3))), minutes(2));
        assert_eq!(dwell.held(false, at(minutes(4))), Span::ZERO);
        dwell.held(true, at(minutes(5)));
        assert_eq!(dwell.held(true, at(minutes(5) + seconds(1))), seconds(1));
    }
}
