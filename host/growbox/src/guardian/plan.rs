//! What is to be driven when the host is gone, and when: off at once, on as soon as its minimum off allows.
//!
//! Who has come to its safe level is looked after all the same: what is moved away from it, or
//! cannot be reached any more, is due again.

use growbox_model::{DeviceId, Moment, SafeDevice, SafePlan, Span, Text};

/// Whoever has not confirmed is told again after this.
const AGAIN: Span = Span::seconds(1);
/// A circuit bears one start at a time; which device hangs on which is not asked here.
const START_EVERY: Span = Span::seconds(2);
/// Levels this close are the same.
const SAME_LEVEL: f64 = 1e-3;

/// A safe plan on its way.
#[derive(Debug, Clone)]
pub(crate) struct Safing {
    steps: Vec<Step>,
    /// Before this nobody else goes on.
    next_start: Moment,
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
    /// Where it is as far as anybody knows; none while nobody does.
    at: Option<f64>,
    /// Where it was before it was driven.
    from: Option<f64>,
    /// Its minimum on lasts until then.
    bound_until: Option<Moment>,
    /// It is not told before this, whatever it says.
    again: Moment,
    /// It was told since it was last known to be off.
    begun: bool,
    /// It had come to its safe level and could not be reached then.
    lost: bool,
    /// Its minimum on was not over when it was told to go off.
    breaks_min_on: bool,
    /// Somebody has been told that it is there.
    told: bool,
    /// What its driver said last, where that was no.
    pub(crate) failure: Option<String>,
}

/// A device that has come to its safe level.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrival {
    /// Which.
    pub(crate) device: DeviceId,
    /// From where, as far as anybody knew.
    pub(crate) from: Option<f64>,
    /// Its safe level.
    pub(crate) to: f64,
    /// Its minimum on was not over.
    pub(crate) breaks_min_on: bool,
}

impl Safing {
    /// Of a plan that was made in this boot, or in an earlier one, whose clock means nothing now:
    /// then every device that has to rest may have gone off just now.
    pub(crate) fn of(plan: &SafePlan, same_boot: bool, now: Moment) -> Self {
        let steps = plan.devices.iter();
        Self {
            steps: steps
                .map(|device| Step::of(device, same_boot, now))
                .collect(),
            next_start: now,
        }
    }

    /// What is to be told now: outputs with their levels.
    pub(crate) fn due(&mut self, now: Moment) -> Vec<(Text, f64)> {
        let mut told = Vec::new();
        for step in &mut self.steps {
            if step.done || step.due > now {
                continue;
            }
            if step.starts() {
                if now < self.next_start {
                    continue;
                }
                self.next_start = now + START_EVERY;
            }
            told.push(step.tell(now));
        }
        told
    }

    /// Takes in that an output is where it was told to be.
    pub(crate) fn confirmed(&mut self, output: &str, level: f64) {
        for step in self.of_output(output) {
            step.done = same(step.device.safe_level, level);
            step.at = Some(level);
        }
    }

    /// Takes in that an output is at a level that nobody here told it.
    pub(crate) fn moved(&mut self, output: &str, level: f64, now: Moment) {
        for step in self.of_output(output) {
            step.moved(level, now);
        }
    }

    /// Takes in that an output could not be brought there.
    pub(crate) fn failed(&mut self, output: &str, why: &str) {
        for step in self.of_output(output) {
            step.failure = Some(why.to_owned());
        }
    }

