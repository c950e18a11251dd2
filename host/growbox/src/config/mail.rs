//! `[notify] mail`: where mail is handed in, from whom, to whom.

use growbox_model::origin::{is_loopback, origin_of};
use growbox_outbound::{MailServer, Security};
use toml_edit::Value;

use super::Surroundings;
use super::notify::{NotifySpec, secret_file};
use super::report::Wrong;
use super::section::Section;
use super::value::{Read, some_text, text};

/// Reads `[notify] mail`.
pub(super) fn read(
    section: &mut Section<'_, '_>,
    spec: &mut NotifySpec,
    around: &Surroundings<'_>,
) {
    if !section.has("mail") {
        section.or_none("mail", text, "not told this way");
        return;
    }
    let mut table = section.table("mail");
    table.require("server", "server = \"smtps://mail.example.org\"");
    table.require("from", "from = \"growbox <tent@example.org>\"");
    table.require("to", "to = \"me@example.org\"");
    let server = table.given("server", server);
    let user = table.or_none("user", some_text, "the server asks for none");
    let password = secret_file(&mut table, "password", around);
    let from = table.given("from", sender);
    let to = table.given("to", recipient);
    if user.is_some() && password.is_none() {
        table.require("password", "password = { file = \"/etc/growbox/mail\" }");
    }
    if user.is_none() && password.is_some() {
        table.require("user", "user = \"me@example.org\"");
    }
    table.finish();
    let (Some((security, host, port)), Some(from), Some(to)) = (server, from, to) else {
        return;
    };
    spec.book.mail = Some(MailServer {
        host,
        port,
        security,
        user: user.zip(password),
        from,
    });
    spec.set("mail", to.as_str());
    spec.allow(to);
}

/// `smtps://HOST[:465]`, or `smtp://HOST[:587]`, which begins in the open and goes on under TLS.
fn server(value: &Value) -> Read<(Security, String, u16)> {
    let said = some_text(value)?;
    let bad = || {
        let wrong = Wrong::new("bad_address", "this is no mail server");
        wrong.but("smtps://HOST:465, or smtp://HOST:587 with STARTTLS; user and password have keys of their own")
    };
    let (scheme, rest) = said.split_once("://").ok_or_else(bad)?;
    let rest = rest.trim_end_matches('/');
    // The host is judged as that of any address.
    let origin = origin_of(&format!("https://{rest}/")).map_err(|_| bad())?;
    if rest.contains(['@', '/', '?', '#']) {
        return Err(bad());
    }
    let host_and_port = origin.trim_start_matches("https://");
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, Some(port.parse().map_err(|_| bad())?))
        }
        _ => (host_and_port, None),
    };
    let security = match scheme {
        "smtps" => Security::Tls,
        "smtp" if is_loopback(&origin) => Security::Open,
        "smtp" => Security::StartTls,
        _ => return Err(bad()),
    };
    let usual = if security == Security::Tls { 465 } else { 587 };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((security, host.to_owned(), port.unwrap_or(usual)))
}

/// `NAME <ADDRESS>`, or the address alone.
fn sender(value: &Value) -> Read<String> {
    let said = some_text(value)?;
    let address = match said.rsplit_once('<') {
        Some((_, rest)) => rest.trim_end().strip_suffix('>').unwrap_or_default(),
        None => said.as_str(),
    };
    origin_of(&format!("mailto:{address}"))?;
    Ok(said)
}

/// An address, as the origin a grant names.
fn recipient(value: &Value) -> Read<String> {
    let said = some_text(value)?;
    Ok(origin_of(&format!("mailto:{said}"))?)
}
