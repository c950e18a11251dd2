//! Lines that go to the host in one request, and what is wrong with those that do not.

use serde_json::Value;

/// Events in one request.
const EVENTS: usize = 1000;
/// Bytes in one request; the host takes 8 MiB.
const BYTES: usize = 4 << 20;

/// One event, as it stands in the input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    text: String,
    /// Whether the host would know it again.
    pub(super) has_id: bool,
}

/// Lines in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    bytes: usize,
}

/// What a line of the input is.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// An event, as far as can be told here.
    Event(Line),
    /// Nothing.
    Blank,
    /// The head of an export: what follows happened already.
    Export,
    /// No event, and why.
    Wrong(String),
}

/// Looks at one line. The host judges events; here only what is no JSON object is found.
pub(super) fn look(number: u64, line: &[u8]) -> Content {
    let line = line
        .strip_prefix(b"\xef\xbb\xbf")
        .filter(|_| number == 1)
        .unwrap_or(line);
    let line = line.trim_ascii();
    if line.is_empty() {
        return Content::Blank;
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return Content::Wrong("it is not UTF-8".into());
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(event)) if event.contains_key("growbox_export") => Content::Export,
        Ok(Value::Object(event)) => Content::Event(Line {
            number,
            text: text.to_owned(),
            has_id: event.get("id").is_some_and(Value::is_string),
        }),
        Ok(_) => Content::Wrong("an event is a JSON object".into()),
        Err(error) => Content::Wrong(format!("it is no JSON: {}", told(&error))),
    }
}

/// The line is ours; only the column helps.
fn told(error: &serde_json::Error) -> String {
    error.to_string().replace("line 1 column", "column")
}

impl Batch {
    pub(super) fn push(&mut self, line: Line) {
        self.bytes += line.text.len() + 1;
        self.lines.push(line);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= EVENTS || self.bytes >= BYTES
    }

    /// As `application/x-ndjson`.
    pub(super) fn body(&self) -> String {
        let mut body = String::with_capacity(self.bytes);
        for line in &self.lines {
            body.push_str(&line.text);
            body.push('\n');
        }
        body
    }

    /// Takes out the lines the host would not know again.
    pub(super) fn take_nameless(&mut self) -> Vec<Line> {
        let (named, nameless) = self.lines.drain(..).partition(|line| line.has_id);
        self.lines = named;
        nameless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_event_is_told_with_its_reason() {
        let wrong = |text: &str| match look(3, text.as_bytes()) {
            Content::Wrong(why) => why,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(wrong("[1]"), "an event is a JSON object");
        assert!(
            wrong("{\"a\":").contains("column 5"),
            "{}",
            wrong("{\"a\":")
        );
        assert!(wrong("NaN").starts_with("it is no JSON"));
        assert_eq!(look(3, b"\xff{}"), Content::Wrong("it is not UTF-8".into()));
        assert_eq!(look(3, b" \t"), Content::Blank);
        assert_eq!(look(1, b"{\"growbox_export\":1}"), Content::Export);
        assert!(matches!(look(1, b"\xef\xbb\xbf{}"), Content::Event(_)));
    }

    #[test]
    fn a_batch_is_full_by_number_or_by_bytes() {
        let line = |text: String| Line {
            number: 1,
            text,
            has_id: false,
        };
        let mut many = Batch::default();
        for _ in 0..EVENTS {
            assert!(!many.is_full());
            many.push(line("{}".into()));
        }
        assert!(many.is_full());
        let mut heavy = Batch::default();
        heavy.push(line("x".repeat(BYTES)));
        assert!(heavy.is_full());
    }

    #[test]
    fn the_nameless_are_taken_out_in_order() {
        let mut batch = Batch::default();
        for (number, text) in [(1, "{\"id\":\"a\"}"), (2, "{}"), (3, "{\"id\":7}")] {
            let Content::Event(line) = look(number, text.as_bytes()) else {
                panic!("{text}")
            };
            batch.push(line);
        }
        let nameless: Vec<u64> = batch
            .take_nameless()
            .iter()
            .map(|line| line.number)
            .collect();
        assert_eq!(
            (nameless, batch.body()),
            (vec![2, 3], "{\"id\":\"a\"}\n".to_owned())
        );
    }
}
