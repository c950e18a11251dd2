//! From a file to a plug-in that can be started: audit, compile or find, link, describe.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use growbox_model::{Manifest, Objection, PluginId, PluginSpec, Span, Text};
use wasmtime::component::Component;

use crate::audit::{Objectionable, audit};
use crate::blame::{Blame, Trouble};
use crate::cache::{self, Cache};
use crate::compile::{Compiler, uncompiled};
use crate::contract::wit::PluginPre;
use crate::engine::Engine;
use crate::guest::Guest;
use crate::instance::{Instance, Ready, Undescribed};
use crate::journal::{Journal, Lines};
use crate::limits::COMPONENT_BYTES;
use crate::memory::MemoryCap;
use crate::shelf::Shelf;

/// Why a plug-in was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is no plug-in, or wants what no plug-in gets.
    #[error(transparent)]
    Refused(#[from] Objectionable),
    /// It could not be compiled.
    #[error("{what}")]
    Compile {
        /// Whose fault that is.
        blame: Blame,
        /// What went wrong.
        what: String,
    },
    /// The directory of compiled code, or the engine, does not work.
    #[error("{what}: {cause}")]
    Host {
        /// What does not work.
        what: String,
        /// Why.
        cause: String,
    },
    /// Its imports or exports have other types than the contract's.
    #[error("its types are not those of the contract: {0}")]
    Types(String),
    /// It did not describe itself.
    #[error("{what}")]
    Describe {
        /// Whose fault that is.
        blame: Blame,
        /// What went wrong.
        what: String,
    },
    /// What it says of itself is not in order.
    #[error("its manifest is not in order: {0}")]
    Manifest(Objection),
    /// It is another plug-in than the configuration says.
    #[error("it calls itself \"{found}\", the configuration calls it \"{expected}\"")]
    OtherId {
        /// The id of its manifest.
        found: PluginId,
        /// The id of the configuration.
        expected: PluginId,
    },
}

impl LoadError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unreadable { .. } | Self::Host { .. } | Self::OtherId { .. } => Blame::Host,
            Self::Compile { blame, .. } | Self::Describe { blame, .. } => *blame,
            Self::Refused(_) | Self::Types(_) | Self::Manifest(_) => Blame::Guest,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions".to_owned(),
            Self::Refused(objection) => objection.advice().to_owned(),
            Self::OtherId { found, .. } => {
                format!("name its table [plugin.{found}], or take the right file")
            }
            Self::Types(_) => "its author: build it against wit/0.1.0/plugin.wit".to_owned(),
            Self::Manifest(_) => "its author: correct what `describe` returns".to_owned(),
            Self::Compile { .. } | Self::Describe { .. } | Self::Host { .. } => {
                match self.blame() {
                    Blame::Guest => "its author: growbox plugin inspect FILE.wasm".to_owned(),
                    Blame::Host => {
                        "growbox doctor; the data directory must be growbox's own and writable"
                            .to_owned()
                    }
                }
            }
        }
    }
}

/// Where the compiled code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there already.
    Cached,
    /// It was compiled now, which took so long.
    Compiled(Span),
}

/// Turns components into plug-ins that can be started. One per host: all share its engine.
#[derive(Clone)]
pub struct Loader {
    engine: Engine,
    store: Option<(Cache, Compiler)>,
}

/// A plug-in that can be started: checked, compiled and described. Cheap to clone.
#[derive(Clone)]
pub struct Loaded {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its component, in hexadecimal.
    pub digest: Text,
    /// Size of its component, bytes.
    pub size: u64,
    /// What it imports.
    pub imports: Vec<String>,
    /// Where its compiled code came from.
    pub origin: Origin,
    pub(crate) engine: Engine,
    pub(crate) ready: Ready,
}

impl Loader {
    /// Compiles in this process and keeps nothing: for tests and for a look at one file.
    ///
    /// # Errors
    /// [`LoadError::Host`] where this machine cannot run WebAssembly.
    pub fn in_memory() -> Result<Self, LoadError> {
        Ok(Self {
            engine: Engine::new().map_err(|e| host("the engine does not start", &e))?,
            store: None,
        })
    }

    /// Keeps compiled code in `dir`, a directory of its own, and lets `compiler` make it.
    ///
    /// # Errors
    /// [`LoadError::Host`] where the directory cannot be used or the engine does not start.
    pub fn caching(dir: &Path, compiler: Compiler) -> Result<Self, LoadError> {
        let what = format!("the directory of compiled code {}", dir.display());
        let cache = Cache::open(dir).map_err(|e| host(&what, &e))?;
        Ok(Self {
            store: Some((cache, compiler)),
            ..Self::in_memory()?
        })
    }

