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

/// What came of a post of events.
#[derive(Debug)]
pub(super) enum Posted {
    /// Every event has its result.
    Answered(Value),
    /// The host takes nothing now, and took nothing of this.
    Full {
        /// When to come again.
        retry_after: Duration,
        /// Its words.
        why: String,
    },
    /// Nobody listened: nothing was sent.
    NotSent(String),
    /// The host went away, or could not say what it took.
    Broken(String),
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
        let sent = self.send(path, "application/json", &body.to_string())?;
        self.json(path, sent)
    }

    /// Events, one a line, with the token: one result each, or why there is none yet.
    pub(super) fn post_lines(&self, path: &str, lines: &str) -> Result<Posted, Failure> {
        let mut response = match self.send(path, "application/x-ndjson", lines)? {
            Ok(response) => response,
            Err(error) if never_sent(&error) => return Ok(Posted::NotSent(error.to_string())),
            Err(error) => return Ok(Posted::Broken(error.to_string())),
        };
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        if status == 422 || (200..300).contains(&status) {
            let text = response
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES)
                .read_to_vec();
            return Ok(match text {
                Ok(text) => Posted::Answered(
                    serde_json::from_slice(&text).map_err(|e| garbled(path, &e.to_string()))?,
                ),
                Err(error) => Posted::Broken(error.to_string()),
            });
        }
        match accepted(path, response) {
            Err(Failure::Refused {
                status: 503,
                code,
                message,
                ..
            }) => Ok(match code.as_str() {
                "log_full" | "too_many_requests" => Posted::Full {
                    retry_after,
                    why: message,
                },
                _ => Posted::Broken(message),
            }),
            Err(failure) => Err(failure),
            Ok(_) => Err(garbled(path, "a refusal that is none")),
        }
    }

    /// The host's token.
    pub(super) fn token(&self) -> Result<String, Failure> {
        let file = self.place.data.join("token");
        let token = std::fs::read_to_string(&file);
        let token = token.map_err(|error| Failure::NoToken { path: file, error })?;
        Ok(token.trim().to_owned())
    }

    fn send(
        &self,
        path: &str,
        kind: &str,
        body: &str,
    ) -> Result<Result<Response<Body>, ureq::Error>, Failure> {
        let request = self
            .agent
            .post(self.url(path))
            .header("authorization", format!("Bearer {}", self.token()?))
            .header("content-type", kind);
        Ok(request.send(body))
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
    let why = crate::guardian::given_up(&place.data).unwrap_or(why);
    Failure::Unreachable {
        data: place.data.clone(),
        chosen: place.chosen,
        why,
    }
}

/// Whether not even the connection was there.
fn never_sent(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn retry_after(response: &Response<Body>) -> Duration {
    let seconds = response.headers().get("retry-after");
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, 60))
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
