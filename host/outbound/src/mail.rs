//! One mail: handed in at the operator's server, over TLS but on this machine itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use growbox_model::effect::Call;
use growbox_model::ports::CallReply;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};

use crate::http::{Outcome, cut};
use crate::secret::Source;

/// How long the server may take for one word, and for all of it.
const WORD: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(20);
/// The longest subject, in bytes.
const SUBJECT: usize = 200;

/// Where mail is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User and password; none where the server asks for none.
    pub user: Option<(String, Source)>,
    /// The sender, such as `growbox <tent@example.org>`.
    pub from: String,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte: `smtps://`.
    Tls,
    /// After the greeting, and nothing is said before: `smtp://`.
    StartTls,
    /// Not at all: `smtp://` on this machine itself.
    Open,
}

/// Sends mail, one at a time; a server that drips keeps its thread, and the next mail is told so.
#[derive(Debug, Default)]
pub(crate) struct Mailer {
    stuck: Arc<AtomicBool>,
}

impl Mailer {
    /// Sends the mail that a call describes: `mailto:ADDRESS`, header `Subject`, the body its text.
    pub(crate) fn perform(&self, server: Option<&MailServer>, call: &Call, key: &str) -> Outcome {
        let server =
            server.ok_or("no mail server is configured: [notify] mail = { server = … }")?;
        let message = message(server, call, key)?;
        let password = match &server.user {
            Some((user, password)) => Some((user.clone(), password.read()?)),
            None => None,
        };
        let secret = password.as_ref().map(|(_, secret)| secret.clone());
        let transport = transport(server, password)?;
        let sent = self.within(move || hand_in(&transport, &message));
        let place = format!("{}:{}", server.host, server.port);
        let sent = sent.map_err(|why| format!("mail server {place}: {why}"));
        sent.map_err(|why| match &secret {
            Some(secret) => why.replace(secret.as_str(), "•••"),
            None => why,
        })
    }

    fn within(&self, send: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
        if self.stuck.swap(true, Ordering::AcqRel) {
            return Err("busy: it still takes its time over the mail before".into());
        }
        let (tell, told) = mpsc::sync_channel(1);
        let stuck = self.stuck.clone();
        let spawned = std::thread::Builder::new()
            .name("mail".into())
            .spawn(move || {
                let sent = send();
                stuck.store(false, Ordering::Release);
                // Who waited may have given up.
                let _ = tell.send(sent);
            });
        if let Err(error) = spawned {
            self.stuck.store(false, Ordering::Release);
            return Err(format!("no thread for it: {error}"));
        }
        let late = || "does not answer in time".to_owned();
        told.recv_timeout(WHOLE).map_err(|_| late())?
    }
}

/// What the server says is an answer, a refusal too.
fn hand_in(transport: &SmtpTransport, message: &Message) -> Outcome {
    match transport.send(message) {
        Ok(response) => {
            let words: Vec<&str> = response.message().collect();
            Ok(reply(250, &words.join(" ")))
        }
        Err(error) => match error.status() {
            Some(code) => {
                let cause = std::error::Error::source(&error);
                Ok(reply(
                    code.into(),
                    &cause.map_or_else(String::new, ToString::to_string),
                ))
            }
            None => Err(words_of(&error)),
        },
    }
}

fn reply(status: u16, words: &str) -> CallReply {
    CallReply {
        status,
        headers: Vec::new(),
        body: cut(words, 1024).into(),
    }
}

fn message(server: &MailServer, call: &Call, key: &str) -> Result<Message, String> {
    let to = call.url.strip_prefix("mailto:").unwrap_or(&call.url);
    let to = to.split('?').next().unwrap_or(to);
    let mailbox = |text: &str, what: &str| {
        let parsed = text.parse::<Mailbox>();
        parsed.map_err(|error| format!("the {what} is no mail address: {error}"))
    };
    let subject = call
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("subject"))
        .map_or("growbox", |(_, value)| value.as_str());
    let text = String::from_utf8_lossy(&call.body).into_owned();
    let message = Message::builder()
        .from(mailbox(&server.from, "sender")?)
        .to(mailbox(to, "recipient")?)
        .subject(cut(subject, SUBJECT))
        .header(header::MIME_VERSION_1_0)
        .message_id(Some(format!("<{}@growbox>", plain(key))))
        .header(ContentType::TEXT_PLAIN)
        .body(text);
    message.map_err(|error| format!("the mail cannot be written: {error}"))
}

/// A key as part of a message's id: sent twice, it is the same mail.
fn plain(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    key.chars().map(plain).collect()
}

fn transport(server: &MailServer, user: Option<(String, String)>) -> Result<SmtpTransport, String> {
    let tls = || {
        TlsParameters::new(server.host.clone())
            .map_err(|error| format!("TLS to {}: {error}", server.host))
    };
    let security = match server.security {
        Security::Tls => Tls::Wrapper(tls()?),
        Security::StartTls => Tls::Required(tls()?),
        Security::Open => Tls::None,
    };
    let mut builder = SmtpTransport::builder_dangerous(&server.host)
        .port(server.port)
        .tls(security)
        .timeout(Some(WORD));
    if let Some((user, password)) = user {
        builder = builder.credentials(Credentials::new(user, password));
    }
    Ok(builder.build())
}

/// An error with its causes, each said once.
fn words_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
