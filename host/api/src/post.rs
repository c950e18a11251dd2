//! `POST /api/v1/events`: events in, one result each out.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use growbox_model::Objection;
use growbox_model::Text;
use growbox_model::row::{Answer, PostResult, PostStatus, Wait};
use serde_json::json;

use crate::answer;
use crate::body::{self, Received};
use crate::edge::Edge;
use crate::guard::Caller;
use crate::host::Post;
use crate::intake::{Form, Intake};
use crate::params::Params;
use crate::refusal::{Outcome, Refusal};

/// The parameters of a post.
pub(crate) const PARAMETERS: &[&str] = &["durable", "settled", "edge"];

/// Bodies longer than this are parsed where it does not hold up other requests.
const LONG: usize = 1 << 20;

pub(crate) async fn post(
    State(edge): State<Arc<Edge>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Outcome {
    let (head, body) = request.into_parts();
    let params = Params::read(&head.uri, PARAMETERS)?;
    let (wait, edge_name) = (wait(&params)?, edge_name(&params, caller)?);
    let form = form(&head.headers);
    let received = body::receive(&edge, &head.headers, body, edge.limits.body_bytes).await?;
    let _place = Edge::place(&edge.posts, "posts")?;
    let Intake { events, ids, .. } = parsed(received, form, edge_name, edge.limits.events).await?;
    let mut results = if events.iter().any(Result::is_ok) {
        let speaker = caller.0;
        let post = Post {
            events,
            speaker,
            wait,
        };
        posted(edge.answered(edge.host.post(post)).await?)?
    } else {
        edge.count_refused(events.len());
        nothing_readable(events)
    };
    name(&mut results, ids);
    Ok(respond(&results, wait))
}

fn wait(params: &Params) -> Outcome<Wait> {
    Ok(if params.flag("settled")? {
        Wait::Settled
    } else if params.flag("durable")? {
        Wait::Durable
    } else {
        Wait::Accepted
    })
}

/// The first part of the events' source: `http`, or `stdin` for `growbox ingest`, which has the token.
fn edge_name(params: &Params, caller: Caller) -> Outcome<&'static str> {
    match params.one("edge")? {
        None | Some("http") => Ok("http"),
        Some("stdin") => caller.operator().map(|()| "stdin"),
        Some(other) => {
            Err(Objection::unknown("unknown_edge", "edge", other, ["http", "stdin"]).into())
        }
    }
}

fn form(headers: &HeaderMap) -> Form {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-ndjson") {
        Form::Lines
    } else {
        Form::Json
    }
}

/// Parses in place what is short; the bytes and their room are free again afterwards.
async fn parsed(
    received: Received,
    form: Form,
    edge: &'static str,
    most: usize,
) -> Outcome<Intake> {
    if received.bytes.len() <= LONG {
        return Intake::read(&received.bytes, form, edge, most);
    }
    let parsing =
        tokio::task::spawn_blocking(move || Intake::read(&received.bytes, form, edge, most));
    parsing.await.unwrap_or_else(|failed| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "not_parsed",
            failed.to_string(),
        ))
    })
}

fn posted(answer: Answer) -> Outcome<Vec<PostResult>> {
    match answer {
        Answer::Posted(results) => Ok(results),
        other => Err(answer::unexpected(&other)),
    }
}

/// Where no event could be typed, nobody else needs to be asked.
fn nothing_readable<T>(events: Vec<Result<T, Objection>>) -> Vec<PostResult> {
    let refused = events.into_iter().filter_map(Result::err).enumerate();
    refused
        .map(|(index, objection)| PostResult {
            index,
            id: None,
            status: PostStatus::Refused,
            seq: None,
            quality: None,
            foreign: false,
            error: Some(objection),
        })
        .collect()
}

/// What could not be typed still answers under the id it came with.
fn name(results: &mut [PostResult], ids: Vec<(usize, Text)>) {
    for (index, id) in ids {
        if let Some(result) = results.get_mut(index) {
            result.id.get_or_insert(id);
        }
    }
}

fn respond(results: &[PostResult], wait: Wait) -> Response {
    let refused = |result: &PostResult| result.status == PostStatus::Refused;
    let status = if !results.is_empty() && results.iter().all(refused) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else if wait == Wait::Accepted {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    (status, axum::Json(json!({ "results": results }))).into_response()
}
