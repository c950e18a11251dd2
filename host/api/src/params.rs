//! The query part of an address: known names only, each read with a clear refusal.

use axum::extract::Query;
use axum::http::Uri;
use growbox_model::Objection;
use growbox_model::id::quoted;

use crate::refusal::{Outcome, Refusal};

/// Names and values, in order.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Refuses a name that is not among `known`, and says which was probably meant.
    pub(crate) fn read(uri: &Uri, known: &[&str]) -> Outcome<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|e| Refusal::bad("bad_query", format!("the query cannot be read: {e}")))?;
        for (name, _) in &pairs {
            if !known.contains(&name.as_str()) {
                let known = known.iter().copied();
                return Err(
                    Objection::unknown("unknown_parameter", "parameter", name, known).into(),
                );
            }
        }
        Ok(Self(pairs))
    }

    /// Every value of a name that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter().filter(move |(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str())
    }

    /// The value of a name that may be given once.
    pub(crate) fn one(&self, name: &str) -> Outcome<Option<&str>> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            _ => Err(Refusal::bad(
                "repeated_parameter",
                format!("{name} is given more than once"),
            )),
        }
    }

    /// A flag: `true` or `false`; the bare name means true.
    pub(crate) fn flag(&self, name: &str) -> Outcome<bool> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(other) => Err(Refusal::bad(
                "bad_parameter",
                format!("{name} is {}, not true or false", quoted(other)),
            )),
        }
    }

    /// A value read by `parse`.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Objection>,
    ) -> Outcome<Option<T>> {
        let value = self.one(name)?.map(parse).transpose();
        value.map_err(|e| Refusal::from(e).hint(format!("this is about the parameter {name}")))
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, name: &str, low: u64, high: u64) -> Outcome<Option<u64>> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        match text.parse::<u64>() {
            Ok(number) if (low..=high).contains(&number) => Ok(Some(number)),
            _ => Err(Refusal::bad(
                "bad_parameter",
                format!(
                    "{name} is {}, not a whole number from {low} to {high}",
                    quoted(text)
                ),
            )),
        }
    }
}
