//! What a guest may call: its log, its state, and history where it is granted.

use growbox_model::{Instant, Span};
use wasmtime::Result;

use super::views;
use super::wit::growbox::plugin::{history, log, state, types};
use crate::guest::Guest;
use crate::journal::Level;
use crate::reader::Stretch;

impl types::Host for Guest {}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        self.count_call()?;
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.journal.write(level, &message);
        Ok(())
    }
}

impl state::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.count_call()?;
        Ok(self.shelf.get(&key).cloned())
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<Result<(), String>> {
        self.count_call()?;
        Ok(self.shelf.set(&key, value))
    }

    fn remove(&mut self, key: String) -> Result<()> {
        self.count_call()?;
        self.shelf.remove(&key);
        Ok(())
    }

    fn keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Result<Vec<String>> {
        self.count_call()?;
        Ok(self.shelf.keys(&prefix, after.as_deref(), limit))
    }
}

impl history::Host for Guest {
    fn samples(
        &mut self,
        sensor: String,
        quantity: String,
        window: history::Window,
        step: Option<u64>,
    ) -> Result<Result<Vec<history::Sample>, String>> {
        self.count_call()?;
        let step = step.map(Span);
        let read = self.read_history(|reader, view| {
            reader.samples(&sensor, &quantity, stretch(window), step, view)
        })?;
        Ok(read.map(|samples| samples.iter().map(sample).collect()))
    }

    fn events(
        &mut self,
        types: Vec<String>,
        window: history::Window,
    ) -> Result<Result<Vec<types::Event>, String>> {
        self.count_call()?;
        let read = self.read_history(|reader, view| {
            let events = reader.events(types, stretch(window), view)?;
            Ok(events.iter().map(|e| views::event(e, None)).collect())
        })?;
        Ok(read)
    }
}

fn stretch(window: history::Window) -> Stretch {
    Stretch {
        start: Instant(window.start),
        end: Instant(window.end),
        limit: window.limit,
    }
}

fn sample(sample: &growbox_model::ports::Sample) -> history::Sample {
    history::Sample {
        at: sample.at.0,
        low: sample.low,
        mean: sample.mean,
        high: sample.high,
        count: sample.count,
    }
}
