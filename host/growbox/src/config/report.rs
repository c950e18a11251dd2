//! Everything found out while a configuration is read: errors, warnings, and where each value comes from.

use std::collections::BTreeMap;
use std::ops::Range;

use growbox_model::Objection;

use super::explanation::{Explanation, Origin};
use super::finding::{Finding, Severity};
use super::text::{SourceText, is_secret, without_url_users};

/// Why one value cannot be taken.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) advice: Option<String>,
}

impl Wrong {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            advice: None,
        }
    }

    /// The same with what would be right.
    pub(super) fn but(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl From<Objection> for Wrong {
    fn from(objection: Objection) -> Self {
        Self {
            code: objection.code,
            message: objection.message,
            advice: None,
        }
    }
}

/// Collects findings and explanations; remembers where each key stands.
#[derive(Debug)]
pub(super) struct Report<'a> {
    source: SourceText<'a>,
    places: BTreeMap<String, Range<usize>>,
    findings: Vec<(usize, Finding)>,
    explanations: Vec<Explanation>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            source: SourceText { file, text },
            places: BTreeMap::new(),
            findings: Vec::new(),
            explanations: Vec::new(),
        }
    }

    /// Remembers where the value of a key stands.
    pub(super) fn locate(&mut self, key: &str, span: Option<Range<usize>>) {
        if let Some(span) = span {
            self.places.insert(key.to_owned(), span);
        }
    }

    /// The line of a key's value, where the file has one.
    pub(super) fn line_of(&self, key: &str) -> Option<usize> {
        self.places
            .get(key)
            .map(|span| self.source.line_of(span.start))
    }

    /// An error at a key, or at the nearest key above it that stands in the file.
    pub(super) fn error(&mut self, key: &str, wrong: Wrong) {
        self.add(Severity::Error, key, self.nearest_place(key), wrong);
    }

    /// An error at a span of the text.
    pub(super) fn error_at(&mut self, key: &str, span: Option<Range<usize>>, wrong: Wrong) {
        self.add(Severity::Error, key, span, wrong);
    }

    /// A warning at a key, or at the nearest key above it that stands in the file.
    pub(super) fn warning(&mut self, key: &str, wrong: Wrong) {
        self.add(Severity::Warning, key, self.nearest_place(key), wrong);
    }

    fn nearest_place(&self, key: &str) -> Option<Range<usize>> {
        let mut key = key;
        loop {
            if let Some(span) = self.places.get(key) {
                return Some(span.clone());
            }
            key = key.rsplit_once('.')?.0;
        }
    }

    fn add(&mut self, severity: Severity, key: &str, span: Option<Range<usize>>, wrong: Wrong) {
        let at = span.as_ref().map_or(0, |span| span.start);
        let finding = Finding {
            severity,
            code: wrong.code,
            message: wrong.message,
            key: key.to_owned(),
            file: self.source.file.to_owned(),
            place: span.map(|span| self.source.place(&span)),
            advice: wrong.advice,
        };
        if !self.findings.iter().any(|(_, earlier)| *earlier == finding) {
            self.findings.push((at, finding));
        }
    }

    /// Says that a key's value stands in the file.
    pub(super) fn explain_given(&mut self, key: &str) {
        let Some(span) = self.places.get(key) else {
            return;
        };
        let value = if is_secret(key) {
            "given".to_owned()
        } else {
            without_url_users(&bare(self.source.slice(span)))
        };
        let origin = Origin::File {
            line: self.source.line_of(span.start),
        };
        self.explanations.push(Explanation {
            key: key.to_owned(),
            value,
            origin,
        });
    }

    /// Says that a key is not in the file, what it is then, and why.
    pub(super) fn explain_default(&mut self, key: &str, value: String, why: &str) {
        let origin = Origin::Default {
            why: why.to_owned(),
        };
        self.explanations.push(Explanation {
            key: key.to_owned(),
            value,
            origin,
        });
    }

    /// Errors before warnings, each in the order of the file; and the explanations as they came.
    pub(super) fn into_parts(mut self) -> (Vec<Finding>, Vec<Explanation>) {
        self.findings
            .sort_by_key(|(at, finding)| (finding.severity, *at));
        let findings = self
            .findings
            .into_iter()
            .map(|(_, finding)| finding)
            .collect();
        (findings, self.explanations)
    }

    /// Whether anything was found that forbids its use.
    pub(super) fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|(_, finding)| finding.severity == Severity::Error)
    }
}

/// A value on one line; text without its quotes.
fn bare(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let inner = line
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner
        .filter(|inner| !inner.contains('"'))
        .map_or_else(|| line.clone(), str::to_owned)
}
