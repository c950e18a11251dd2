//! The edge over a real socket, with a host that lives in memory.

pub(crate) mod client;
mod guard;
mod listings;
pub(crate) mod memory;
mod orders;
mod post;
mod query;
mod stream;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Limits;
use client::Client;
use memory::Memory;

/// The token every test server knows.
const TOKEN: &str = "a-token-of-some-length";
/// Nothing in a test may take longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// A served host; ends with the test.
pub(crate) struct Room {
    host: Arc<Memory>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), 1024)
    }

    /// With other bounds, and so much room between the flow and its subscribers.
    fn with(limits: Limits, backlog: usize) -> Self {
        let host = Arc::new(Memory::new(backlog));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&host);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let shutdown = async {
                drop(stopped.await);
            };
            let token = TOKEN.to_owned();
            runtime
                .block_on(crate::serve_within(
                    listener, served, token, limits, shutdown,
                ))
                .unwrap();
        });
        Self {
            host,
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Ends serving and waits for it.
    fn close(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.close();
    }
}

/// A reading as clients send it.
fn reading(id: &str, value: f64) -> Value {
    json!({"id": id, "type": "sensor.temperature", "timestamp": "2026-01-15T10:30:00Z",
           "data": {"sensor_id": "canopy", "value": value, "unit": "celsius"},
           "metadata": {"zone": "tent"}})
}
