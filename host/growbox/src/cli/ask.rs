//! Each question to a running host: the call, and which text its answer becomes.

use std::io::Write;

use growbox_model::Instant;
use growbox_model::row::{AlertRow, AnalyticsRow, HealthRow};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args::Asking;
use super::client::{Client, Query, garbled, segment};
use super::failure::{Exit, Failure};
use super::ingest::ingest;
use super::options::{AcknowledgeArgs, EventFilter, Export, Format, OrderArgs};
use super::place::Place;
use super::show;
use super::show::told::Told;
use super::sse::next_frame;
use crate::render::Reader;

/// How many events one page of an export asks for.
const PAGE: u32 = 5_000;

/// This machine's clock and time zone.
pub(super) fn here_and_now() -> Reader {
    Reader {
        now: growbox_drivers::machine::wall(),
        zone: jiff::tz::TimeZone::system(),
    }
}

/// One question being asked.
pub(super) struct Talk<'a> {
    pub(super) client: Client,
    pub(super) reader: &'a Reader,
    pub(super) out: &'a mut dyn Write,
}

/// Asks, and shows the answer.
pub(super) fn perform(
    asking: &Asking,
    place: &Place,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Asking::Ingest(args) = asking {
        return ingest(args, place, out);
    }
    let mut talk = Talk {
        client: Client::of(place)?,
        reader,
        out,
    };
    talk.ask(asking)
}

