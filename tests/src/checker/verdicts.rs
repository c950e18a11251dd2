//! What the log says of requests: one verdict each, no news of a renewal, nothing let in under a stop.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{DeviceLimits, Fault, Limits};

const VERDICTS: [&str; 6] = [
    "granted",
    "clamped",
    "dampened",
    "outranked",
    "denied",
    "expired",
];
const ENDS: [&str; 4] = ["lapsed", "superseded", "failed", "executed"];

/// A request that stands: what it asked, and until when.
struct Standing {
    seq: u64,
    asked: [Value; 3],
    until: String,
    /// The one that asked the very same before and stood, with its end.
    before: Option<u64>,
}

pub(super) fn judge(limits: &Limits, log: &[Value], faults: &mut Vec<Fault>) {
    one_each(log, faults);
    renewals(log, faults);
    stops(limits, log, faults);
}

fn kind(event: &Value) -> &str {
    let kind = event["type"].as_str().unwrap_or_default();
    kind.strip_prefix("device.action.").unwrap_or_default()
}

fn is_request(event: &&Value) -> bool {
    kind(event) == "requested" && event["foreign"] != true
}

/// Exactly one verdict for each request, after it; and none for anything else.
fn one_each(log: &[Value], faults: &mut Vec<Fault>) {
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for event in log {
        let seq = event["seq"].as_u64().unwrap_or(0);
        if is_request(&event) {
            open.insert(seq, 0);
        } else if VERDICTS.contains(&kind(event)) {
            let cause = event["cause"].as_u64().unwrap_or(0);
            match open.get_mut(&cause) {
                Some(count) => *count += 1,
                None => faults.push(Fault::said(
                    "exactly one verdict per request",
                    format!("#{seq} judges #{cause}, which is no request before it"),
                )),
            }
        }
    }
    for (seq, count) in open.into_iter().filter(|(_, count)| *count != 1) {
        let how = format!("#{seq} has {count}");
        faults.push(Fault::said("exactly one verdict per request", how));
    }
}

/// Nobody asks in the log for what they have already and what still stands.
fn renewals(log: &[Value], faults: &mut Vec<Fault>) {
    let mut standing: BTreeMap<(String, String), Standing> = BTreeMap::new();
    for event in log {
        let data = &event["data"];
        let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
        let who = (text("requester"), text("device_id"));
        let stamp = event["timestamp"].as_str().unwrap_or_default();
        match kind(event) {
            // What a person says as an event of its own stands in the log like any other event.
            // A hold is a deed, which is told each time.
            "requested" if data["action"] == "hold" => {
                standing.remove(&who);
            }
            "requested" if source(event) == "http" || source(event).starts_with("plugin:") => {
                let asked = ["action", "level", "duration"].map(|key| data[key].clone());
                let equal = |old: &&Standing| old.asked == asked && stamp < old.until.as_str();
                let claim = Standing {
                    seq: event["seq"].as_u64().unwrap_or(0),
                    before: standing.get(&who).filter(equal).map(|old| old.seq),
                    asked,
                    until: String::new(),
                };
                standing.insert(who, claim);
            }
            verdict if VERDICTS.contains(&verdict) => {
                let of = |standing: &&mut Standing| event["cause"] == standing.seq;
                let refused = matches!(verdict, "denied" | "expired");
                if let Some(claim) = standing.values_mut().find(of) {
                    claim.until = text("until");
                    if let Some(before) = claim.before.filter(|_| !refused) {
                        let how = format!("#{} asks what #{before} stands for", claim.seq);
                        faults.push(Fault::said("an equal renewal counts on the first", how));
                    }
                }
            }
            // Who asked for a level stands on when its driver has done it, or has not.
            end if ENDS.contains(&end) => standing.retain(|_, claim| {
                let stands_on = !ENDS[..2].contains(&end) && claim.asked[0] != "pulse";
                stands_on || event["cause"] != claim.seq
            }),
            _ if event["type"] == "system.lifecycle.started" => standing.clear(),
            _ => {}
        }
    }
}

fn source(event: &Value) -> &str {
    event["source"].as_str().unwrap_or_default()
}

/// From a stop to its reset everything but the levels it may bring is refused: `system.emergency`
/// says when it began, `system.emergency.reset` when it was over.
fn stops(limits: &Limits, log: &[Value], faults: &mut Vec<Fault>) {
    let mut stopped = false;
    let mut asked: BTreeMap<u64, &Value> = BTreeMap::new();
    for event in log {
        if event["type"] == "system.emergency" && event["foreign"] != true {
            stopped = true;
            asked.clear();
        } else if event["type"] == "system.emergency.reset" {
            stopped = false;
        } else if stopped && is_request(&event) {
            asked.insert(event["seq"].as_u64().unwrap_or(0), event);
        } else if stopped && VERDICTS.contains(&kind(event)) {
            let cause = event["cause"].as_u64().unwrap_or(0);
            let Some(request) = asked.remove(&cause) else {
                continue;
            };
            let refused = matches!(kind(event), "denied" | "expired");
            if !refused && !towards_safe(limits, request, event) {
                let how = format!("#{cause} was {}", kind(event));
                faults.push(Fault::said(
                    "a stop is in force before the next request",
                    how,
                ));
            }
        }
    }
}

/// Letting go, what keeps a device off, a hold, which counts after the stop, or what the verdict
/// says it comes to: the safe level, or that of an emergency.
fn towards_safe(limits: &Limits, request: &Value, verdict: &Value) -> bool {
    let device = request["data"]["device_id"].as_str().unwrap_or_default();
    let level = verdict["data"]["level"].as_f64();
    let brings = |limit: &DeviceLimits| [limit.safe_level, limit.emergency_level].map(Some);
    let brought = limits.devices.get(device).map(brings);
    let no_rise = ["release", "hold", "lock_out", "unlock"].map(Value::from);
    no_rise.contains(&request["data"]["action"])
        || brought.is_some_and(|levels| levels.contains(&level))
}
