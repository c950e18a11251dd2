//! Where the binary, the guests and the examples are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The root of the checkout.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    let built = workspace().join("target/debug/growbox");
    let binary = std::env::var_os("GROWBOX_BIN").map_or(built, PathBuf::from);
    assert!(
        binary.is_file(),
        "{} is missing: `cargo xtask test` builds it, GROWBOX_BIN names another",
        binary.display()
    );
    binary
}

/// The component of a guest, by its folder's name: `counting`, `vpd-control`.
///
/// # Panics
/// Where nobody has built it.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    let folder = std::env::var_os("GROWBOX_GUESTS")
        .map_or_else(|| workspace().join("target/guests"), PathBuf::from);
    let file = folder.join(format!("{name}.wasm"));
    assert!(
        file.is_file(),
        "{} is missing: `cargo xtask guests` builds it",
        file.display()
    );
    std::path::absolute(&file).expect("a path of a file is not empty")
}

/// Compiled code that all rooms of this process share: each guest is compiled once.
pub fn shared_code() -> &'static Path {
    static CODE: OnceLock<TempDir> = OnceLock::new();
    CODE.get_or_init(|| TempDir::new().expect("the machine has room for temporary files"))
        .path()
}
