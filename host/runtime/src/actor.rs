//! One plug-in, one thread, one batch at a time.
//!
//! ```text
//!            deliver                 ok: effects + state delta
//!  waiting ───────────▶ handling ─────────────────────────────▶ waiting
//!     ▲                    │ fault or trap: nothing happened, the instance is dropped
//!     └──── start ◀────────┘ (a new one is made when the next batch comes)
//! ```

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use growbox_model::ports::{BatchResult, Handled, History};
use growbox_model::{Batch, Clock, Fault, Generation, PluginId, PluginSpec, Text};

use crate::blame::Trouble;
use crate::guest::Guest;
use crate::instance::Instance;
use crate::journal::{Journal, Line, Lines};
use crate::load::Loaded;
use crate::memory::MemoryCap;
use crate::reader::Reader;
use crate::shelf::Shelf;

/// Stack of an actor's thread: the guest's own half MiB, and the host below it.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Stored state by key.
type State = BTreeMap<Text, Vec<u8>>;

/// A running plug-in. Dropping it lets its thread end after the batch it is at.
pub struct Actor {
    plugin: PluginId,
    generation: Generation,
    batches: Sender<Batch>,
    lines: Lines,
    thread: JoinHandle<Option<State>>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Its slot is full: more than one batch is out.
    #[error("plug-in {} has a batch waiting already", .0.plugin)]
    Busy(Box<Batch>),
    /// Its thread has ended.
    #[error("plug-in {} has ended", .0.plugin)]
    Ended(Box<Batch>),
}

impl Actor {
    /// Starts a plug-in on the calling thread (`start`, with its own deadline), then gives
    /// it a thread. `results` is called there, once per batch delivered.
    ///
    /// What `start` writes to the state is part of the first finished batch's delta.
    ///
    /// # Errors
    /// The fault of `start`: [`Fault::Settings`] where the settings are wrong.
    #[allow(
        clippy::too_many_arguments,
        reason = "everything a plug-in gets of the world, named one by one"
    )]
    pub fn start(
        loaded: &Loaded,
        spec: &PluginSpec,
        generation: Generation,
        state: State,
        clock: Clock,
        history: Arc<dyn History>,
        results: impl Fn(BatchResult) + Send + 'static,
    ) -> Result<Self, Fault> {
        let lines = Lines::default();
        let name: Text = spec.id.as_str().into();
        let guest = Guest::new(
            name.clone(),
            Shelf::new(state, spec.state_bytes),
            Journal::new(name, lines.clone()),
            MemoryCap::new(spec.memory_bytes),
            Some(Reader::new(history, &loaded.manifest, spec)),
        );
        let mut worker = Worker {
            loaded: loaded.clone(),
            settings: spec.settings.as_str().to_owned(),
            deadline: spec.deadline.duration(),
            seat: Some(Seat::Cold(Box::new(guest))),
        };
        worker.warm(clock)?;
        let (batches, inbox) = bounded(1);
        let thread = std::thread::Builder::new()
            .name(format!("plugin-{}", spec.id))
            .stack_size(STACK_BYTES)
            .spawn(move || worker.run(&inbox, results))
            .map_err(|e| Trouble::host(format!("no thread for it: {e}")))?;
        Ok(Self {
            plugin: spec.id.clone(),
            generation,
            batches,
            lines,
            thread,
        })
    }

    /// Which plug-in.
    pub fn plugin(&self) -> &PluginId {
        &self.plugin
    }

    /// Which of its generations.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Hands over a batch. Never blocks.
    ///
    /// # Errors
    /// The batch, where the one before has not been taken up or the thread has ended.
    pub fn deliver(&self, batch: Batch) -> Result<(), NotTaken> {
        self.batches.try_send(batch).map_err(|e| match e {
            TrySendError::Full(batch) => NotTaken::Busy(Box::new(batch)),
            TrySendError::Disconnected(batch) => NotTaken::Ended(Box::new(batch)),
        })
    }

    /// The newest lines of its log, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.newest()
    }

    /// Lets it end after the batch it is at, waits for that, and gives back its state as
    /// the results told it: what a successor starts from. None where the host itself failed.
    pub fn end(self) -> Option<State> {
        drop(self.batches);
        self.thread.join().ok().flatten()
    }
}

/// What the thread owns.
struct Worker {
    loaded: Loaded,
    settings: String,
    deadline: Duration,
    /// None only while it changes, or after the host itself failed in between.
    seat: Option<Seat>,
}

/// Where the plug-in's own things are.
enum Seat {
    /// In an instance that is ready for a batch.
    Warm(Box<Instance>),
    /// Nowhere: the last call did not end well.
    Cold(Box<Guest>),
}

impl Seat {
    fn into_guest(self) -> Box<Guest> {
        match self {
            Self::Warm(instance) => Box::new(instance.close()),
            Self::Cold(guest) => guest,
        }
    }
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Batch>, results: impl Fn(BatchResult)) -> Option<State> {
        while let Ok(batch) = inbox.recv() {
            let start = Instant::now();
            let outcome = self.handle_or_fault(&batch);
            results(BatchResult {
                plugin: batch.plugin,
                generation: batch.generation,
                last: batch.last,
                outcome,
                elapsed: start.elapsed().into(),
                memory_bytes: self.memory_bytes(),
            });
        }
        self.seat.map(|seat| seat.into_guest().shelf.into_kept())
    }

    /// A bug of the host's own is one plug-in's fault, not the end of the room.
    fn handle_or_fault(&mut self, batch: &Batch) -> Result<Handled, Fault> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.handle(batch)))
            .unwrap_or_else(|_| Err(Trouble::host("a panic while it ran").into()));
        if outcome.is_err() {
            self.cool();
        }
        outcome
    }

    fn handle(&mut self, batch: &Batch) -> Result<Handled, Fault> {
        let deadline = self.deadline;
        let instance = self.warm(batch.clock)?;
        let effects = instance.handle(batch, deadline)?;
        Ok(Handled {
            effects,
            state: instance.guest().shelf.keep_batch(),
        })
    }

    /// The instance; a new, started one where there is none.
    fn warm(&mut self, clock: Clock) -> Result<&mut Instance, Fault> {
        if let Some(Seat::Cold(guest)) = self.seat.take_if(|seat| matches!(seat, Seat::Cold(_))) {
            self.seat = Some(
                match Instance::open(&self.loaded.engine, &self.loaded.ready, *guest) {
                    Ok(instance) => Seat::Warm(Box::new(instance)),
                    Err(failed) => {
                        self.seat = Some(Seat::Cold(Box::new(failed.0)));
                        return Err(failed.1.into());
                    }
                },
            );
            self.start(clock).inspect_err(|_| self.cool())?;
        }
        match &mut self.seat {
            Some(Seat::Warm(instance)) => Ok(instance),
            _ => Err(Trouble::host("its state was lost in a failure before").into()),
        }
    }

    fn start(&mut self, clock: Clock) -> Result<(), Fault> {
        if let Some(Seat::Warm(instance)) = &mut self.seat {
            instance.start(&self.settings, clock)?;
            instance.guest().shelf.keep_start();
        }
        Ok(())
    }

    /// Drops the instance, and with it all that did not happen.
    fn cool(&mut self) {
        self.seat = self.seat.take().map(|seat| {
            let mut guest = seat.into_guest();
            guest.shelf.drop_call();
            Seat::Cold(guest)
        });
    }

    fn memory_bytes(&self) -> u64 {
        match &self.seat {
            Some(Seat::Warm(instance)) => instance.memory_bytes(),
            _ => 0,
        }
    }
}
