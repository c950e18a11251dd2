//! Promises: a test that a page names stands in the file named before it.

use super::Text;

/// The page that says what is promised, and which test would fail.
const PAGE: &str = "docs/invariants.md";

/// What is wrong with the promises.
pub(super) fn findings(pages: &[Text], sources: &[Text]) -> Vec<String> {
    let Some(page) = pages.iter().find(|page| page.path == PAGE) else {
        return vec![format!("{PAGE} is missing: nobody knows what is promised")];
    };
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(page.body.lines()) {
        for (file, test) in tests_named(text) {
            let source = sources.iter().find(|source| source.path == file);
            if !source.is_some_and(|source| source.body.contains(&format!("fn {test}("))) {
                findings.push(format!("{PAGE}:{line}: {file} has no test {test}"));
            }
        }
    }
    findings
}

/// Each `name_of_a_test` in backticks, with the path in backticks that went before it.
fn tests_named(line: &str) -> Vec<(&str, &str)> {
    let mut file = "";
    let mut named = Vec::new();
    for word in line.split('`').skip(1).step_by(2) {
        if word.ends_with(".rs") {
            file = word;
        } else if is_test(word) {
            named.push((file, word));
        }
    }
    named
}

/// Tests are sentences: lower case, and more than two words.
fn is_test(word: &str) -> bool {
    word.matches('_').count() >= 2
        && word
            .bytes()
            .all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_without_its_test_is_found() {
        let text = |path: &str, body: &str| Text {
            path: path.into(),
            body: body.into(),
        };
        let row = "| `a.rs` | `host/a.rs`: `it_holds_well`, `it_holds_badly`; `b.rs` |";
        let sources = [text("host/a.rs", "fn it_holds_well() {}")];
        assert_eq!(
            findings(&[text(PAGE, row)], &sources),
            ["docs/invariants.md:1: host/a.rs has no test it_holds_badly"]
        );
        assert_eq!(findings(&[], &sources).len(), 1);
    }
}
