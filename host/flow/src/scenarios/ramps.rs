//! Set points go to their new goals over a while.

use growbox_model::Span;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use serde_json::json;

use crate::bench::{self, Bench, at};
use crate::memory::Memory;

fn target(bench: &mut Bench) -> f64 {
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("zones")
    };
    let tent = rows.into_iter().find(|row| row.id.as_str() == "tent");
    tent.unwrap().setpoints["vpd"].target
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn aim(bench: &mut Bench, vpd: f64, over: Option<u64>) {
    let mut data = json!({"parameter": "vpd", "new_target": vpd});
    if let Some(over) = over {
        data["transition_duration"] = json!(over);
    }
    bench.tell(
        json!({"type": "control.target.updated", "data": data, "metadata": {"zone": "tent"}}),
    );
}

fn room(clock: ClockForm) -> growbox_model::RoomSpec {
    let mut room = bench::room(clock);
    room.zones.get_mut("tent").unwrap().stage = Some("mid-veg".into());
    room
}

fn aimed() -> Bench {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    aim(&mut bench, 1.0, None);
    assert!(near(target(&mut bench), 1.0));
    aim(&mut bench, 1.4, Some(400));
    bench
}

#[test]
fn a_target_goes_there_in_a_straight_line_and_stays() {
    let mut bench = aimed();
    assert!(near(target(&mut bench), 1.0));
    bench.pass(Span::seconds(100));
    assert!(near(target(&mut bench), 1.1));
    bench.pass(Span::seconds(100));
    assert!(near(target(&mut bench), 1.2));
    bench.pass(Span::seconds(300));
    assert!(near(target(&mut bench), 1.4));
}

#[test]
fn another_target_on_the_way_starts_from_where_it_is() {
    let mut bench = aimed();
    bench.pass(Span::seconds(200));
    aim(&mut bench, 0.8, Some(100));
    bench.pass(Span::seconds(50));
    assert!(near(target(&mut bench), 1.0));
    aim(&mut bench, 1.3, None);
    assert!(near(target(&mut bench), 1.3), "at once");
}

#[test]
fn a_stage_ramps_every_range() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let point = |bench: &mut Bench| {
        let Answer::Zones(mut rows) = bench.ask(Question::Zones) else {
            panic!("zones")
        };
        let point = rows.remove(1).setpoints["temperature"].clone();
        (point.low, point.target, point.high)
    };
    let before = point(&mut bench);
    bench.tell(
        json!({"type": "control.stage.changed", "metadata": {"zone": "tent"},
        "data": {"new_stage": "late-flower", "transition_duration": "1h"}}),
    );
    assert_eq!(point(&mut bench), before);
    bench.pass(Span::minutes(30));
    let half = point(&mut bench);
    bench.pass(Span::minutes(31));
    let after = point(&mut bench);
    assert_ne!(before, after);
    assert!(near(half.0, f64::midpoint(before.0, after.0)));
    assert!(near(half.1, f64::midpoint(before.1, after.1)));
    assert!(near(half.2, f64::midpoint(before.2, after.2)));
}

#[test]
fn a_ramp_goes_on_over_a_restart() {
    let mut first = aimed();
    first.pass(Span::seconds(100));
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(200));
    assert!(near(target(&mut second), 1.2), "{}", target(&mut second));
    second.pass(Span::seconds(300));
    assert!(near(target(&mut second), 1.4));
}

#[test]
fn under_the_events_clock_it_is_a_function_of_the_events() {
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    let warm = |seconds| bench::warmth("canopy", 24.0, at(seconds));
    bench.post(vec![warm(0)]);
    aim(&mut bench, 1.0, None);
    aim(&mut bench, 1.4, Some(400));
    bench.post(vec![warm(100)]);
    assert!(near(target(&mut bench), 1.1));
    bench.post(vec![warm(400)]);
    assert!(near(target(&mut bench), 1.4));
}
