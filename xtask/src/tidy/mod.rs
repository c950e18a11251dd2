//! `cargo xtask tidy`: the conventions of the house, as a test.

mod arrows;
mod pages;
mod promises;
mod sources;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::place;

/// Folders that hold sources or pages; everything else in the repository is not looked at.
const ROOMS: &[&str] = &[
    ".ci", "docs", "examples", "host", "plugins", "sdk", "tests", "wit", "xtask",
];

/// One text of the repository, by its path from the root, with forward slashes.
struct Text {
    path: String,
    body: String,
}

/// The command.
pub(crate) fn run(words: &[String]) -> Result<ExitCode> {
    crate::nothing_but(words, &[])?;
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} to mend", findings.len());
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that is not as agreed, each with what to do.
fn findings() -> Result<Vec<String>> {
    let root = place::root();
    let sources = texts(&root, "rs")?;
    let pages = texts(&root, "md")?;
    let commands: Vec<&str> = crate::COMMANDS.iter().map(|c| c.name).collect();
    let exists = |path: &str| root.join(path).exists();
    let mut findings = sources::findings(&sources);
    findings.extend(pages::findings(&pages, &commands, exists));
    findings.extend(promises::findings(&pages, &sources));
    findings.extend(arrows::findings(&arrows::crates()?));
    Ok(findings)
}

/// All texts of one kind: those at the root, and those in the rooms.
fn texts(root: &Path, extension: &str) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() || ROOMS.contains(&&*name) {
            gather(root, &path, extension, &mut texts)?;
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(texts)
}

fn gather(root: &Path, path: &Path, extension: &str, texts: &mut Vec<Text>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            gather(root, &entry?.path(), extension, texts)?;
        }
    } else if path.extension().is_some_and(|found| found == extension) {
        let body =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path
            .strip_prefix(root)?
            .to_string_lossy()
            .replace('\\', "/");
        texts.push(Text { path, body });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let findings = super::findings().unwrap();
        assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    }
}
