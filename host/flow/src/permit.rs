//! Permits: whether an outbound call has a form that can be sent, and who allows it.
//!
//! Two keys: the plug-in's manifest asks for the origin, and the operator names exactly that
//! origin. What cannot be told apart by its origin (a forged `Host`, a user part that looks like
//! a host, a line break in a header) is refused by its form.

use growbox_model::id::quoted;
use growbox_model::origin::origin_of;
use growbox_model::{Call, Manifest, Objection, PluginSpec};

/// Longest key, in bytes: it comes back in the answer.
const KEY_BYTES: usize = 256;
/// Longest address, in bytes.
const ADDRESS_BYTES: usize = 4 * 1024;
/// Most headers, and all their bytes together.
const HEADERS: (usize, usize) = (64, 32 * 1024);
/// Longest body, in bytes.
const BODY_BYTES: usize = 64 * 1024;
/// Longest method, in bytes.
const METHOD_BYTES: usize = 32;
/// Headers that belong to the connection, or to whom it leads.
const NOT_YOURS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// How a secret is named in a call.
const SECRET: &str = "${secret:";

/// The origin a call goes to, where its form is sound.
pub(crate) fn origin(call: &Call) -> Result<String, Objection> {
    let bad = |what: &str| {
        Err(Objection::new(
            "bad_call",
            format!("call {}: {what}", quoted(&call.key)),
        ))
    };
    if call.key.is_empty() || call.key.len() > KEY_BYTES {
        return bad(&format!("a key has 1 to {KEY_BYTES} bytes"));
    }
    if !is_token(&call.method) || call.method.len() > METHOD_BYTES {
        return bad(&format!(
            "{} is no method such as POST",
            quoted(&call.method)
        ));
    }
    if call.body.len() > BODY_BYTES {
        let bytes = call.body.len();
        return bad(&format!(
            "a body of {bytes} bytes, at most {BODY_BYTES} are sent"
        ));
    }
    if let Some(wrong) = wrong_headers(&call.headers) {
        return bad(&wrong);
    }
    if call.url.len() > ADDRESS_BYTES {
        return bad(&format!("its address has more than {ADDRESS_BYTES} bytes"));
    }
    if call
        .url
        .contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return bad("its address has a blank or a control character in it");
    }
    if names_a_user(&call.url) {
        return bad(
            "its address names a user in clear; a header or ${secret:NAME}@ keeps it out of the log",
        );
    }
    origin_of(&call.url)
}

fn wrong_headers(headers: &[(String, String)]) -> Option<String> {
    let (most, most_bytes) = HEADERS;
    if headers.len() > most {
        return Some(format!(
            "{} headers, at most {most} are sent",
            headers.len()
        ));
    }
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > most_bytes {
        return Some(format!("its headers have more than {most_bytes} bytes"));
    }
    headers.iter().find_map(|(name, value)| {
        if !is_token(name) {
            return Some(format!("{} is no name of a header", quoted(name)));
        }
        let lower = name.to_ascii_lowercase();
        if NOT_YOURS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
            return Some(format!("the header {name} is the host's own to set"));
        }
        let broken = value.contains(|c: char| c.is_control() && c != '\t');
        broken.then(|| format!("the header {name} has a line break or a control character in it"))
    })
}

/// A token of HTTP: a method, a header's name.
fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Whether an address has a user part that is no secret named by name.
fn names_a_user(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| !(user.starts_with(SECRET) && user.ends_with('}')))
}

/// Whether the operator allows calls to this very origin.
pub(crate) fn grants(spec: &PluginSpec, origin: &str) -> bool {
    let names = |list: &[String]| list.iter().any(|named| named == origin);
    names(&spec.grant.call) && !spec.deny.names("call", origin)
}

