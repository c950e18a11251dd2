//! A claim: what somebody wants of a device, and until when; and who goes before whom.

use growbox_model::{DeviceSpec, Moment, Outcome, Requester, Seq, Span, Text};

use crate::pulse::Pulse;

/// A request that was accepted and lives out its lease.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    /// Who asked.
    pub(crate) requester: Requester,
    /// The first of the equal requests: outcomes are told about this one.
    pub(crate) seq: Seq,
    /// The level as asked; renewals are compared with it.
    pub(crate) asked: f64,
    /// The level inside the envelope.
    pub(crate) level: f64,
    /// The lease as asked; renewals are compared with it.
    pub(crate) lease: Option<Span>,
    /// When the lease ends.
    pub(crate) until: Moment,
    /// The cut of the newest batch that asked for it.
    pub(crate) cut: Moment,
    /// Why, in the requester's words; the newest ones.
    pub(crate) reason: Text,
    /// The newest of executed and failed that was told, while it holds.
    pub(crate) told: Option<Outcome>,
    /// It asks for a pulse, not for a level that stands.
    pub(crate) pulse: Option<Pulse>,
}

impl Claim {
    /// The pulse, where it is one.
    pub(crate) fn pulse_of(&self) -> Option<Pulse> {
        self.pulse
    }

    /// Whether it is a pulse that has not begun: it moves nothing yet.
    pub(crate) fn waits(&self) -> bool {
        self.pulse.is_some_and(|pulse| pulse.begun.is_none())
    }
}

/// Who goes before whom; the smaller one is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// People.
    Person,
    /// Named in the device's `controllers`, at this place.
    Controller(usize),
    /// Anybody else.
    Other,
}

impl Rank {
    /// Of a requester at a device.
    pub(crate) fn of(requester: &Requester, spec: &DeviceSpec) -> Self {
        match requester {
            Requester::Person(_) => Self::Person,
            Requester::Plugin(id) => spec
                .controllers
                .iter()
                .position(|named| named == id)
                .map_or(Self::Other, Self::Controller),
        }
    }
}

/// The claim that is in force among these. Of two people the one who spoke last; of two plug-ins
/// that nobody ordered, the first by id, so that they do not take turns.
pub(crate) fn top<'a>(
    claims: impl Iterator<Item = &'a Claim>,
    spec: &DeviceSpec,
) -> Option<&'a Claim> {
    claims.min_by(|a, b| {
        let rank = Rank::of(&a.requester, spec);
        rank.cmp(&Rank::of(&b.requester, spec))
            .then_with(|| match rank {
                Rank::Person => b.seq.cmp(&a.seq),
                Rank::Controller(_) | Rank::Other => a.requester.cmp(&b.requester),
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{claim, heater, person, plugin};

    #[test]
    fn people_before_controllers_in_their_order_before_others() {
        let mut spec = heater();
        spec.controllers = ["first", "second"]
            .map(|id| growbox_model::PluginId::new(id).unwrap())
            .to_vec();
        let of = |requester, seq| claim(requester, seq, 1.0);
        let mut claims = vec![
            of(plugin("another"), 9),
            of(plugin("second"), 8),
            of(plugin("first"), 7),
            of(person("anna"), 1),
            of(person("bert"), 2),
        ];
        let mut order = Vec::new();
        while let Some(winner) = top(claims.iter(), &spec).cloned() {
            claims.retain(|c| c.requester != winner.requester);
            order.push(winner.requester.to_string());
        }
        assert_eq!(
            order,
            ["person:bert", "person:anna", "first", "second", "another"]
        );
    }
}
