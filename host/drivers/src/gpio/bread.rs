//! Pins that remember, for tests: some pulled up, one held by something else, none driven at first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::pins::{OpenPins, Pins};

/// A board whose wires a test sees and moves.
#[derive(Clone, Default)]
pub(crate) struct Bread(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    high: BTreeMap<u8, bool>,
    driven: BTreeSet<u8>,
    held_high: BTreeSet<u8>,
}

impl Bread {
    /// How a driver opens this one.
    pub(crate) fn opener(&self) -> OpenPins {
        let board = self.clone();
        Arc::new(move || Ok(Box::new(board.clone())))
    }

    /// Moves a wire from outside.
    pub(crate) fn pull(&self, pin: u8, high: bool) {
        self.0.lock().unwrap().high.insert(pin, high);
    }

    /// Solders a wire to the supply, or loosens it.
    pub(crate) fn hold_high(&self, pin: u8, held: bool) {
        let mut board = self.0.lock().unwrap();
        match held {
            true => board.held_high.insert(pin),
            false => board.held_high.remove(&pin),
        };
    }

    /// Whether a wire is high; one that nobody pulls is low.
    pub(crate) fn is_high(&self, pin: u8) -> bool {
        let board = self.0.lock().unwrap();
        board.held_high.contains(&pin) || board.high.get(&pin) == Some(&true)
    }

    /// Whether a pin was ever made an output.
    pub(crate) fn is_driven(&self, pin: u8) -> bool {
        self.0.lock().unwrap().driven.contains(&pin)
    }
}

impl Pins for Bread {
    fn take(&mut self, pin: u8) -> Result<bool, String> {
        Ok(self.is_high(pin))
    }

    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String> {
        self.0.lock().unwrap().driven.insert(pin);
        self.pull(pin, high);
        Ok(self.is_high(pin))
    }

    fn leave(&mut self, _pin: u8) {}

    fn listen(&mut self, pin: u8) -> Result<(), String> {
        self.0.lock().unwrap().high.entry(pin).or_insert(true);
        Ok(())
    }

    fn look(&mut self, pin: u8) -> Result<bool, String> {
        Ok(self.is_high(pin))
    }

    fn ignore(&mut self, _pin: u8) {}
}
