//! `[notify]`: who is told, and how; writing an address here is the operator's grant.
//!
//! ```text
//!  [notify] ──▶ settings and `call` grants of the plug-in notifier    addresses, secrets by name
//!          └──▶ the book of the outbound edge                         secrets, mail server, heartbeat
//! ```

use growbox_model::effect::Call;
use growbox_model::origin::{is_loopback, origin_of};
use growbox_model::{Instant, Span};
use growbox_outbound::{Book, Heartbeat, Secret, Source, placeholder};
use serde_json::{Map, Value as Json, json};
use toml_edit::{TableLike, Value};

use super::Surroundings;
use super::mail;
use super::report::{Report, Wrong};
use super::section::{Section, as_table};
use super::value::{Read, count_in, some_text, span_in, text, time_of_day, word_of};

#[cfg(test)]
mod tests;

/// What Telegram answers under, unless a relay is named.
const TELEGRAM: &str = "https://api.telegram.org";
/// Messages an hour each channel may get, unless set.
const RATE: usize = 20;

const SEVERITIES: &[(&str, &str)] = &[
    ("info", "info"),
    ("warning", "warning"),
    ("critical", "critical"),
];

/// What `[notify]` comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NotifySpec {
    /// What the outbound edge must know and no plug-in.
    pub book: Book,
    /// What is pinged while all is well.
    pub heartbeat: Option<Heartbeat>,
    /// Settings of the notifier; empty where no channel is named.
    pub(super) settings: Map<String, Json>,
    /// Origins the notifier may call.
    pub(super) origins: Vec<String>,
}

impl NotifySpec {
    /// Whether anybody is told.
    pub(super) fn has_channel(&self) -> bool {
        !self.origins.is_empty()
    }

    /// What tells people at any hour, on every channel that is named; secrets stand in it by name.
    /// For who calls for help when there is no room any more in which a plug-in could.
    pub(crate) fn calls(&self, title: &str, text: &str, at: Instant) -> Vec<Call> {
        let named = ["ntfy", "webhook", "telegram", "mail"];
        let call = |name: &str| {
            let body = match name {
                "telegram" => {
                    let chat = self.setting("telegram_chat").unwrap_or_default();
                    json!({"chat_id": chat, "text": format!("{title}\n{text}")}).to_string()
                }
                "webhook" => json!({
                    "key": "guardian", "title": title, "text": text, "severity": "critical",
                    "type": "guardian", "zone": Json::Null, "timestamp": at.to_string(),
                })
                .to_string(),
                _ => text.to_owned(),
            };
            let headers: &[(&str, &str)] = match name {
                "ntfy" => &[
                    ("Title", title),
                    ("Priority", "5"),
                    ("Tags", "rotating_light"),
                ],
                "mail" => &[("Subject", title)],
                _ => &[("Content-Type", "application/json")],
            };
            let authorization = self.setting(&format!("{name}_authorization"));
            let authorization = authorization.map(|value| ("Authorization", value));
            let headers = headers.iter().copied().chain(authorization);
            Some(Call {
                key: "guardian".to_owned(),
                method: "POST".to_owned(),
                url: self.setting(name)?.to_owned(),
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                body: body.into_bytes(),
            })
        };
        named.into_iter().filter_map(call).collect()
    }

    fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Json::as_str)
    }

    pub(super) fn allow(&mut self, origin: String) {
        if !self.origins.contains(&origin) {
            self.origins.push(origin);
        }
    }

    /// Keeps a secret for one origin, and answers what settings name it by.
    fn keep(&mut self, name: &str, source: Source, origin: &str) -> String {
        self.book.secrets.push(Secret {
            name: name.to_owned(),
            source,
            origins: vec![origin.to_owned()],
        });
        placeholder(name)
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Json>) {
        self.settings.insert(key.to_owned(), value.into());
    }
}

/// Reads `[notify]`.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    around: &Surroundings<'_>,
) -> NotifySpec {
    let mut spec = NotifySpec::default();
    if !root.contains_key("notify") {
        let why = "nobody is told; name a channel such as ntfy = \"https://ntfy.sh/TOPIC\"";
        report.explain_default("notify", "none".into(), why);
        return spec;
    }
    let mut section = super::single(report, root, "notify");
    address_channel(&mut section, "ntfy", &mut spec, around);
    address_channel(&mut section, "webhook", &mut spec, around);
    telegram(&mut section, &mut spec, around);
    mail::read(&mut section, &mut spec, around);
    heartbeat(&mut section, &mut spec);
    manners(&mut section, &mut spec);
    if !spec.has_channel() && spec.heartbeat.is_none() && !section.report.has_errors() {
        let wrong = Wrong::new("no_channel", "nobody is told anything");
        section.report.warning(
            "notify",
            wrong.but("name one: ntfy, webhook, telegram, mail, or heartbeat"),
        );
    }
    section.finish();
    spec
}

