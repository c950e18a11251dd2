//! The supervisor: loads plug-ins, puts generations in each other's place, and keeps the old one when the new one fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use growbox_flow::{Candidate, Exchanged, Input};
use growbox_model::row::PluginRow;
use growbox_model::{Batch, Clock, Generation, PluginId, PluginSpec, RoomSpec, Text};
use growbox_runtime::{Actor, Compiler, Loaded, Loader};
use growbox_storage::{Log, Reader, State};
use serde_json::{Map, Value, json};

use super::data::DataDirectory;
use super::embedded;
use super::heart::Message;
use super::watch::Watch;

/// A file that is being written is looked at when it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(250);
/// A larger file is no plug-in.
const COMPONENT_BYTES: u64 = growbox_runtime::limits::COMPONENT_BYTES;
/// Tasks that may wait.
const TASKS: usize = 256;
/// The hidden subcommand that compiles a component in a child process.
pub const COMPILE: &str = "compile-component";

/// What the supervisor is told.
#[derive(Debug)]
pub(crate) enum Task {
    /// The plug-in is idle: its candidate takes over as this generation.
    Exchange(PluginId, Generation, Clock),
    /// Its file has changed.
    FileChanged(PluginId),
    /// These are configured from now on; the flow has taken it over.
    Configured(BTreeMap<PluginId, PluginSpec>),
}

/// The running actors.
#[derive(Default)]
pub(super) struct Actors(Mutex<BTreeMap<PluginId, Actor>>);

impl Actors {
    fn running(&self) -> MutexGuard<'_, BTreeMap<PluginId, Actor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deliver(&self, batch: Batch) -> Result<(), String> {
        match self.running().get(&batch.plugin) {
            Some(actor) => actor.deliver(batch).map_err(|error| error.to_string()),
            None => Err("it is not running".into()),
        }
    }
}

/// What is known of each plug-in beside the flow: for inspection, and for those that did not load.
#[derive(Default)]
pub(super) struct Ledger {
    pages: Mutex<BTreeMap<PluginId, Page>>,
}

#[derive(Clone)]
struct Page {
    spec: PluginSpec,
    loaded: Option<Loaded>,
    /// Why it does not run at all.
    refused: Option<String>,
}

impl Ledger {
    fn pages(&self) -> MutexGuard<'_, BTreeMap<PluginId, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &PluginId) {
        self.pages().remove(id);
    }

    /// Rows of configured plug-ins the flow has never seen.
    pub(super) fn refused(&self) -> Vec<PluginRow> {
        let row = |page: &Page| {
            Some(PluginRow {
                id: page.spec.id.clone(),
                version: "".into(),
                state: "refused".into(),
                generation: None,
                behind: 0,
                strikes: 0,
                memory_bytes: 0,
                controls: page.spec.grant.control.clone(),
                why: Some(page.refused.as_deref()?.into()),
            })
        };
        self.pages()
            .values()
            .filter(|page| page.loaded.is_none())
            .filter_map(row)
            .collect()
    }

    pub(super) fn inspect(&self, id: &str) -> Map<String, Value> {
        let mut shown = Map::new();
        let pages = self.pages();
        let Some(page) = pages.get(id) else {
            return shown;
        };
        shown.insert("grant".into(), json!(page.spec.grant));
        shown.insert("deny".into(), json!(page.spec.deny));
        if let Some(loaded) = &page.loaded {
            shown.insert("manifest".into(), json!(loaded.manifest));
            shown.insert("digest".into(), json!(loaded.digest));
            shown.insert("size_bytes".into(), json!(loaded.size));
            shown.insert("imports".into(), json!(loaded.imports));
        }
        shown
    }
}

/// A plug-in that runs: what to go back to.
struct Running {
    loaded: Loaded,
    spec: PluginSpec,
    generation: Generation,
}

