//! One connection to the broker, from CONNECT to its end; a new one starts afresh.
//!
//! The client's own loop is a task of its own, since a poll that is cut short may lose what it
//! was about to send. What was told over a connection that broke is not told again by the
//! client: what is wanted *then* is, by [`super::outputs`].

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, Filter, LastWill, Packet, PubAckReason, Publish, RetainForwardRule,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::{Outgoing, TlsConfiguration, TlsError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::outputs::Message;
use super::receipts::{Receipt, Receipts};
use super::settings::{Roots, Settings};

/// Unacknowledged messages the broker may have sent: with fewer it drops from its own queue.
pub(super) const RECEIVE_MAXIMUM: u16 = 10_000;
/// How long the broker keeps the session, in seconds: messages of a short absence are not lost.
const SESSION_SECONDS: u32 = 3600;
/// The longest packet; the list of a large Zigbee network fits.
const PACKET_BYTES: u32 = 4 * 1024 * 1024;
/// Requests that wait for the client: all acknowledgements that can be due, and the rest.
const REQUESTS: usize = RECEIVE_MAXIMUM as usize + 4096;
/// Packets that wait for the session.
const PACKETS: usize = 256;
/// Commands the broker may not have acknowledged.
const COMMANDS: u16 = 1000;
/// Topics in one SUBSCRIBE.
const TOPICS: usize = 64;
/// How long connecting may take, in seconds.
const CONNECT_SECONDS: u64 = 5;

/// Why there is no connection, in words for a person.
#[derive(Debug, thiserror::Error)]
pub enum NoConnection {
    /// The password's file cannot be read.
    #[error("cannot read the password {0}: {1}")]
    Password(String, std::io::Error),
    /// The authorities' file cannot be read, or has none.
    #[error("cannot read the authorities {0}: {1}")]
    Authorities(String, String),
    /// TLS itself does not start.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The broker refuses, does not answer, or went away.
    #[error("{0}")]
    Broker(String),
}

/// How a session is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The session of old goes on; growbox tells when it is gone.
    Lasting,
    /// Only a look: nothing stays behind.
    Passing,
}

/// A connection that stands or comes to stand.
pub(super) struct Connection {
    client: AsyncClient,
    heard: mpsc::Receiver<Result<Heard, String>>,
    receipts: Receipts,
    polling: JoinHandle<()>,
}

/// What the client's loop passes on.
enum Heard {
    Packet(Box<Packet>),
    /// A message went out under this number.
    Sent(u16),
}

/// What is new on the line.
pub(super) enum News {
    /// The broker says something.
    Packet(Box<Packet>),
    /// The broker has taken a command, or why it has not.
    Taken(Receipt, Result<(), String>),
}

impl Connection {
    /// Begins to connect; what comes of it is [`Connection::next`].
    pub(super) fn open(settings: &Settings, entry: Entry) -> Result<Self, NoConnection> {
        let (client, events) = AsyncClient::new(options(settings, entry)?, REQUESTS);
        let (sender, heard) = mpsc::channel(PACKETS);
        let host = format!("{}:{}", settings.host, settings.port);
        let polling = tokio::spawn(poll(events, sender, host));
        Ok(Self {
            client,
            heard,
            receipts: Receipts::default(),
            polling,
        })
    }

    /// What is new, or why there will be nothing any more.
    pub(super) async fn next(&mut self) -> Result<News, NoConnection> {
        loop {
            let heard = match self.heard.recv().await {
                Some(Ok(heard)) => heard,
                Some(Err(why)) => return Err(NoConnection::Broker(why)),
                None => return Err(NoConnection::Broker("the connection broke down".into())),
            };
            let taken = match heard {
                Heard::Sent(number) => (self.receipts.went_out(number), Ok(())),
                Heard::Packet(packet) => match *packet {
                    Packet::PubAck(answer) => {
                        let receipt = self.receipts.acknowledged(answer.pkid);
                        (receipt, is_taken(answer.reason))
                    }
                    _ => return Ok(News::Packet(packet)),
                },
            };
            if let (Some(receipt), answer) = taken {
                return Ok(News::Taken(receipt, answer));
            }
        }
    }

