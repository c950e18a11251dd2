//! Bytes into lines, however they arrive, and none longer than allowed.

/// The longest line either side of a room's socket takes, in bytes without its end.
pub(crate) const LINE_BYTES: usize = 64 * 1024;

/// One line, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// As it came.
    Whole(Vec<u8>),
    /// It was longer than [`LINE_BYTES`] and is forgotten.
    TooLong,
}

/// Collects bytes until a line is whole.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    overflowed: bool,
}

impl Lines {
    /// Takes what came; returns the lines that are whole by now, without empty ones.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut whole = Vec::new();
        let mut parts = bytes.split(|byte| *byte == b'\n');
        self.append(parts.next().unwrap_or_default());
        for part in parts {
            whole.extend(self.end());
            self.append(part);
        }
        whole
    }

    fn append(&mut self, part: &[u8]) {
        if self.overflowed || self.begun.len() + part.len() > LINE_BYTES {
            self.overflowed = true;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    fn end(&mut self) -> Option<Line> {
        if std::mem::take(&mut self.overflowed) {
            return Some(Line::TooLong);
        }
        let line = std::mem::take(&mut self.begun);
        (!line.trim_ascii().is_empty()).then_some(Line::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_too_long_is_told_once_and_the_next_is_read() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for _ in 0..100 {
            found.extend(lines.feed(&[b'x'; 1000]));
            assert!(lines.begun.len() <= LINE_BYTES);
        }
        found.extend(lines.feed(b"x\nnext\n"));
        assert_eq!(found, [Line::TooLong, Line::Whole(b"next".to_vec())]);
    }

    #[test]
    fn a_line_of_just_the_limit_is_read() {
        let mut bytes = vec![b'x'; LINE_BYTES];
        bytes.push(b'\n');
        let found = Lines::default().feed(&bytes);
        assert_eq!(found, [Line::Whole(vec![b'x'; LINE_BYTES])]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_they_arrive(
            text in "[a\n ]{0,60}", cuts in proptest::collection::vec(1..9_usize, 0..20),
        ) {
            let at_once = Lines::default().feed(text.as_bytes());
            let (mut lines, mut rest, mut found) = (Lines::default(), text.as_bytes(), Vec::new());
            for cut in cuts {
                let (part, more) = rest.split_at(cut.min(rest.len()));
                found.extend(lines.feed(part));
                rest = more;
            }
            found.extend(lines.feed(rest));
            prop_assert_eq!(at_once, found);
        }
    }
}
