//! Groups: who has to do with whom, directly or through others. A group settles together, or not at all.

use std::collections::BTreeSet;

use growbox_model::QuietHours;

use super::{Circuit, Neighbours, Place};
use crate::gate::World;

impl Neighbours {
    /// Lets every group rest, or rouses them all.
    pub(crate) fn sleep(&mut self, all_roused: bool) {
        self.roused.fill(all_roused);
    }

    /// Rouses a device with everybody it has to do with.
    pub(crate) fn rouse(&mut self, at: usize) {
        let group = self.places.get(at).map(|place| place.group);
        if let Some(roused) = group.and_then(|group| self.roused.get_mut(group)) {
            *roused = true;
        }
    }

    /// Whether a device is to be settled.
    pub(crate) fn is_roused(&self, at: usize) -> bool {
        let group = self.places.get(at).map(|place| place.group);
        group.and_then(|group| self.roused.get(group)) == Some(&true)
    }

    /// Whether anybody is to be settled.
    pub(crate) fn anybody_roused(&self) -> bool {
        self.roused.contains(&true)
    }

    /// Looks at light and hour, which change by themselves, and rouses whom they concern.
    pub(crate) fn look_up(&mut self, world: &impl World) {
        for at in 0..self.places.len() {
            let place = &mut self.places[at];
            if place.light.is_none() && place.quiet.is_none() {
                continue;
            }
            let light = place.light.as_ref();
            let day = light.and_then(|(zone, _)| world.day(zone.as_ref()));
            let holds = |quiet: QuietHours| world.second_of_day().map(|at| quiet.hold(at));
            let quiet = place.quiet.and_then(holds);
            if std::mem::replace(&mut place.sky, (day, quiet)) != (day, quiet) {
                self.rouse(at);
            }
        }
    }
}

/// Numbers the groups of places that have to do with each other; how many there are.
pub(super) fn number(places: &mut [Place], circuits: &[Circuit]) -> usize {
    let mut beside: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); places.len()];
    let mut link = |one: usize, other: usize| {
        beside[one].insert(other);
        beside[other].insert(one);
    };
    for (at, place) in places.iter().enumerate() {
        let excluded = place.excludes.iter().map(|(other, _)| other);
        let lamps = place.light.iter().flat_map(|(_, lamps)| lamps);
        for other in excluded.chain(&place.needs).chain(lamps) {
            link(at, *other);
        }
    }
    for pair in circuits
        .iter()
        .flat_map(|circuit| circuit.members.windows(2))
    {
        link(pair[0], pair[1]);
    }
    let mut groups = 0;
    let mut seen = vec![false; places.len()];
    for first in 0..places.len() {
        if seen[first] {
            continue;
        }
        let mut found = vec![first];
        while let Some(at) = found.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                places[at].group = groups;
                found.extend(&beside[at]);
            }
        }
        groups += 1;
    }
    groups
}
