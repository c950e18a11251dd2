//! A guest written as text, `moody.wat`: it misbehaves as `batch.skipped` tells it to.

/// Well behaved: adds the number of events to "n".
pub(crate) const COUNT: u64 = 0;
/// Writes, then traps.
pub(crate) const TRAP: u64 = 1;
/// Writes, then never returns.
pub(crate) const ENDLESS: u64 = 2;
/// Writes, then takes memory until there is none.
pub(crate) const GREEDY: u64 = 3;
/// Calls the host without end.
pub(crate) const CALLS: u64 = 4;
/// Logs 100 lines, then counts.
pub(crate) const CHATTY: u64 = 5;
/// Writes, then returns a transient fault.
pub(crate) const FAULT: u64 = 6;
/// Returns 1 025 effects.
pub(crate) const EFFECTS: u64 = 7;
/// Returns one effect of two megabytes.
pub(crate) const HUGE: u64 = 8;
/// Returns one good effect and one malformed.
pub(crate) const HALF: u64 = 9;
/// Recurses without end.
pub(crate) const DEEP: u64 = 10;
/// Asks for the samples of a series and returns the refusal as an effect.
pub(crate) const HISTORY: u64 = 11;

/// What a guest is made of, as text.
pub(crate) struct Guest {
    pub(crate) id: &'static str,
    /// Runs before `describe` returns.
    pub(crate) describe: &'static str,
    /// Runs before `start` returns its ok.
    pub(crate) start: &'static str,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            id: "moody",
            describe: "",
            start: "(call $add (i32.const 520) (i32.const 6) (i64.const 1))",
        }
    }
}

impl Guest {
    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let text = include_str!("moody.wat")
            .replace("{id_length}", &self.id.len().to_string())
            .replace("{id}", self.id)
            .replace("{describe}", self.describe)
            .replace("{start}", self.start);
        wat::parse_str(text).unwrap()
    }
}
