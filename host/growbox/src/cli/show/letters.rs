//! Dead letters: what was refused after it was accepted.

use growbox_model::commit::DeadLetter;

use super::none;
use crate::render::{Reader, Table};

/// How much of a letter is shown, in characters; `--json` shows it whole.
const SHOWN: usize = 100;

/// `growbox dead-letters`.
pub(in crate::cli) fn list(letters: &[DeadLetter], reader: &Reader) -> String {
    if letters.is_empty() {
        return none("dead letters");
    }
    let mut table = Table::new(["TAKEN", "SOURCE", "CODE", "WHY"]);
    for letter in letters {
        table.row([
            reader.second(letter.taken),
            letter.source.to_string(),
            letter.code.to_string(),
            letter.message.to_string(),
        ]);
        let body: String = letter.body.chars().take(SHOWN).collect();
        let more = if body.len() < letter.body.len() {
            "…"
        } else {
            ""
        };
        table.note(&format!("{body}{more}"));
    }
    table.to_string()
}
