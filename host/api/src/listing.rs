//! Listings and the state of health, as the host answers them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use growbox_model::row::{Answer, HealthRow, Question};
use serde_json::json;

use crate::answer::{listing, row, unexpected};
use crate::edge::Edge;
use crate::params::Params;
use crate::refusal::{Outcome, Refusal};

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
    let params = Params::read(&uri, &["limit"])?;
    let limit = params.number("limit", 1, LETTERS.0)?;
    let limit = limit.map_or(LETTERS.1, |n| usize::try_from(n).unwrap_or(LETTERS.1));
    let letters = edge.log.read(move |host| Ok(host.dead_letters(limit)));
    Ok(row(&json!({ "dead_letters": letters.await? })))
}

/// Whether the edge serves at all.
pub(crate) async fn live() -> Response {
    row(&json!({ "live": true }))
}

/// Whether the room runs: not before it has started, nor while something essential is broken.
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
    let parts = health.components.values();
    !starting(&health.overall)
        && &*health.overall != "critical"
        && !parts.into_iter().any(|part| starting(&part.status))
}
