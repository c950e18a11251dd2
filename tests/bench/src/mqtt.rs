//! MQTT: 5 000 messages a second over 1 000 series at QoS 1, through a real mosquitto into the log.

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::host::Host;
use crate::{Plan, Row, row};

/// Sensors of one series each.
const SERIES: u32 = 1000;
/// Messages a second, over all of them in turn: five a series, of the ten that are let in.
const PER_SECOND: u32 = 5000;
/// Messages that leave together, so many times a second.
const BEATS: u32 = 100;
/// What is under way at the end is waited for so long.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at what has come.
const LOOK: Duration = Duration::from_millis(50);
/// Events in one page of the log.
const PAGE: usize = 1000;
const WANTED: &str = "5 000/s, none lost";

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let Some(program) = program() else {
        return Ok(vec![row("MQTT", "skipped: there is no mosquitto", WANTED)]);
    };
    let dir = TempDir::new()?;
    let broker = Broker::start(&program, dir.path())?;
    let host = Host::start(&dir, &configuration(broker.port)?)?;
    wait_for("the broker", || Ok(figure(&host, "connected")? == 1.0))?;
    let sender = Sender::connect(broker.port)?;
    let (begun, used) = (Instant::now(), host.processor_time()?);
    let offered = sender.offer(plan.mqtt)?;
    let offering = begun.elapsed().as_secs_f64();
    let all = f64::from(offered);
    // What is lost never comes: then the wait ends, and the log is counted all the same.
    let came = wait_for("the messages", || Ok(figure(&host, "readings")? >= all));
    let seconds = begun.elapsed().as_secs_f64();
    let cores = (host.processor_time()? - used).as_secs_f64() / seconds;
    let logged = logged(&host)?;
    let lost = offered.saturating_sub(logged);
    let late = match came {
        Ok(()) => String::new(),
        Err(why) => format!("; {why}"),
    };
    Ok(vec![row(
        format!("MQTT messages/s, {SERIES} series, QoS 1, {offered} messages, all durable"),
        format!(
            "{:.0} offered, {:.0} taken in, {lost} lost (host uses {cores:.2} cores){late}",
            all / offering,
            f64::from(logged) / seconds,
        ),
        WANTED,
    )])
}

fn configuration(port: u16) -> anyhow::Result<String> {
    let mut text = format!("[mqtt]\nbroker = \"127.0.0.1:{port}\"\n[zone.tent]\n[sensor]\n");
    for series in 0..SERIES {
        writeln!(
            text,
            "s{series} = {{ zone = \"tent\", source = \"mqtt:{}\", quantity = \"temperature\" }}",
            topic(series)
        )?;
    }
    Ok(text)
}

fn topic(series: u32) -> String {
    format!("bench/{series}")
}

/// A figure of the session's health.
fn figure(host: &Host, name: &str) -> anyhow::Result<f64> {
    let health = host.get("/api/v1/health")?;
    let figure = &health["components"]["mqtt"]["figures"][name];
    figure
        .as_f64()
        .with_context(|| format!("no mqtt {name} in {health}"))
}

fn wait_for(what: &str, so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !so()? {
        if begun.elapsed() > DEADLINE {
            bail!("waited {DEADLINE:?} for {what}");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Readings that came over MQTT, counted in the log itself.
fn logged(host: &Host) -> anyhow::Result<u32> {
    let (mut count, mut after) = (0, 0);
    loop {
        let query = format!("type=sensor.temperature&limit={PAGE}&after={after}");
        let page = host.get(&format!("/api/v1/events?{query}"))?;
        let events = page["events"].as_array().context("no events in a page")?;
        let ours = |event: &&Value| {
            let source = event["source"].as_str();
            source.is_some_and(|source| source.starts_with("mqtt:bench/"))
        };
        count += u32::try_from(events.iter().filter(ours).count())?;
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return Ok(count),
        }
    }
}

/// mosquitto with the configuration of the tests; killed when dropped.
struct Broker {
    child: Child,
    port: u16,
}

fn program() -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/sbin/mosquitto");
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut others = std::env::split_paths(&folders).map(|folder| folder.join("mosquitto"));
    if usual.is_file() {
        return Some(usual);
    }
    others.find(|path| path.is_file())
}

impl Broker {
    fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let common = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mosquitto/mosquitto.conf");
        let common = fs::read_to_string(&common).with_context(|| common.display().to_string())?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = folder.join("mosquitto.conf");
        let own = format!("user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n");
        fs::write(&file, common + &own)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let broker = Self { child, port };
        wait_for("mosquitto to listen", || {
            Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An ordinary client that publishes.
struct Sender(Client);

impl Sender {
    fn connect(port: u16) -> anyhow::Result<Self> {
        let options = MqttOptions::new("bench", "127.0.0.1", port);
        let (client, mut connection) = Client::new(options, PER_SECOND as usize);
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    // Nobody may wait for it any more.
                    Ok(Event::Incoming(Packet::ConnAck(_))) => drop(ready.send(())),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        is_ready
            .recv_timeout(DEADLINE)
            .context("the broker lets no client in")?;
        Ok(Self(client))
    }

    /// Publishes for so long, every series in turn; how many messages that were.
    fn offer(&self, length: Duration) -> anyhow::Result<u32> {
        let begun = Instant::now();
        let beat = Duration::from_secs(1) / BEATS;
        let mut offered = 0;
        for number in 0.. {
            let due = begun + beat * number;
            if due.duration_since(begun) >= length {
                break;
            }
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                std::thread::sleep(wait);
            }
            for message in offered..offered + PER_SECOND / BEATS {
                let value = 20.0 + f64::from(message / SERIES % 100) / 10.0;
                self.0.publish(
                    topic(message % SERIES),
                    QoS::AtLeastOnce,
                    false,
                    value.to_string(),
                )?;
            }
            offered += PER_SECOND / BEATS;
        }
        Ok(offered)
    }
}
