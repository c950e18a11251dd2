//! From what should be to what has to be asked: new levels at once, equal ones only in time.

use crate::decide::{Decision, Wish};
use crate::memory::Asked;
use growbox_sdk::prelude::*;
use std::collections::BTreeMap;

/// A level that differs by less is not worth a request.
const WORTH_ASKING: f64 = 0.075;

/// How and when requests are placed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placing<'a> {
    pub(crate) now: Moment,
    /// Equal requests are renewed at ticks only.
    pub(crate) tick: bool,
    pub(crate) lease: Span,
    pub(crate) causes: &'a [u64],
}

impl Placing<'_> {
    /// Asks for what is new, renews what ends soon, lets go of what is no longer wanted.
    pub(crate) fn place(
        self,
        zone: &Zone,
        decision: &Decision,
        asked: &mut BTreeMap<String, Asked>,
        effects: &mut Effects,
    ) {
        let wanted = |device: &str| decision.wishes.iter().any(|wish| wish.device == device);
        asked.retain(|device, _| {
            let keep = wanted(device);
            if !keep {
                self.release(zone, device, &decision.otherwise, effects);
            }
            keep
        });
        for wish in &decision.wishes {
            self.ask(zone, wish, asked, effects);
        }
    }

    fn ask(
        self,
        zone: &Zone,
        wish: &Wish,
        asked: &mut BTreeMap<String, Asked>,
        effects: &mut Effects,
    ) {
        let standing = asked
            .get(&wish.device)
            .filter(|asked| is_equal(asked.level, wish.level));
        let request = match standing {
            Some(asked) if !self.must_renew(zone, &wish.device, asked) => return,
            Some(asked) => Asked {
                at: self.now,
                ..asked.clone()
            },
            None => Asked {
                level: wish.level,
                reason: wish.reason.clone(),
                at: self.now,
            },
        };
        effects
            .request([&wish.device])
            .level(Level(request.level))
            .lease(self.lease)
            .caused_by(self.causes)
            .because(&request.reason);
        asked.insert(wish.device.clone(), request);
    }

    /// At a tick: half of the lease is over, or the host no longer knows of the claim (it was
    /// started anew, or a stop emptied the claims).
    fn must_renew(self, zone: &Zone, device: &str, asked: &Asked) -> bool {
        let lost = zone.device(device).is_some_and(|view| {
            view.refusal.is_none() && view.owner.as_deref() != Some(env!("CARGO_PKG_NAME"))
        });
        self.tick && (lost || self.now.since(asked.at) >= self.lease.half())
    }

    /// Only of devices that are there.
    fn release(self, zone: &Zone, device: &str, why: &str, effects: &mut Effects) {
        let there = zone.devices().find(|known| known.id == device);
        effects
            .request(there)
            .release()
            .caused_by(self.causes)
            .because(why);
    }
}

/// On and off are never equal, levels between them are when they are close.
fn is_equal(asked: f64, wished: f64) -> bool {
    (asked > 0.0) == (wished > 0.0) && (asked - wished).abs() < WORTH_ASKING
}
