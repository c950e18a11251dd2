//! What became of the lines, counted.

use serde_json::{Value, json};

/// The counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Lines looked at, blank ones too.
    pub(super) lines: u64,
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) late: u64,
    /// Taken, but implausible.
    pub(super) bad: u64,
    pub(super) refused: u64,
    /// The host ended before it could say what became of them.
    pub(super) unknown: u64,
    /// Read, but not sent any more.
    pub(super) unsent: u64,
}

impl Sum {
    /// Whether every event of the input was taken, now or before.
    pub(super) fn is_whole(self) -> bool {
        self.refused + self.unknown + self.unsent == 0
    }

    pub(super) fn text(self) -> String {
        let rest = [
            (self.duplicate, "known already"),
            (self.late, "late: logged only"),
            (self.bad, "of them implausible"),
            (self.refused, "refused"),
            (self.unknown, "unknown"),
            (self.unsent, "not sent"),
        ];
        let rest = rest.into_iter().filter(|(count, _)| *count > 0);
        let rest: String = rest
            .map(|(count, what)| format!(" · {count} {what}"))
            .collect();
        format!("{} lines: {} taken{rest}\n", self.lines, self.accepted)
    }

    pub(super) fn json(self) -> Value {
        json!({
            "lines": self.lines, "accepted": self.accepted, "duplicate": self.duplicate,
            "late": self.late, "bad": self.bad, "refused": self.refused,
            "unknown": self.unknown, "unsent": self.unsent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let mut sum = Sum {
            lines: 12,
            accepted: 10,
            ..Sum::default()
        };
        assert_eq!(sum.text(), "12 lines: 10 taken\n");
        assert!(sum.is_whole());
        sum.refused = 2;
        assert_eq!(sum.text(), "12 lines: 10 taken · 2 refused\n");
        assert!(!sum.is_whole());
        assert_eq!(sum.json()["refused"], 2);
    }
}
