//! Origins: what of an address a grant names.

use crate::id::quoted;
use crate::objection::Objection;

/// The origin of an address: `https://ntfy.sh` of `https://me@NTFY.sh:443/topic?x`,
/// `mailto:me@example.org` of `mailto:me@example.org?subject=x`.
///
/// Names are in lower case, a scheme's own port is left out, and so is the user part.
///
/// # Errors
///
/// `bad_address` where it is neither http, https nor mailto, or names no host. Only the scheme
/// and the host are quoted: the rest of an address may be a secret.
pub fn origin_of(address: &str) -> Result<String, Objection> {
    if let Some(mail) = address.strip_prefix("mailto:") {
        return mailbox(mail.split('?').next().unwrap_or_default());
    }
    let (scheme, rest) = address.split_once("://").ok_or_else(no_scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return Err(no_scheme()),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Readers differ over a backslash; nobody needs one.
    if authority.contains('\\') {
        return Err(Objection::new("bad_address", "a host has no backslash"));
    }
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(own_port).unwrap_or(&host);
    if !is_host(host) {
        let why = format!("{} is no host of an address", quoted(host));
        return Err(Objection::new("bad_address", why));
    }
    Ok(format!("{scheme}://{host}"))
}

/// Whether an origin is on this machine: what goes there leaves it for nobody.
pub fn is_loopback(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let numeric = name.parse::<std::net::IpAddr>();
    name == "localhost" || numeric.is_ok_and(|address| address.is_loopback())
}

fn no_scheme() -> Objection {
    let why = "an address begins with https://, http:// or mailto:";
    Objection::new("bad_address", why)
}

fn mailbox(address: &str) -> Result<String, Objection> {
    let parts = address.split_once('@');
    let sound = parts.is_some_and(|(user, host)| !user.is_empty() && is_host(host))
        && !address.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c));
    if sound {
        return Ok(format!("mailto:{}", address.to_lowercase()));
    }
    let why = format!(
        "{} is no mail address such as me@example.org",
        quoted(address)
    );
    Err(Objection::new("bad_address", why))
}

/// A name, an IPv4 address or an IPv6 one in brackets; a port may follow.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let port_is_one = port
        .strip_prefix(':')
        .map_or(port.is_empty(), |port| port.parse::<u16>().is_ok());
    !name.is_empty() && name.chars().all(plain) && port_is_one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_are_left() {
        for (address, origin) in [
            ("https://ntfy.sh/topic", "https://ntfy.sh"),
            ("HTTPS://Me:pw@NTFY.sh:443?x=/y", "https://ntfy.sh"),
            ("https://${secret:ntfy}@a.b:8443/x", "https://a.b:8443"),
            ("http://127.0.0.1:80#x", "http://127.0.0.1"),
            ("http://[::1]:8080/x", "http://[::1]:8080"),
            ("mailto:Me@Example.org?subject=x", "mailto:me@example.org"),
        ] {
            assert_eq!(origin_of(address).unwrap(), origin, "{address}");
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for address in [
            "ntfy.sh/topic",
            "ftp://x",
            "https://",
            "https:///x",
            "https://a b/",
            "https://a:b/",
            "https://x:99999/",
            "https://[x]/",
            "https://evil.example\\@ntfy.sh:x/",
            "mailto:me",
            "mailto:a@b,c@d",
            "mailto:me@x y",
        ] {
            assert_eq!(
                origin_of(address).unwrap_err().code,
                "bad_address",
                "{address}"
            );
        }
    }

    #[test]
    fn this_machine_is_known() {
        for origin in [
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "http://192.168.1.2",
            "https://localhost.example",
            "mailto:a@localhost",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
