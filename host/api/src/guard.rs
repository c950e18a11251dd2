//! Who may speak at all, and with whose authority: `Host`, `Origin` and the token.
//!
//! Loopback is not safe by itself: a web page can post to it, and a name that its
//! owner points at 127.0.0.1 makes the browser believe it is at home there. So the
//! `Host` must be one that no stranger can own, and an `Origin` must be that host.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use growbox_model::Speaker;
use growbox_model::id::quoted;

use crate::edge::Edge;
use crate::refusal::{Outcome, Refusal};

/// With whose authority a request speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub(crate) Speaker);

impl Caller {
    /// Refuses whoever did not bring the token.
    pub(crate) fn operator(self) -> Outcome<()> {
        if self.0 == Speaker::Operator {
            return Ok(());
        }
        Err(unauthorized("this needs the token"))
    }
}

/// Checks every request before anything else looks at it.
pub(crate) async fn check(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let response = match caller(&edge, request.uri(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    sealed(response)
}

fn caller(edge: &Edge, uri: &Uri, headers: &HeaderMap) -> Outcome<Caller> {
    let host = check_host(uri, headers, edge.address.ip())?;
    check_origin(headers, host)?;
    check_token(headers, edge.token.as_bytes()).map(Caller)
}

/// The `Host`, where it is one that only this machine answers to.
fn check_host<'a>(uri: &'a Uri, headers: &'a HeaderMap, listen: IpAddr) -> Outcome<&'a str> {
    let mut given = headers.get_all(header::HOST).iter();
    let host = match (given.next(), given.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    let said = uri.authority().map_or(host, Authority::as_str);
    if said.eq_ignore_ascii_case(host) && is_here(host, listen) {
        return Ok(host);
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "foreign_host",
        format!("the Host header is {}", quoted(host)),
    )
    .hint("use localhost, 127.0.0.1 or the address growbox listens on"))
}

fn is_here(host: &str, listen: IpAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    if host.contains('@') {
        return false;
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    // An address typed as such cannot have been re-bound by a name server.
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| {
            ip.to_canonical().is_loopback() || ip == listen || listen.is_unspecified()
        })
}

fn check_origin(headers: &HeaderMap, host: &str) -> Outcome<()> {
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let place = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        if !place.is_some_and(|place| place.eq_ignore_ascii_case(host)) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                format!("a page of {} may not talk to growbox", quoted(origin)),
            ));
        }
    }
    Ok(())
}

fn check_token(headers: &HeaderMap, token: &[u8]) -> Outcome<Speaker> {
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        return Ok(Speaker::Anyone);
    };
    if bearer(given).is_some_and(|given| same(given, token)) {
        return Ok(Speaker::Operator);
    }
    Err(unauthorized("this is not the token"))
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// Compares in a time that does not tell how much of it was right. An empty token fits nothing.
fn same(given: &[u8], token: &[u8]) -> bool {
    let differences = given.iter().zip(token).fold(0, |sum, (a, b)| sum | (a ^ b));
    !token.is_empty() && given.len() == token.len() && std::hint::black_box(differences) == 0
}

fn unauthorized(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        .hint("send Authorization: Bearer with the text of the file `token` in the data directory")
}

/// Nothing of this may be framed, sniffed, kept, or run as a script.
fn sealed(mut response: Response) -> Response {
    const SEALS: [(HeaderName, &str); 4] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in SEALS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(host: &str, listen: &str) -> bool {
        is_here(host, listen.parse().unwrap())
    }

    #[test]
    fn only_names_no_stranger_can_own_are_here() {
        for host in ["localhost", "LOCALHOST:8420", "127.0.0.1:1", "[::1]:8420"] {
            assert!(here(host, "127.0.0.1"), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8420",
            "10.0.0.7:8420",
            "localhost@evil.example",
            "evil@localhost",
            "local host",
        ] {
            assert!(!here(host, "127.0.0.1"), "{host}");
        }
        assert!(here("10.0.0.7:8420", "10.0.0.7"));
        assert!(here("10.0.0.7:8420", "0.0.0.0"));
        assert!(!here("tent.example", "0.0.0.0"));
    }

    #[test]
    fn the_token_must_be_whole() {
        assert!(same(b"secret", b"secret"));
        for given in ["", "secre", "secrets", "Secret"] {
            assert!(!same(given.as_bytes(), b"secret"), "{given}");
        }
        assert!(!same(b"", b""));
    }
}
