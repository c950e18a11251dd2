//! What may happen to a room with three pumps.

use growbox_model::{
    Danger, DeviceId, DeviceSpec, Operation, Quantity, Requester, SafetySpec, Span,
};
use proptest::prelude::*;

use crate::bench::{device, person, plugin, zone};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Who, what, how long in milliseconds, how many seconds ago its cause was.
    Pulse(usize, usize, u64, u64),
    Level(usize, usize, bool, Option<u64>),
    Release(usize, usize),
    Wait(u64),
    /// Everything so far is on disk.
    Durable,
    /// From here on each step is on disk before the next one, or is not.
    Prompt(bool),
    Fresh(bool),
    Measure(f64),
    Stop(bool),
    Reset,
    Hold(usize, bool, Option<u64>),
    Unhold(usize),
    Operate(Operation),
    Confirms(bool),
    Confirm,
    Fail(usize),
    Reach(usize, bool),
    Move(usize, bool),
    /// Seconds ahead or back.
    Clock(i64),
    /// Clean or not, in the same boot or not, away so many seconds, the clock is believed.
    Restart(bool, bool, u64, bool),
}

pub(super) const NAMES: [&str; 3] = ["pump", "valve", "vessel"];

/// With and without a rest and a need; few doses, more, and no bound.
pub(super) fn devices() -> Vec<DeviceSpec> {
    let spec = |id, doses, min_off| {
        let mut spec = device(id, "pump");
        spec.doses_per_day = doses;
        spec.min_off = min_off;
        spec
    };
    let mut valve = spec("valve", Some(5), Span::minutes(2));
    valve.needs = vec![temperature()];
    valve.min_on = Span::seconds(10);
    let mut vessel = spec("vessel", None, Span::ZERO);
    vessel.max_on = Some(Span::seconds(40));
    vec![spec("pump", Some(2), Span::seconds(30)), valve, vessel]
}

/// Too hot: the pump goes off and the vessel on, dose or not.
pub(super) fn rule() -> SafetySpec {
    SafetySpec {
        id: "hot".into(),
        zone: zone(),
        when: Danger::Above {
            quantity: temperature(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::seconds(15),
        latch: false,
        devices: [(id(0), 0.0), (id(2), 1.0)].into(),
        message: "too hot".into(),
        shipped: false,
    }
}

fn temperature() -> Quantity {
    Quantity::new("temperature").unwrap()
}

pub(super) fn requesters() -> [Requester; 4] {
    [
        plugin("vpd"),
        plugin("low"),
        plugin("stray"),
        person("anna"),
    ]
}

pub(super) fn id(which: usize) -> DeviceId {
    DeviceId::new(NAMES[which]).unwrap()
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let what = || 0..NAMES.len();
    let operation = prop_oneof![
        4 => Just(Operation::Control),
        1 => Just(Operation::Paused),
        1 => Just(Operation::Observe)
    ];
    let wait = prop_oneof![3 => 0..70u64, 2 => 0..400u64, 2 => 3_600..50_000u64];
    let day = 90_000i64;
    prop_oneof![
        12 => (0..4usize, what(), 0..150_000u64, prop_oneof![4 => Just(0), 1 => 0..70u64])
            .prop_map(|(who, what, length, age)| Step::Pulse(who, what, length, age)),
        3 => (0..4usize, what(), any::<bool>(), proptest::option::of(0..300u64))
            .prop_map(|(who, what, on, lease)| Step::Level(who, what, on, lease)),
        1 => (0..4usize, what()).prop_map(|(who, what)| Step::Release(who, what)),
        12 => wait.prop_map(Step::Wait),
        3 => Just(Step::Durable),
        2 => any::<bool>().prop_map(Step::Prompt),
        2 => any::<bool>().prop_map(Step::Fresh),
        3 => prop_oneof![Just(24.0), Just(38.0), Just(45.0)].prop_map(Step::Measure),
        1 => any::<bool>().prop_map(Step::Stop),
        2 => Just(Step::Reset),
        1 => (what(), any::<bool>(), proptest::option::of(1..900u64))
            .prop_map(|(what, on, span)| Step::Hold(what, on, span)),
        2 => what().prop_map(Step::Unhold),
        2 => operation.prop_map(Step::Operate),
        2 => any::<bool>().prop_map(Step::Confirms),
        3 => Just(Step::Confirm),
        1 => what().prop_map(Step::Fail),
        3 => (what(), prop_oneof![1 => Just(false), 2 => Just(true)])
            .prop_map(|(what, yes)| Step::Reach(what, yes)),
        1 => (what(), any::<bool>()).prop_map(|(what, on)| Step::Move(what, on)),
        2 => (-day..day).prop_map(Step::Clock),
        2 => (any::<bool>(), any::<bool>(), 0..20_000u64, any::<bool>())
            .prop_map(|(clean, boot, away, trusted)| Step::Restart(clean, boot, away, trusted)),
    ]
}