    /// Takes in that an output cannot be reached: nobody knows any more where it is.
    pub(crate) fn lost(&mut self, output: &str, now: Moment) {
        self.failed(output, "it cannot be reached");
        for step in self.of_output(output).filter(|step| step.done) {
            (step.done, step.lost, step.at) = (false, true, None);
            step.due = step.rested(now).max(step.again);
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

    /// Who has come to its safe level, each told once each time.
    pub(crate) fn arrived(&mut self) -> Vec<Arrival> {
        let fresh = |step: &&mut Step| step.done && !step.told;
        self.steps
            .iter_mut()
            .filter(fresh)
            .map(Step::tell_arrival)
            .collect()
    }

    /// Drives only these from now on; the outputs of the others.
    pub(crate) fn keep_only(&mut self, keep: impl Fn(&SafeDevice) -> bool) -> Vec<Text> {
        let (kept, gone) = std::mem::take(&mut self.steps)
            .into_iter()
            .partition(|step| keep(&step.device));
        self.steps = kept;
        let outputs = gone.into_iter().map(|step: Step| step.device.output);
        outputs.collect()
    }

    /// The plan as it stands now, its moments in this boot: whoever carries it out next goes on
    /// from here.
    pub(crate) fn left(&self) -> SafePlan {
        SafePlan {
            devices: self.steps.iter().map(Step::left).collect(),
        }
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

impl Step {
    fn of(device: &SafeDevice, same_boot: bool, now: Moment) -> Self {
        Self {
            device: device.clone(),
            due: due(device, same_boot, now),
            done: false,
            at: device.level.filter(|_| same_boot),
            from: device.level,
            bound_until: device.bound_until.filter(|_| same_boot),
            again: now,
            begun: false,
            lost: false,
            breaks_min_on: false,
            told: false,
            failure: None,
        }
    }

    /// Whether telling it makes it go on, as far as anybody knows.
    fn starts(&self) -> bool {
        let runs = self.at.is_some_and(|level| level > 0.0);
        self.device.safe_level > 0.0 && !runs && !self.begun
    }

    fn tell(&mut self, now: Moment) -> (Text, f64) {
        self.again = now + AGAIN;
        self.due = self.again;
        self.begun = true;
        let bound = self.bound_until.is_some_and(|until| until > now);
        self.breaks_min_on |= bound && self.device.safe_level == 0.0;
        (self.device.output.clone(), self.device.safe_level)
    }

    /// What it says while it is still on its way changes nothing, but that it went off: then it
    /// rests first.
    fn moved(&mut self, level: f64, now: Moment) {
        let before = self.at.replace(level);
        let lost = std::mem::take(&mut self.lost);
        if same(level, self.device.safe_level) {
            return;
        }
        if self.done {
            (self.from, self.told) = (Some(level), false);
        }
        let ran = lost || before.is_some_and(|before| before > 0.0);
        if ran && level == 0.0 {
            (self.due, self.begun) = (self.rested(now), false);
        } else if self.done || lost {
            self.due = now;
        }
        self.due = self.due.max(self.again);
        self.done = false;
    }

    /// When it may go to its safe level after it may have gone off just now.
    fn rested(&self, now: Moment) -> Moment {
        if self.device.safe_level == 0.0 {
            now
        } else {
            now + self.device.min_off
        }
    }

    fn left(&self) -> SafeDevice {
        SafeDevice {
            level: self.at,
            confirmed: self.done,
            free_at: Some(self.due),
            bound_until: self.bound_until,
            ..self.device.clone()
        }
    }

    fn tell_arrival(&mut self) -> Arrival {
        self.told = true;
        self.bound_until = None;
        Arrival {
            device: self.device.device.clone(),
            from: self.from,
            to: self.device.safe_level,
            breaks_min_on: std::mem::take(&mut self.breaks_min_on),
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < SAME_LEVEL
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

    const OUTPUT: &str = "unix:/run/room#fan";

    #[test]
    fn who_is_moved_away_from_its_safe_level_is_driven_back() {
        let mut heater = safing(device(0.0, Some(1.0), None), true);
        let _ = heater.due(NOW);
        heater.confirmed(OUTPUT, 0.0);
        assert_eq!(heater.arrived().len(), 1);
        let then = NOW + Span::hours(30);
        heater.moved(OUTPUT, 1.0, then);
        assert!(!heater.is_done() && !heater.offs_are_done());
        assert_eq!(heater.due(then).len(), 1);
        heater.moved(OUTPUT, 1.0, then);
        assert_eq!(heater.due(then), [], "not faster than it may answer");
        heater.confirmed(OUTPUT, 0.0);
        let arrived = heater.arrived();
        assert_eq!((arrived[0].from, arrived[0].to), (Some(1.0), 0.0));
    }

    #[test]
    fn who_went_off_though_it_must_be_on_rests_first() {
        let mut fan = safing(device(1.0, Some(1.0), None), true);
        let _ = fan.due(NOW);
        fan.confirmed(OUTPUT, 1.0);
        fan.moved(OUTPUT, 0.0, NOW + Span::hours(1));
        let rested = NOW + Span::hours(1) + Span::seconds(90);
        assert_eq!(fan.due(rested - Span(1)), []);
        assert_eq!(fan.due(rested).len(), 1);
    }

    #[test]
    fn who_cannot_be_reached_is_not_believed_any_more() {
        let mut heater = safing(device(0.0, Some(1.0), None), true);
        let _ = heater.due(NOW);
        heater.confirmed(OUTPUT, 0.0);
        assert_eq!(heater.arrived().len(), 1);
        heater.lost(OUTPUT, NOW + Span::hours(1));
        assert!(!heater.is_done());
        assert_eq!(heater.due(NOW + Span::hours(1)).len(), 1);
        heater.confirmed(OUTPUT, 0.0);
        assert!(heater.is_done());
        assert_eq!(heater.arrived(), [], "it was there all the time");
    }

    #[test]
    fn who_breaks_a_minimum_on_is_known() {
        for (left, breaks) in [(Some(10), true), (Some(0), false), (None, false)] {
            let mut lamp = device(0.0, Some(1.0), None);
            lamp.bound_until = left.map(|seconds| NOW + Span::seconds(seconds));
            for same_boot in [true, false] {
                let mut safing = safing(lamp.clone(), same_boot);
                let _ = safing.due(NOW);
                let _ = safing.due(NOW + Span::seconds(20));
                safing.confirmed(OUTPUT, 0.0);
                let arrived = safing.arrived();
                assert_eq!(arrived[0].breaks_min_on, breaks && same_boot, "{left:?}");
            }
        }
    }

    #[test]
    fn starts_are_spaced_and_who_goes_off_waits_for_none() {
        let fan = |name: &str, safe_level, level| SafeDevice {
            device: DeviceId::new(name).unwrap(),
            output: name.into(),
            ..device(safe_level, level, None)
        };
        let devices = vec![
            fan("a", 1.0, Some(0.0)),
            fan("b", 0.5, None),
            fan("runs", 1.0, Some(0.4)),
            fan("off", 0.0, Some(1.0)),
        ];
        let mut safing = Safing::of(&SafePlan { devices }, true, NOW);
        let mut told = |at: Moment| -> Vec<String> {
            let told = safing.due(at).into_iter();
            told.map(|(output, _)| output.to_string()).collect()
        };
        assert_eq!(told(NOW), ["a", "runs", "off"]);
        assert_eq!(told(NOW + AGAIN), ["a", "runs", "off"]);
        assert_eq!(told(NOW + START_EVERY), ["a", "b", "runs", "off"]);
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

        /// Whatever it says of itself meanwhile.
        #[test]
        fn who_went_off_is_not_told_to_go_on_before_it_has_rested(
            steps in proptest::collection::vec((0..4u8, 0..60u64), 0..60),
        ) {
            let mut fan = safing(device(1.0, Some(1.0), None), true);
            let (mut now, mut off) = (NOW, None::<Moment>);
            for (step, later) in steps {
                now = now + Span::seconds(later);
                match step {
                    0 => {
                        off = off.or(Some(now));
                        fan.moved(OUTPUT, 0.0, now);
                    }
                    1 => {
                        off = None;
                        fan.moved(OUTPUT, 0.7, now);
                    }
                    2 => fan.lost(OUTPUT, now),
                    _ => {
                        for _ in fan.due(now) {
                            let rested = off.map(|off| off + Span::seconds(90));
                            prop_assert!(rested.is_none_or(|rested| rested <= now));
                            off = None;
                            fan.confirmed(OUTPUT, 1.0);
                        }
                    }
                }
            }
        }
    }
}
