//! Raises alerts by rules, once each, and clears them when they are over.
//!
//! The way of a batch: each event is shown to each rule ([`rule`]), parents before children.
//! A rule whose condition the event is about says on which side of it that lies
//! ([`threshold`], [`deviation`], [`rate`], [`burst`], [`overdue`], [`absence`]: pure); dwell
//! times turn that into a beginning or an end ([`excursion`]: pure); the desk raises and clears
//! ([`desk`]). What stands is kept in the book ([`memory`]), so that nothing is raised twice.
//!
//! ```text
//!          outside for longer than dwell             inside for clear_dwell,
//!          and no parent stands                      by clear_hysteresis
//!  quiet ───────────────────────────────▶ raised ───────────────────────────▶ quiet
//!    ▲ inside: the dwell begins anew        │ acknowledged: noted, and cleared all the same
//! ```

mod absence;
mod burst;
mod desk;
mod deviation;
mod excursion;
mod memory;
mod overdue;
mod rate;
mod rule;
mod rules;
mod series;
mod threshold;
mod words;

use desk::Desk;
use growbox_sdk::prelude::*;
use memory::{Book, Watch};
pub use rules::Rules;

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct AlertRules {
    /// Rules by name. The shipped ones are there without being named; what is given under their
    /// names changes them, and enabled = false switches one off.
    pub rules: Rules,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            rules: Rules::shipped(),
        }
    }
}

#[growbox::plugin(
    // Everything but alert.raised and alert.cleared: alerts raise no alerts.
    reads(
        "sensor.*", "device.*", "control.*", "vpd.*", "analytics.*", "plugin.*", "system.*",
        "storage.*", "safety.*", "x.*", "alert.acknowledged",
    ),
    tick = "30s",
    may_emit("alert.*" = "to raise alerts and to clear them"),
    may_stop("*" = "to stop a zone by a rule with the action emergency_stop, such as device_failure_burst"),
)]
impl Handler for AlertRules {
    type State = (Whole<Book>, PerKey<Watch>);

    fn handle(&self, room: &Room, state: &mut Self::State, effects: &mut Effects) -> Outcome {
        let (book, watches) = state;
        let mut desk = Desk::new(room, book, watches, effects);
        desk.take_rules(&self.rules);
        for event in room.events() {
            if event.is("alert.acknowledged") {
                desk.acknowledge(event);
                continue;
            }
            for rule in self.rules.in_order() {
                rule.hear(event, &mut desk);
            }
        }
        if room.tick() {
            for rule in self.rules.in_order() {
                rule.tick(&mut desk);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