    /// Listens to topics; `always` where what is retained is wanted though the session goes on.
    /// How many answers (SUBACK) are due.
    pub(super) fn subscribe<'a>(&self, topics: impl Iterator<Item = (&'a str, bool)>) -> usize {
        let filters: Vec<Filter> = topics.map(filter).collect();
        let sent = filters
            .chunks(TOPICS)
            .filter(|chunk| self.client.try_subscribe_many(chunk.to_vec()).is_ok());
        sent.count()
    }

    /// Listens no longer to a topic of an earlier configuration.
    pub(super) fn unsubscribe(&self, topic: &str) {
        // Where there is no room it is tried again with the next message.
        let _ = self.client.try_unsubscribe(topic);
    }

    /// Publishes at QoS 1; false where there is no room.
    pub(super) fn publish(&mut self, topic: &str, payload: String, retain: bool) -> bool {
        self.send(topic, QoS::AtLeastOnce, retain, payload, None)
    }

    /// Publishes a command; false where there is no room. What nobody may keep for later goes to
    /// who listens now: at QoS 0, which no broker keeps for who is away.
    pub(super) fn command(&mut self, message: Message) -> bool {
        let quality = match message.at_once {
            true => QoS::AtMostOnce,
            false => QoS::AtLeastOnce,
        };
        let (payload, receipt) = (message.payload, message.receipt);
        self.send(&message.topic, quality, false, payload, receipt)
    }

    fn send(
        &mut self,
        topic: &str,
        quality: QoS,
        retain: bool,
        payload: String,
        receipt: Option<Receipt>,
    ) -> bool {
        let sent = self.client.try_publish(topic, quality, retain, payload);
        if sent.is_ok() {
            self.receipts.queued(receipt);
        }
        sent.is_ok()
    }

    /// Acknowledges a message by its packet number.
    pub(super) fn acknowledge(&self, packet: u16) {
        let mut publish = Publish::new("", QoS::AtLeastOnce, "", None);
        publish.pkid = packet;
        // There is room for every one of them; one that fails comes again, and is known.
        let _ = self.client.try_ack(&publish);
    }

    /// Says goodbye and waits until it is said, or for so long.
    pub(super) async fn close(mut self, at_most: Duration) {
        let goodbye = async {
            if self.client.disconnect().await.is_ok() {
                while self.next().await.is_ok() {}
            }
        };
        // A broker that does not take it sees the line break.
        let _ = tokio::time::timeout(at_most, goodbye).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

fn filter((topic, always): (&str, bool)) -> Filter {
    let mut filter = Filter::new(topic, QoS::AtLeastOnce);
    filter.retain_forward_rule = if always {
        RetainForwardRule::OnEverySubscribe
    } else {
        RetainForwardRule::OnNewSubscribe
    };
    filter
}

/// What the broker makes of a message. One that nobody hears moves nothing.
fn is_taken(reason: PubAckReason) -> Result<(), String> {
    match reason {
        PubAckReason::Success => Ok(()),
        PubAckReason::NoMatchingSubscribers => {
            Err("nobody listens to its topic: the broker has passed it on to no one".into())
        }
        other => Err(format!("the broker refuses it: {other:?}")),
    }
}

async fn poll(mut events: EventLoop, packets: mpsc::Sender<Result<Heard, String>>, host: String) {
    loop {
        let heard = match events.poll().await {
            Ok(Event::Incoming(packet)) => Ok(Heard::Packet(Box::new(packet))),
            Ok(Event::Outgoing(Outgoing::Publish(number))) => Ok(Heard::Sent(number)),
            Ok(Event::Outgoing(_)) => continue,
            Err(error) => Err(words(&error, &host)),
        };
        let ended = heard.is_err();
        if packets.send(heard).await.is_err() || ended {
            return;
        }
    }
}

/// An error as a person says it.
fn words(error: &ConnectionError, host: &str) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => {
            let why = match code {
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                    "user or password is wrong ([mqtt] user, password)".to_owned()
                }
                other => format!("{other:?}"),
            };
            format!("the broker at {host} refuses: {why}")
        }
        ConnectionError::Timeout(_) => {
            format!("the broker at {host} does not answer within {CONNECT_SECONDS} s")
        }
        ConnectionError::Io(error) => format!("cannot reach the broker at {host}: {error}"),
        ConnectionError::Tls(error) => no_tls(error, host),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            format!("the broker at {host} closed the connection")
        }
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            format!("the broker at {host} ended the session: {reason_code:?}")
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => {
            format!("the broker at {host} no longer answers")
        }
        other => format!("connection to {host} lost: {other}"),
    }
}