    /// Loads a file; see [`Self::load`].
    ///
    /// # Errors
    /// What is wrong, whose fault it is and what to do next.
    pub fn load_file(&self, path: &Path, memory_bytes: u64) -> Result<Loaded, LoadError> {
        self.load(&read(path)?, memory_bytes)
    }

    /// Loads the component of a configured plug-in, which must call itself so.
    ///
    /// # Errors
    /// What is wrong, whose fault it is and what to do next.
    pub fn load_as(&self, code: &[u8], spec: &PluginSpec) -> Result<Loaded, LoadError> {
        let loaded = self.load(code, spec.memory_bytes)?;
        if loaded.manifest.id == spec.id {
            return Ok(loaded);
        }
        Err(LoadError::OtherId {
            found: loaded.manifest.id,
            expected: spec.id.clone(),
        })
    }

    /// Checks, compiles and describes a component; it may use `memory_bytes` meanwhile.
    ///
    /// # Errors
    /// What is wrong, whose fault it is and what to do next.
    pub fn load(&self, code: &[u8], memory_bytes: u64) -> Result<Loaded, LoadError> {
        let outside = audit(code)?;
        let digest = cache::digest(code);
        let (component, origin) = self.component(code, &digest)?;
        let linked = self.engine.linker.instantiate_pre(&component);
        let ready = linked
            .and_then(PluginPre::new)
            .map_err(|e| LoadError::Types(format!("{e:#}")))?;
        Ok(Loaded {
            manifest: describe(&self.engine, &ready, memory_bytes)?,
            digest: digest.into(),
            size: code.len() as u64,
            imports: outside.imports,
            origin,
            engine: self.engine.clone(),
            ready,
        })
    }

    fn component(&self, code: &[u8], digest: &str) -> Result<(Component, Origin), LoadError> {
        let engine = &self.engine.wasm;
        let start = Instant::now();
        let component = match &self.store {
            None => Component::new(engine, code)
                .map_err(|e| Trouble::guest(uncompiled(&format!("{e:#}"))))?,
            Some((cache, compiler)) => {
                if let Some(found) = cache.find(engine, digest) {
                    return Ok((found, Origin::Cached));
                }
                let path = cache.fill(engine, digest, code, |input, output| {
                    compiler.run(input, output).map_err(LoadError::from)
                })?;
                cache::load(engine, &path)
                    .map_err(|e| host("the code that was just compiled does not load", &e))?
            }
        };
        Ok((component, Origin::Compiled(start.elapsed().into())))
    }
}

impl From<std::io::Error> for LoadError {
    fn from(cause: std::io::Error) -> Self {
        host("compiled code cannot be kept", &cause)
    }
}

impl From<Trouble> for LoadError {
    fn from(trouble: Trouble) -> Self {
        Self::Compile {
            blame: trouble.blame,
            what: trouble.what,
        }
    }
}

fn host(what: &str, cause: &dyn std::fmt::Display) -> LoadError {
    LoadError::Host {
        what: what.to_owned(),
        cause: cause.to_string(),
    }
}

/// A file, but never more of it than a component may have.
fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |cause| LoadError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let mut code = Vec::new();
    File::open(path)
        .and_then(|file| file.take(COMPONENT_BYTES + 1).read_to_end(&mut code))
        .map_err(unreadable)?;
    Ok(code)
}

/// Asks a fresh instance, which is thrown away, what it is.
fn describe(engine: &Engine, ready: &Ready, memory_bytes: u64) -> Result<Manifest, LoadError> {
    let name: Text = "described".into();
    let guest = Guest::new(
        name.clone(),
        Shelf::default(),
        Journal::new(name, Lines::default()),
        MemoryCap::new(memory_bytes),
        None,
    );
    let ended = |trouble: Trouble| LoadError::Describe {
        blame: trouble.blame,
        what: trouble.what,
    };
    let mut instance = Instance::open(engine, ready, guest).map_err(|failed| ended(failed.1))?;
    instance.describe().map_err(|why| match why {
        Undescribed::Ended(trouble) => ended(trouble),
        Undescribed::Refused(objection) => LoadError::Manifest(objection),
    })
}