/// Refuses a call to an origin that is not asked for or not granted; says what would allow it.
pub(crate) fn allow(spec: &PluginSpec, manifest: &Manifest, origin: &str) -> Result<(), Objection> {
    let asked = manifest.asks_for("call", origin);
    if asked && grants(spec, origin) {
        return Ok(());
    }
    let mut steps = Vec::new();
    if !asked {
        steps.push(format!("its author makes it ask to call {origin}"));
    }
    if spec.deny.names("call", origin) {
        steps.push(format!(
            "take \"{origin}\" out of [plugin.{}] deny",
            spec.id
        ));
    }
    if !spec.grant.call.iter().any(|named| named == origin) {
        let origins = spec.grant.call.iter().map(String::as_str).chain([origin]);
        let origins: Vec<String> = origins.map(|origin| format!("\"{origin}\"")).collect();
        let origins = origins.join(", ");
        steps.push(format!(
            "[plugin.{}] grant = {{ call = [{origins}] }}",
            spec.id
        ));
    }
    let steps = steps.join(", and ");
    let why = format!("{} may not call {origin}: {steps}", spec.id);
    Err(Objection::new("not_granted", why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::PluginId;

    fn call(change: impl FnOnce(&mut Call)) -> Call {
        let mut call = Call {
            key: "note".into(),
            method: "POST".into(),
            url: "https://ntfy.sh/topic".into(),
            headers: vec![("Title".into(), "too hot".into())],
            body: b"26 degrees".to_vec(),
        };
        change(&mut call);
        call
    }

    #[test]
    fn a_sound_call_has_its_origin() {
        assert_eq!(origin(&call(|_| ())).unwrap(), "https://ntfy.sh");
        let secret = call(|c| c.url = "https://${secret:ntfy}@ntfy.sh/topic".into());
        assert_eq!(origin(&secret).unwrap(), "https://ntfy.sh");
        let mail = call(|c| c.url = "mailto:me@example.org".into());
        assert_eq!(origin(&mail).unwrap(), "mailto:me@example.org");
        let full = call(|c| {
            c.body = vec![0; 64 * 1024];
            c.headers = vec![("a".into(), "b".into()); 64];
        });
        origin(&full).unwrap();
    }

    #[test]
    fn what_could_go_astray_is_refused() {
        let header = |name: &str, value: &str| {
            let (name, value) = (name.to_owned(), value.to_owned());
            call(move |c| c.headers = vec![(name, value)])
        };
        let address = |url: &str| {
            let url = url.to_owned();
            call(move |c| c.url = url)
        };
        let wrong = [
            call(|c| c.key.clear()),
            call(|c| c.method = "GET /".into()),
            call(|c| c.method.clear()),
            call(|c| c.body = vec![0; 64 * 1024 + 1]),
            call(|c| c.headers = vec![("a".into(), "b".into()); 65]),
            header("a", "b\r\nHost: evil.example"),
            header("a b", "c"),
            header("", "c"),
            header("Host", "evil.example"),
            header("transfer-Encoding", "chunked"),
            header("Proxy-Authorization", "x"),
            address("https://ntfy.sh@evil.example/"),
            address("https://me:pw@ntfy.sh/"),
            address("https://${secret:a}@x@ntfy.sh/"),
            address("https://ntfy.sh/a b"),
            address("https://ntfy.sh/\r\nHost: evil.example"),
            address(&format!("https://ntfy.sh/{}", "x".repeat(4096))),
            address("file:///etc/passwd"),
            address("ntfy.sh"),
        ];
        for call in wrong {
            let code = origin(&call).unwrap_err().code;
            assert!(matches!(&*code, "bad_call" | "bad_address"), "{call:?}");
        }
    }

    #[test]
    fn an_origin_is_granted_exactly_or_not_at_all() {
        let mut spec = PluginSpec::bare(PluginId::new("notifier").unwrap());
        spec.grant.call = vec!["https://ntfy.sh".into(), "https://*".into()];
        assert!(grants(&spec, "https://ntfy.sh"));
        for other in [
            "https://ntfy.sh.evil.example",
            "http://ntfy.sh",
            "https://ntfy.sh:8443",
        ] {
            assert!(!grants(&spec, other), "{other}");
        }
        spec.deny.call = vec!["https://*".into()];
        assert!(!grants(&spec, "https://ntfy.sh"));
    }
}
