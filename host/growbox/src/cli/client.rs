//! The HTTP client: one host on this machine, its token, and clear words when it does not answer.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::failure::Failure;
use super::place::Place;

/// How long a connection on this machine may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long an answer may take; the host itself gives up after 60 s.
const ANSWER: Duration = Duration::from_secs(75);

/// The longest answer taken; a page of events is cut at 16 MiB.
const ANSWER_BYTES: u64 = 64 << 20;

/// A host that wrote where it listens.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    address: String,
    place: Place,
}

/// A query: names with values, in order.
pub(super) type Query = Vec<(&'static str, String)>;

impl Client {
    /// Reads where the host of a data directory listens.
    pub(super) fn of(place: &Place) -> Result<Self, Failure> {
        let file = place.data.join("address");
        let address = std::fs::read_to_string(&file).map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "there is no file \"address\", so no host has run there".to_owned()
                }
                _ => format!("its file \"address\" cannot be read: {error}"),
            };
            unreachable(place, why)
        })?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // What listens here is never beyond a proxy.
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .user_agent(concat!("growbox/", env!("CARGO_PKG_VERSION")))
            .build();
        let address = address
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        Ok(Self {
            agent: config.new_agent(),
            address,
            place: place.clone(),
        })
    }

    /// A question: the answer's JSON.
    pub(super) fn get(&self, path: &str, query: &Query) -> Result<Value, Failure> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let response = self.agent.get(self.url(path)).query_pairs(pairs).call();
        self.json(path, response)
    }

    /// A change, with the token: the answer's JSON.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let file = self.place.data.join("token");
        let token = std::fs::read_to_string(&file)
            .map_err(|error| Failure::NoToken { path: file, error })?;
        let request = self
            .agent
            .post(self.url(path))
            .header("authorization", format!("Bearer {}", token.trim()));
        let request = request.header("content-type", "application/json");
        self.json(path, request.send(body.to_string()))
    }

    /// A stream of server-sent events.
    pub(super) fn stream(&self, path: &str, query: &Query) -> Result<Box<dyn BufRead>, Failure> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let request = self
            .agent
            .get(self.url(path))
            .query_pairs(pairs)
            .header("accept", "text/event-stream");
        let response = self.received(request.call())?;
        Ok(Box::new(BufReader::new(
            accepted(path, response)?.into_body().into_reader(),
        )))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/{path}", self.address)
    }

    fn json(
        &self,
        path: &str,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let mut response = accepted(path, self.received(response)?)?;
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_vec();
        let text = text.map_err(|error| Failure::Lost(error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| garbled(path, &error.to_string()))
    }

    fn received(
        &self,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        response.map_err(|error| {
            let why = format!(
                "{}, which the file \"address\" names, does not answer ({error})",
                self.address
            );
            unreachable(&self.place, why)
        })
    }
}

fn unreachable(place: &Place, why: String) -> Failure {
    Failure::Unreachable {
        data: place.data.clone(),
        chosen: place.chosen,
        why,
    }
}

pub(super) fn garbled(call: &str, why: &str) -> Failure {
    Failure::Garbled {
        call: call.to_owned(),
        why: why.to_owned(),
    }
}

/// The response, unless it is a refusal.
fn accepted(path: &str, mut response: Response<Body>) -> Result<Response<Body>, Failure> {
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(response);
    }
    let text = response
        .body_mut()
        .with_config()
        .limit(1 << 20)
        .lossy_utf8(true)
        .read_to_string();
    let body: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    let word = |key: &str| body["error"][key].as_str().map(crate::render::one_line);
    Err(Failure::Refused {
        status,
        code: word("code").unwrap_or_default(),
        message: word("message")
            .unwrap_or_else(|| format!("the host answers {path} with status {status}")),
        hint: word("hint"),
    })
}

/// One segment of a path: whatever is not plain is written as %XX.
pub(super) fn segment(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let encoded = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_keep_nothing_that_means_something() {
        assert_eq!(segment("88213"), "88213");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(segment("ü"), "%C3%BC");
    }
}
