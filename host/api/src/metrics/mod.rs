//! `GET /metrics`: everything that is counted, in Prometheus' text format.
//!
//! A scrape is one question to the host and one text: nothing is kept between scrapes, so a
//! series that is stale, or a device that is gone, is simply not there. Names and units follow
//! Prometheus' guide (base units, `_total` for what only grows); labels are ids and closed
//! sets of words, never free text.

mod exposition;
mod quantity;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use growbox_model::row::{Answer, ComponentRow, MetricsRow, Question};

use crate::answer::unexpected;
use crate::edge::Edge;
use crate::refusal::Outcome;
use exposition::Exposition;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every state a plug-in can be in.
const PLUGIN_STATES: [&str; 5] = [
    "running",
    "waiting",
    "backing-off",
    "quarantined",
    "refused",
];
/// Every state a part of the host can be in.
const STATUSES: [&str; 4] = ["healthy", "degraded", "critical", "starting"];

/// A figure of the health that has a metric of its own.
struct Figure {
    component: &'static str,
    figure: &'static str,
    metric: &'static str,
    help: &'static str,
}

const fn figure(
    component: &'static str,
    figure: &'static str,
    metric: &'static str,
    help: &'static str,
) -> Figure {
    Figure {
        component,
        figure,
        metric,
        help,
    }
}

/// What the health counts, by the name it has here. A name that ends in `_total` is a counter.
const FIGURES: &[Figure] = &[
    figure(
        "queue",
        "length",
        "growbox_queue_events",
        "Events that wait in the queue.",
    ),
    figure(
        "queue",
        "utilisation",
        "growbox_queue_used_ratio",
        "How full the queue is, 0 to 1.",
    ),
    figure(
        "queue",
        "peak",
        "growbox_queue_peak_events",
        "Most events that ever waited in the queue since the host started.",
    ),
    figure(
        "queue",
        "lost",
        "growbox_events_lost_total",
        "Events that found no room in the queue.",
    ),
    figure(
        "queue",
        "dropped",
        "growbox_events_dropped_total",
        "Events a rate limit dropped.",
    ),
    figure(
        "queue",
        "coalesced",
        "growbox_events_coalesced_total",
        "Readings a newer one of their series replaced while they waited for their rate.",
    ),
    figure(
        "queue",
        "dead_letters",
        "growbox_dead_letters_total",
        "Events refused after they were accepted.",
    ),
    figure(
        "plugins",
        "batches",
        "growbox_batches_total",
        "Batches plug-ins were handed and answered.",
    ),
    figure(
        "plugins",
        "refused_effects",
        "growbox_effects_refused_total",
        "Effects of plug-ins that were refused.",
    ),
    figure(
        "plugins",
        "passed_over",
        "growbox_events_passed_over_total",
        "Events passed over because a plug-in that takes the latest was behind.",
    ),
    figure(
        "sensors",
        "series",
        "growbox_series",
        "Series that belong to a zone's measures.",
    ),
    figure(
        "sensors",
        "stale",
        "growbox_series_stale",
        "Those of them that have fallen silent.",
    ),
    figure(
        "storage",
        "pending_events",
        "growbox_storage_pending_events",
        "Events that are not durable yet.",
    ),
    figure(
        "storage",
        "pending_bytes",
        "growbox_storage_pending_bytes",
        "Memory they take, estimated.",
    ),
    figure(
        "storage",
        "oldest_unwritten_seconds",
        "growbox_storage_oldest_unwritten_seconds",
        "How long the oldest of them has waited.",
    ),
    figure(
        "storage",
        "last_commit_seconds",
        "growbox_storage_last_commit_seconds",
        "How long the newest group commit took.",
    ),
    figure(
        "storage",
        "groups",
        "growbox_storage_commits_total",
        "Group commits written.",
    ),
    figure(
        "storage",
        "size_bytes",
        "growbox_storage_size_bytes",
        "Size of the database on disk.",
    ),
    figure(
        "storage",
        "free_bytes",
        "growbox_storage_free_bytes",
        "Free space where the database is.",
    ),
    figure(
        "storage",
        "lost",
        "growbox_storage_unrecorded_events",
        "Events the log had to drop, until a storage.gap has told of them.",
    ),
    figure(
        "sensors",
        "missing",
        "growbox_series_missing",
        "Quantities a zone needs and has no good reading of.",
    ),
    figure(
        "storage",
        "first",
        "growbox_log_first_sequence",
        "Number of the first event still in the log.",
    ),
    figure(
        "storage",
        "durable",
        "growbox_log_durable_sequence",
        "Number of the newest durable event.",
    ),
    figure(
        "clock",
        "trusted",
        "growbox_clock_trusted",
        "1 where the wall clock can be trusted.",
    ),
];

