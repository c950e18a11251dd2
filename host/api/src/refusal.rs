//! Every error of the edge: `{"error":{"code","message","hint"?}}` with its status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use growbox_model::Objection;
use serde_json::{Value, json};

/// Why a request was not answered as wished.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    nearest: Option<String>,
    hint: Option<String>,
}

/// What a handler returns.
pub(crate) type Outcome<T = Response> = Result<T, Refusal>;

/// How long a client should wait before it tries again, seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            nearest: None,
            hint: None,
        }
    }

    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The client did nothing wrong and may try again.
    pub(crate) fn busy(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        let shown = growbox_model::id::quoted(name);
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no {what} {shown}"),
        )
    }

    /// The model's words under a status.
    pub(crate) fn of(status: StatusCode, objection: Objection) -> Self {
        Self {
            status,
            code: objection.code,
            message: objection.message,
            nearest: objection.nearest,
            hint: None,
        }
    }

    /// What to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn to_json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        for (key, text) in [("nearest", &self.nearest), ("hint", &self.hint)] {
            if let Some(text) = text {
                error[key] = json!(text);
            }
        }
        json!({ "error": error })
    }
}

/// Something in the request itself is not what it should be.
impl From<Objection> for Refusal {
    fn from(objection: Objection) -> Self {
        Self::of(StatusCode::BAD_REQUEST, objection)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"growbox\""),
            );
        }
        response
    }
}
