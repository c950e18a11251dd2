//! Compiled code on disk: `SOURCE-ENGINE-CODE.cwasm`, three digests, in a directory of the host's own.
//!
//! Compiled code is run as it stands, so it is only ever loaded from a private directory,
//! and only when its own digest is still the one in its name. Anything else is compiled
//! again. Files appear whole, by renaming.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Files that are being written, told apart within one process.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// The directory of compiled code.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the directory, makes it where it is missing, and refuses one that others own.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let meta = fs::metadata(dir)?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it belongs to another user, who could plant code there",
            ));
        }
        if meta.mode() & 0o077 != 0 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// The compiled code of this source for this engine, where it is there and whole.
    pub(crate) fn find(&self, engine: &Engine, source: &str) -> Option<Component> {
        for path in self.entries(&prefix(engine, source)) {
            match load(engine, &path) {
                Ok(component) => return Some(component),
                Err(why) => {
                    tracing::warn!("compiled again: {}: {why}", path.display());
                    let _ = fs::remove_file(&path);
                }
            }
        }
        None
    }

    /// Lets `compile` turn `code` into a file, and takes that over.
    pub(crate) fn fill<E: From<io::Error>>(
        &self,
        engine: &Engine,
        source: &str,
        code: &[u8],
        compile: impl FnOnce(&Path, &Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let (input, output) = (self.draft("wasm"), self.draft("cwasm"));
        let drafts = Drafts([&input, &output]);
        io::Write::write_all(&mut crate::compile::private(&input)?, code)?;
        compile(&input, &output)?;
        let name = format!("{}{}.cwasm", prefix(engine, source), digest_of(&output)?);
        let path = self.dir.join(name);
        fs::set_permissions(&output, fs::Permissions::from_mode(0o600))?;
        fs::rename(&output, &path)?;
        drop(drafts);
        self.forget_others(source, &path);
        Ok(path)
    }

    /// Removes what other engines or earlier compilations made of the same source.
    fn forget_others(&self, source: &str, kept: &Path) {
        for path in self.entries(&format!("{source}-")) {
            if path != kept {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn entries(&self, prefix: &str) -> Vec<PathBuf> {
        let listed = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        listed
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path())
            .collect()
    }

    fn draft(&self, ending: &str) -> PathBuf {
        let n = DRAFTS.fetch_add(1, Ordering::Relaxed);
        self.dir
            .join(format!("draft-{}-{n}.{ending}", std::process::id()))
    }
}

/// Files that vanish when they were not taken over.
struct Drafts<'a>([&'a Path; 2]);

impl Drop for Drafts<'_> {
    fn drop(&mut self) {
        for path in self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Loads compiled code whose name tells its digest.
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Component, String> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let digest = digest_of(path).map_err(|e| e.to_string())?;
    if !name.ends_with(&format!("-{digest}")) {
        return Err("its content is not what was written".to_owned());
    }
    // SAFETY: the file lies in a directory that only this user may write to, was written
    // there by this host's own compiler, and has the digest it had then.
    #[allow(
        unsafe_code,
        reason = "the host's own compiled code, from its own private directory, checked against its digest"
    )]
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|e| format!("{e:#}"))
}

/// SHA-256 of some bytes, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 64 * 1024];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&block[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn prefix(engine: &Engine, source: &str) -> String {
    let mut hash = Fingerprint(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hash);
    format!("{source}-{:016x}-", hash.finish())
}

/// A hash that does not change with the standard library.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |n, byte| (n << 8) | u64::from(*byte))
    }
}
