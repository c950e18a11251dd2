//! The queue before the workers: bounded, and one call an origin at a time, in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Things that wait, by the origin they are for.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    waiting: VecDeque<(String, T)>,
    at_work: BTreeSet<String>,
    bounds: Bounds,
}

/// How many may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Altogether.
    pub(crate) all: usize,
    /// For one origin: a slow one leaves room for the others.
    pub(crate) each: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            waiting: VecDeque::new(),
            at_work: BTreeSet::new(),
            bounds,
        }
    }

    /// Puts one in; gives it back with the reason where there is no room.
    pub(crate) fn push(&mut self, origin: String, item: T) -> Result<(), (T, String)> {
        let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
        for (other, _) in &self.waiting {
            *waiting.entry(other).or_default() += 1;
        }
        let for_it = waiting.get(origin.as_str()).copied().unwrap_or_default();
        if for_it >= self.bounds.each {
            return Err((
                item,
                format!("busy: {for_it} calls to {origin} wait already"),
            ));
        }
        if self.waiting.len() >= self.bounds.all {
            let why = format!("busy: {} calls wait already", self.waiting.len());
            return Err((item, why));
        }
        self.waiting.push_back((origin, item));
        Ok(())
    }

    /// The oldest whose origin nobody works on; its origin is taken until [`Queue::done`].
    pub(crate) fn take(&mut self) -> Option<(String, T)> {
        let free = |(origin, _): &(String, T)| !self.at_work.contains(origin);
        let index = self.waiting.iter().position(free)?;
        let (origin, item) = self.waiting.remove(index)?;
        self.at_work.insert(origin.clone());
        Some((origin, item))
    }

    /// The origin is free again.
    pub(crate) fn done(&mut self, origin: &str) {
        self.at_work.remove(origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { all: 4, each: 2 };

    #[test]
    fn a_slow_origin_does_not_hold_up_the_others() {
        let mut queue = Queue::new(BOUNDS);
        for (origin, item) in [("slow", 1), ("slow", 2), ("quick", 3)] {
            queue.push(origin.into(), item).unwrap();
        }
        assert_eq!(queue.take(), Some(("slow".into(), 1)));
        assert_eq!(queue.take(), Some(("quick".into(), 3)));
        assert_eq!(queue.take(), None);
        queue.done("slow");
        assert_eq!(queue.take(), Some(("slow".into(), 2)));
    }

    #[test]
    fn what_has_no_room_comes_back() {
        let mut queue = Queue::new(BOUNDS);
        for origin in ["a", "a", "b", "b"] {
            queue.push(origin.into(), ()).unwrap();
        }
        let (_, why) = queue.push("a".into(), ()).unwrap_err();
        assert_eq!(why, "busy: 2 calls to a wait already");
        let (_, why) = queue.push("c".into(), ()).unwrap_err();
        assert_eq!(why, "busy: 4 calls wait already");
    }
}
