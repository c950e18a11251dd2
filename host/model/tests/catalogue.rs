//! The catalogue in `wit/0.1.0/catalogue` is what this crate says: one schema a type, and the quantities.
//!
//! `GROWBOX_BLESS=1 cargo test -p growbox-model --test catalogue` writes it anew. A version that
//! has been released is never written again: a change needs a new folder.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use growbox_model::catalogue::{DOCUMENTS, reading_schema, schema};
use growbox_model::quantity::QUANTITIES;
use serde_json::{Value, json};

/// Where the frozen catalogue lies.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0/catalogue")
}

/// Each file's name, and what belongs into it.
fn said() -> BTreeMap<String, Value> {
    let mut files: BTreeMap<String, Value> = DOCUMENTS
        .iter()
        .map(|spec| (format!("{}.schema.json", spec.name), schema(spec)))
        .collect();
    files.insert("sensor.schema.json".into(), reading_schema());
    files.insert("quantities.json".into(), json!(QUANTITIES));
    files
}

fn written(folder: &Path) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(folder).expect("wit/0.1.0/catalogue is there");
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let value = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, value)
        })
        .collect()
}

fn write(folder: &Path, files: &BTreeMap<String, Value>) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (name, value) in files {
        let text = serde_json::to_string_pretty(value).unwrap() + "\n";
        fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn the_written_catalogue_is_the_one_in_force() {
    let (folder, said) = (folder(), said());
    if std::env::var_os("GROWBOX_BLESS").is_some() {
        write(&folder, &said);
    }
    let written = written(&folder);
    let names = |files: &BTreeMap<String, Value>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&written),
        names(&said),
        "other types than the model knows"
    );
    for (name, value) in &said {
        assert_eq!(
            &written[name], value,
            "wit/0.1.0/catalogue/{name} is not what the model says: a released version stays as it \
             is (make a new folder), an unreleased one is written anew with GROWBOX_BLESS=1"
        );
    }
}
