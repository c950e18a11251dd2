//! The text of a configuration file: from a byte to its line, and a line as it may be shown.

use std::ops::Range;

/// The longest part of a line that is shown beside an error, in characters.
const SHOWN: usize = 110;

/// How much of a long line is shown before the place that is marked, in characters.
const BEFORE: usize = 60;

/// Keys whose values are never shown.
const SECRETS: [&str; 4] = ["password", "token", "secret", "api_key"];

/// A file's text and what it is called.
#[derive(Debug)]
pub(super) struct SourceText<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

/// A place in a file, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The line's text, without its margins, shortened around the mark, secrets left out.
    pub text: String,
    /// Where in `text` the mark begins, in characters.
    pub mark_start: usize,
    /// How many characters are marked, at least one.
    pub mark_length: usize,
}

impl SourceText<'_> {
    /// The line (from 1) in which the byte `at` lies.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.before(at).matches('\n').count() + 1
    }

    /// The text of a span; empty where it does not fit the file.
    pub(super) fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The place of a span; what runs over the end of its first line is not marked.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.before(span.start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = &self.text[line_start..];
        let line = rest.split('\n').next().unwrap_or_default().trim_end();
        let column = before[line_start..].chars().count();
        let marked = self.slice(span).split('\n').next().unwrap_or_default();
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let shown = Shown {
            text: users_masked(&masked(line.trim_start())),
            start: column.saturating_sub(indent),
            length: marked.trim_end().chars().count().max(1),
        };
        let shown = shown.shortened();
        Place {
            line: self.line_of(span.start),
            column: column + 1,
            text: shown.text,
            mark_start: shown.start,
            mark_length: shown.length,
        }
    }

    fn before(&self, at: usize) -> &str {
        let mut end = at.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }
}

struct Shown {
    text: String,
    start: usize,
    length: usize,
}

impl Shown {
    fn shortened(self) -> Self {
        let all: Vec<char> = self.text.chars().collect();
        if all.len() <= SHOWN {
            return self.within(all.len());
        }
        let from = self.start.min(all.len()).saturating_sub(BEFORE);
        let to = (from + SHOWN).min(all.len());
        let lead = if from > 0 { "…" } else { "" };
        let tail = if to < all.len() { "…" } else { "" };
        let middle: String = all[from..to].iter().collect();
        let shown = Self {
            start: self.start - from + lead.chars().count(),
            text: format!("{lead}{middle}{tail}"),
            length: self.length,
        };
        let width = shown.text.chars().count();
        shown.within(width)
    }

    fn within(mut self, width: usize) -> Self {
        self.start = self.start.min(width);
        self.length = self.length.min(width.saturating_sub(self.start)).max(1);
        self
    }
}

/// Whether the value of a key is one that is never shown.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key).to_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// A line with every string behind a secret's key blotted out, at equal length.
fn masked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quote: Option<char> = None;
    let mut word = String::new();
    let mut secret = false;
    for c in line.chars() {
        match quote {
            Some(end) if c == end => {
                quote = None;
                secret = false;
                out.push(c);
            }
            Some(_) => out.push(if secret { '*' } else { c }),
            None => {
                if c == '"' || c == '\'' {
                    quote = Some(c);
                } else if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') {
                    word.push(c);
                } else if c == '=' {
                    secret = is_secret(&word);
                    word.clear();
                } else if !c.is_whitespace() {
                    word.clear();
                }
                out.push(c);
            }
        }
    }
    out
}

/// Where the authority of a URL ends, which begins its text.
fn authority_end(rest: &str) -> usize {
    rest.find(['/', '?', '#', '"', '\'', ' ', ','])
        .unwrap_or(rest.len())
}

/// A line with the user part of every URL blotted out, at equal length.
fn users_masked(line: &str) -> String {
    let Some((scheme, rest)) = line.split_once("://") else {
        return line.to_owned();
    };
    let (authority, tail) = rest.split_at(authority_end(rest));
    let tail = users_masked(tail);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let blot = "*".repeat(user.chars().count());
            format!("{scheme}://{blot}@{host}{tail}")
        }
        None => format!("{scheme}://{authority}{tail}"),
    }
}

/// A value's text with the user part of every URL left out.
pub(super) fn without_url_users(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (authority, tail) = rest.split_at(authority_end(rest));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{}", without_url_users(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, marked: &str) -> Place {
        let start = text.find(marked).unwrap();
        let source = SourceText {
            file: "f.toml",
            text,
        };
        source.place(&(start..start + marked.len()))
    }

    #[test]
    fn a_span_is_found_in_its_line() {
        let found = place("[a]\n  käse = 1 # x\n", "1");
        assert_eq!((found.line, found.column), (2, 10));
        assert_eq!(found.text, "käse = 1 # x");
        assert_eq!((found.mark_start, found.mark_length), (7, 1));
    }

    #[test]
    fn long_lines_are_shortened_around_the_mark() {
        let line = format!("a = [{}, \"here\", {}]", "1, ".repeat(60), "2, ".repeat(60));
        let found = place(&line, "\"here\"");
        let shown: String = found
            .text
            .chars()
            .skip(found.mark_start)
            .take(found.mark_length)
            .collect();
        assert_eq!(shown, "\"here\"");
        assert!(found.text.chars().count() <= SHOWN + 2);
    }

    #[test]
    fn a_span_over_lines_marks_the_first() {
        let found = place("a = [\n 1,\n]\n", "[\n 1,\n]");
        assert_eq!((found.line, found.mark_start, found.mark_length), (1, 4, 1));
    }

    #[test]
    fn secrets_are_never_shown() {
        let found = place("mqtt = { password = \"hunter2\", x = \"y\" }", "x");
        assert_eq!(found.text, "mqtt = { password = \"*******\", x = \"y\" }");
        let found = place("ntfy = \"https://me:hunter2@n.example/x@y\"", "ntfy");
        assert_eq!(found.text, "ntfy = \"https://**********@n.example/x@y\"");
        assert_eq!(
            without_url_users("[\"https://me:pw@x.example/a\", \"http://y@z\"]"),
            "[\"https://x.example/a\", \"http://z\"]"
        );
    }

    #[test]
    fn the_end_of_the_file_is_a_place_too() {
        let source = SourceText {
            file: "f.toml",
            text: "a = ",
        };
        assert_eq!(source.place(&(4..4)).mark_length, 1);
        assert_eq!(source.place(&(900..901)).line, 1);
    }
}