/// `NAME = "https://…"` or `NAME = { url = "https://…", token = { file = "…" } }`.
fn address_channel(
    section: &mut Section<'_, '_>,
    name: &'static str,
    spec: &mut NotifySpec,
    around: &Surroundings<'_>,
) {
    let is_table = section
        .raw(name)
        .is_some_and(|item| item.as_table_like().is_some());
    if !is_table {
        let key = section.key(name);
        if let Some(address) = section.or_none(name, web_address, "not told this way") {
            warn_if_open(section.report, &key, &address);
            take_address(name, &address, spec);
        }
        return;
    }
    let mut table = section.table(name);
    table.require("url", "url = \"https://…\"");
    let key = table.key("url");
    let address = table.given("url", web_address);
    let token = secret_file(&mut table, "token", around);
    table.finish();
    let Some(address) = address else { return };
    warn_if_open(section.report, &key, &address);
    let origin = take_address(name, &address, spec);
    if let Some(token) = token {
        let named = spec.keep(name, token, &origin);
        spec.set(&format!("{name}_authorization"), format!("Bearer {named}"));
    }
}

/// The address as a setting, its user part by name; answers its origin.
fn take_address(name: &str, address: &str, spec: &mut NotifySpec) -> String {
    let origin = origin_of(address).unwrap_or_default();
    let (plain, user) = without_user(address);
    let url = match user {
        Some(user) => {
            let named = spec.keep(&format!("{name}-user"), Source::Value(user), &origin);
            plain.replacen("://", &format!("://{named}@"), 1)
        }
        None => plain,
    };
    spec.set(name, url);
    spec.allow(origin.clone());
    origin
}

/// An address without its user part, and that part.
fn without_user(address: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = address.split_once("://") else {
        return (address.to_owned(), None);
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{scheme}://{host}{tail}"), Some(user.to_owned())),
        None => (address.to_owned(), None),
    }
}

fn telegram(section: &mut Section<'_, '_>, spec: &mut NotifySpec, around: &Surroundings<'_>) {
    if !section.has("telegram") {
        section.or_none("telegram", text, "not told this way");
        return;
    }
    let mut table = section.table("telegram");
    table.require("chat", "chat = \"123456789\", the number the bot writes to");
    table.require("token", "token = { file = \"/etc/growbox/telegram\" }");
    let chat = table.given("chat", chat);
    let token = secret_file(&mut table, "token", around);
    let key = table.key("url");
    let base = table.or("url", web_address, TELEGRAM.to_owned(), "Telegram itself");
    warn_if_open(table.report, &key, &base);
    table.finish();
    let (Some(chat), Some(token), Ok(origin)) = (chat, token, origin_of(&base)) else {
        return;
    };
    let named = spec.keep("telegram", token, &origin);
    let base = base.trim_end_matches('/');
    spec.set("telegram", format!("{base}/bot{named}/sendMessage"));
    spec.set("telegram_chat", chat);
    spec.allow(origin);
}

/// A chat is a number or the name of a channel.
fn chat(value: &Value) -> Read<String> {
    match value.as_integer() {
        Some(number) => Ok(number.to_string()),
        None => some_text(value),
    }
}

fn heartbeat(section: &mut Section<'_, '_>, spec: &mut NotifySpec) {
    let why = "nobody else notices when this machine is silent";
    let key = section.key("heartbeat");
    let address = section.or_none("heartbeat", web_address, why);
    let every = section.or(
        "heartbeat_every",
        span_in(Span::seconds(1)..=Span::hours(24)),
        Span::minutes(1),
        "only while the flow turns and the log is written",
    );
    let Some(address) = address else { return };
    warn_if_open(section.report, &key, &address);
    let origin = origin_of(&address).unwrap_or_default();
    let (plain, user) = without_user(&address);
    let url = match user {
        Some(user) => {
            let named = spec.keep("heartbeat-user", Source::Value(user), &origin);
            plain.replacen("://", &format!("://{named}@"), 1)
        }
        None => plain,
    };
    spec.heartbeat = Some(Heartbeat {
        url,
        every: every.duration(),
    });
}

