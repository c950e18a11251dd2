//! Changes a person orders: read, signed, passed on. The host decides.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::routing::{MethodRouter, post};
use growbox_model::id::{Text, quoted};
use growbox_model::row::{Answer, Order, Signature};
use growbox_model::{DeviceId, Json, Objection, SensorId, Span, ZoneId};
use serde_json::{Map, Value, json};

use crate::answer::{changed, listing, row};
use crate::body;
use crate::edge::Edge;
use crate::guard::Caller;
use crate::refusal::{Outcome, Refusal};

/// Longest body of an order, in bytes.
const BODY_BYTES: usize = 64 << 10;
/// Longest name or reason, in bytes.
const WORDS_BYTES: usize = 4 << 10;

type Shared = State<Arc<Edge>>;

/// `POST /devices/ID/set`: `{"level":0.6,"for":"1h"}`.
pub(crate) async fn set(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let level = form.level()?.ok_or_else(|| missing("level"))?;
    let order = Order::Set(DeviceId::new(&id)?, level, form.span("for")?);
    send(&edge, order, form, &["level", "for"]).await
}

/// `POST /devices/ID/hold`: `{"level"?,"for"?}`; without a level where it is.
pub(crate) async fn hold(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let order = Order::Hold(DeviceId::new(&id)?, form.level()?, form.span("for")?);
    send(&edge, order, form, &["level", "for"]).await
}

/// `POST /devices/ID/release`, `lock-out`, `unlock`: nothing is said but who and why.
pub(crate) fn on_device(order: fn(DeviceId) -> Order) -> MethodRouter<Arc<Edge>> {
    post(
        async move |State(edge): Shared,
                    Extension(caller): Extension<Caller>,
                    Path(id): Path<String>,
                    request: Request|
                    -> Outcome {
            let form = Form::read(&edge, caller, request).await?;
            send(&edge, order(DeviceId::new(&id)?), form, &[]).await
        },
    )
}

/// `POST /alerts/ID/acknowledge`.
pub(crate) async fn acknowledge(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Outcome {
    let form = Form::read(&edge, caller, request).await?;
    send(&edge, Order::Acknowledge(id.into()), form, &[]).await
}

/// `POST /stop`: `{"zone"?}`; without a zone everything.
pub(crate) async fn stop(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let order = Order::Stop(form.zone()?);
    send(&edge, order, form, &["zone"]).await
}

/// `POST /reset`: `{"zone"?}`; without a zone everything.
pub(crate) async fn reset(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let order = Order::Reset(form.zone()?);
    send(&edge, order, form, &["zone"]).await
}

/// `POST /zones/ID`: keys of the zone's configuration.
pub(crate) async fn zone(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let signature = form.signature()?;
    if form.0.is_empty() {
        return Err(Refusal::bad("nothing_to_change", "no setting is named")
            .hint("send settings of the zone, such as {\"stage\":\"flower\"}"));
    }
    let order = Order::Zone(ZoneId::new(&id)?, Json::of(&form.0));
    let answer = edge.answered(edge.host.order(order, signature)).await?;
    changed(&answer)
}

/// `POST /sensors/ID/rebind`: the next source that speaks for the sensor owns it.
pub(crate) async fn rebind(
    State(edge): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Outcome {
    let mut form = Form::read(&edge, caller, request).await?;
    let sensor = SensorId::new(&id)?;
    let signature = form.signature()?;
    form.finish(&[])?;
    let answer = edge.host.rebind(sensor.clone(), signature);
    edge.answered(answer).await?;
    Ok(row(&json!({ "sensor_id": sensor, "source": null })))
}

async fn send(edge: &Edge, order: Order, mut form: Form, known: &[&str]) -> Outcome {
    let signature = form.signature()?;
    form.finish(known)?;
    let everything = matches!(order, Order::Stop(None) | Order::Reset(None));
    let answer: Answer = edge.answered(edge.host.order(order, signature)).await?;
    if everything {
        listing(&answer)
    } else {
        changed(&answer)
    }
}

/// The JSON object of an order; what is read is taken out of it.
struct Form(Map<String, Value>);

impl Form {
    /// Needs the token before it looks at the body. No body is an empty object.
    async fn read(edge: &Edge, caller: Caller, request: Request) -> Outcome<Self> {
        caller.operator()?;
        let (head, body) = request.into_parts();
        let received = body::receive(edge, &head.headers, body, BODY_BYTES).await?;
        if received.bytes.trim_ascii().is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(&received.bytes)
            .map(Self)
            .map_err(|error| {
                Refusal::bad(
                    "unreadable_body",
                    format!("the body is no JSON object: {error}"),
                )
            })
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Outcome<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= WORDS_BYTES => Ok(Some(text)),
            Some(_) => Err(Refusal::bad(
                "bad_field",
                format!("{key:?} is not a text of at most {WORDS_BYTES} bytes"),
            )),
        }
    }

    fn level(&mut self) -> Outcome<Option<f64>> {
        let Some(value) = self.take("level") else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(level) if (0.0..=1.0).contains(&level) => Ok(Some(level)),
            _ => Err(Refusal::bad(
                "bad_level",
                format!(
                    "\"level\" is {}, not a number from 0 to 1",
                    quoted(&value.to_string())
                ),
            )),
        }
    }

    fn span(&mut self, key: &str) -> Outcome<Option<Span>> {
        let value = self.take(key).map(serde_json::from_value).transpose();
        value.map_err(|_| {
            Refusal::bad("bad_duration", format!("{key:?} is no duration"))
                .hint("seconds as a number, or text such as \"30s\", \"5min\", \"1h\"")
        })
    }

    fn zone(&mut self) -> Outcome<Option<ZoneId>> {
        let zone = self.text("zone")?;
        Ok(zone.as_deref().map(ZoneId::new).transpose()?)
    }

    /// Who orders it and why, in their own words.
    fn signature(&mut self) -> Outcome<Signature> {
        let mut words = |key: &str, otherwise: &str| {
            let said = self.text(key)?.filter(|words| !words.trim().is_empty());
            Ok::<Text, Refusal>(said.map_or_else(|| otherwise.into(), Into::into))
        };
        Ok(Signature {
            who: words("who", "operator")?,
            reason: words("reason", "no reason given")?,
        })
    }

    /// Refuses what was not asked for, and says which was probably meant.
    fn finish(&self, known: &[&str]) -> Outcome<()> {
        let known = known.iter().copied().chain(["who", "reason"]);
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(Objection::unknown("unknown_field", "field", key, known).into()),
        }
    }
}

fn missing(key: &str) -> Refusal {
    Refusal::bad("missing_field", format!("{key:?} is missing"))
}
