//! Strings that come again and again are stored once and named by number, up to a bound.

use std::collections::HashMap;

use growbox_model::Text;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params};

/// Most strings that get a number. Beyond it a row carries the text itself.
pub(crate) const BOUND: usize = 65_536;

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
            bound: BOUND,
        })
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
