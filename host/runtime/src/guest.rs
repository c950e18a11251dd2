//! What the host keeps for one guest while it runs: state, log, rights, and what it has used.

use growbox_model::{Seq, Text};
use wasmtime::UpdateDeadline;

use crate::journal::Journal;
use crate::limits::{HISTORY_CALLS, HOST_CALLS};
use crate::memory::MemoryCap;
use crate::meter::{Allowance, Meter};
use crate::reader::Reader;
use crate::shelf::Shelf;

/// The host's side of one guest. Outlives its instances.
pub(crate) struct Guest {
    /// Its id, as far as it is known.
    pub(crate) name: Text,
    pub(crate) shelf: Shelf,
    pub(crate) journal: Journal,
    pub(crate) memory: MemoryCap,
    /// None while it is only described.
    pub(crate) reader: Option<Reader>,
    /// The newest event the running batch knows; none outside of a batch.
    pub(crate) view: Option<Seq>,
    meter: Meter,
    calls: u32,
    history_calls: u32,
    /// The limit that ended the call, where one did.
    ended_by: Option<String>,
}

impl Guest {
    pub(crate) fn new(
        name: Text,
        shelf: Shelf,
        journal: Journal,
        memory: MemoryCap,
        reader: Option<Reader>,
    ) -> Self {
        Self {
            name,
            shelf,
            journal,
            memory,
            reader,
            view: None,
            meter: Meter::start(Allowance {
                cpu: std::time::Duration::ZERO,
                call: "nothing",
            }),
            calls: 0,
            history_calls: 0,
            ended_by: None,
        }
    }

    /// Before the guest runs.
    pub(crate) fn begin_call(&mut self, allowance: Allowance) {
        self.meter = Meter::start(allowance);
        self.calls = 0;
        self.history_calls = 0;
        self.ended_by = None;
        self.memory.begin_call();
    }

    /// After the guest ran.
    pub(crate) fn end_call(&mut self) {
        self.view = None;
        self.journal.end_call();
    }

    /// What runs, for messages.
    pub(crate) fn call(&self) -> &'static str {
        self.meter.call()
    }

    /// The limit that ended the call, where one did.
    pub(crate) fn ended_by(&self) -> Option<String> {
        self.ended_by.clone().or_else(|| self.memory.refusal())
    }

    /// At every tick of the engine: goes on, or ends the call.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        match self.meter.overdrawn() {
            None => UpdateDeadline::Continue(1),
            Some(why) => {
                self.ended_by = Some(why);
                UpdateDeadline::Interrupt
            }
        }
    }

    /// At every call of the host: ends the guest's call when there are too many.
    pub(crate) fn count_call(&mut self) -> wasmtime::Result<()> {
        self.calls += 1;
        if self.calls <= HOST_CALLS {
            return Ok(());
        }
        Err(self.end(format!(
            "{} called the host more than {HOST_CALLS} times (host call limit)",
            self.call()
        )))
    }

    /// Reads history on the host's time; the outer error ends the guest's call.
    pub(crate) fn read_history<T>(
        &mut self,
        read: impl FnOnce(&Reader, Seq) -> Result<T, String>,
    ) -> wasmtime::Result<Result<T, String>> {
        self.history_calls += 1;
        if self.history_calls > HISTORY_CALLS {
            return Err(self.end(format!(
                "{} read history more than {HISTORY_CALLS} times (history call limit)",
                self.call()
            )));
        }
        let (Some(reader), Some(view)) = (&self.reader, self.view) else {
            return Ok(Err(
                "history can be read only while a batch is handled".to_owned()
            ));
        };
        Ok(self.meter.free(|| read(reader, view)))
    }

    fn end(&mut self, why: String) -> wasmtime::Error {
        self.ended_by = Some(why.clone());
        wasmtime::Error::msg(why)
    }
}
