//! `growbox device set | hold | release | lock-out | unlock`: what a person does to a device.

use clap::Args;
use growbox_model::{DeviceId, Span};
use serde_json::json;

use super::ask::Talk;
use super::failure::{Exit, Failure};
use super::options::{OneId, SignedArgs};

/// What is done to a device, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceOrder {
    /// Which.
    pub device: DeviceId,
    /// The last word of its path: `set`, `hold`, `release`, `lock-out`, `unlock`.
    pub act: &'static str,
    /// Where to.
    pub level: Option<f64>,
    /// For how long.
    pub lasting: Option<Span>,
    /// Who and why.
    pub signed: SignedArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    which: OneId,
    /// on, off, 60% or 0.6
    #[arg(value_parser = level)]
    level: f64,
    /// How long, such as 30min; else an hour
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting)]
    lasting: Option<Span>,
    #[command(flatten)]
    signed: SignedArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct HoldArgs {
    #[command(flatten)]
    which: OneId,
    /// on, off, 60% or 0.6; else where it is
    #[arg(value_parser = level)]
    level: Option<f64>,
    /// How long, such as 2h; else until it is released
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting)]
    lasting: Option<Span>,
    #[command(flatten)]
    signed: SignedArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ActArgs {
    #[command(flatten)]
    which: OneId,
    #[command(flatten)]
    signed: SignedArgs,
}

impl SetArgs {
    pub(super) fn order(self) -> DeviceOrder {
        DeviceOrder {
            device: self.which.device,
            act: "set",
            level: Some(self.level),
            lasting: self.lasting,
            signed: self.signed,
        }
    }
}

impl HoldArgs {
    pub(super) fn order(self) -> DeviceOrder {
        DeviceOrder {
            device: self.which.device,
            act: "hold",
            level: self.level,
            lasting: self.lasting,
            signed: self.signed,
        }
    }
}

impl ActArgs {
    pub(super) fn order(self, act: &'static str) -> DeviceOrder {
        DeviceOrder {
            device: self.which.device,
            act,
            level: None,
            lasting: None,
            signed: self.signed,
        }
    }
}

impl Talk<'_> {
    /// Orders it, and shows the device as it is then.
    pub(super) fn device_order(&mut self, order: &DeviceOrder) -> Result<Exit, Failure> {
        let mut body = order.signed.body();
        if let Some(level) = order.level {
            body["level"] = json!(level);
        }
        if let Some(lasting) = order.lasting {
            body["for"] = json!(lasting);
        }
        let path = format!("devices/{}/{}", order.device, order.act);
        let answer = self.client.post(&path, &body)?;
        if order.signed.json {
            return self.print(&format!("{answer}\n"));
        }
        let shown = self.changed(&answer)?;
        self.print(&shown)
    }
}

fn level(text: &str) -> Result<f64, String> {
    let said = text.trim();
    let level = match said {
        "on" => Some(1.0),
        "off" => Some(0.0),
        _ => match said.strip_suffix('%') {
            Some(percent) => percent
                .trim()
                .parse()
                .ok()
                .map(|percent: f64| percent / 100.0),
            None => said.parse().ok(),
        },
    };
    level
        .filter(|level| (0.0..=1.0).contains(level))
        .ok_or_else(|| "a level is on, off, 0% to 100%, or 0 to 1".to_owned())
}

fn lasting(text: &str) -> Result<Span, String> {
    let span: Span = text
        .parse()
        .map_err(|objection: growbox_model::Objection| objection.message)?;
    if span == Span::ZERO {
        return Err("a duration is longer than nothing, such as 30min".to_owned());
    }
    Ok(span)
}
