//! Embeds the first-party components, where they have been built.
//!
//! `GROWBOX_GUESTS` names their folder; by default it is `target/guests` of the workspace,
//! which `cargo xtask guests` fills.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FIRST_PARTY: [&str; 7] = [
    "alert-rules",
    "analytics",
    "irrigation",
    "notifier",
    "photoperiod",
    "sensor-watch",
    "vpd-control",
];

fn main() {
    println!("cargo:rerun-if-env-changed=GROWBOX_GUESTS");
    let folder = folder();
    let mut table = String::from("&[\n");
    let mut missing = Vec::new();
    for name in FIRST_PARTY {
        let file = folder.join(format!("{name}.wasm"));
        println!("cargo:rerun-if-changed={}", file.display());
        if file.exists() {
            let path = file.display().to_string();
            writeln!(table, "    ({name:?}, include_bytes!({path:?})),").expect("text takes text");
        } else {
            missing.push(name);
        }
    }
    table.push(']');
    if !missing.is_empty() {
        println!(
            "cargo:warning=not embedded, because not built: {}; cargo xtask guests builds them",
            missing.join(", ")
        );
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names it"));
    std::fs::write(out.join("guests.rs"), table).expect("the build directory is writable");
}

fn folder() -> PathBuf {
    match std::env::var_os("GROWBOX_GUESTS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    }
}
