//! A handler outside any sandbox: its state is a map, its log a list. For tests and benchmarks.
//!
//! ```
//! # use growbox_sdk::prelude::*;
//! # use growbox_sdk::{native::Instance, testing};
//! # #[derive(Settings)]
//! # struct Quiet;
//! # #[growbox::plugin(reads("sensor.*"))]
//! # impl Handler for Quiet {
//! #     type State = ();
//! #     fn handle(&self, _: &Room, (): &mut (), _: &mut Effects) -> Outcome { Ok(()) }
//! # }
//! let mut handler = Instance::<Quiet>::start("{}")?;
//! let effects = handler.handle(&testing::batch(minutes(1), vec![]))?;
//! assert!(effects.is_empty() && handler.store().last_writes().is_empty());
//! # Ok::<(), growbox_sdk::wire::Fault>(())
//! ```

use crate::handler::{self, Handler};
use crate::host::LogLevel;
use crate::wire::{Batch, Effect, Fault};
use std::collections::BTreeMap;

/// What one batch changed: a value, or that the key is gone.
pub type Writes = BTreeMap<String, Option<Vec<u8>>>;

/// A handler with its settings and its own store; the counterpart of a wasm instance.
#[derive(Debug)]
pub struct Instance<H> {
    handler: H,
    store: Store,
}

impl<H: Handler> Instance<H> {
    /// Starts with settings as JSON text.
    ///
    /// # Errors
    /// Settings that cannot be.
    pub fn start(settings: &str) -> Result<Self, Fault> {
        handler::start(settings).map(Self::of)
    }

    /// Starts a handler that is already set up.
    #[must_use]
    pub fn of(handler: H) -> Self {
        Self {
            handler,
            store: Store::default(),
        }
    }

    /// Handles one batch as one transaction: a fault leaves the store as it was.
    ///
    /// # Errors
    /// The handler's fault.
    pub fn handle(&mut self, batch: &Batch) -> Result<Vec<Effect>, Fault> {
        let handler = &self.handler;
        self.store.within(|| handler::run(handler, batch))
    }

    /// What it remembers and said.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What it remembers and said, to be prepared or emptied.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}

/// State and log of one handler.
#[derive(Clone, Debug, Default)]
pub struct Store {
    entries: BTreeMap<String, Vec<u8>>,
    last_writes: Writes,
    log: Vec<(LogLevel, String)>,
}

impl Store {
    /// Runs `work` with this store behind the imports. What it wrote counts only if it returns
    /// well; what it logged stays.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn within<T>(&mut self, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        backend::enter(std::mem::take(&mut self.entries));
        let outcome = work();
        let session = backend::leave();
        self.entries = session.entries;
        self.log.extend(session.log);
        self.last_writes = if outcome.is_ok() {
            session.writes
        } else {
            Writes::new()
        };
        for (key, value) in &self.last_writes {
            match value {
                Some(value) => drop(self.entries.insert(key.clone(), value.clone())),
                None => drop(self.entries.remove(key)),
            }
        }
        outcome
    }

    /// What the last batch wrote; the state delta that a host would commit.
    #[must_use]
    pub fn last_writes(&self) -> &Writes {
        &self.last_writes
    }

    /// A stored value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    /// A stored value as text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        std::str::from_utf8(self.get(key)?).ok()
    }

    /// What all keys and values weigh; the host bounds it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let entries = self.entries.iter();
        entries.map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Stores a value from outside.
    pub fn put(&mut self, key: &str, value: &[u8]) {
        self.entries.insert(key.to_string(), value.to_vec());
    }

    /// Every line that was logged, in order.
    pub fn log(&self) -> impl Iterator<Item = &str> {
        self.log.iter().map(|(_, line)| line.as_str())
    }

    /// Empties the log.
    pub fn clear_log(&mut self) {
        self.log.clear();
    }
}

/// What the imports of `host` reach natively: the store of the batch that this thread handles.
pub(crate) mod backend {
    use super::Writes;
    use crate::host::LogLevel;
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::ops::Bound;

    #[derive(Default)]
    pub(super) struct Session {
        pub(super) entries: BTreeMap<String, Vec<u8>>,
        pub(super) writes: Writes,
        pub(super) log: Vec<(LogLevel, String)>,
    }

    thread_local! {
        static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    }

    pub(super) fn enter(entries: BTreeMap<String, Vec<u8>>) {
        let session = Session {
            entries,
            ..Session::default()
        };
        SESSION.set(Some(session));
    }

    pub(super) fn leave() -> Session {
        SESSION.take().unwrap_or_default()
    }

    fn with<T>(work: impl FnOnce(&mut Session) -> T) -> Option<T> {
        SESSION.with_borrow_mut(|session| session.as_mut().map(work))
    }

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        with(|session| match session.writes.get(key) {
            Some(written) => written.clone(),
            None => session.entries.get(key).cloned(),
        })
        .flatten()
    }

    pub(crate) fn set(key: &str, value: &[u8]) -> Result<(), String> {
        let write = (key.to_string(), Some(value.to_vec()));
        with(|session| session.writes.extend([write]))
            .ok_or_else(|| "there is no store outside a batch".into())
    }

    pub(crate) fn remove(key: &str) {
        with(|session| session.writes.insert(key.to_string(), None));
    }

    pub(crate) fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        with(|session| {
            let mut all = session.entries.clone();
            for (key, value) in &session.writes {
                match value {
                    Some(value) => drop(all.insert(key.clone(), value.clone())),
                    None => drop(all.remove(key)),
                }
            }
            let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
            all.range::<str, _>((from, Bound::Unbounded))
                .map(|(key, _)| key.clone())
                .take_while(|key| key.starts_with(prefix))
                .take(limit as usize)
                .collect()
        })
        .unwrap_or_default()
    }

    pub(crate) fn write(level: LogLevel, message: &str) {
        with(|session| session.log.push((level, message.to_string())));
    }
}
