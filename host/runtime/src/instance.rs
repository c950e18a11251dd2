//! One instance of a component in a store of its own, and the calls it answers.
//!
//! After any call that does not end well the instance is of no more use: its memory may
//! hold half of what did not happen. [`Instance::close`] gives back what outlives it.

use std::time::Duration;

use growbox_model::{Batch, Clock, Effect, Fault, Manifest, Objection, Seq};
use wasmtime::{Error, Store, Trap};

use crate::blame::Trouble;
use crate::contract::{self, wit};
use crate::engine::Engine;
use crate::guest::Guest;
use crate::limits::{CALL_BYTES, START_CPU};
use crate::memory::bytes;
use crate::meter::Allowance;

/// A component that can be instantiated.
pub(crate) type Ready = wit::PluginPre<Guest>;

/// A running instance.
pub(crate) struct Instance {
    store: Store<Guest>,
    plugin: wit::Plugin,
    engine: Engine,
}

/// Why `describe` gave no manifest.
#[derive(Debug)]
pub(crate) enum Undescribed {
    Ended(Trouble),
    Refused(Objection),
}

const fn starting(call: &'static str) -> Allowance {
    Allowance {
        cpu: START_CPU,
        call,
    }
}

impl Instance {
    /// Instantiates; gives the guest back where that fails.
    pub(crate) fn open(
        engine: &Engine,
        ready: &Ready,
        mut guest: Guest,
    ) -> Result<Self, Box<(Guest, Trouble)>> {
        guest.memory.reset();
        let mut store = Store::new(&engine.wasm, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(CALL_BYTES);
        store.epoch_deadline_callback(|mut context| Ok(context.data_mut().tick()));
        let opened = call(engine, &mut store, starting("its start-up code"), |store| {
            ready.instantiate(store)
        });
        match opened {
            Ok(plugin) => Ok(Self {
                store,
                plugin,
                engine: engine.clone(),
            }),
            Err(trouble) => Err(Box::new((store.into_data(), trouble))),
        }
    }

    /// What outlives the instance.
    pub(crate) fn close(self) -> Guest {
        self.store.into_data()
    }

    pub(crate) fn guest(&mut self) -> &mut Guest {
        self.store.data_mut()
    }

    /// Linear memory, bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.store.data().memory.used()
    }

    /// What the plug-in says of itself.
    pub(crate) fn describe(&mut self) -> Result<Manifest, Undescribed> {
        let plugin = &self.plugin;
        let said = call(&self.engine, &mut self.store, starting("describe"), |s| {
            plugin.growbox_plugin_handler().call_describe(s)
        });
        let said = said.map_err(Undescribed::Ended)?;
        contract::manifest(said).map_err(Undescribed::Refused)
    }

    /// Hands over settings and clock.
    pub(crate) fn start(&mut self, settings: &str, clock: Clock) -> Result<(), Fault> {
        let plugin = &self.plugin;
        let clock = contract::clock(clock);
        let answer = call(&self.engine, &mut self.store, starting("start"), |s| {
            plugin
                .growbox_plugin_handler()
                .call_start(s, settings, clock)
        });
        answer?.map_err(|fault| contract::fault(fault, |_| false))
    }

    /// One batch.
    pub(crate) fn handle(&mut self, batch: &Batch, cpu: Duration) -> Result<Vec<Effect>, Fault> {
        let plugin = &self.plugin;
        let given = contract::batch(batch);
        self.store.data_mut().view = Some(batch.last);
        let allowance = Allowance {
            cpu,
            call: "handle",
        };
        let answer = call(&self.engine, &mut self.store, allowance, |s| {
            plugin.growbox_plugin_handler().call_handle(s, &given)
        });
        let in_batch = |seq: Seq| batch.events.iter().any(|event| event.seq == seq);
        let said = answer?.map_err(|fault| contract::fault(fault, in_batch))?;
        contract::effects(&self.store.data().name, said).map_err(|why| Trouble::guest(why).into())
    }
}

/// Runs the guest within its limits.
fn call<T>(
    engine: &Engine,
    store: &mut Store<Guest>,
    allowance: Allowance,
    run: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
) -> Result<T, Trouble> {
    store.set_epoch_deadline(1);
    store.data_mut().begin_call(allowance);
    let answer = {
        let _ticking = engine.running();
        run(store)
    };
    store.data_mut().end_call();
    answer.map_err(|error| trouble(&error, store.data()))
}

/// Why a call ended, in words, and whose fault it is.
fn trouble(error: &Error, guest: &Guest) -> Trouble {
    let call = guest.call();
    if let Some(limit) = guest.ended_by() {
        return Trouble::guest(limit);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Trouble::guest(match trap {
            Trap::UnreachableCodeReached => {
                format!("{call} trapped: it gave up (a panic, or unreachable code)")
            }
            Trap::StackOverflow => {
                format!("{call} trapped: it used up its stack (endless recursion?)")
            }
            other => format!("{call} trapped: {other}"),
        });
    }
    let cause = error.root_cause().to_string();
    if cause.contains("fuel") {
        return Trouble::guest(format!(
            "{call} handed over more than {} at once (result limit)",
            bytes(CALL_BYTES as u64)
        ));
    }
    if error.downcast_ref::<std::io::Error>().is_some() {
        return Trouble::host(format!("{call}: {cause}"));
    }
    Trouble::guest(format!("{call} broke the contract: {cause}"))
}
