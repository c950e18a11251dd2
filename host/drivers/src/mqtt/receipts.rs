//! Receipts: which command a broker's acknowledgement is about.
//!
//! The client numbers a message only as it goes out, in the order in which they were handed to it.

use std::collections::{BTreeMap, VecDeque};

/// Stands for one command to one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The output's index.
    pub(super) output: usize,
    /// Which of its commands.
    pub(super) serial: u64,
}

/// Everything that was handed to the client over one connection.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    queued: VecDeque<Option<Receipt>>,
    sent: BTreeMap<u16, Receipt>,
}

impl Receipts {
    /// A message was handed to the client; none where nobody asks what becomes of it.
    pub(super) fn queued(&mut self, receipt: Option<Receipt>) {
        self.queued.push_back(receipt);
    }

    /// The oldest message went out under this number. Nobody acknowledges number 0: the receipt
    /// of what has gone out so is given back at once.
    pub(super) fn went_out(&mut self, packet: u16) -> Option<Receipt> {
        let receipt = self.queued.pop_front().flatten()?;
        if packet == 0 {
            return Some(receipt);
        }
        self.sent.insert(packet, receipt);
        None
    }

    /// The broker acknowledges a number.
    pub(super) fn acknowledged(&mut self, packet: u16) -> Option<Receipt> {
        self.sent.remove(&packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_finds_its_command() {
        let mut receipts = Receipts::default();
        let command = |serial| Receipt { output: 3, serial };
        receipts.queued(None);
        receipts.queued(Some(command(1)));
        receipts.queued(Some(command(2)));
        receipts.queued(Some(command(3)));
        assert_eq!(receipts.acknowledged(1), None, "nothing has gone out");
        assert_eq!([1, 2, 3].map(|n| receipts.went_out(n)), [None, None, None]);
        assert_eq!(receipts.acknowledged(1), None);
        assert_eq!(receipts.acknowledged(3), Some(command(2)));
        assert_eq!(receipts.acknowledged(2), Some(command(1)));
        assert_eq!(receipts.acknowledged(2), None);
        assert_eq!(receipts.went_out(0), Some(command(3)));
    }
}
