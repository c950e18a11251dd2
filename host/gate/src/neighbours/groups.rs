//! Groups: who has to do with whom, directly or through others. A group settles together, or not at all.

use std::collections::BTreeSet;

use growbox_model::QuietHours;

use super::{Circuit, Neighbours, Place};
use crate::gate::World;

/// The groups of a table of places. Who is roused is asked of everybody each time: so it lies
/// together, apart from all that is asked of few.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    /// By place: the group of all it has to do with, directly or through others.
    of: Vec<usize>,
    /// By group: whether somebody in it is to be settled.
    roused: Vec<bool>,
    /// Places that hang on light or on the hour.
    under_sky: Vec<usize>,
}

impl Neighbours {
    /// Lets every group rest, or rouses them all.
    pub(crate) fn sleep(&mut self, all_roused: bool) {
        self.groups.roused.fill(all_roused);
    }

    /// Rouses a device with everybody it has to do with.
    pub(crate) fn rouse(&mut self, at: usize) {
        let Groups { of, roused, .. } = &mut self.groups;
        if let Some(roused) = of.get(at).and_then(|group| roused.get_mut(*group)) {
            *roused = true;
        }
    }

    /// Whether a device is to be settled.
    pub(crate) fn is_roused(&self, at: usize) -> bool {
        let Groups { of, roused, .. } = &self.groups;
        of.get(at).and_then(|group| roused.get(*group)) == Some(&true)
    }

    /// Whether anybody is to be settled.
    pub(crate) fn anybody_roused(&self) -> bool {
        self.groups.roused.contains(&true)
    }

    /// Looks at light and hour, which change by themselves, and rouses whom they concern.
    pub(crate) fn look_up(&mut self, world: &impl World) {
        for index in 0..self.groups.under_sky.len() {
            let at = self.groups.under_sky[index];
            let place = &mut self.places[at];
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

impl Groups {
    /// Of these places and circuits, everybody roused.
    pub(super) fn of(places: &[Place], circuits: &[Circuit]) -> Self {
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
        let (of, count) = number(&beside);
        let sees = |at: &usize| places[*at].light.is_some() || places[*at].quiet.is_some();
        Self {
            of,
            roused: vec![true; count],
            under_sky: (0..places.len()).filter(sees).collect(),
        }
    }
}

/// The number of everybody's group, where it is known who is beside whom; how many there are.
fn number(beside: &[BTreeSet<usize>]) -> (Vec<usize>, usize) {
    let mut of = vec![None; beside.len()];
    let mut groups = 0;
    for first in 0..beside.len() {
        if of[first].is_some() {
            continue;
        }
        let mut found = vec![first];
        while let Some(at) = found.pop() {
            if of[at].replace(groups).is_none() {
                found.extend(&beside[at]);
            }
        }
        groups += 1;
    }
    (
        of.into_iter().map(Option::unwrap_or_default).collect(),
        groups,
    )
}
