//! Where things are: the repository, its target directory, binaries and guests.

use std::path::{Path, PathBuf};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where the components lie that the host embeds and the tests load.
pub(crate) fn guests() -> PathBuf {
    target().join("guests")
}

/// A binary of a profile's folder, `debug` or `release`.
pub(crate) fn binary(profile: &str, name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    target().join(profile).join(file)
}
