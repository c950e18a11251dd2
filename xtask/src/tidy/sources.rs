//! Sources: each file says its one idea in its first line, and is short enough to have one.

use super::Text;

/// A file longer than this has more than one idea.
const LINES: usize = 600;

/// What is wrong with the sources.
pub(super) fn findings(sources: &[Text]) -> Vec<String> {
    let mut findings = Vec::new();
    for Text { path, body } in sources {
        if !says_its_idea(body) {
            findings.push(format!(
                "{path}:1: begin with a line `//! …` that says the file's one idea"
            ));
        }
        let lines = body.lines().count();
        if lines > LINES {
            findings.push(format!(
                "{path}: {lines} lines, at most {LINES}: find the second idea and give it a file"
            ));
        }
    }
    findings
}

fn says_its_idea(body: &str) -> bool {
    body.lines()
        .next()
        .and_then(|line| line.strip_prefix("//! "))
        .is_some_and(|idea| !idea.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(body: String) -> Vec<String> {
        findings(&[Text {
            path: "host/x.rs".into(),
            body,
        }])
    }

    #[test]
    fn the_first_line_says_the_idea() {
        assert!(source("//! Air.\nfn x() {}\n".into()).is_empty());
        assert_eq!(source("fn x() {}\n".into()).len(), 1);
        assert_eq!(source("//! \nfn x() {}\n".into()).len(), 1);
        assert_eq!(source(String::new()).len(), 1);
    }

    #[test]
    fn six_hundred_lines_are_enough() {
        let long = |lines: usize| "//! Air.\n".to_owned() + &"\n".repeat(lines - 1);
        assert!(source(long(LINES)).is_empty());
        assert_eq!(source(long(LINES + 1)).len(), 1);
    }
}
