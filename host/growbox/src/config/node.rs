//! `[node]`: the machine, its clock, its bounds.

use std::path::PathBuf;

use growbox_model::room::{ClockForm, NodeSpec};
use growbox_model::{SensorId, Span};
use jiff::tz::TimeZone;
use toml_edit::Value;

use super::Surroundings;
use super::report::Wrong;
use super::section::Section;
use super::value::{Read, count_in, number_in, some_text, span_in, text, word_of};

#[derive(Clone, Copy, PartialEq)]
enum Form {
    System,
    Scaled,
    Events,
}

const FORMS: &[(&str, Form)] = &[
    ("system", Form::System),
    ("scaled", Form::Scaled),
    ("events", Form::Events),
];
const UNKNOWN_SENSORS: &[(&str, bool)] = &[("measure", true), ("log", false)];

/// How many times faster the scaled clock runs, unless set.
const SPEED: f64 = 60.0;

/// How often a health check is said, unless set.
const HEALTH_EVERY: Span = Span::seconds(60);

/// Reads `[node]`, and where the data is to be.
pub(super) fn read(
    mut section: Section<'_, '_>,
    around: &Surroundings<'_>,
) -> (NodeSpec, Option<PathBuf>) {
    let base = NodeSpec::default();
    let name = section.or(
        "name",
        some_text,
        base.name.to_string(),
        "every event names the machine that processed it",
    );
    let clock = clock(&mut section);
    let time_zone = section.or(
        "time_zone",
        time_zone,
        around.time_zone.to_owned(),
        "the system's; lights_on is local time",
    );
    let events = clock == ClockForm::Events;
    let unknown = unknown_sensors(&mut section, events);
    let (ahead, why_ahead) = if events {
        (Span::hours(7 * 24), "recordings may have gaps of days")
    } else {
        (
            Span::seconds(60),
            "clocks of sensors drift, but not further",
        )
    };
    let any = Span::ZERO..=Span::hours(366 * 24);
    let max_ahead = section.or("max_ahead", span_in(any.clone()), ahead, why_ahead);
    let max_age = section.or(
        "max_age",
        span_in(any),
        base.max_age,
        "older events are logged as late and drive nothing",
    );
    let queue = section.or(
        "queue",
        count_in(1..=1_000_000),
        base.queue,
        "events waiting for the flow; a full queue is a named, counted choice",
    );
    let ring = section.or(
        "ring",
        count_in(16..=1_000_000),
        base.ring,
        "recent events kept in memory; who is further behind reads the log",
    );
    let health_every = health_every(&mut section, clock);
    let stop_input = section.or_none(
        "stop_input",
        |value| Ok(SensorId::new(&text(value)?)?),
        "no button stops it; one is a line of [sensor], such as source = \"gpio:4\"",
    );
    let data = section.or_none(
        "data",
        some_text,
        "GROWBOX_DATA, else /var/lib/growbox as root and $XDG_STATE_HOME/growbox otherwise",
    );
    section.finish();
    let node = NodeSpec {
        name: name.into(),
        clock,
        time_zone,
        measure_unknown_sensors: unknown,
        max_ahead,
        max_age,
        queue,
        ring,
        health_every,
        stop_input,
    };
    (node, data.map(|data| around.folder.join(data)))
}

fn clock(section: &mut Section<'_, '_>) -> ClockForm {
    let why = "the machine's own; scaled and events are for simulated rooms";
    if !section.has("clock") {
        section
            .report
            .explain_default(&section.key("clock"), "system".into(), why);
    }
    let form = section
        .given("clock", word_of("clock", FORMS))
        .unwrap_or(Form::System);
    let speed = number_in(0.01..=100_000.0);
    if form == Form::Scaled {
        return ClockForm::Scaled(section.or("speed", speed, SPEED, "a day in 24 minutes"));
    }
    if section.given("speed", speed).is_some() {
        let wrong =
            Wrong::new("no_effect", "speed has no effect on this clock").but("clock = \"scaled\"");
        section.report.warning(&section.key("speed"), wrong);
    }
    if form == Form::Events {
        ClockForm::Events
    } else {
        ClockForm::System
    }
}

/// Under the events clock no check is said: its figures are the machine's, and what is said is
/// to be a function of the events alone.
fn health_every(section: &mut Section<'_, '_>, clock: ClockForm) -> Option<Span> {
    let lengths = span_in(Span::seconds(1)..=Span::hours(24));
    if clock != ClockForm::Events {
        let why = "system.health.check, which handlers and streams hear";
        return Some(section.or("health_every", lengths, HEALTH_EVERY, why));
    }
    if section.given("health_every", lengths).is_some() {
        let wrong = Wrong::new("no_effect", "health_every has no effect on this clock")
            .but("growbox health answers under every clock");
        let key = section.key("health_every");
        section.report.warning(&key, wrong);
    }
    None
}

fn unknown_sensors(section: &mut Section<'_, '_>, events: bool) -> bool {
    if !section.has("unknown_sensors") {
        let (word, why) = if events {
            ("measure", "a recording is believed")
        } else {
            (
                "log",
                "what nobody configured is logged, but does not steer",
            )
        };
        section
            .report
            .explain_default(&section.key("unknown_sensors"), word.into(), why);
    }
    section
        .given("unknown_sensors", word_of("choice", UNKNOWN_SENSORS))
        .unwrap_or(events)
}

fn time_zone(value: &Value) -> Read<String> {
    let name = text(value)?;
    if TimeZone::get(&name).is_ok() {
        return Ok(name);
    }
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|known| known.to_string())
        .collect();
    let objection = growbox_model::Objection::unknown(
        "unknown_time_zone",
        "time zone",
        &name,
        names.iter().map(String::as_str),
    );
    Err(Wrong::from(objection).but("IANA names, such as \"Europe/Berlin\" or \"UTC\""))
}
