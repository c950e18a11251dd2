//! The sum of all tests, read from what the test runners print.

use std::fmt;

/// How many tests went well, and how many did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    passed: u64,
    failed: u64,
    /// A suite that could not run here.
    skipped: Option<&'static str>,
}

impl Sum {
    /// What nextest says at its end. Earlier lines may be the words of a test that failed.
    pub(crate) fn of_nextest(lines: &[String]) -> Self {
        lines
            .iter()
            .rev()
            .find_map(|line| nextest(line))
            .unwrap_or_default()
    }

    /// What `cargo test` says after each binary, added up.
    pub(crate) fn of_cargo(lines: &[String]) -> Self {
        lines
            .iter()
            .filter_map(|line| harness(line))
            .fold(Self::default(), Self::and)
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped.or(other.skipped),
        }
    }

    /// A suite could not run here; where it must, that is a failure.
    pub(crate) fn without(mut self, suite: &'static str, must: bool) -> Self {
        self.skipped = Some(suite);
        self.failed += u64::from(must);
        self
    }

    /// A runner that ended badly without naming a failed test (one that would not build, one
    /// that died) counts as one; finding nothing to run under a filter does not.
    pub(crate) fn ended(mut self, well: bool, filtered: bool) -> Self {
        let nothing_to_run = filtered && self == Self::default();
        if !well && self.failed == 0 && !nothing_to_run {
            self.failed = 1;
        }
        self
    }

    /// Whether something ran and nothing failed.
    pub(crate) fn is_good(self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            None => Ok(()),
            Some(suite) => write!(f, ", {suite} skipped: it is not installed"),
        }
    }
}

/// `Summary [   0.1s] 9/10 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
/// Whatever was meant to run and did not pass has failed.
fn nextest(line: &str) -> Option<Sum> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once(']')?;
    let (ran, results) = rest.split_once(':')?;
    let meant = ran.split_whitespace().next()?.rsplit('/').next()?;
    let passed = count_before(results, "passed").unwrap_or(0);
    Some(Sum {
        passed,
        failed: meant.parse::<u64>().ok()?.saturating_sub(passed),
        skipped: None,
    })
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; …`.
fn harness(line: &str) -> Option<Sum> {
    let rest = line.strip_prefix("test result: ")?;
    Some(Sum {
        passed: count_before(rest, "passed")?,
        failed: count_before(rest, "failed")?,
        skipped: None,
    })
}

/// The number right before a word.
fn count_before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', ',', ';', '.']).collect();
    words
        .windows(2)
        .find(|two| two[1] == word)
        .and_then(|two| two[0].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn nextests(text: &str) -> String {
        Sum::of_nextest(&lines(text)).to_string()
    }

    fn cargos(text: &str) -> Sum {
        Sum::of_cargo(&lines(text))
    }

    #[test]
    fn nextest_says_it_in_one_line() {
        let all_well = "     Summary [   0.123s] 10 tests run: 10 passed (1 slow), 2 skipped";
        assert_eq!(nextests(all_well), "10 passed, 0 failed");
        let mixed =
            "Summary [ 61.000s] 10 tests run: 7 passed, 1 failed, 1 exec failed, 1 timed out";
        assert_eq!(nextests(mixed), "7 passed, 3 failed");
        let one = "     Summary [   0.001s] 1 test run: 0 passed, 1 failed, 0 skipped";
        assert_eq!(nextests(one), "0 passed, 1 failed");
    }

    #[test]
    fn tests_that_were_cut_off_have_not_passed() {
        let cut = "     Summary [   1.000s] 4/9 tests run: 3 passed, 1 failed, 0 skipped";
        assert_eq!(nextests(cut), "3 passed, 6 failed");
    }

    #[test]
    fn what_a_failed_test_said_is_no_sum() {
        let text = "    test result: FAILED. 0 passed; 1 failed; 0 ignored
    Summary [ 1.0s] 7 tests run: 0 passed, 7 failed
     Summary [  85.096s] 3 tests run: 2 passed, 1 failed, 0 skipped
        FAIL [   0.352s] (1/3) growbox-runtime audit";
        assert_eq!(nextests(text), "2 passed, 1 failed");
        assert_eq!(cargos(text), Sum::default());
    }

    #[test]
    fn cargo_says_it_once_a_binary() {
        let text = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s
test a::failed ... ok
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(cargos(text).to_string(), "4 passed, 2 failed");
    }

    #[test]
    fn a_runner_that_dies_counts_as_failed() {
        let three = cargos("test result: ok. 3 passed; 0 failed; 0 ignored");
        assert!(three.ended(true, false).is_good());
        assert_eq!(three.ended(false, true).to_string(), "3 passed, 1 failed");
        assert_eq!(
            Sum::default().ended(false, false).to_string(),
            "0 passed, 1 failed"
        );
    }

    #[test]
    fn a_suite_that_could_not_run_is_named_and_may_count_as_failed() {
        let three = cargos("test result: ok. 3 passed; 0 failed; 0 ignored");
        let skipped = three.without("mosquitto", false);
        assert!(skipped.is_good());
        assert_eq!(
            skipped.to_string(),
            "3 passed, 0 failed, mosquitto skipped: it is not installed"
        );
        assert!(!three.without("mosquitto", true).is_good());
    }

    #[test]
    fn nothing_found_is_no_failure_and_no_success_either() {
        let nothing = Sum::default().ended(false, true);
        assert_eq!(nothing.to_string(), "0 passed, 0 failed");
        assert!(!nothing.is_good());
    }
}
