//! Pages: every command and every file that a page names exists.

use super::{ROOMS, Text};

/// The page a stranger reads first.
const FIRST_PAGE: &str = "README.md";

/// What is wrong with the pages.
pub(super) fn findings(
    pages: &[Text],
    commands: &[&str],
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    if !pages.iter().any(|page| page.path == FIRST_PAGE) {
        findings.push(format!("{FIRST_PAGE} is missing: a stranger begins there"));
    }
    for Text { path, body } in pages {
        for (line, text) in (1..).zip(body.lines()) {
            for command in commands_named(text).filter(|name| !commands.contains(name)) {
                findings.push(format!(
                    "{path}:{line}: `cargo xtask {command}` does not exist"
                ));
            }
            for file in files_named(text).filter(|file| !exists(file)) {
                findings.push(format!("{path}:{line}: {file} does not exist"));
            }
            for link in links(path, text).filter(|link| !exists(link)) {
                findings.push(format!(
                    "{path}:{line}: the link leads to {link}, which does not exist"
                ));
            }
        }
    }
    findings
}

/// Each `cargo xtask NAME`.
fn commands_named(line: &str) -> impl Iterator<Item = &str> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        let name = rest
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .next();
        name.filter(|name| !name.is_empty())
    })
}

/// Each word that is a path into one of the rooms; patterns such as `host/*` or `wit/<version>` are none.
fn files_named(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "`()[]|,;\"'".contains(c))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| {
            let room = word.split_once('/').map(|(room, _)| room);
            room.is_some_and(|room| ROOMS.contains(&room))
                && !word.contains(['*', '<', '>', '{', '…'])
        })
}

/// Each `[…](path)` within the repository, as a path from its root.
fn links<'a>(page: &'a str, line: &'a str) -> impl Iterator<Item = String> + 'a {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    line.split("](").skip(1).filter_map(move |rest| {
        let target = rest.split([')', '#']).next()?;
        let outside = target.is_empty() || target.contains("://");
        (!outside).then(|| resolved(folder, target))
    })
}

/// A relative path from a folder, as a path from the root.
fn resolved(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(path: &str, body: &str) -> Vec<String> {
        let page = |path: &str, body: &str| Text {
            path: path.into(),
            body: body.into(),
        };
        let pages = [page(FIRST_PAGE, "growbox"), page(path, body)];
        let there = ["docs/invariants.md", "host/flow/src/flow.rs", "README.md"];
        findings(&pages, &["demo", "test"], |path| there.contains(&path))
    }

    #[test]
    fn commands_must_exist() {
        assert!(
            about(
                "docs/a.md",
                "    cargo xtask demo     a tent; `cargo xtask test`"
            )
            .is_empty()
        );
        assert_eq!(
            about("docs/a.md", "\ncargo xtask dance"),
            ["docs/a.md:2: `cargo xtask dance` does not exist"]
        );
    }

    #[test]
    fn files_in_tables_and_text_must_exist() {
        assert!(about("docs/a.md", "| the way | `host/flow/src/flow.rs`, once |").is_empty());
        assert!(about("docs/a.md", "everything in host/*/src and wit/<version>/").is_empty());
        assert_eq!(
            about("docs/a.md", "| the way | host/flow/src/way.rs |").len(),
            1
        );
    }

    #[test]
    fn links_are_followed_from_their_page() {
        assert!(
            about(
                "docs/a.md",
                "[b](invariants.md#one) [r](../README.md) [w](https://x.y/z)"
            )
            .is_empty()
        );
        assert_eq!(about("docs/a.md", "[b](nowhere.md)").len(), 1);
    }

    #[test]
    fn a_house_without_a_first_page_is_not_tidy() {
        assert_eq!(findings(&[], &[], |_| true).len(), 1);
    }
}