/// One scrape.
pub(crate) async fn metrics(State(edge): State<Arc<Edge>>) -> Outcome {
    let answer = edge.answered(edge.host.ask(Question::Metrics)).await?;
    let Answer::Metrics(row) = answer else {
        return Err(unexpected(&answer));
    };
    let text = exposed(&row, edge.refused());
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

/// The whole text. `unread` events were refused before the host was asked.
fn exposed(row: &MetricsRow, unread: u64) -> String {
    let mut out = Exposition::default();
    out.gauge("growbox_build_info", "Which growbox this is; always 1.")
        .put(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    series(&mut out, row);
    devices(&mut out, row);
    plugins(&mut out, row);
    out.counter(
        "growbox_events_taken_total",
        "Events from outside that were taken into the log.",
    )
    .put(&[], row.taken as f64);
    out.counter(
        "growbox_events_refused_total",
        "Events from outside that were refused.",
    )
    .put(&[], (row.refused + unread) as f64);
    health(&mut out, row);
    out.text()
}

fn series(out: &mut Exposition, row: &MetricsRow) {
    for each in &row.series {
        let Some(metric) = quantity::metric(&each.quantity, &each.unit) else {
            continue;
        };
        let zone = each.zone.as_ref().map_or("", |zone| zone.as_str());
        let mut labels = vec![("sensor", each.sensor.as_str()), ("zone", zone)];
        if metric.names_quantity {
            labels.push(("quantity", each.quantity.as_str()));
        }
        out.gauge(&metric.name, &metric.help)
            .put(&labels, each.value * metric.factor);
    }
}

fn devices(out: &mut Exposition, row: &MetricsRow) {
    for device in &row.devices {
        let zone = device.zone.as_ref().map_or("", |zone| zone.as_str());
        let id = device.id.as_str();
        let labels = [("device", id), ("role", &*device.role), ("zone", zone)];
        if let Some(level) = device.level {
            out.gauge(
                "growbox_device_level_ratio",
                "Where a device is, 0 to 1; absent while that is unknown.",
            )
            .put(&labels, level);
        }
        out.gauge(
            "growbox_device_available",
            "1 where the driver reaches the device.",
        )
        .put(&labels, f64::from(u8::from(device.available)));
        let switches = row.switches.get(&device.id).copied().unwrap_or_default();
        out.counter(
            "growbox_device_switches_total",
            "How often a device was switched on or off.",
        )
        .put(&labels, switches as f64);
    }
    for (verdict, count) in &row.verdicts {
        out.counter(
            "growbox_requests_total",
            "Requests to devices, by the verdict they got.",
        )
        .put(&[("verdict", verdict)], *count as f64);
    }
}

fn plugins(out: &mut Exposition, row: &MetricsRow) {
    for plugin in &row.plugins {
        let id = [("plugin", plugin.id.as_str())];
        for state in PLUGIN_STATES {
            let is = f64::from(u8::from(&*plugin.state == state));
            out.gauge(
                "growbox_plugin_state",
                "1 for the state a plug-in is in, 0 for the others.",
            )
            .put(&[id[0], ("state", state)], is);
        }
        let faults = row.faults.get(&plugin.id).copied().unwrap_or_default();
        out.counter("growbox_plugin_faults_total", "How often a plug-in failed.")
            .put(&id, faults as f64);
        out.gauge(
            "growbox_plugin_strikes",
            "Faults since a plug-in last was well.",
        )
        .put(&id, f64::from(plugin.strikes));
        out.gauge(
            "growbox_plugin_behind_events",
            "Events a plug-in has not considered yet.",
        )
        .put(&id, plugin.behind as f64);
        out.gauge("growbox_plugin_memory_bytes", "Linear memory of a plug-in.")
            .put(&id, plugin.memory_bytes as f64);
    }
}

fn health(out: &mut Exposition, row: &MetricsRow) {
    let overall = [("overall", &*row.health.overall)];
    let parts = row.health.components.iter();
    let parts = parts.map(|(name, part)| (&**name, &*part.status));
    for (component, is) in overall.into_iter().chain(parts) {
        for status in STATUSES {
            let is = f64::from(u8::from(is == status));
            out.gauge(
                "growbox_health",
                "1 for the status a part of the host has, 0 for the others.",
            )
            .put(&[("component", component), ("status", status)], is);
        }
    }
    for (name, part) in &row.health.components {
        figures(out, name, part);
    }
    for (name, latency) in &row.health.latency {
        for (percentile, milliseconds) in [
            ("50", latency.p50_milliseconds),
            ("95", latency.p95_milliseconds),
            ("99", latency.p99_milliseconds),
        ] {
            latency_of(out, name, percentile, milliseconds / 1000.0);
        }
    }
}

/// Percentiles over the newest minutes: neither a summary nor a histogram, which never forget.
fn latency_of(out: &mut Exposition, name: &str, percentile: &str, seconds: f64) {
    match name.strip_prefix("handler:") {
        Some(plugin) => out
            .gauge(
                "growbox_handler_latency_seconds",
                "How long a plug-in took over a batch in the newest five minutes, by percentile.",
            )
            .put(&[("plugin", plugin), ("percentile", percentile)], seconds),
        None => out
            .gauge(
                "growbox_latency_seconds",
                "How long a stage of the pipeline took in the newest five minutes, by percentile.",
            )
            .put(&[("stage", name), ("percentile", percentile)], seconds),
    }
}

/// The figures of one part: those of the table by their names there, and whatever else is in
/// seconds by its own.
fn figures(out: &mut Exposition, component: &str, part: &ComponentRow) {
    for (name, value) in &part.figures {
        let mut known = FIGURES.iter();
        match known.find(|f| f.component == component && f.figure == &**name) {
            Some(known) => out.named(known.metric, known.help).put(&[], *value),
            None => duration(out, component, name, *value),
        }
    }
}

fn duration(out: &mut Exposition, component: &str, name: &str, value: f64) {
    let seconds = name.strip_suffix("_seconds").map(|stem| (stem, 1.0));
    let either = seconds.or_else(|| Some((name.strip_suffix("_milliseconds")?, 1e-3)));
    let Some((stem, factor)) = either.filter(|_| plain(component) && plain(name)) else {
        return;
    };
    let metric = format!("growbox_{component}_{stem}_seconds");
    let help = format!(
        "{} of {component}, as the health tells it.",
        stem.replace('_', " ")
    );
    out.gauge(&metric, &help).put(&[], value * factor);
}

/// Whether a word can be part of a metric's name.
fn plain(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
pub(crate) mod tests;
