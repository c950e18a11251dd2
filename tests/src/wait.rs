//! Waiting until something is so, with a deadline.

use std::time::{Duration, Instant};

/// How long a test waits for what has to happen, on a slow and busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// The first look comes at once, the next after so long, then ever later.
const SOON: Duration = Duration::from_millis(5);
/// But never later than this.
const LATEST: Duration = Duration::from_millis(200);

/// Asks until there is an answer.
///
/// # Panics
/// Where none came before [`DEADLINE`]; `what` says what was waited for.
#[track_caller]
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, ask)
}

/// Asks until there is an answer, at most for so long.
///
/// # Panics
/// Where none came; `what` says what was waited for.
#[track_caller]
pub fn until_within<T>(at_most: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut pause = SOON;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            begun.elapsed() < at_most,
            "waited {:.1} s for {what}",
            begun.elapsed().as_secs_f64()
        );
        std::thread::sleep(pause);
        pause = (pause * 2).min(LATEST);
    }
}
