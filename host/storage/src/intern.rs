//! Names that come again and again are stored once and stand in the rows as a number, up to a bound.
//!
//! The flow refuses what would need another name beyond the bound, with head-room for the host's
//! own words. Where even that is used up (a room configured anew again and again, or a log of the
//! time before the flow refused) a row carries the text itself, so that nothing is lost.

use std::collections::HashMap;

use growbox_model::Text;
use growbox_model::event::NAMES;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params};

/// What a column holds in place of a string.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// The number of an interned string.
    Number(i64),
    /// The string itself.
    Inline(&'a str),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Inline(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The writer's side: text to number. The number of a text never changes.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    numbers: HashMap<Text, i64>,
    unsaved: Vec<Text>,
    bound: usize,
}

impl Texts {
    /// What the database knows already.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT text, id FROM text")?;
        let numbers = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            numbers,
            unsaved: Vec::new(),
            bound: NAMES,
        })
    }

    /// All that are known.
    pub(crate) fn all(&self) -> Vec<Text> {
        self.numbers.keys().cloned().collect()
    }

    /// The cell for a text; gives it a number where there is room.
    pub(crate) fn cell<'a>(&mut self, text: &'a str) -> Cell<'a> {
        if let Some(number) = self.numbers.get(text) {
            return Cell::Number(*number);
        }
        if self.numbers.len() >= self.bound {
            return Cell::Inline(text);
        }
        let number = self.numbers.len() as i64 + 1;
        let text: Text = text.into();
        self.numbers.insert(text.clone(), number);
        self.unsaved.push(text);
        Cell::Number(number)
    }

    /// Writes the new ones, in the transaction of the rows that use them.
    pub(crate) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        for text in &self.unsaved {
            connection
                .prepare_cached("INSERT INTO text (id, text) VALUES (?1, ?2)")?
                .execute(params![self.numbers[text], text])?;
        }
        Ok(())
    }

    /// The transaction is durable: nothing is new any more.
    pub(crate) fn saved(&mut self) {
        self.unsaved.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_the_text_itself_is_stored() {
        let mut texts = Texts {
            bound: 1,
            ..Texts::default()
        };
        assert_eq!(texts.cell("tent"), Cell::Number(1));
        assert_eq!(texts.cell("other"), Cell::Inline("other"));
        assert_eq!(texts.cell("tent"), Cell::Number(1));
    }
}
