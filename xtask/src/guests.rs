//! `cargo xtask guests`: every plug-in becomes a component in `target/guests/NAME.wasm`.
//!
//! NAME is the folder's: `plugins/vpd-control` becomes `vpd-control.wasm`. A file is touched
//! only when its bytes change, so that a host that embeds it is not built again for nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{place, run};

const TRIPLE: &str = "wasm32-unknown-unknown";

/// Which guests are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those the host embeds: all of `plugins/`.
    FirstParty,
    /// The test guests too.
    All,
}

/// One guest: its package and the name of its component.
#[derive(Debug, PartialEq, Eq)]
struct Guest {
    package: String,
    name: String,
}

/// The command.
pub(crate) fn run(words: &[String]) -> Result<ExitCode> {
    crate::nothing_but(words, &["--first-party"])?;
    build(if words.is_empty() {
        Which::All
    } else {
        Which::FirstParty
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the guests and puts their components where host and tests look for them.
pub(crate) fn build(which: Which) -> Result<()> {
    add_target()?;
    let guests = find(which)?;
    let mut cargo = run::cargo();
    cargo.args(["build", "--profile", "guest", "--target", TRIPLE]);
    for guest in &guests {
        cargo.args(["-p", &guest.package]);
    }
    run::must(&mut cargo)?;
    let to = place::guests();
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for guest in &guests {
        let built = format!("{}.wasm", guest.package.replace('-', "_"));
        let from = place::target().join(TRIPLE).join("guest").join(built);
        copy_if_changed(&from, &to.join(format!("{}.wasm", guest.name)))?;
    }
    Ok(())
}

/// Every folder of `plugins/`, and of `tests/guests/` where all are wanted, by name.
fn find(which: Which) -> Result<Vec<Guest>> {
    let folders: &[&str] = match which {
        Which::FirstParty => &["plugins"],
        Which::All => &["plugins", "tests/guests"],
    };
    let mut guests = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(place::root().join(folder))? {
            let path = entry?.path();
            let manifest = path.join("Cargo.toml");
            if !manifest.exists() {
                continue;
            }
            let text = fs::read_to_string(&manifest)?;
            let package = package_name(&text)
                .with_context(|| format!("{} names no package", manifest.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            guests.push(Guest {
                package: package.to_owned(),
                name: name.into_owned(),
            });
        }
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(two) = guests.windows(2).find(|two| two[0].name == two[1].name) {
        bail!("two guests are called {:?}: rename one folder", two[0].name);
    }
    Ok(guests)
}

/// The first `name = "…"` of a manifest, which is the package's.
fn package_name(manifest: &str) -> Option<&str> {
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Adds the wasm target to the toolchain where it is missing.
fn add_target() -> Result<()> {
    if has_target() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TRIPLE])
        .current_dir(place::root());
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!(
            "`rustup target add {TRIPLE}` ended with {status}: is there a network? \
             Then run it by hand and come again"
        ),
        Err(error) => bail!(
            "this toolchain cannot build for {TRIPLE}, and rustup does not start ({error}): \
             install rustup (https://rustup.rs), or add that target to your toolchain in its own way"
        ),
    }
}

/// Whether the compiler has a standard library for the target.
fn has_target() -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TRIPLE])
        .current_dir(place::root());
    run::asked(&mut rustc).is_some_and(|dir| Path::new(dir.trim()).is_dir())
}

/// Copies a file unless the copy is equal already.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| {
        format!(
            "{} is missing: is the guest's crate-type \"cdylib\"?",
            from.display()
        )
    })?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_found_by_folder_and_named_by_it() {
        let all = find(Which::All).unwrap();
        let has = |package: &str, name: &str| {
            all.contains(&Guest {
                package: package.into(),
                name: name.into(),
            })
        };
        assert!(has("vpd-control", "vpd-control") && has("guest-counting", "counting"));
        let first = find(Which::FirstParty).unwrap();
        assert!(first.iter().all(|guest| all.contains(guest)));
        assert!(first.iter().all(|guest| guest.name != "counting"));
    }

    #[test]
    fn an_equal_file_is_left_untouched() {
        let dir = place::target().join("xtask-copy-test");
        fs::create_dir_all(&dir).unwrap();
        let (from, to) = (dir.join("from"), dir.join("to"));
        fs::write(&from, "one").unwrap();
        fs::write(&to, "one").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let copy = fs::File::options().write(true).open(&to).unwrap();
        copy.set_modified(long_ago).unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), long_ago);
        fs::write(&from, "two").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
    }
}
