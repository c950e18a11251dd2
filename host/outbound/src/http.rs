//! One HTTP call: bounded in time and size, never led elsewhere, its failures in words.

use std::io::Read as _;
use std::time::Duration;

use growbox_model::effect::Call;
use growbox_model::ports::CallReply;
use ureq::http::{HeaderMap, Method, Request, Response, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::secret::Purse;

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// To reach the far side.
    pub(crate) connect: Duration,
    /// From the first word to the last.
    pub(crate) whole: Duration,
}

/// Patience with the world outside.
pub(crate) const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    whole: Duration::from_secs(15),
};

/// Bytes of an answer that are read; whoever sends more is not heard out.
const READ: u64 = 16 * 1024;
/// Bytes of its text that are kept: what fits a string of an event.
const KEPT: usize = 4 * 1024;
/// Headers that are kept, and how long they may be: together they fit an event.
const HEADERS: usize = 32;
const HEADER_BYTES: usize = 512;
/// Headers that are not a plug-in's to set.
const OURS: [&str; 6] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "expect",
];
/// Methods a plug-in may use.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// An agent that uses nothing of its surroundings.
pub(crate) fn agent(patience: Patience) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::WebPki).build();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .tls_config(tls)
        .timeout_connect(Some(patience.connect))
        .timeout_global(Some(patience.whole))
        .user_agent(concat!("growbox/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Performs a call to `origin`; an answer of whatever status is an answer.
pub(crate) fn perform(agent: &Agent, call: &Call, origin: &str, purse: &mut Purse<'_>) -> Outcome {
    let request = request(call, purse)?;
    let answered = agent
        .run(request)
        .and_then(|mut response| {
            let body = read(&mut response)?;
            Ok((response, body))
        })
        .map_err(|error| format!("{origin}: {}", purse.blot(&in_words(&error))))?;
    let (response, body) = answered;
    Ok(CallReply {
        status: response.status().as_u16(),
        headers: headers(response.headers(), purse),
        body: cut(&purse.blot(&String::from_utf8_lossy(&body)), KEPT).into(),
    })
}

/// What came of it.
pub(crate) type Outcome = Result<CallReply, String>;

fn request(call: &Call, purse: &mut Purse<'_>) -> Result<Request<Vec<u8>>, String> {
    let method = METHODS.iter().find(|known| **known == call.method);
    let method = method.ok_or_else(|| {
        let known = METHODS.join(", ");
        format!("the method {:?} is not one of {known}", call.method)
    })?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let filled = purse.fill(&call.url)?;
    let (address, user) = without_user(&filled);
    let uri: Uri = address
        .parse()
        .map_err(|error| format!("the address is none: {error}"))?;
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(user) = user {
        let basic = format!("Basic {}", base64(user.as_bytes()));
        purse.remember(user);
        let (_, password) = user.split_once(':').unwrap_or_default();
        purse.remember(password);
        purse.remember(&basic);
        request = request.header(header::AUTHORIZATION, basic);
    }
    for (name, value) in &call.headers {
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("the header {name:?} is the host's to set"));
        }
        request = request.header(name, purse.fill(value)?);
    }
    request
        .body(call.body.clone())
        .map_err(|error| format!("a header is malformed: {error}"))
}

/// An address without its user part, and that part.
fn without_user(address: &str) -> (String, Option<&str>) {
    let Some((scheme, rest)) = address.split_once("://") else {
        return (address.to_owned(), None);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{scheme}://{host}{tail}"), Some(user)),
        None => (address.to_owned(), None),
    }
}

fn read(response: &mut Response<Body>) -> Result<Vec<u8>, ureq::Error> {
    let mut body = Vec::new();
    let reader = response.body_mut().as_reader();
    match reader.take(READ).read_to_end(&mut body) {
        Ok(_) => Ok(body),
        Err(error) => Err(error.into()),
    }
}

fn headers(all: &HeaderMap, purse: &Purse<'_>) -> Vec<(growbox_model::Text, growbox_model::Text)> {
    let kept = all.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        let fits = name.as_str().len() + value.len() <= HEADER_BYTES;
        fits.then(|| (name.as_str().into(), purse.blot(value).into()))
    });
    // What opens a session is a secret of the far side.
    kept.filter(|(name, _): &(growbox_model::Text, _)| &**name != "set-cookie")
        .take(HEADERS)
        .collect()
}

/// At most so many bytes, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Why there is no answer. Nothing of it repeats the address.
fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            "cannot be reached in time".into()
        }
        ureq::Error::Timeout(_) => "does not answer in time".into(),
        ureq::Error::HostNotFound => "its name is not known".into(),
        ureq::Error::ConnectionFailed => "cannot be reached".into(),
        ureq::Error::Io(error) => io_in_words(error),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address is none".into(),
        ureq::Error::Tls(why) => format!("TLS: {why}"),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Protocol(error) => format!("speaks no HTTP: {error}"),
        other => other.to_string(),
    }
}

fn io_in_words(error: &std::io::Error) -> String {
    if let Some(inner) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ureq::Error>())
    {
        return in_words(inner);
    }
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "refuses the connection".into(),
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => {
            "broke the connection".into()
        }
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => {
            "does not answer in time".into()
        }
        _ if error.to_string().contains("failed to lookup") => "its name is not known".into(),
        _ => error.to_string(),
    }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let three = [
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let word = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let six = (word >> (18 - 6 * place)) & 63;
            let padding = place > chunk.len();
            out.push(if padding {
                '='
            } else {
                char::from(ALPHABET[six as usize])
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_specified() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("user:päss", "dXNlcjpww6Rzcw=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded, "{plain}");
        }
    }

    #[test]
    fn the_user_part_leaves_the_address() {
        assert_eq!(
            without_user("https://me:p@w@x.example/a@b"),
            ("https://x.example/a@b".into(), Some("me:p@w"))
        );
        assert_eq!(
            without_user("https://x.example/a@b"),
            ("https://x.example/a@b".into(), None)
        );
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("käse", 2), "k");
        assert_eq!(cut("käse", 3), "kä");
        assert_eq!(cut("käse", 99), "käse");
    }
}
