//! Arrows: which crate may know which, and who may carry what weight.
//!
//! ```text
//! climate ← model ← pipeline, gate ← flow ┐
//!           model ← storage, runtime,     ├← growbox ← tests
//!             drivers, outbound, api ─────┘
//! climate, macros ← sdk ← plugins, test guests
//! ```

use anyhow::{Context, Result};

use crate::{place, run};

/// What a crate may know of the workspace.
enum May {
    /// These and no others.
    Know(&'static [&'static str]),
    /// Everything: it puts the whole together, or looks at it from outside.
    KnowAll,
}

/// What stands outside the workspace's packages by name: handlers know the SDK alone.
const HANDLERS: &[&str] = &["plugins/", "tests/guests/"];
const OF_HANDLERS: May = May::Know(&["growbox-sdk", "growbox-climate"]);

/// Every package that is not a handler, and what it may know.
const ROOMS: &[(&str, May)] = &[
    ("growbox-climate", May::Know(&[])),
    ("growbox-model", May::Know(&["growbox-climate"])),
    (
        "growbox-pipeline",
        May::Know(&["growbox-climate", "growbox-model"]),
    ),
    (
        "growbox-gate",
        May::Know(&["growbox-climate", "growbox-model"]),
    ),
    (
        "growbox-flow",
        May::Know(&[
            "growbox-climate",
            "growbox-model",
            "growbox-pipeline",
            "growbox-gate",
        ]),
    ),
    ("growbox-storage", May::Know(&["growbox-model"])),
    ("growbox-runtime", May::Know(&["growbox-model"])),
    (
        "growbox-drivers",
        May::Know(&["growbox-climate", "growbox-model"]),
    ),
    ("growbox-outbound", May::Know(&["growbox-model"])),
    ("growbox-api", May::Know(&["growbox-model"])),
    (
        "growbox",
        May::Know(&[
            "growbox-climate",
            "growbox-model",
            "growbox-pipeline",
            "growbox-gate",
            "growbox-flow",
            "growbox-storage",
            "growbox-runtime",
            "growbox-drivers",
            "growbox-outbound",
            "growbox-api",
        ]),
    ),
    ("growbox-tests", May::KnowAll),
    ("growbox-bench", May::KnowAll),
    ("growbox-sdk-macros", May::Know(&[])),
    (
        "growbox-sdk",
        May::Know(&["growbox-climate", "growbox-sdk-macros"]),
    ),
    ("xtask", May::Know(&[])),
];

/// Pure packages: what they decide is a function of what they are given.
const PURE: &[&str] = &[
    "growbox-climate",
    "growbox-model",
    "growbox-pipeline",
    "growbox-gate",
    "growbox-flow",
    "growbox-sdk",
];

/// What no pure package may reach, by whatever way.
const WORLDLY: &[&str] = &[
    "tokio",
    "axum",
    "ureq",
    "lettre",
    "rusqlite",
    "libsqlite3-sys",
    "wasmtime",
    "notify",
    "rustix",
];

/// What is heavy or dangerous, and the packages that may name it.
const WEIGHTS: &[(&str, &[&str])] = &[
    ("wasmtime", &["growbox-runtime"]),
    ("rusqlite", &["growbox-storage", "growbox-tests"]),
    ("axum", &["growbox-api"]),
    ("lettre", &["growbox-outbound"]),
    ("tokio", &["growbox-api", "growbox", "growbox-drivers"]),
    (
        "rumqttc",
        &["growbox-drivers", "growbox-tests", "growbox-bench"],
    ),
    ("notify", &["growbox"]),
];

/// One package of the workspace, as cargo sees it.
#[derive(Debug, Default)]
pub(super) struct Crate {
    name: String,
    /// Its folder, from the root.
    folder: String,
    /// What its manifest names, for its tests too.
    named: Vec<String>,
    /// What it reaches when it runs, through others too.
    reached: Vec<String>,
}

/// Asks cargo for all packages and what they depend on.
pub(super) fn crates() -> Result<Vec<Crate>> {
    let named = tree("normal,build,dev", "1")?;
    let reached = tree("normal,build", "99")?;
    Ok(named
        .into_iter()
        .map(|mut each| {
            let full = reached.iter().find(|other| other.name == each.name);
            each.reached = full.map(|full| full.named.clone()).unwrap_or_default();
            each
        })
        .collect())
}

fn tree(edges: &str, depth: &str) -> Result<Vec<Crate>> {
    let text = run::asked(run::cargo().args([
        "tree",
        "--workspace",
        "--prefix",
        "depth",
        "--no-dedupe",
        "--edges",
        edges,
        "--depth",
        depth,
    ]))
    .context("`cargo tree --workspace` fails: run it by hand to see why")?;
    Ok(read_tree(&text, &place::root().to_string_lossy()))
}

/// `0growbox-api v0.1.0 (PATH)` opens a package, `1axum v0.8.9` is one it reaches.
fn read_tree(text: &str, root: &str) -> Vec<Crate> {
    let mut crates: Vec<Crate> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let entry = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let top = line.strip_suffix(entry) == Some("0");
        let name = entry.split(' ').next().unwrap_or_default().to_owned();
        match crates.last_mut() {
            Some(last) if !top => last.named.push(name),
            _ => crates.push(Crate {
                name,
                folder: folder(entry, root),
                ..Crate::default()
            }),
        }
    }
    crates
}

