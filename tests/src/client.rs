//! An ordinary HTTP client of the host.

use std::time::Duration;

use serde_json::{Value, json};

use crate::wait::until;

/// The longest a call may take.
const CALL: Duration = Duration::from_secs(120);
/// Events on a page.
const PAGE: usize = 10_000;

/// The host did not answer: it has ended, or ended on the way.
#[derive(Debug)]
pub struct Gone(pub String);

/// What the host answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header, where there is one.
    pub retry_after: Option<String>,
    /// The body; a string where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body, where the status is as expected.
    ///
    /// # Panics
    /// Where it is another.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "answer: {:#}", self.body);
        self.body
    }

    /// The results of a post, where the status is as expected.
    ///
    /// # Panics
    /// Where it is another, or there are none.
    #[must_use]
    #[track_caller]
    pub fn results(self, status: u16) -> Vec<Value> {
        match self.expect(status)["results"].take() {
            Value::Array(results) => results,
            other => panic!("no results: {other}"),
        }
    }
}

/// Talks to one host.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Of the host at this address, with its token or without.
    #[must_use]
    pub fn new(address: std::net::SocketAddr, token: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(CALL))
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            base: format!("http://{address}"),
            token,
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// Where the host does not answer.
    pub fn try_get(&self, path: &str) -> Result<Answer, Gone> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.call())
    }

    /// Asks a host that is there.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path)
            .unwrap_or_else(|Gone(why)| panic!("GET {path}: {why}"))
    }

    /// Posts a text of this content type.
    ///
    /// # Errors
    /// Where the host does not answer.
    pub fn try_post_text(&self, path: &str, kind: &str, body: &str) -> Result<Answer, Gone> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        request = request.header("Content-Type", kind);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.send(body))
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// Where the host does not answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer, Gone> {
        self.try_post_text(path, "application/json", &body.to_string())
    }

    /// Posts JSON to a host that is there.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body)
            .unwrap_or_else(|Gone(why)| panic!("POST {path}: {why}"))
    }

    /// Posts events and waits until everything has settled.
    ///
    /// # Panics
    /// Where one of them is not accepted.
    #[track_caller]
    pub fn settle(&self, events: &[Value]) -> Vec<Value> {
        let results = self
            .post("/api/v1/events?settled=true", &json!(events))
            .results(200);
        for (event, result) in events.iter().zip(&results) {
            assert_eq!(result["status"], "accepted", "{event}: {result}");
        }
        results
    }

    /// All events that fit (`type=sensor.*&zone=tent`), page after page.
    ///
    /// # Panics
    /// Where the host does not answer, or a page does not begin where the last one ended.
    #[must_use]
    #[track_caller]
    pub fn events(&self, filter: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        let mut after = 0;
        loop {
            let path = format!("/api/v1/events?limit={PAGE}&after={after}&{filter}");
            let mut page = self.get(&path).expect(200);
            let Value::Array(events) = page["events"].take() else {
                panic!("no events: {page}");
            };
            all.extend(events);
            match page["next"].as_u64() {
                Some(next) if next > after => after = next,
                Some(next) => panic!("a page after {after} goes on after {next}"),
                None => return all,
            }
        }
    }

    /// Waits until an event that fits the filter is as wanted, and returns it.
    ///
    /// # Panics
    /// Where none came before the deadline.
    #[track_caller]
    pub fn wait_event(&self, filter: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(&format!("an event of {filter}"), || {
            self.events(filter).into_iter().find(|event| wanted(event))
        })
    }

    /// The row of one thing in a listing: `row("devices", "heater")`.
    ///
    /// # Panics
    /// Where it is not listed.
    #[must_use]
    #[track_caller]
    pub fn row(&self, listing: &str, id: &str) -> Value {
        let listed = self.get(&format!("/api/v1/{listing}")).expect(200);
        let rows = listed[listing].as_array().expect("a listing is an array");
        rows.iter()
            .find(|row| row["id"] == id)
            .unwrap_or_else(|| panic!("no {id} among {listed:#}"))
            .clone()
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Gone> {
    let mut answer = answer.map_err(|error| Gone(error.to_string()))?;
    let retry_after = answer.headers().get("Retry-After");
    let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let text = answer
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .read_to_string()
        .map_err(|error| Gone(error.to_string()))?;
    Ok(Answer {
        status: answer.status().as_u16(),
        retry_after,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}

/// The sequence number of an event of the log.
///
/// # Panics
/// Where it has none.
#[must_use]
#[track_caller]
pub fn with_seq(event: &Value) -> u64 {
    event["seq"]
        .as_u64()
        .unwrap_or_else(|| panic!("no seq: {event}"))
}