/// A certificate that nobody trusts is the one a person can do something about.
fn no_tls(error: &TlsError, host: &str) -> String {
    let certificate = match error {
        TlsError::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        TlsError::TLS(error) => Some(error),
        _ => None,
    };
    let advice = match certificate {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            ": its certificate is from an authority that is not trusted ([mqtt] ca)"
        }
        _ => "",
    };
    format!("no TLS with the broker at {host}{advice}: {error}")
}

fn options(settings: &Settings, entry: Entry) -> Result<MqttOptions, NoConnection> {
    let mut options = MqttOptions::new(&settings.client_id, &settings.host, settings.port);
    let lasting = entry == Entry::Lasting;
    let kept = lasting && !settings.fleeting;
    options
        .set_keep_alive(settings.keep_alive.duration())
        .set_clean_start(!kept)
        .set_session_expiry_interval(Some(if kept { SESSION_SECONDS } else { 0 }))
        .set_receive_maximum(Some(RECEIVE_MAXIMUM))
        .set_max_packet_size(Some(PACKET_BYTES))
        .set_connection_timeout(CONNECT_SECONDS)
        .set_outgoing_inflight_upper_limit(COMMANDS)
        .set_manual_acks(lasting);
    if lasting {
        let topic = format!("{}/status", settings.own);
        let will = LastWill::new(topic, "offline", QoS::AtLeastOnce, true, None);
        options.set_last_will(will);
    }
    if let Some(user) = &settings.user {
        options.set_credentials(user, password(settings)?);
    }
    if let Some(roots) = &settings.tls {
        let tls = TlsConfiguration::Rustls(Arc::new(tls(roots)?));
        options.set_transport(rumqttc::Transport::tls_with_config(tls));
    }
    Ok(options)
}

fn password(settings: &Settings) -> Result<String, NoConnection> {
    let Some(path) = &settings.password else {
        return Ok(String::new());
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| NoConnection::Password(path.display().to_string(), error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn tls(roots: &Roots) -> Result<ClientConfig, NoConnection> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities(roots)?)
        .with_no_client_auth();
    Ok(config)
}

fn authorities(roots: &Roots) -> Result<RootCertStore, NoConnection> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
        Roots::File(path) => {
            let name = path.display().to_string();
            let wrong = |why: String| NoConnection::Authorities(name.clone(), why);
            let read = CertificateDer::pem_file_iter(path).map_err(|why| wrong(why.to_string()))?;
            for certificate in read {
                let certificate = certificate.map_err(|why| wrong(why.to_string()))?;
                store
                    .add(certificate)
                    .map_err(|why| wrong(why.to_string()))?;
            }
        }
    }
    if store.is_empty() {
        let name = match roots {
            Roots::System => "of this system".to_owned(),
            Roots::File(path) => path.display().to_string(),
        };
        return Err(NoConnection::Authorities(name, "there are none".into()));
    }
    Ok(store)
}

/// A packet's number where it must be acknowledged.
pub(super) fn owed(publish: &Publish) -> Option<u16> {
    (publish.qos == QoS::AtLeastOnce).then_some(publish.pkid)
}