fn folder(entry: &str, root: &str) -> String {
    let place = entry
        .split('(')
        .filter_map(|part| part.split_once(')'))
        .find_map(|(path, _)| path.strip_prefix(root));
    place.unwrap_or_default().trim_start_matches('/').to_owned()
}

/// What is wrong with the arrows.
pub(super) fn findings(crates: &[Crate]) -> Vec<String> {
    let ours: Vec<&str> = crates.iter().map(|each| each.name.as_str()).collect();
    let mut findings = Vec::new();
    for each in crates {
        let name = &each.name;
        match may(each) {
            None => findings.push(format!(
                "{}/Cargo.toml: {name} has no place among the arrows: give it one in xtask/src/tidy/arrows.rs",
                each.folder
            )),
            Some(May::KnowAll) => {}
            Some(May::Know(allowed)) => findings.extend(
                each.named
                    .iter()
                    .filter(|known| ours.contains(&known.as_str()))
                    .filter(|known| !allowed.contains(&known.as_str()))
                    .map(|known| format!("{}/Cargo.toml: {name} may not know {known}", each.folder)),
            ),
        }
        findings.extend(too_heavy(each));
    }
    findings
}

fn may(each: &Crate) -> Option<&'static May> {
    if HANDLERS.iter().any(|room| each.folder.starts_with(room)) {
        return Some(&OF_HANDLERS);
    }
    ROOMS
        .iter()
        .find(|(name, _)| *name == each.name)
        .map(|(_, may)| may)
}

fn too_heavy(each: &Crate) -> Vec<String> {
    let (name, folder) = (&each.name, &each.folder);
    let pure =
        PURE.contains(&name.as_str()) || HANDLERS.iter().any(|room| folder.starts_with(room));
    let mut worldly: Vec<&str> = WORLDLY
        .iter()
        .copied()
        .filter(|dependency| pure && each.reached.iter().any(|reached| reached == dependency))
        .collect();
    worldly.dedup();
    let reached = worldly
        .into_iter()
        .map(|dependency| format!("{folder}/Cargo.toml: {name} is pure and reaches {dependency}"));
    let named = WEIGHTS
        .iter()
        .filter(|(dependency, carriers)| {
            each.named.iter().any(|named| named == dependency) && !carriers.contains(&name.as_str())
        })
        .map(|(dependency, carriers)| {
            let carriers = carriers.join(", ");
            format!("{folder}/Cargo.toml: {name} names {dependency}, which is for {carriers}")
        });
    reached.chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0growbox-runtime v0.1.0 (/src/host/runtime)
1growbox-model v0.1.0 (/src/host/model)
1growbox-storage v0.1.0 (/src/host/storage)
1wasmtime v48.0.8

0growbox-model v0.1.0 (/src/host/model)

0growbox-storage v0.1.0 (/src/host/storage)

0growbox-sdk-macros v0.1.0 (proc-macro) (/src/sdk/rust/macros)

0leafy v0.1.0 (/src/plugins/leafy)
1growbox-model v0.1.0 (/src/host/model)
";

    #[test]
    fn cargo_s_tree_is_read() {
        let crates = read_tree(TREE, "/src");
        assert_eq!(crates.len(), 5);
        assert_eq!(crates[0].folder, "host/runtime");
        assert_eq!(
            crates[0].named,
            ["growbox-model", "growbox-storage", "wasmtime"]
        );
        assert_eq!(crates[3].folder, "sdk/rust/macros");
    }

    #[test]
    fn arrows_that_are_not_agreed_are_found() {
        assert_eq!(
            findings(&read_tree(TREE, "/src")),
            [
                "host/runtime/Cargo.toml: growbox-runtime may not know growbox-storage",
                "plugins/leafy/Cargo.toml: leafy may not know growbox-model",
            ]
        );
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let found = findings(&read_tree("0cellar v0.1.0 (/src/host/cellar)\n", "/src"));
        assert!(found[0].contains("no place among the arrows"), "{found:?}");
    }

    #[test]
    fn weight_is_found_however_it_comes() {
        let gate = Crate {
            name: "growbox-gate".into(),
            folder: "host/gate".into(),
            reached: vec!["serde".into(), "tokio".into()],
            ..Crate::default()
        };
        assert_eq!(
            findings(&[gate]),
            ["host/gate/Cargo.toml: growbox-gate is pure and reaches tokio"]
        );
        let api = Crate {
            name: "growbox-api".into(),
            folder: "host/api".into(),
            named: vec!["rusqlite".into()],
            ..Crate::default()
        };
        assert_eq!(findings(&[api]).len(), 1);
    }

    #[test]
    fn every_room_is_asked_about() {
        let names: Vec<String> = crates()
            .unwrap()
            .into_iter()
            .map(|each| each.name)
            .collect();
        for (room, _) in ROOMS {
            assert!(
                names.iter().any(|name| name == room),
                "{room} is no package"
            );
        }
    }
}