/// One thread for everything that loads, starts and replaces plug-ins.
pub(super) struct Supervisor {
    loader: Loader,
    specs: BTreeMap<PluginId, PluginSpec>,
    /// Those the flow knows of and has not exchanged yet.
    candidates: BTreeMap<PluginId, (PluginSpec, Loaded)>,
    /// Those that changed again meanwhile.
    again: BTreeSet<PluginId>,
    /// Those whose newest file or settings were refused.
    refused: BTreeSet<PluginId>,
    running: BTreeMap<PluginId, Running>,
    watch: Watch,
    reader: Reader,
    actors: Arc<Actors>,
    ledger: Arc<Ledger>,
    inbox: Sender<Message>,
    tasks: (Sender<Task>, Receiver<Task>),
}

impl Supervisor {
    pub(super) fn new(
        room: &RoomSpec,
        data: &DataDirectory,
        log: &Log,
        inbox: Sender<Message>,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let compiler = Compiler::Child {
            program,
            args: vec![COMPILE.into()],
        };
        let mut specs = room.plugins.clone();
        specs.retain(|_, spec| spec.enabled);
        Ok(Self {
            loader: Loader::caching(&data.cache(), compiler)?,
            specs,
            candidates: BTreeMap::new(),
            again: BTreeSet::new(),
            refused: BTreeSet::new(),
            running: BTreeMap::new(),
            watch: Watch::default(),
            reader: log.reader(),
            actors: Arc::default(),
            ledger: Arc::default(),
            inbox,
            tasks: bounded(TASKS),
        })
    }

    pub(super) fn tasks(&self) -> Sender<Task> {
        self.tasks.0.clone()
    }

    pub(super) fn actors(&self) -> Arc<Actors> {
        self.actors.clone()
    }

    pub(super) fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// Loads every plug-in and then waits for tasks. The receiver hears when all have taken their place, or been refused.
    pub(super) fn start(mut self) -> anyhow::Result<Receiver<()>> {
        self.watch = self.watch_files()?;
        let (tell, told) = bounded(1);
        std::thread::Builder::new()
            .name("plugins".into())
            .spawn(move || {
                self.load_all();
                // Who waited may have given up.
                let _ = tell.send(());
                self.work();
            })?;
        Ok(told)
    }

    fn load_all(&mut self) {
        let ids: Vec<PluginId> = self.specs.keys().cloned().collect();
        let mut awaited: BTreeSet<PluginId> = ids.into_iter().filter(|id| self.load(id)).collect();
        while !awaited.is_empty() {
            match self.tasks.1.recv() {
                Ok(Task::Exchange(id, generation, clock)) => {
                    awaited.remove(&id);
                    self.exchange(&id, generation, clock);
                }
                // Configurations are followed only once the room is open.
                Ok(Task::FileChanged(_) | Task::Configured(_)) => {}
                Err(_) => return,
            }
        }
    }

