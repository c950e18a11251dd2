//! Inputs: contacts on pins, looked at often and told when they change, and now and then.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{Span, Text};

use super::pins::Pins;
use crate::address::{Address, parse_source};
use crate::driver::DriverEvent;

/// Between two looks. A contact that says the same twice has done bouncing.
pub(super) const LOOK: Span = Span::millis(20);
/// What does not change is told so often, so that it is not taken for silent.
const REPEAT: Span = Span::seconds(10);
/// What a contact is a reading of: 1 while its pin is high, or low where its address says so.
const QUANTITY: &str = "x_contact";

/// One contact.
#[derive(Debug)]
struct Contact {
    address: Text,
    active_low: bool,
    /// What the last look saw.
    seen: Option<bool>,
    /// What was told, and when.
    told: Option<(bool, Span)>,
}

/// Every contact, by its pin.
#[derive(Debug, Default)]
pub(super) struct Inputs(BTreeMap<u8, Contact>);

impl Inputs {
    /// Listens to these points and no others; what cannot be listened to, and why.
    pub(super) fn exchange(
        &mut self,
        points: &BTreeSet<Text>,
        pins: &mut dyn Pins,
        is_relay: impl Fn(u8) -> bool,
    ) -> Vec<String> {
        let wanted: BTreeMap<u8, (Text, bool)> = points.iter().filter_map(contact).collect();
        let ended: Vec<u8> = self.0.keys().copied().collect();
        for pin in ended.into_iter().filter(|pin| !wanted.contains_key(pin)) {
            self.0.remove(&pin);
            pins.ignore(pin);
        }
        let mut wrong = Vec::new();
        for (pin, (address, active_low)) in wanted {
            let same = |known: &Contact| known.address == address;
            if self.0.get(&pin).is_some_and(same) {
                continue;
            }
            let taken = || format!("pin {pin} is that of a relay");
            let listens = match is_relay(pin) {
                true => Err(taken()),
                false => pins.listen(pin),
            };
            match listens {
                Err(why) => wrong.push(format!("{address}: {why}")),
                Ok(()) => {
                    let new = Contact {
                        address,
                        active_low,
                        seen: None,
                        told: None,
                    };
                    self.0.insert(pin, new);
                }
            }
        }
        wrong
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at every contact.
    pub(super) fn look(&mut self, pins: &mut dyn Pins, now: Span) -> Vec<DriverEvent> {
        let look = |(pin, contact): (&u8, &mut Contact)| {
            let high = pins.look(*pin).ok()?;
            contact.look(high, now)
        };
        self.0.iter_mut().filter_map(look).collect()
    }
}

impl Contact {
    fn look(&mut self, high: bool, now: Span) -> Option<DriverEvent> {
        let is = high != self.active_low;
        if self.seen.replace(is) != Some(is) {
            return None;
        }
        let known = |(told, at): (bool, Span)| told == is && now.0.saturating_sub(at.0) < REPEAT.0;
        if self.told.is_some_and(known) {
            return None;
        }
        self.told = Some((is, now));
        Some(DriverEvent::Reading {
            address: self.address.clone(),
            quantity: QUANTITY.into(),
            value: f64::from(u8::from(is)),
            unit: None,
            at: None,
        })
    }
}

/// The contact behind a point of this driver.
fn contact(point: &Text) -> Option<(u8, (Text, bool))> {
    let address = format!("gpio:{point}");
    match parse_source(&address).ok()? {
        Address::Pin { pin, active_low } => Some((pin, (address.into(), active_low))),
        _ => None,
    }
}
