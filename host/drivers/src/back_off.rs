//! How long to wait before the next try: twice as long each time, until one lasts.

use growbox_model::Span;

/// A connection that lasted this long was a good one. Shorter ones count as failures, so that two
/// hosts that take a room from each other do not do so without end.
const GOOD: Span = Span::seconds(5);

/// The wait before the next try.
#[derive(Debug)]
pub(crate) struct BackOff {
    first: Span,
    longest: Span,
    next: Span,
}

impl BackOff {
    pub(crate) fn new(first: Span, longest: Span) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// The wait after a try that lasted for `lasted`.
    pub(crate) fn after(&mut self, lasted: Span) -> Span {
        if lasted >= GOOD {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = wait.times(2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_and_begins_anew_after_a_good_one() {
        let mut back_off = BackOff::new(Span::millis(200), Span::seconds(1));
        let mut wait = |lasted| back_off.after(Span::seconds(lasted));
        let waits = [wait(0), wait(1), wait(0), wait(0), wait(60), wait(0)];
        assert_eq!(waits, [200, 400, 800, 1000, 200, 400].map(Span::millis));
    }
}
