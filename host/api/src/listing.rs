//! Listings and the state of health, as the host answers them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use growbox_model::row::{AlertState, Answer, ComponentRow, HealthRow, Question};
use growbox_model::{Objection, Text};
use serde_json::json;

use crate::answer::{listing, row, unexpected};
use crate::edge::Edge;
use crate::params::Params;
use crate::refusal::{Outcome, Refusal};

/// The parameters of the listings that have any.
pub(crate) const ALERT_PARAMETERS: &[&str] = &["state"];
pub(crate) const ANALYTICS_PARAMETERS: &[&str] = &["window"];
pub(crate) const LETTER_PARAMETERS: &[&str] = &["limit"];

/// The windows reports are made over.
const WINDOWS: [&str; 3] = ["1h", "1d", "7d"];

/// Dead letters in one listing, at most and where the query does not say.
const LETTERS: (u64, usize) = (10_000, 100);

pub(crate) async fn devices(State(edge): State<Arc<Edge>>) -> Outcome {
    ask(&edge, Question::Devices).await
}

pub(crate) async fn zones(State(edge): State<Arc<Edge>>) -> Outcome {
    ask(&edge, Question::Zones).await
}

pub(crate) async fn plugins(State(edge): State<Arc<Edge>>) -> Outcome {
    ask(&edge, Question::Plugins).await
}

pub(crate) async fn health(State(edge): State<Arc<Edge>>) -> Outcome {
    ask(&edge, Question::Health).await
}

/// Alerts that stand, and the newest that were cleared; `?state=` keeps those in one state.
pub(crate) async fn alerts(State(edge): State<Arc<Edge>>, uri: Uri) -> Outcome {
    let params = Params::read(&uri, ALERT_PARAMETERS)?;
    let wanted = params.parsed("state", alert_state)?;
    let mut rows = match edge.answered(edge.host.ask(Question::Alerts)).await? {
        Answer::Alerts(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    rows.retain(|row| wanted.is_none_or(|wanted| row.state == wanted));
    listing(&Answer::Alerts(rows))
}

fn alert_state(text: &str) -> Result<AlertState, Objection> {
    match text {
        "raised" => Ok(AlertState::Raised),
        "acknowledged" => Ok(AlertState::Acknowledged),
        "cleared" => Ok(AlertState::Cleared),
        other => {
            let known = ["raised", "acknowledged", "cleared"];
            Err(Objection::unknown(
                "unknown_state",
                "state of an alert",
                other,
                known,
            ))
        }
    }
}

/// The newest report of a window; without one of every window.
pub(crate) async fn analytics(State(edge): State<Arc<Edge>>, uri: Uri) -> Outcome {
    let params = Params::read(&uri, ANALYTICS_PARAMETERS)?;
    let window = params.parsed("window", window)?;
    ask(&edge, Question::Analytics(window)).await
}

fn window(text: &str) -> Result<Text, Objection> {
    if WINDOWS.contains(&text) {
        return Ok(text.into());
    }
    let shown = growbox_model::id::quoted(text);
    let message = format!("there are no reports over {shown}; the windows are 1h, 1d and 7d");
    Err(Objection::new("unknown_window", message))
}

async fn ask(edge: &Edge, question: Question) -> Outcome {
    listing(&edge.answered(edge.host.ask(question)).await?)
}

/// One plug-in: row, manifest, grant.
pub(crate) async fn plugin(State(edge): State<Arc<Edge>>, Path(id): Path<String>) -> Outcome {
    let name = id.clone();
    let found = edge.log.read(move |host| Ok(host.plugin(&id))).await?;
    let plugin = found.ok_or_else(|| Refusal::not_found("plug-in", &name))?;
    Ok(row(&plugin))
}

/// What was refused after it was accepted, newest first.
pub(crate) async fn dead_letters(State(edge): State<Arc<Edge>>, uri: Uri) -> Outcome {
    let params = Params::read(&uri, LETTER_PARAMETERS)?;
    let limit = params.number("limit", 1, LETTERS.0)?;
    let limit = limit.map_or(LETTERS.1, |n| usize::try_from(n).unwrap_or(LETTERS.1));
    let letters = edge.log.read(move |host| Ok(host.dead_letters(limit)));
    Ok(row(&json!({ "dead_letters": letters.await? })))
}

/// Whether the edge serves at all.
pub(crate) async fn live() -> Response {
    row(&json!({ "live": true }))
}

/// Whether plug-ins are loaded (edges open only then) and the log takes events.
pub(crate) async fn ready(State(edge): State<Arc<Edge>>) -> Outcome {
    let health = match edge.answered(edge.host.ask(Question::Health)).await? {
        Answer::Health(health) => health,
        other => return Err(unexpected(&other)),
    };
    let ready = is_ready(&health);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": ready, "overall": health.overall });
    Ok((status, axum::Json(body)).into_response())
}

fn is_ready(health: &HealthRow) -> bool {
    let starting = |status: &str| status == "starting";
    let log_refuses = |part: &ComponentRow| &*part.status == "critical";
    !starting(&health.overall)
        && !health
            .components
            .values()
            .any(|part| starting(&part.status))
        && !health.components.get("storage").is_some_and(log_refuses)
}
