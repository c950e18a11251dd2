//! The engine all plug-ins share, and the tick by which running calls are looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, InstanceAllocationStrategy};

use crate::contract::wit::Plugin;
use crate::guest::Guest;
use crate::limits::TICK;

/// Address space kept for one linear memory: enough for most guests to grow in place,
/// small enough for a board with a 32 bit address space or little of it.
const MEMORY_RESERVATION: u64 = 64 * 1024 * 1024;

/// The engine's configuration. Code compiled by another one is refused when it is loaded.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_guard_size(64 * 1024)
        .memory_reservation_for_growth(1024 * 1024)
        .guard_before_linear_memory(false);
    config
}

/// A bare engine, fit for compiling.
pub(crate) fn compiler() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config())
}

/// Engine, host functions and tick. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Arc<Linker<Guest>>,
    ticker: Arc<Ticker>,
}

impl Engine {
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let wasm = compiler()?;
        let mut linker = Linker::new(&wasm);
        Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
        Ok(Self {
            ticker: Arc::new(Ticker::start(wasm.clone())?),
            linker: Arc::new(linker),
            wasm,
        })
    }

    /// Lets the engine tick as long as the answer lives.
    pub(crate) fn running(&self) -> Running<'_> {
        self.ticker.shared.begin(&self.ticker.thread);
        Running(&self.ticker.shared)
    }
}

/// Advances the epoch while anything runs; sleeps otherwise.
struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    ended: AtomicBool,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let handle = thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || tick(&seen, &engine))?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

fn tick(shared: &Shared, engine: &wasmtime::Engine) {
    while !shared.ended.load(Ordering::Acquire) {
        if shared.running.load(Ordering::Acquire) == 0 {
            thread::park();
        } else {
            thread::sleep(TICK);
            engine.increment_epoch();
        }
    }
}

impl Shared {
    fn begin(&self, ticker: &Thread) {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            ticker.unpark();
        }
    }
}

/// Something runs.
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