    fn work(&mut self) {
        let mut changed: BTreeMap<PluginId, Instant> = BTreeMap::new();
        loop {
            match self.tasks.1.recv_timeout(QUIET) {
                Ok(Task::Exchange(id, generation, clock)) => self.exchange(&id, generation, clock),
                Ok(Task::FileChanged(id)) => {
                    changed.insert(id, Instant::now());
                }
                Ok(Task::Configured(specs)) => self.configure(specs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let quiet: Vec<PluginId> = changed
                .iter()
                .filter(|(_, when)| when.elapsed() >= QUIET)
                .map(|(id, _)| id.clone())
                .collect();
            for id in quiet {
                changed.remove(&id);
                self.load(&id);
            }
        }
    }

    /// Loads and checks a plug-in; true when it is now a candidate.
    fn load(&mut self, id: &PluginId) -> bool {
        let Some(spec) = self.specs.get(id).cloned() else {
            return false;
        };
        if self.candidates.contains_key(id) {
            self.again.insert(id.clone());
            return false;
        }
        match self.read(&spec) {
            Ok(loaded) => {
                let same = self.running.get(id).is_some_and(|running| {
                    running.loaded.digest == loaded.digest && running.spec == spec
                });
                let news = !same || self.refused.contains(id);
                if news {
                    self.propose(spec, loaded);
                }
                news
            }
            Err(reason) => {
                self.refuse(id, reason);
                self.restrict(id);
                false
            }
        }
    }

    /// What was refused leaves the old code and settings running, but under the new grants.
    fn restrict(&mut self, id: &PluginId) {
        let Some((running, spec)) = self.running.get(id).zip(self.specs.get(id)) else {
            return;
        };
        let old = under_grants_of(&running.spec, spec);
        if old != running.spec {
            let loaded = running.loaded.clone();
            self.propose(old, loaded);
        }
    }

    /// Another configuration: who is named no more ends, whoever is new or changed is loaded.
    fn configure(&mut self, mut specs: BTreeMap<PluginId, PluginSpec>) {
        specs.retain(|_, spec| spec.enabled);
        let before = std::mem::replace(&mut self.specs, specs);
        for id in before.keys().filter(|id| !self.specs.contains_key(*id)) {
            let actor = self.actors.running().remove(id);
            // What it has not handed over is handled again when it comes back.
            drop(actor.map(Actor::end));
            self.running.remove(id);
            self.candidates.remove(id);
            self.again.remove(id);
            self.refused.remove(id);
            self.ledger.forget(id);
        }
        match self.watch_files() {
            Ok(watch) => self.watch = watch,
            Err(error) => tracing::error!("plug-in files are not watched: {error:#}"),
        }
        let changed: Vec<PluginId> = self
            .specs
            .iter()
            .filter(|(id, spec)| before.get(*id) != Some(spec))
            .map(|(id, _)| id.clone())
            .collect();
        for id in changed {
            self.load(&id);
        }
    }

    fn watch_files(&self) -> anyhow::Result<Watch> {
        let tasks = self.tasks.0.clone();
        Watch::over(watched(&self.specs), move |id| {
            // A supervisor that is gone means that the host is ending.
            let _ = tasks.send(Task::FileChanged(id.clone()));
        })
    }

    fn read(&self, spec: &PluginSpec) -> Result<Loaded, String> {
        let code = match &spec.file {
            Some(file) => read_bounded(file)?.into(),
            None => std::borrow::Cow::Borrowed(
                embedded::component(spec.id.as_str()).ok_or_else(|| no_file(spec))?,
            ),
        };
        let loaded = self.loader.load_as(&code, spec);
        loaded.map_err(|error| format!("{error}; {}", error.advice()))
    }

    fn propose(&mut self, spec: PluginSpec, loaded: Loaded) {
        let candidate = Candidate {
            manifest: loaded.manifest.clone(),
            digest: digest_of(&loaded, &spec),
            spec,
        };
        let id = candidate.spec.id.clone();
        let waiting = (candidate.spec.clone(), loaded);
        self.candidates.insert(id, waiting);
        self.tell(Input::Candidate(Box::new(candidate)));
    }

    fn refuse(&mut self, id: &PluginId, reason: String) {
        self.refused.insert(id.clone());
        tracing::warn!(plugin = %id, "refused: {reason}");
        if let Some(spec) = self
            .specs
            .get(id)
            .filter(|_| !self.running.contains_key(id))
        {
            let page = Page {
                spec: spec.clone(),
                loaded: None,
                refused: Some(reason.clone()),
            };
            self.ledger.pages().insert(id.clone(), page);
        }
        self.tell(Input::Refused {
            plugin: id.clone(),
            reason,
        });
    }

    /// Between two batches: the old actor ends, the new one starts on its state; if that fails the old one goes on.
    fn exchange(&mut self, id: &PluginId, generation: Generation, clock: Clock) {
        let Some((spec, loaded)) = self.candidates.remove(id) else {
            return;
        };
        let old = self.actors.running().remove(id);
        let state = match old {
            Some(actor) => actor.end().unwrap_or_else(|| self.stored_state(id)),
            None => self.stored_state(id),
        };
        let outcome = match self.start_actor(&loaded, &spec, generation, state.clone(), clock) {
            Ok(()) => {
                let page = Page {
                    spec: spec.clone(),
                    loaded: Some(loaded.clone()),
                    refused: None,
                };
                self.ledger.pages().insert(id.clone(), page);
                if self.specs.get(id) == Some(&spec) {
                    self.refused.remove(id);
                }
                self.running.insert(
                    id.clone(),
                    Running {
                        loaded,
                        spec,
                        generation,
                    },
                );
                Ok(Vec::new())
            }
            Err(why) => {
                self.refused.insert(id.clone());
                self.go_back(id, state, clock);
                Err(why)
            }
        };
        if let Err(reason) = &outcome {
            tracing::warn!(plugin = %id, "refused: {reason}");
        }
        self.tell(Input::Exchanged(Exchanged {
            plugin: id.clone(),
            outcome,
        }));
        if self.again.remove(id) {
            self.load(id);
        }
    }

    /// The old generation goes on, under the grants that hold now.
    fn go_back(&mut self, id: &PluginId, state: State, clock: Clock) {
        if let Some((old, spec)) = self.running.get_mut(id).zip(self.specs.get(id)) {
            old.spec = under_grants_of(&old.spec, spec);
        }
        let Some(old) = self.running.get(id) else {
            return;
        };
        if let Err(error) = self.start_actor(&old.loaded, &old.spec, old.generation, state, clock) {
            tracing::error!(plugin = %id, "the old generation does not start again: {error}");
        }
    }

    fn start_actor(
        &self,
        loaded: &Loaded,
        spec: &PluginSpec,
        generation: Generation,
        state: State,
        clock: Clock,
    ) -> Result<(), String> {
        let inbox = self.inbox.clone();
        let results = move |result| {
            // A heart that is gone means that the host is ending.
            let _ = inbox.send(Message::Input(Input::Handled(result)));
        };
        let history = Arc::new(self.reader.clone());
        let actor = Actor::start(loaded, spec, generation, state, clock, history, results)
            .map_err(|fault| format!("start: {fault}"))?;
        self.actors.running().insert(spec.id.clone(), actor);
        Ok(())
    }

    fn stored_state(&self, id: &PluginId) -> State {
        self.reader.newest_state(id).unwrap_or_else(|error| {
            tracing::error!(plugin = %id, %error, "its stored state cannot be read; it starts without");
            State::default()
        })
    }

    fn tell(&self, input: Input) {
        // A heart that is gone means that the host is ending.
        let _ = self.inbox.send(Message::Input(input));
    }
}

/// A file of a plug-in's size.
fn read_bounded(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", file.display());
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > COMPONENT_BYTES {
        return Err(format!(
            "{} has {size} bytes; a plug-in has at most {COMPONENT_BYTES}",
            file.display()
        ));
    }
    std::fs::read(file).map_err(unreadable)
}

fn no_file(spec: &PluginSpec) -> String {
    let known = embedded::ids();
    let embedded = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    format!(
        "[plugin.{}] names no file, and this build embeds {embedded}; file = \"PATH.wasm\" names one",
        spec.id
    )
}

/// Which code with which settings: together they make a generation.
fn digest_of(loaded: &Loaded, spec: &PluginSpec) -> Text {
    let settings = growbox_runtime::digest(spec.settings.as_str().as_bytes());
    format!("{} settings {settings}", loaded.digest).into()
}

/// A configuration with what another one grants and denies.
fn under_grants_of(spec: &PluginSpec, other: &PluginSpec) -> PluginSpec {
    PluginSpec {
        grant: other.grant.clone(),
        deny: other.deny.clone(),
        ..spec.clone()
    }
}

/// The files that are watched, by plug-in.
fn watched(specs: &BTreeMap<PluginId, PluginSpec>) -> Vec<(PathBuf, PluginId)> {
    let file = |spec: &PluginSpec| Some((spec.file.clone()?, spec.id.clone()));
    specs.values().filter_map(file).collect()
}
