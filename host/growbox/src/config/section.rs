//! One table of the file, read key by key: what nobody asked for is an unknown key.

use std::fmt::Display;

use growbox_model::id::quoted;
use toml_edit::{Item, TableLike, Value};

use super::report::{Report, Wrong};
use super::value::{Read, list_of, mistaken, unknown};

/// A table while it is read.
pub(super) struct Section<'r, 't> {
    pub(super) report: &'r mut Report<'t>,
    path: String,
    table: Option<&'r dyn TableLike>,
    known: Vec<&'static str>,
}

impl<'r, 't> Section<'r, 't> {
    /// A table under a path; none reads like an empty one.
    pub(super) fn new(
        report: &'r mut Report<'t>,
        path: &str,
        table: Option<&'r dyn TableLike>,
    ) -> Self {
        Self {
            report,
            path: path.to_owned(),
            table,
            known: Vec::new(),
        }
    }

    /// The full path of a key.
    pub(super) fn key(&self, key: &str) -> String {
        path_of(&self.path, key)
    }

    /// Whether the file has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The table's own name, such as `heater` of `device.heater`.
    pub(super) fn name(&self) -> &str {
        self.path
            .split_once('.')
            .map_or(&self.path, |(_, name)| name)
    }

    /// An error where the file does not have this key.
    pub(super) fn require(&mut self, key: &str, cure: &str) {
        if !self.has(key) {
            let kind = self.path.split('.').next().unwrap_or_default();
            let message = format!("{kind} {} has no {key}", quoted(self.name()));
            self.report
                .error(&self.key(key), Wrong::new("missing_key", message).but(cure));
        }
    }

    /// An error about the table as a whole.
    pub(super) fn complain(&mut self, wrong: Wrong) {
        self.report.error(&self.path, wrong);
    }

    fn value(&mut self, key: &'static str) -> Option<&'r Value> {
        self.known.push(key);
        let item = self.table?.get(key)?;
        let path = self.key(key);
        locate(self.report, &path, self.table?, key);
        let Some(value) = item.as_value() else {
            self.report
                .error(&path, mistaken(item.type_name(), "a value"));
            return None;
        };
        Some(value)
    }

    /// What the file says; none where it says nothing, or nothing that can be read.
    pub(super) fn given<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Read<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let path = self.key(key);
        match read(value) {
            Ok(value) => {
                self.report.explain_given(&path);
                Some(value)
            }
            Err(wrong) => {
                self.report.error(&path, wrong);
                None
            }
        }
    }

    /// What the file says, else a default with its reason.
    pub(super) fn or<T: Display>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Read<T>,
        default: T,
        why: &str,
    ) -> T {
        if !self.has(key) {
            self.report
                .explain_default(&self.key(key), default.to_string(), why);
        }
        self.given(key, read).unwrap_or(default)
    }

    /// What the file says, else nothing, with the reason why nothing is right.
    pub(super) fn or_none<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Read<T>,
        why: &str,
    ) -> Option<T> {
        if !self.has(key) {
            self.report
                .explain_default(&self.key(key), "none".into(), why);
        }
        self.given(key, read)
    }

    /// A list; elements that cannot be read are errors, each at its place.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&Value) -> Read<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let path = self.key(key);
        let elements = match list_of(value, wanted) {
            Ok(elements) => elements,
            Err(wrong) => {
                self.report.error(&path, wrong);
                return Vec::new();
            }
        };
        self.report.explain_given(&path);
        let mut out = Vec::new();
        for (index, element) in elements.into_iter().enumerate() {
            let place = format!("{path}.{index}");
            self.report.locate(&place, element.span());
            match read(element) {
                Ok(element) => out.push(element),
                Err(wrong) => self.report.error(&place, wrong),
            }
        }
        out
    }

    /// A table inside this one.
    pub(super) fn table(&mut self, key: &'static str) -> Section<'_, 't> {
        self.known.push(key);
        let path = self.key(key);
        let mut table = None;
        if let Some((above, item)) = self.table.and_then(|above| Some((above, above.get(key)?))) {
            locate(self.report, &path, above, key);
            table = as_table(self.report, &path, item);
        }
        Section::new(self.report, &path, table)
    }

    /// The value of a key as it stands, for what has a schema of its own.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'r Item> {
        self.known.push(key);
        let table = self.table?;
        locate(self.report, &path_of(&self.path, key), table, key);
        table.get(key)
    }

    /// Every key that nobody asked for is an error.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (name, _) in table.iter().filter(|(name, _)| !self.known.contains(name)) {
            let path = path_of(&self.path, name);
            let span = table.key(name).and_then(toml_edit::Key::span);
            let wrong = unknown("key", name, self.known.iter().copied());
            self.report.error_at(&path, span, wrong);
        }
    }
}

/// The path of a key under another.
pub(super) fn path_of(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Remembers the place of a key's value, or of the key itself where the value has none.
pub(super) fn locate(report: &mut Report<'_>, path: &str, table: &dyn TableLike, key: &str) {
    let value = table
        .get(key)
        .filter(|item| item.is_value())
        .and_then(Item::span);
    let name = || table.key(key).and_then(toml_edit::Key::span);
    report.locate(path, value.or_else(name));
}

/// An item as a table, or an error.
pub(super) fn as_table<'i>(
    report: &mut Report<'_>,
    path: &str,
    item: &'i Item,
) -> Option<&'i dyn TableLike> {
    let table = item.as_table_like();
    if table.is_none() {
        let name = path.rsplit('.').next().unwrap_or(path);
        let wrong = mistaken(item.type_name(), "a table");
        report.error(path, wrong.but(format!("[{path}] or {name} = {{ … }}")));
    }
    table
}

/// The tables of a table, such as the lines of `[device]`.
pub(super) fn entries<'i>(
    report: &mut Report<'_>,
    root: &'i dyn TableLike,
    name: &str,
) -> Vec<(&'i str, &'i dyn TableLike)> {
    let Some(item) = root.get(name) else {
        return Vec::new();
    };
    locate(report, name, root, name);
    let Some(table) = as_table(report, name, item) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, item) in table.iter() {
        let path = path_of(name, key);
        locate(report, &path, table, key);
        // The key marks the line better than all of its value.
        report.locate(&path, table.key(key).and_then(toml_edit::Key::span));
        if let Some(entry) = as_table(report, &path, item) {
            out.push((key, entry));
        }
    }
    out
}
