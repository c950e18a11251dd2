//! Which QoS 1 messages are taken in and which are acknowledged, over broken connections too.
//!
//! ```text
//!   received ──▶ open ──taken, same connection──▶ acknowledged
//!                 │
//!        connection lost, the session lives on: the broker sends it again
//!                 │
//!                 ▼
//!          here again: not taken a second time, acknowledged as soon as it is taken
//! ```

use std::collections::HashMap;

/// Names one message, for as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    packet: u16,
    number: u64,
}

/// What to do with a message that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Take it in.
    New(Receipt),
    /// It is being taken in already.
    Again,
    /// It has been taken in: acknowledge it.
    Done,
}

/// Messages received and not yet acknowledged, by their packet number.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: HashMap<u16, Entry>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    digest: u64,
    taken: bool,
    /// Whether it came over the connection that stands.
    here: bool,
}

impl Ledger {
    /// A connection stands. Without the session of old the broker sends nothing again.
    pub(super) fn connected(&mut self, session: bool) {
        if !session {
            self.open.clear();
        }
        for entry in self.open.values_mut() {
            entry.here = false;
        }
    }

    /// A message has arrived; `again` where the broker says that it may have come before.
    pub(super) fn arrived(&mut self, packet: u16, again: bool, digest: u64) -> Arrival {
        if let Some(entry) = self.open.get_mut(&packet)
            && again
            && entry.digest == digest
            && !entry.here
        {
            entry.here = true;
            if entry.taken {
                self.open.remove(&packet);
                return Arrival::Done;
            }
            return Arrival::Again;
        }
        self.next += 1;
        let number = self.next;
        let entry = Entry {
            number,
            digest,
            taken: false,
            here: true,
        };
        self.open.insert(packet, entry);
        Arrival::New(Receipt { packet, number })
    }

    /// A message has been taken in: its packet number, where it is to be acknowledged now.
    pub(super) fn taken(&mut self, receipt: Receipt) -> Option<u16> {
        let entry = self.open.get_mut(&receipt.packet)?;
        if entry.number != receipt.number {
            return None;
        }
        entry.taken = true;
        if !entry.here {
            return None;
        }
        self.open.remove(&receipt.packet);
        Some(receipt.packet)
    }

    /// How many messages the broker keeps for us.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(arrival: Arrival) -> Receipt {
        match arrival {
            Arrival::New(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_taken_is_acknowledged_once() {
        let mut ledger = Ledger::default();
        let receipt = new(ledger.arrived(7, false, 1));
        assert_eq!(ledger.taken(receipt), Some(7));
        assert_eq!(ledger.taken(receipt), None);
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn what_comes_again_over_a_new_connection_is_not_taken_twice() {
        let mut ledger = Ledger::default();
        let (early, late) = (
            new(ledger.arrived(1, false, 1)),
            new(ledger.arrived(2, false, 2)),
        );
        ledger.connected(true);
        assert_eq!(
            ledger.taken(early),
            None,
            "not acknowledged before it came again"
        );
        assert_eq!(ledger.arrived(1, true, 1), Arrival::Done);
        assert_eq!(ledger.arrived(2, true, 2), Arrival::Again);
        assert_eq!(ledger.taken(late), Some(2));
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn without_the_session_of_old_numbers_mean_nothing() {
        let mut ledger = Ledger::default();
        let old = new(ledger.arrived(1, false, 1));
        ledger.connected(false);
        let fresh = new(ledger.arrived(1, false, 1));
        assert_eq!(ledger.taken(old), None, "another message by now");
        assert_eq!(ledger.taken(fresh), Some(1));
    }

    #[test]
    fn a_number_used_anew_is_another_message() {
        let mut ledger = Ledger::default();
        let old = new(ledger.arrived(1, false, 1));
        ledger.connected(true);
        let fresh = new(ledger.arrived(1, true, 9));
        assert_eq!(ledger.taken(old), None);
        assert_eq!(ledger.taken(fresh), Some(1));
    }
}
