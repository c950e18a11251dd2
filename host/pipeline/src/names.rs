//! Names: how many different ones the log may come to hold, and who may still add one.

use std::collections::HashSet;

use growbox_model::event::NAMES;
use growbox_model::id::quoted;
use growbox_model::{Objection, Text};

/// Kept back for the host's own words: catalogue types, zones, plug-ins, what is configured later.
const HEAD_ROOM: usize = 1024;

/// Every type, zone, source, sensor and odd unit the log holds.
#[derive(Debug, Default)]
pub struct Names(HashSet<Text>);

impl Names {
    /// What the log holds already.
    pub fn restored(texts: impl IntoIterator<Item = Text>) -> Self {
        Self(texts.into_iter().collect())
    }

    /// Takes these in, whether there is room or not: they are the host's own, or may be added.
    pub fn note<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if !self.0.contains(name) {
                self.0.insert(name.into());
            }
        }
    }

    /// Refuses an event with these names where one of them would be one too many.
    pub fn may_add<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), Objection> {
        let room = (NAMES - HEAD_ROOM).saturating_sub(self.0.len());
        let mut new = names.into_iter().filter(|name| !self.0.contains(*name));
        match new.nth(room) {
            None => Ok(()),
            Some(name) => Err(Objection::new(
                "too_many_strings",
                format!(
                    "{} would be a new name, and the log holds as many as it may: {NAMES} types, zones, sources, sensors and units all told, {HEAD_ROOM} of them kept for the host's own; go on under a name that is in use",
                    quoted(name)
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_fits_and_known_ones_always_do() {
        let room = NAMES - HEAD_ROOM;
        let mut names = Names::restored((1..room).map(|i| i.to_string().into()));
        names.may_add(["http:last", "1"]).unwrap();
        let refused = names.may_add(["http:last", "tent"]).unwrap_err();
        assert_eq!(refused.code, "too_many_strings");
        assert!(refused.message.contains("\"tent\"") && refused.message.contains("65536"));
        names.note(["http:last", "plugin.loaded"]);
        assert!(names.may_add(["http:more"]).is_err());
        names.may_add(["http:last", "plugin.loaded"]).unwrap();
    }
}
