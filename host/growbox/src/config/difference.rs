//! Two readings of a file, key by key: what it says otherwise now. Secrets are only told as changed.

use std::collections::{BTreeMap, BTreeSet};

use growbox_flow::ConfigChange;
use serde_json::{Map, Value};
use toml_edit::{Item, TableLike};

use super::plugins::json_of;
use super::section::path_of;
use super::text::{is_secret, without_url_users};

/// What is told of a secret's value.
const CHANGED: &str = "changed";

/// Every value that stands in a file, by its path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said(BTreeMap<String, Value>);

impl Said {
    /// All that a document says.
    pub(super) fn of(root: &dyn TableLike) -> Self {
        let mut said = Self::default();
        said.gather("", root);
        said
    }

    fn gather(&mut self, path: &str, table: &dyn TableLike) {
        for (key, item) in table.iter() {
            let path = path_of(path, key);
            match item.as_table_like() {
                Some(inner) if !inner.is_empty() => self.gather(&path, inner),
                _ => self.put(path, item),
            }
        }
    }

    fn put(&mut self, path: String, item: &Item) {
        self.0.insert(path, json_of(item));
    }
}

/// What `new` says otherwise than `old`, in the order of the paths.
pub fn changes(old: &Said, new: &Said) -> Vec<ConfigChange> {
    let paths: BTreeSet<&String> = old.0.keys().chain(new.0.keys()).collect();
    let differs = |path: &&&String| old.0.get(**path) != new.0.get(**path);
    let change = |path: &String| {
        let (section, parameter) = parted(path);
        let told = |said: &Said| {
            said.0
                .get(path)
                .map_or(Value::Null, |value| shown(path, value))
        };
        ConfigChange {
            section: section.to_owned(),
            parameter: parameter.to_owned(),
            old: told(old),
            new: told(new),
        }
    };
    paths
        .iter()
        .filter(differs)
        .map(|path| change(path))
        .collect()
}

/// The table and the key in it: `zone.tent` and `targets.vpd`, `node` and `queue`.
fn parted(path: &str) -> (&str, &str) {
    let mut dots = path.match_indices('.').map(|(at, _)| at);
    let first = dots.next();
    let cut = dots.next().or(first);
    cut.map_or(("", path), |at| (&path[..at], &path[at + 1..]))
}

/// A value as it may be told.
fn shown(path: &str, value: &Value) -> Value {
    if path.split('.').any(is_secret) {
        return CHANGED.into();
    }
    match value {
        Value::String(text) => without_url_users(text).into(),
        Value::Array(list) => list.iter().map(|value| shown(path, value)).collect(),
        Value::Object(map) => {
            let member = |(key, value): (&String, &Value)| (key.clone(), shown(key, value));
            Value::Object(map.iter().map(member).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use toml_edit::Document;

    fn between(old: &str, new: &str) -> Vec<(String, String, Value, Value)> {
        let said = |text: &str| Said::of(Document::parse(text).unwrap().as_table());
        changes(&said(old), &said(new))
            .into_iter()
            .map(|c| (c.section, c.parameter, c.old, c.new))
            .collect()
    }

    fn row(section: &str, key: &str, old: Value, new: Value) -> (String, String, Value, Value) {
        (section.into(), key.into(), old, new)
    }

    #[test]
    fn each_key_that_differs_is_named_with_both_values() {
        let old = "[node]\nqueue = 10\n[zone.tent]\nstage = \"mid-veg\"\n[device]\nfan = { role = \"exhaust\" }";
        let new = "[zone.tent]\nstage = \"late-veg\"\ntargets = { vpd = 1.1 }\n[zone.lab]\n[node]\n# the same\nqueue = 10";
        assert_eq!(
            between(old, new),
            [
                row("device.fan", "role", json!("exhaust"), Value::Null),
                row("zone", "lab", Value::Null, json!({})),
                row("zone.tent", "stage", json!("mid-veg"), json!("late-veg")),
                row("zone.tent", "targets.vpd", Value::Null, json!(1.1)),
            ]
        );
        assert!(between(old, &format!("# a comment\n{old}")).is_empty());
    }

    #[test]
    fn secrets_are_only_told_as_changed() {
        let told = between(
            "[plugin.a.settings]\napi_token = \"hunter2\"",
            "[plugin.a.settings]\napi_token = \"hunter3\"\nlist = [{ password = \"hunter4\" }]\nurl = \"http://me:hunter5@there/\"\nsecrets = { mine = \"hunter6\" }",
        );
        assert_eq!(told.len(), 4);
        assert_eq!(
            (&told[0].2, &told[0].3),
            (&json!("changed"), &json!("changed"))
        );
        assert!(!format!("{told:?}").contains("hunter"), "{told:?}");
    }
}
