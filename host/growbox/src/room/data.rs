//! The data directory: the log, the compiled code, and how clients find the host and prove themselves.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use growbox_model::Moment;

use crate::guardian::word::boot_id;

/// Bytes of a token before they are written as hexadecimal.
const TOKEN_BYTES: usize = 32;

/// The host's own directory. It may hold foreign files.
#[derive(Debug, Clone)]
pub struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Makes the directory where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| {
            format!(
                "cannot make the data directory {}; name another with --data DIR",
                path.display()
            )
        })?;
        Ok(Self(path.to_owned()))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where compiled code is kept.
    pub(super) fn cache(&self) -> PathBuf {
        self.0.join("compiled")
    }

    /// The token, made on first use; only its owner may read it.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        let path = self.0.join("token");
        match std::fs::read_to_string(&path) {
            Ok(token) if !token.trim().is_empty() => {
                std::fs::set_permissions(&path, Permissions::from_mode(0o600)).ok();
                Ok(token.trim().to_owned())
            }
            Ok(_) => self.make_token(&path),
            Err(error) if error.kind() == ErrorKind::NotFound => self.make_token(&path),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read the token {}", path.display()))
            }
        }
    }

    fn make_token(&self, path: &Path) -> anyhow::Result<String> {
        let mut bytes = [0u8; TOKEN_BYTES];
        let mut random = std::fs::File::open("/dev/urandom").context("no source of randomness")?;
        random.read_exact(&mut bytes).context("no randomness")?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.write(path, &token)?;
        Ok(token)
    }

    /// Whether the machine still runs as it did when this was asked last, and when the host ended
    /// cleanly since, machine clock.
    pub(super) fn boot(&self) -> anyhow::Result<(bool, Option<Moment>)> {
        let now = boot_id();
        let path = self.boot_file();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines = text.lines();
        let same = !now.is_empty() && lines.next() == Some(now.as_str());
        let ended = lines
            .next()
            .and_then(|nanoseconds| nanoseconds.parse().ok());
        if !same || ended.is_some() {
            self.write(&path, &now)?;
        }
        Ok((same, ended.filter(|_| same).map(Moment)))
    }

    /// The host has ended cleanly now.
    pub(super) fn note_end(&self, now: Moment) -> anyhow::Result<()> {
        let text = format!("{}\n{}\n", boot_id(), now.0);
        self.write(&self.boot_file(), &text)
    }

    fn boot_file(&self) -> PathBuf {
        self.0.join("boot")
    }

    /// Where the host listens, for clients; replaced whole.
    pub(super) fn write_address(&self, address: SocketAddr) -> anyhow::Result<()> {
        self.write(&self.0.join("address"), &address.to_string())
    }

    fn write(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let fresh = path.with_extension("new");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&fresh, path));
        written.with_context(|| {
            format!(
                "cannot write {}; is the data directory {} writable?",
                path.display(),
                self.0.display()
            )
        })
    }
}
