//! The real binary as a child process, and an ordinary client of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(60);

/// A running host; killed when dropped.
pub(crate) struct Host {
    child: Child,
    address: String,
    data: PathBuf,
    agent: ureq::Agent,
}

/// The component of a guest.
pub(crate) fn guest(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::var("GROWBOX_GUESTS").unwrap_or_else(|_| "target/guests".into());
    let path = std::path::absolute(Path::new(&folder).join(format!("{name}.wasm")))?;
    if path.exists() {
        Ok(path)
    } else {
        bail!(
            "{} is missing; cargo xtask guests builds it",
            path.display()
        )
    }
}

impl Host {
    /// Starts a room with this configuration and waits until it is ready.
    pub(crate) fn start(dir: &TempDir, configuration: &str) -> anyhow::Result<Self> {
        let binary =
            std::env::var("GROWBOX_BIN").unwrap_or_else(|_| "target/release/growbox".into());
        let config = dir.path().join("growbox.toml");
        std::fs::write(&config, configuration)?;
        let data = dir.path().join("data");
        let address = data.join("address");
        std::fs::remove_file(&address).ok();
        let child = Command::new(&binary)
            .args(["run", "--bare", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(&data)
            .env("GROWBOX_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {binary}"))?;
        let mut host = Self {
            child,
            address: String::new(),
            data: data.clone(),
            agent: ureq::Agent::new_with_defaults(),
        };
        host.await_ready(&address)?;
        Ok(host)
    }

    fn await_ready(&mut self, file: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the host ended: {status}");
            }
            if let Ok(address) = std::fs::read_to_string(file) {
                self.address = address.trim().to_owned();
                if self.get("/api/v1/live").is_ok() {
                    return Ok(());
                }
            }
            std::thread::yield_now();
        }
        bail!("the host is not ready after {DEADLINE:?}")
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.text(path)?).unwrap_or(Value::Null))
    }

    /// An answer's text.
    pub(crate) fn text(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}{path}", self.address);
        Ok(self.agent.get(url).call()?.body_mut().read_to_string()?)
    }

    /// Posts a body of events; the answer's text.
    pub(crate) fn post(&self, query: &str, body: &[u8]) -> anyhow::Result<String> {
        let url = format!("http://{}/api/v1/events{query}", self.address);
        let mut answer = self
            .agent
            .post(url)
            .content_type("application/json")
            .send(body)?;
        Ok(answer.body_mut().read_to_string()?)
    }

    /// An order with the token.
    pub(crate) fn order(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let token = std::fs::read_to_string(self.data.join("token"))?;
        self.agent
            .post(url)
            .header("authorization", format!("Bearer {}", token.trim()))
            .content_type("application/json")
            .send(body.to_string().as_bytes())?;
        Ok(())
    }

    /// Resident memory, MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: f64 = statm.split_whitespace().nth(1).context("statm")?.parse()?;
        Ok(pages * 4096.0 / (1024.0 * 1024.0))
    }

    /// Processor time used so far, user and system.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit(')').next().context("stat")?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|f| f.parse::<u64>().ok())
                .unwrap_or(0)
        };
        Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