impl Talk<'_> {
    fn ask(&mut self, asking: &Asking) -> Result<Exit, Failure> {
        match asking {
            Asking::Tail { filter, json } => self.tail(filter, *json),
            Asking::Query {
                filter,
                limit,
                context,
                json,
                format,
            } => self.query(filter, *limit, *context, *json, *format),
            Asking::Export(export) => self.export(export),
            Asking::Why { event, json } => {
                let path = format!("events/{}/why", segment(event));
                self.show(&path, *json, |answer, reader| {
                    Ok(show::events::story(&events(answer)?, reader))
                })
            }
            Asking::Related { event, json } => {
                let path = format!("events/{}/related", segment(event));
                self.show(&path, *json, |answer, reader| {
                    Ok(show::events::related(
                        &events(answer)?,
                        answer["pattern"].as_str(),
                        reader,
                    ))
                })
            }
            Asking::Devices { json } => self.show("devices", *json, |answer, reader| {
                Ok(show::devices::list(&rows(answer, "devices")?, reader))
            }),
            Asking::DeviceWhy { device, json } => {
                self.show(&format!("devices/{device}/why"), *json, |answer, reader| {
                    let device = typed(&answer["device"], "devices")?;
                    Ok(show::devices::why(&device, &events(answer)?, reader))
                })
            }
            Asking::Zones { json } => self.show("zones", *json, |answer, reader| {
                Ok(show::zones::list(&rows(answer, "zones")?, reader))
            }),
            Asking::Plugins { json } => self.show("plugins", *json, |answer, _| {
                Ok(show::plugins::list(&rows(answer, "plugins")?))
            }),
            Asking::Inspect { plugin, json } => {
                let path = format!("plugins/{}", segment(plugin));
                self.show(&path, *json, |answer, _| Ok(show::plugins::inspect(answer)))
            }
            Asking::DeviceOrder(order) => self.device_order(order),
            Asking::Stop(order) => self.order("stop", order),
            Asking::Reset(order) => self.order("reset", order),
            Asking::Rebind(sensor) => {
                self.client.post(
                    &format!("sensors/{sensor}/rebind"),
                    &json!({ "who": who(None) }),
                )?;
                self.print(&format!(
                    "{sensor} is free: the next source that speaks for it owns it\n"
                ))
            }
            Asking::DeadLetters { json } => self.show("dead-letters", *json, |answer, reader| {
                Ok(show::letters::list(&rows(answer, "dead_letters")?, reader))
            }),
            Asking::Health { json } => self.health(*json),
            Asking::ZoneSet(args) => self.zone_set(args),
            Asking::Ingest(_) => Ok(Exit::Done),
            Asking::Alerts { state, json } => self.alerts(state.as_deref(), *json),
            Asking::Acknowledge(args) => self.acknowledge(args),
            Asking::Analytics { window, json } => self.analytics(window, *json),
            Asking::NotifyTest(args) => self.notify_test(args),
        }
    }

    pub(super) fn print(&mut self, text: &str) -> Result<Exit, Failure> {
        self.out.write_all(text.as_bytes())?;
        Ok(Exit::Done)
    }

    /// A listing: as the host answers it, or as text.
    fn show(
        &mut self,
        path: &str,
        json: bool,
        text: impl Fn(&Value, &Reader) -> Result<String, Failure>,
    ) -> Result<Exit, Failure> {
        let answer = self.client.get(path, &Query::new())?;
        let shown = if json {
            format!("{answer}\n")
        } else {
            text(&answer, self.reader)?
        };
        self.print(&shown)
    }

    fn query(
        &mut self,
        filter: &EventFilter,
        limit: u32,
        context: bool,
        json: bool,
        format: Option<Format>,
    ) -> Result<Exit, Failure> {
        let mut query = query_of(filter, self.reader.now);
        query.push(("limit", limit.to_string()));
        if context {
            query.push(("context", "true".into()));
        }
        let answer = self.client.get("events", &query)?;
        if json {
            return self.print(&format!("{answer}\n"));
        }
        if let Some(format) = format {
            self.print(show::export::heading(format))?;
            return self.write_events(&answer, format);
        }
        let mut shown = show::events::list(&events(&answer)?, self.reader);
        if let Some(next) = answer["next"].as_u64() {
            shown.push_str(&format!(" more: --after {next}\n"));
        }
        self.print(&shown)
    }

    /// Page after page, so that neither side ever holds more than one.
    fn export(&mut self, export: &Export) -> Result<Exit, Failure> {
        let mut query = query_of(&export.filter, self.reader.now);
        query.retain(|(name, _)| *name != "after");
        query.push(("limit", PAGE.to_string()));
        let mut after = export.filter.after;
        self.print(show::export::heading(export.format))?;
        loop {
            let mut page = query.clone();
            page.extend(after.map(|after| ("after", after.to_string())));
            let answer = self.client.get("events", &page)?;
            self.write_events(&answer, export.format)?;
            match answer["next"].as_u64() {
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                Some(next) => {
                    return Err(garbled(
                        "events",
                        &format!("the page after {next} is the same again"),
                    ));
                }
                None => return Ok(Exit::Done),
            }
        }
    }

    fn write_events(&mut self, answer: &Value, format: Format) -> Result<Exit, Failure> {
        for event in answer["events"].as_array().map_or(&[][..], Vec::as_slice) {
            self.print(&show::export::line(event, format))?;
        }
        Ok(Exit::Done)
    }

    /// Until the host ends or the reader has gone.
    fn tail(&mut self, filter: &EventFilter, json: bool) -> Result<Exit, Failure> {
        let mut stream = self
            .client
            .stream("events/stream", &query_of(filter, self.reader.now))?;
        loop {
            let frame =
                next_frame(&mut *stream).map_err(|error| Failure::Lost(error.to_string()))?;
            let Some(frame) = frame else {
                return Err(Failure::Lost("the stream of events has ended".into()));
            };
            let line = if json {
                format!("{}\n", frame.data)
            } else {
                self.tail_line(&frame.data)?
            };
            self.print(&line)?;
            self.out.flush()?;
        }
    }

    fn tail_line(&self, data: &str) -> Result<String, Failure> {
        let event: Told = serde_json::from_str(data)
            .map_err(|error| garbled("events/stream", &error.to_string()))?;
        Ok(show::events::tail_line(&event, self.reader))
    }

    fn order(&mut self, path: &str, order: &OrderArgs) -> Result<Exit, Failure> {
        let mut body = order.signed.body();
        if let Some(zone) = &order.zone {
            body["zone"] = json!(zone);
        }
        let answer = self.client.post(path, &body)?;
        if order.signed.json {
            return self.print(&format!("{answer}\n"));
        }
        let done = if path == "stop" { "stopped" } else { "reset" };
        let what = order
            .zone
            .as_ref()
            .map_or("everything".to_owned(), |zone| format!("zone {zone}"));
        let shown = self.changed(&answer)?;
        self.print(&format!("{done}: {what}\n{shown}"))
    }

    /// What a change answers: one row, or a listing.
    pub(super) fn changed(&self, answer: &Value) -> Result<String, Failure> {
        let listing = |key: &str| answer[key].as_array().is_some_and(|rows| !rows.is_empty());
        Ok(match answer {
            _ if listing("devices") => show::devices::list(&rows(answer, "devices")?, self.reader),
            _ if listing("zones") => show::zones::list(&rows(answer, "zones")?, self.reader),
            _ if answer["role"].is_string() => {
                show::devices::list(&[typed(answer, "devices")?], self.reader)
            }
            _ if answer["operation"].is_string() => {
                show::zones::list(&[typed(answer, "zones")?], self.reader)
            }
            _ => String::new(),
        })
    }

    fn health(&mut self, json: bool) -> Result<Exit, Failure> {
        let answer = self.client.get("health", &Query::new())?;
        let health: HealthRow = typed(&answer, "health")?;
        let shown = if json {
            format!("{answer}\n")
        } else {
            show::health::show(&health)
        };
        self.print(&shown)?;
        Ok(if &*health.overall == "healthy" {
            Exit::Done
        } else {
            Exit::Failed
        })
    }

    fn alerts(&mut self, state: Option<&str>, json: bool) -> Result<Exit, Failure> {
        let query = state.map(|state| ("state", state.to_owned()));
        let answer = self.client.get("alerts", &query.into_iter().collect())?;
        if json {
            return self.print(&format!("{answer}\n"));
        }
        let rows: Vec<AlertRow> = rows(&answer, "alerts")?;
        self.print(&show::alerts::list(&rows, self.reader))
    }

    fn acknowledge(&mut self, args: &AcknowledgeArgs) -> Result<Exit, Failure> {
        let mut body = json!({ "who": who(args.who.as_deref()) });
        if let Some(reason) = &args.reason {
            body["reason"] = json!(reason);
        }
        let path = format!("alerts/{}/acknowledge", segment(&args.alert));
        let answer = self.client.post(&path, &body)?;
        if args.json {
            return self.print(&format!("{answer}\n"));
        }
        let alert: AlertRow = typed(&answer, "alerts")?;
        self.print(&show::alerts::list(&[alert], self.reader))
    }

    fn analytics(&mut self, window: &str, json: bool) -> Result<Exit, Failure> {
        let query = vec![("window", window.to_owned())];
        let answer = self.client.get("analytics", &query)?;
        if json {
            return self.print(&format!("{answer}\n"));
        }
        let rows: Vec<AnalyticsRow> = rows(&answer, "analytics")?;
        self.print(&show::analytics::report(&rows, window, self.reader))
    }
}

fn query_of(filter: &EventFilter, now: Instant) -> Query {
    let mut query = Query::new();
    query.extend(
        filter
            .from
            .map(|when| ("from", when.instant(now).to_string())),
    );
    query.extend(filter.to.map(|when| ("to", when.instant(now).to_string())));
    query.extend(filter.types.iter().map(|kind| ("type", kind.clone())));
    query.extend(filter.zone.clone().map(|zone| ("zone", zone)));
    query.extend(filter.sensor.clone().map(|sensor| ("sensor", sensor)));
    query.extend(filter.device.clone().map(|device| ("device", device)));
    query.extend(filter.after.map(|after| ("after", after.to_string())));
    query
}

pub(super) fn who(named: Option<&str>) -> String {
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    named
        .map(str::to_owned)
        .or_else(user)
        .unwrap_or_else(|| "command line".to_owned())
}

pub(super) fn typed<T: DeserializeOwned>(value: &Value, call: &str) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| garbled(call, &error.to_string()))
}

pub(super) fn rows<T: DeserializeOwned>(answer: &Value, key: &str) -> Result<Vec<T>, Failure> {
    typed(&answer[key], key)
}

fn events(answer: &Value) -> Result<Vec<Told>, Failure> {
    rows(answer, "events")
}