/// When and how often.
fn manners(section: &mut Section<'_, '_>, spec: &mut NotifySpec) {
    let least = section.or(
        "least",
        word_of("severity", SEVERITIES),
        "warning",
        "what is less is in the log",
    );
    let rate = section.or(
        "rate",
        count_in(1..=1000),
        RATE,
        "messages an hour each channel gets, twice as many critical ones; the rest in one",
    );
    let repeat = section.or(
        "repeat",
        repeat,
        Repeat(Some(Span::hours(1))),
        "a critical alert that nobody acknowledges is said again",
    );
    let quiet = section.or_none("quiet_hours", quiet_hours, "told at any hour");
    spec.set("least", least);
    spec.set("rate", json!(rate));
    spec.set("repeat", json!(repeat.seconds()));
    if let Some(quiet) = quiet {
        spec.set("quiet_hours", quiet);
    }
}

/// How often a message is said again; none means never.
#[derive(Debug, Clone, Copy)]
struct Repeat(Option<Span>);

impl Repeat {
    fn seconds(self) -> f64 {
        self.0.map_or(0.0, |span| span.duration().as_secs_f64())
    }
}

impl std::fmt::Display for Repeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(span) => span.fmt(f),
            None => f.write_str("off"),
        }
    }
}

fn repeat(value: &Value) -> Read<Repeat> {
    if value.as_str() == Some("off") {
        return Ok(Repeat(None));
    }
    let span = span_in(Span::minutes(1)..=Span::hours(7 * 24))(value);
    span.map(|span| Repeat(Some(span)))
        .map_err(|wrong| wrong.but("\"off\" says it once"))
}

/// `"22:00-07:00"`, local time.
fn quiet_hours(value: &Value) -> Read<String> {
    let said = text(value)?;
    let ends = said
        .split_once('-')
        .map(|(from, to)| (from.trim(), to.trim()));
    let sound = ends.is_some_and(|(from, to)| {
        from != to
            && [from, to]
                .iter()
                .all(|end| end.len() == 5 && time_of_day(&Value::from(*end)).is_ok())
    });
    if sound {
        return Ok(said.replace(' ', ""));
    }
    let message = format!("{said:?} are no hours such as \"22:00-07:00\"");
    Err(Wrong::new("bad_quiet_hours", message))
}

/// An address of the web.
pub(super) fn web_address(value: &Value) -> Read<String> {
    let address = some_text(value)?;
    let origin = origin_of(&address)?;
    if origin.starts_with("http") && !address.contains(char::is_whitespace) {
        return Ok(address);
    }
    let wrong = Wrong::new("bad_address", "this is no address of the web");
    Err(wrong.but("https://HOST/PATH"))
}

/// A secret in a file of its own: `KEY = { file = "…" }`.
pub(super) fn secret_file(
    section: &mut Section<'_, '_>,
    key: &'static str,
    around: &Surroundings<'_>,
) -> Option<Source> {
    let path = section.key(key);
    let item = section.raw(key)?;
    if item.is_str() {
        let wrong = Wrong::new("secret_in_the_open", "a secret has a file of its own");
        let advice = format!("{key} = {{ file = \"/etc/growbox/{key}\" }}, mode 0600");
        section.report.error(&path, wrong.but(advice));
        return None;
    }
    as_table(section.report, &path, item)?;
    let mut table = section.table(key);
    table.require("file", "file = \"/etc/growbox/…\"");
    let file = table
        .given("file", some_text)
        .map(|file| around.folder.join(file));
    table.finish();
    let file = file?;
    if !(around.exists)(&file) {
        let wrong = Wrong::new(
            "no_such_file",
            format!("there is no file {}", file.display()),
        );
        let advice = "what needs it fails until there is one";
        section.report.warning(&path, wrong.but(advice));
    }
    Some(Source::File(file))
}

/// What goes there can be read on the way.
fn warn_if_open(report: &mut Report<'_>, key: &str, address: &str) {
    let Ok(origin) = origin_of(address) else {
        return;
    };
    if origin.starts_with("http://") && !is_loopback(&origin) {
        let wrong = Wrong::new(
            "plain_http",
            format!("whoever is on the way to {origin} can read what is sent there"),
        );
        report.warning(key, wrong.but("https:// where the far side has it"));
    }
}
