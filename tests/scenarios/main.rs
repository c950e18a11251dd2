//! Scenarios over the real binary, one module each.

mod alert_rules;
mod alerts;
mod analytics;
mod calls;
mod changes;
mod cli;
mod determinism;
mod hostile;
mod ingest;
mod irrigation;
mod kills;
mod logs;
mod metrics;
mod mosquitto;
mod notify;
mod office;
mod openapi;
mod recording;
mod reload;
mod restart;
mod sensor_watch;
mod silence;
mod sim;
mod specification;
mod stream;
mod swap;
