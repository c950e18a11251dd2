//! Running: batches become effects and state, and what goes wrong stays with its batch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use growbox_model::ports::{BatchResult, EventFilter, History, Sample, Window};
use growbox_model::{
    Ask, Batch, Clock, Effect, Event, EventType, Fault, Generation, Instant, Moment, Payload,
    PluginId, PluginSpec, Quality, Quantity, Reading, SensorId, Seq, Source, Span, StateDelta,
    Text,
};
use growbox_runtime::{Actor, Loaded, Loader};

use crate::guest::{self, Guest};

/// Remembers what it was asked.
#[derive(Default)]
struct Asked(Mutex<Vec<Window>>);

impl History for Asked {
    fn events(&self, _: &EventFilter) -> Result<Vec<Arc<Event>>, String> {
        Ok(Vec::new())
    }

    fn samples(
        &self,
        _: &SensorId,
        _: &str,
        window: Window,
        _: Option<Span>,
    ) -> Result<Vec<Sample>, String> {
        self.0.lock().unwrap().push(window);
        Err("asked".to_owned())
    }
}

struct Room {
    actor: Actor,
    results: mpsc::Receiver<BatchResult>,
    history: Arc<Asked>,
}

fn load(guest: &Guest) -> Loaded {
    let loader = Loader::in_memory().unwrap();
    loader.load(&guest.component(), 64 << 20).unwrap()
}

fn spec() -> PluginSpec {
    PluginSpec {
        memory_bytes: 16 << 20,
        deadline: Span::millis(500),
        ..PluginSpec::bare(PluginId::new("moody").unwrap())
    }
}

fn start(loaded: &Loaded, spec: &PluginSpec, state: &[(&str, u64)]) -> Result<Room, Fault> {
    let state: BTreeMap<Text, Vec<u8>> = state
        .iter()
        .map(|(key, n)| (Text::from(*key), n.to_le_bytes().to_vec()))
        .collect();
    let history = Arc::new(Asked::default());
    let (send, results) = mpsc::channel();
    let clock = Clock::default();
    let reader: Arc<dyn History> = Arc::<Asked>::clone(&history);
    let actor = Actor::start(
        loaded,
        spec,
        Generation(3),
        state,
        clock,
        reader,
        move |r| {
            send.send(r).ok();
        },
    )?;
    Ok(Room {
        actor,
        results,
        history,
    })
}

fn reading(seq: u64) -> Arc<Event> {
    Arc::new(Event {
        seq: Seq(seq),
        id: None,
        kind: EventType::parse("sensor.temperature").unwrap(),
        zone: None,
        source: Source::host(),
        at: Instant(seq),
        taken: Moment(seq),
        taken_at: Instant(seq),
        cause: None,
        generation: None,
        foreign: false,
        late: false,
        payload: Payload::Reading(Reading {
            sensor: SensorId::new("canopy").unwrap(),
            quantity: Quantity::new("temperature").unwrap(),
            value: 24.5,
            unit: "celsius".into(),
            quality: Quality::Good,
            more: None,
        }),
        metadata: None,
    })
}

fn batch(what: u64, events: u64) -> Batch {
    Batch {
        plugin: PluginId::new("moody").unwrap(),
        generation: Generation(3),
        clock: Clock::default(),
        tick: false,
        skipped: what,
        first: Seq(1),
        last: Seq(events),
        zones: Arc::default(),
        events: (1..=events).map(reading).collect(),
        correlations: Vec::new(),
    }
}

