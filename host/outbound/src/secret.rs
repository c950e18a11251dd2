//! Secrets: named in a call, put in at the edge, blotted out of whatever comes back.
//!
//! A file is read when it is needed: a new password takes effect with the next call.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use crate::book::Book;

/// A larger file holds no secret.
const BYTES: u64 = 16 * 1024;
/// How a call names a secret.
const OPEN: &str = "${secret:";
/// What stands in its place in whatever is shown.
const BLOT: &str = "•••";

/// A secret and where it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What calls name it by.
    pub name: String,
    /// Where its value comes from.
    pub source: Source,
    /// The only origins it is given to.
    pub origins: Vec<String>,
}

/// Where a secret's value comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// It stands in a file of its own; the last line break is no part of it.
    File(PathBuf),
    /// It stood in the configuration, such as the user part of an address.
    Value(String),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Value(_) => f.write_str("Value(…)"),
        }
    }
}

impl Source {
    /// The value.
    ///
    /// # Errors
    /// In words: the file cannot be read, or holds nothing that could be one.
    pub fn read(&self) -> Result<String, String> {
        let path = match self {
            Self::Value(value) => return Ok(value.clone()),
            Self::File(path) => path,
        };
        let unreadable = |why: &dyn fmt::Display| {
            format!("the secret in {} cannot be read: {why}", path.display())
        };
        let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
        let mut text = String::new();
        let read = file.take(BYTES + 1).read_to_string(&mut text);
        read.map_err(|error| unreadable(&error))?;
        let value = text.trim_end_matches(['\n', '\r']);
        if value.is_empty() {
            return Err(unreadable(&"it is empty"));
        }
        if value.len() as u64 > BYTES || value.contains(char::is_control) {
            return Err(unreadable(&"it is not one line of text"));
        }
        Ok(value.to_owned())
    }
}

/// How a call names a secret: `${secret:NAME}`.
pub fn placeholder(name: &str) -> String {
    format!("{OPEN}{name}}}")
}

/// Puts secrets in for one origin, and remembers which, to blot them out again.
#[derive(Debug)]
pub(crate) struct Purse<'b> {
    book: &'b Book,
    origin: &'b str,
    given: Vec<String>,
}

impl<'b> Purse<'b> {
    pub(crate) fn new(book: &'b Book, origin: &'b str) -> Self {
        Self {
            book,
            origin,
            given: Vec::new(),
        }
    }

    /// A text with every secret it names put in.
    pub(crate) fn fill(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, named)) = rest.split_once(OPEN) {
            let (name, after) = named
                .split_once('}')
                .ok_or_else(|| format!("{OPEN}… is not closed by }}"))?;
            out.push_str(before);
            out.push_str(&self.value(name)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        let secret = self.book.secrets.iter().find(|secret| secret.name == name);
        let secret = secret.ok_or_else(|| format!("there is no secret {name:?}"))?;
        if !secret.origins.iter().any(|origin| origin == self.origin) {
            return Err(format!(
                "the secret {name:?} is not for {}, only for {}",
                self.origin,
                secret.origins.join(", ")
            ));
        }
        let value = secret.source.read()?;
        self.remember(&value);
        Ok(value)
    }

    /// Remembers another form in which a secret goes out.
    pub(crate) fn remember(&mut self, value: &str) {
        self.given.push(value.to_owned());
    }

    /// A text without any secret that was given out.
    pub(crate) fn blot(&self, text: &str) -> String {
        let mut given: Vec<&str> = self.given.iter().map(String::as_str).collect();
        // The longer first: a part must not leave the rest of a whole behind.
        given.sort_by_key(|value| std::cmp::Reverse(value.len()));
        given
            .iter()
            .filter(|value| !value.is_empty())
            .fold(text.to_owned(), |text, value| text.replace(value, BLOT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        Book {
            secrets: vec![Secret {
                name: "chat".into(),
                source: Source::Value("hunter2".into()),
                origins: vec!["https://a.example".into()],
            }],
            mail: None,
        }
    }

    #[test]
    fn a_secret_goes_only_where_it_is_bound_to() {
        let book = book();
        let mut purse = Purse::new(&book, "https://a.example");
        let named = format!("https://a.example/bot{}/send", placeholder("chat"));
        assert_eq!(
            purse.fill(&named).unwrap(),
            "https://a.example/bothunter2/send"
        );
        let mut other = Purse::new(&book, "https://b.example");
        let why = other.fill(&named).unwrap_err();
        assert!(why.contains("only for https://a.example"), "{why}");
        assert!(!why.contains("hunter2"));
        assert!(other.fill("${secret:nobody}").is_err());
        assert!(other.fill("${secret:chat").is_err());
    }

    #[test]
    fn what_was_given_is_blotted_out() {
        let book = book();
        let mut purse = Purse::new(&book, "https://a.example");
        purse.fill("${secret:chat}").unwrap();
        assert_eq!(purse.blot("no hunter2 here"), "no ••• here");
        assert!(!format!("{book:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_is_read_when_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source = Source::File(path.clone());
        assert!(source.read().unwrap_err().contains("cannot be read"));
        std::fs::write(&path, "one\r\n").unwrap();
        assert_eq!(source.read().unwrap(), "one");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(source.read().unwrap(), "two");
        for bad in ["", "\n", "a\nb", "a\u{0}b"] {
            std::fs::write(&path, bad).unwrap();
            assert!(source.read().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_that_is_named_by_a_secret_stays_a_name() {
        let mut book = book();
        book.secrets[0].source = Source::Value("${secret:chat}".into());
        let mut purse = Purse::new(&book, "https://a.example");
        assert_eq!(purse.fill("x${secret:chat}").unwrap(), "x${secret:chat}");
    }
}
