//! `GET /openapi.json`: the table of addresses as an OpenAPI document.
//!
//! Paths, methods and parameters come from the table the router is built of; the schemas
//! stand in `schemas.json`, beside this, and are held against real answers by the tests.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::routes::{JSON, Route, table};

/// Schemas and parameters, by name.
const COMPONENTS: &str = include_str!("schemas.json");

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| describe(&table()).to_string().into());

/// The document; the same for the whole life of a version.
pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, JSON)], DOCUMENT.clone()).into_response()
}

fn describe(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation(route);
    }
    // A text that is no JSON would be found by the tests below.
    let mut components: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
    components["securitySchemes"] = json!({"token": {"type": "http", "scheme": "bearer",
        "description": "The text of the file `token` in the data directory"}});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "growbox",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A grow-room controller: plug-ins ask, one gate decides, switches, and says why",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if !route.bodies.is_empty() {
        let content = route
            .bodies
            .iter()
            .map(|(kind, schema)| content(kind, schema));
        operation["requestBody"] = json!({"content": content.collect::<Map<_, _>>()});
    }
    if route.token {
        operation["security"] = json!([{"token": []}]);
    } else if route.method == "post" {
        operation["security"] = json!([{}, {"token": []}]);
    }
    operation
}

/// `get_devices_id_why`: the path is its name.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1");
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once(route.method).chain(words).collect();
    match words.as_slice() {
        [method] => format!("{method}_page"),
        words => words.join("_"),
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        json!({"name": name, "in": "path", "required": true,
        "schema": {"type": "string"}, "description": "Which"})
    });
    let in_query = route
        .query
        .iter()
        .map(|name| json!({"$ref": format!("#/components/parameters/{name}")}));
    let resume = route
        .answers
        .iter()
        .any(|answer| answer.1 == "text/event-stream");
    let header = resume.then(|| json!({"$ref": "#/components/parameters/Last-Event-ID"}));
    in_path.chain(in_query).chain(header).collect()
}

fn responses(route: &Route) -> Map<String, Value> {
    let answers = route.answers.iter().map(|(status, kind, schema)| {
        let content: Map<_, _> = std::iter::once(content(kind, schema)).collect();
        (
            status.to_string(),
            json!({"description": meaning(*status), "content": content}),
        )
    });
    let errors = route.errors.iter().map(|status| {
        let content: Map<_, _> = std::iter::once(content(JSON, "Error")).collect();
        (
            status.to_string(),
            json!({"description": meaning(*status), "content": content}),
        )
    });
    let mut all: Map<String, Value> = errors.collect();
    all.extend(answers);
    all
}

fn content(kind: &str, schema: &str) -> (String, Value) {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    (kind.to_owned(), json!({"schema": schema}))
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "Done",
        202 => "Taken, not yet durable",
        400 => "The request cannot be understood",
        401 => "The token is missing or wrong",
        403 => "Host or Origin is not growbox itself",
        404 => "There is no such thing",
        408 => "The body took too long",
        409 => "The host refuses it, and says why",
        413 => "The body is too large; nothing was taken",
        415 => "The body is compressed; nothing was taken",
        422 => "Every event was refused",
        503 => "Not now: try again after Retry-After",
        _ => "See the error",
    }
}

#[cfg(test)]
mod tests;