impl Room {
    fn give(&self, batch: Batch) -> BatchResult {
        self.actor.deliver(batch).unwrap();
        self.results.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    fn count(&self, events: u64) -> StateDelta {
        self.give(batch(guest::COUNT, events))
            .outcome
            .unwrap()
            .state
    }

    fn fault(&self, what: u64) -> String {
        match self.give(batch(what, 7)).outcome {
            Err(Fault::Trap(why)) => why,
            other => panic!("no trap: {other:?}"),
        }
    }
}

fn written(pairs: &[(&str, u64)]) -> StateDelta {
    pairs
        .iter()
        .map(|(key, n)| (Text::from(*key), Some(n.to_le_bytes().to_vec())))
        .collect()
}

#[test]
fn good_batches_change_the_state_and_the_first_tells_what_start_wrote() {
    let room = start(&load(&Guest::default()), &spec(), &[("n", 40)]).unwrap();
    assert_eq!(room.count(2), written(&[("n", 42), ("starts", 1)]));
    let result = room.give(batch(guest::COUNT, 3));
    assert_eq!(result.last, Seq(3));
    assert_eq!(result.generation, Generation(3));
    assert!(result.memory_bytes >= 64 * 65_536);
    assert_eq!(result.outcome.unwrap().state, written(&[("n", 45)]));
    let state = room.actor.end().unwrap();
    assert_eq!(state["n"], 45_u64.to_le_bytes());
}

/// Of a batch that failed nothing has happened, and the next one is handled by a new instance.
#[test]
fn every_trap_stays_with_its_batch() {
    let room = start(&load(&Guest::default()), &spec(), &[]).unwrap();
    assert_eq!(room.count(1), written(&[("n", 1), ("starts", 1)]));
    let cases = [
        (guest::TRAP, "handle trapped"),
        (
            guest::ENDLESS,
            "handle used up its deadline of 500ms CPU time",
        ),
        (guest::GREEDY, "16 MiB of memory (memory limit)"),
        (guest::CALLS, "host call limit"),
        (guest::EFFECTS, "1025 effects, at most 1024"),
        (guest::HUGE, "more than 1 MiB at once (result limit)"),
        (guest::DEEP, "stack"),
    ];
    for (n, (what, why)) in cases.into_iter().enumerate() {
        let said = room.fault(what);
        assert!(said.contains(why), "{said}");
        let n = n as u64 + 2;
        assert_eq!(
            room.count(1),
            written(&[("n", n), ("starts", n)]),
            "after {why}"
        );
    }
}

#[test]
fn a_returned_fault_drops_what_was_written() {
    let room = start(&load(&Guest::default()), &spec(), &[]).unwrap();
    let outcome = room.give(batch(guest::FAULT, 7)).outcome;
    assert_eq!(outcome, Err(Fault::Transient("note".into())));
    assert_eq!(room.count(1), written(&[("n", 1), ("starts", 2)]));
}

#[test]
fn a_malformed_effect_does_not_take_the_others_along() {
    let room = start(&load(&Guest::default()), &spec(), &[]).unwrap();
    let handled = room.give(batch(guest::HALF, 1)).outcome.unwrap();
    assert_eq!(
        handled.effects[0],
        Effect::Other("note".into(), "note".into())
    );
    assert!(matches!(&handled.effects[1], Effect::Malformed(why) if why.starts_with("emit: ")));
}

#[test]
fn log_lines_are_capped_per_call() {
    let room = start(&load(&Guest::default()), &spec(), &[]).unwrap();
    room.give(batch(guest::CHATTY, 1)).outcome.unwrap();
    let lines = room.actor.lines();
    assert_eq!(lines.len(), 65);
    assert!(lines[64].message.starts_with("36 more lines"), "{lines:?}");
}

#[test]
fn history_needs_an_ask_and_a_grant() {
    let refusal = |loaded: &Loaded, spec: &PluginSpec| {
        let room = start(loaded, spec, &[]).unwrap();
        let handled = room.give(batch(guest::HISTORY, 9)).outcome.unwrap();
        let asked = room.history.0.lock().unwrap().clone();
        match &handled.effects[..] {
            [Effect::Other(_, text)] => (text.to_string(), asked),
            other => panic!("{other:?}"),
        }
    };
    let (mut loaded, mut spec) = (load(&Guest::default()), spec());
    let (why, asked) = refusal(&loaded, &spec);
    assert!(
        why.contains("manifest does not ask") && asked.is_empty(),
        "{why}"
    );
    loaded.manifest.asks.push(Ask {
        ability: "read-history".into(),
        scope: "co2".into(),
        why: "to see a trend".into(),
        required: false,
    });
    let (why, asked) = refusal(&loaded, &spec);
    assert!(
        why.contains(r#"[plugin.moody] grant = { read_history = ["co2"] }"#),
        "{why}"
    );
    assert!(asked.is_empty());
    spec.grant.read_history.push("*".into());
    let (why, asked) = refusal(&loaded, &spec);
    assert_eq!(why, "asked");
    assert_eq!(asked[0].up_to, Seq(9));
}

#[test]
fn a_start_that_fails_is_told_at_once() {
    let loaded = |start| {
        load(&Guest {
            start,
            ..Guest::default()
        })
    };
    let trapping = start(&loaded("unreachable"), &spec(), &[]).err().unwrap();
    assert!(trapping.to_string().contains("start trapped"), "{trapping}");
    let settings = "
        (i32.store8 (i32.const 3072) (i32.const 1))
        (i32.store8 (i32.const 3080) (i32.const 0))
        (i32.store (i32.const 3088) (i32.const 540))
        (i32.store (i32.const 3092) (i32.const 4))
        (i32.store (i32.const 3096) (i32.const 540))
        (i32.store (i32.const 3100) (i32.const 4))
        (return (i32.const 3072))";
    let refused = start(&loaded(settings), &spec(), &[]).err().unwrap();
    assert!(matches!(refused, Fault::Settings { .. }), "{refused}");
}

#[test]
fn state_is_limited_as_a_whole() {
    let spec = PluginSpec {
        state_bytes: 20,
        ..spec()
    };
    let room = start(&load(&Guest::default()), &spec, &[]).unwrap();
    // "starts" takes 14 of the 20 bytes; "n" needs 9, is refused, and the guest goes on.
    assert_eq!(room.count(1), written(&[("starts", 1)]));
}

#[test]
fn one_batch_is_out_at_a_time() {
    let room = start(&load(&Guest::default()), &spec(), &[]).unwrap();
    room.actor.deliver(batch(guest::ENDLESS, 1)).unwrap();
    let taken = (0..3).filter(|_| room.actor.deliver(batch(guest::COUNT, 1)).is_ok());
    assert!(
        taken.count() <= 1,
        "only the slot is free while a batch is handled"
    );
    room.results.recv_timeout(Duration::from_secs(30)).unwrap();
}
