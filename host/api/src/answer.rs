//! The host's answers as HTTP: which status, which JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use growbox_model::row::Answer;
use serde::Serialize;
use serde_json::json;

use crate::refusal::{Outcome, Refusal};

/// The answer, unless it is a refusal of the host.
pub(crate) fn accepted(answer: Answer) -> Outcome<Answer> {
    match answer {
        Answer::NotFound(objection) => Err(Refusal::of(StatusCode::NOT_FOUND, objection)),
        Answer::Conflict(objection) => Err(Refusal::of(StatusCode::CONFLICT, objection)),
        Answer::Full(reason) => Err(Refusal::busy("log_full", &*reason)),
        answer => Ok(answer),
    }
}

/// All rows of a listing, under its name.
pub(crate) fn listing(answer: &Answer) -> Outcome {
    let body = match answer {
        Answer::Devices(rows) => json!({ "devices": rows }),
        Answer::Zones(rows) => json!({ "zones": rows }),
        Answer::Plugins(rows) => json!({ "plugins": rows }),
        Answer::Alerts(rows) => json!({ "alerts": rows }),
        Answer::Analytics(rows) => json!({ "analytics": rows }),
        Answer::Health(row) => json!(row),
        other => return Err(unexpected(other)),
    };
    Ok(Json(body).into_response())
}

/// The one row that was changed; several rows as the listing shows them.
pub(crate) fn changed(answer: &Answer) -> Outcome {
    match answer {
        Answer::Devices(rows) if rows.len() == 1 => Ok(row(&rows[0])),
        Answer::Zones(rows) if rows.len() == 1 => Ok(row(&rows[0])),
        Answer::Alerts(rows) if rows.len() == 1 => Ok(row(&rows[0])),
        several => listing(several),
    }
}

/// JSON with status 200.
pub(crate) fn row<T: Serialize>(value: &T) -> Response {
    Json(json!(value)).into_response()
}

/// The host answered something else than it was asked.
pub(crate) fn unexpected(answer: &Answer) -> Refusal {
    tracing::error!(?answer, "the host gave an answer that fits no question");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "wrong_answer",
        "the host gave an answer that does not fit; this is a fault of growbox",
    )
}
