//! What is to be driven when the host is gone, and when: off at once, on as soon as its minimum off allows.

use growbox_model::{Moment, SafeDevice, SafePlan, Span, Text};

/// Whoever has not confirmed is told again after this.
const AGAIN: Span = Span::seconds(1);

/// A safe plan on its way.
#[derive(Debug, Clone)]
pub(crate) struct Safing {
    steps: Vec<Step>,
}

/// One device on its way to its safe level.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Which, and where to.
    pub(crate) device: SafeDevice,
    /// When it is told, at first and then again.
    pub(crate) due: Moment,
    /// Its driver said that it is there.
    pub(crate) done: bool,
    /// Somebody has been told so.
    told: bool,
    /// What its driver said last, where that was no.
    pub(crate) failure: Option<String>,
}

impl Safing {
    /// Of a plan that was made in this boot, or in an earlier one, whose clock means nothing now:
    /// then every device that has to rest may have gone off just now.
    pub(crate) fn of(plan: &SafePlan, same_boot: bool, now: Moment) -> Self {
        let step = |device: &SafeDevice| Step {
            device: device.clone(),
            due: due(device, same_boot, now),
            done: false,
            told: false,
            failure: None,
        };
        Self {
            steps: plan.devices.iter().map(step).collect(),
        }
    }

    /// What is to be told now: outputs with their levels.
    pub(crate) fn due(&mut self, now: Moment) -> Vec<(Text, f64)> {
        let due = |step: &&mut Step| !step.done && step.due <= now;
        let tell = |step: &mut Step| {
            step.due = now + AGAIN;
            (step.device.output.clone(), step.device.safe_level)
        };
        self.steps.iter_mut().filter(due).map(tell).collect()
    }

    /// Takes in that an output is where it was told to be.
    pub(crate) fn confirmed(&mut self, output: &str, level: f64) {
        for step in self.of_output(output) {
            step.done = (step.device.safe_level - level).abs() < 1e-3;
        }
    }

    /// Takes in that an output could not be brought there.
    pub(crate) fn failed(&mut self, output: &str, why: &str) {
        for step in self.of_output(output) {
            step.failure = Some(why.to_owned());
        }
    }

    /// Whether everything is where it is safe.
    pub(crate) fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.done)
    }

    /// Whether what must be off is off.
    pub(crate) fn offs_are_done(&self) -> bool {
        let off = |step: &&Step| step.device.safe_level == 0.0;
        self.steps.iter().filter(off).all(|step| step.done)
    }

    /// Who has come to its safe level, each told once.
    pub(crate) fn arrived(&mut self) -> Vec<SafeDevice> {
        let fresh = |step: &&mut Step| step.done && !step.told;
        let tell = |step: &mut Step| {
            step.told = true;
            step.device.clone()
        };
        self.steps.iter_mut().filter(fresh).map(tell).collect()
    }

    /// Every device, in the order in which it is driven.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn of_output<'a>(&'a mut self, output: &'a str) -> impl Iterator<Item = &'a mut Step> {
        let mine = move |step: &&mut Step| *step.device.output == *output;
        self.steps.iter_mut().filter(mine)
    }
}

/// Only who goes on has to have rested; who is on already has.
fn due(device: &SafeDevice, same_boot: bool, now: Moment) -> Moment {
    let runs = same_boot && device.level.is_some_and(|level| level > 0.0);
    if device.safe_level == 0.0 || runs {
        now
    } else if same_boot {
        device.free_at.map_or(now, |free_at| free_at.max(now))
    } else {
        now + device.min_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::DeviceId;
    use proptest::prelude::*;

    const NOW: Moment = Moment(Span::hours(1).0);

    fn device(safe_level: f64, level: Option<f64>, free_at: Option<Moment>) -> SafeDevice {
        SafeDevice {
            device: DeviceId::new("fan").unwrap(),
            output: "unix:/run/room#fan".into(),
            active_low: false,
            safe_level,
            level,
            confirmed: false,
            min_off: Span::seconds(90),
            free_at,
            bound_until: None,
        }
    }

    fn safing(device: SafeDevice, same_boot: bool) -> Safing {
        let devices = vec![device];
        Safing::of(&SafePlan { devices }, same_boot, NOW)
    }

    #[test]
    fn off_is_told_at_once_and_again_until_it_is_confirmed() {
        let mut safing = safing(device(0.0, Some(1.0), None), true);
        let told = [("unix:/run/room#fan".into(), 0.0)];
        assert_eq!(safing.due(NOW), told);
        assert_eq!(safing.due(NOW), []);
        safing.failed("unix:/run/room#fan", "nobody there");
        assert_eq!(safing.due(NOW + AGAIN), told);
        safing.confirmed("unix:/run/room#fan", 1.0);
        assert!(!safing.is_done() && !safing.offs_are_done());
        safing.confirmed("unix:/run/room#fan", 0.0);
        assert!(safing.is_done() && safing.offs_are_done());
        assert_eq!(safing.arrived().len(), 1);
        assert_eq!(safing.arrived(), []);
        assert_eq!(safing.due(NOW + Span::hours(1)), []);
    }

    #[test]
    fn who_runs_already_goes_to_its_safe_level_at_once() {
        let free_at = Some(NOW + Span::seconds(60));
        let mut running = safing(device(0.2, Some(1.0), free_at), true);
        assert_eq!(running.due(NOW).len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_goes_on_before_it_has_rested(
            level in proptest::option::of(0.0..=1.0f64),
            free in proptest::option::of(0..200u64),
            same_boot: bool,
            later in 0..300u64,
        ) {
            let free_at = free.map(|seconds| NOW + Span::seconds(seconds));
            let device = device(1.0, level, free_at);
            let off = !same_boot || level.is_none_or(|level| level <= 0.0);
            let rested = if same_boot { free_at } else { Some(NOW + device.min_off) };
            let at = NOW + Span::seconds(later);
            let told = !safing(device, same_boot).due(at).is_empty();
            prop_assert_eq!(told, !off || rested.is_none_or(|rested| rested <= at));
        }
    }
}
