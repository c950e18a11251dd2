//! The bounded queue: a critical lane ahead of the normal one; who finds it full waits.

use std::collections::VecDeque;

/// Two lanes with one bound: whatever goes ahead takes its room from the rest, so that neither a
/// flood of what is critical grows without end, nor starves the others, who fill the room in time.
#[derive(Debug)]
pub struct Queue<T> {
    critical: VecDeque<T>,
    normal: VecDeque<T>,
    capacity: usize,
    /// The most that ever waited.
    pub peak: usize,
}

impl<T> Queue<T> {
    /// Room for `capacity` in both lanes together; the critical lane always takes.
    pub fn new(capacity: usize) -> Self {
        Self {
            critical: VecDeque::new(),
            normal: VecDeque::new(),
            capacity: capacity.max(1),
            peak: 0,
        }
    }

    /// Puts an item in; gives one that is not critical back when there is no room.
    pub fn push(&mut self, item: T, critical: bool) -> Result<(), T> {
        if critical {
            self.critical.push_back(item);
        } else if self.is_full() {
            return Err(item);
        } else {
            self.normal.push_back(item);
        }
        self.peak = self.peak.max(self.len());
        Ok(())
    }

    /// Takes the next: critical first, then in order of arrival.
    pub fn pop(&mut self) -> Option<T> {
        self.critical
            .pop_front()
            .or_else(|| self.normal.pop_front())
    }

    /// Takes the next of those that go ahead.
    pub fn pop_ahead(&mut self) -> Option<T> {
        self.critical.pop_front()
    }

    /// The next, left where it is.
    pub fn peek(&self) -> Option<&T> {
        self.critical.front().or_else(|| self.normal.front())
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// How many more find room.
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.len())
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.critical.len() + self.normal.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How full it is, 0…1.
    pub fn utilisation(&self) -> f64 {
        (self.len() as f64 / self.capacity as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_goes_ahead_and_is_never_refused() {
        let mut queue = Queue::new(2);
        assert!(queue.push(1, false).is_ok() && queue.push(2, false).is_ok());
        assert_eq!((queue.push(3, false), queue.room()), (Err(3), 0));
        assert!(queue.push(4, true).is_ok());
        assert_eq!(queue.peek(), Some(&4));
        assert_eq!(
            std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(),
            [4, 1, 2]
        );
        assert_eq!(queue.peak, 3);
    }

    #[test]
    fn what_goes_ahead_takes_its_room_from_the_rest() {
        let mut queue = Queue::new(2);
        assert!(queue.push(1, true).is_ok() && queue.push(2, true).is_ok());
        assert!(queue.is_full(), "of critical ones alone");
        assert_eq!(queue.push(3, false), Err(3));
        let _ = queue.pop();
        assert!(queue.push(3, false).is_ok() && queue.is_full());
    }
}
