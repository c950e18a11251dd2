//! `growbox notify test`: a message to every channel, and what each answered.

use std::time::{Duration, Instant};

use growbox_model::Objection;
use growbox_model::row::PluginRow;
use serde_json::{Value, json};

use super::ask::{Talk, rows};
use super::client::{Query, garbled};
use super::failure::{Exit, Failure};
use super::options::NotifyTestArgs;
use crate::render::{Table, one_line};

/// The plug-in that tells.
const NOTIFIER: &str = "notifier";
/// The slowest channel, mail, may take 20 s, and stand behind another.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often the log is asked.
const AGAIN: Duration = Duration::from_millis(200);
/// Events looked at; the calls of one test are four.
const PAGE: &str = "1000";

/// A channel and what came of its call.
#[derive(Debug)]
struct Asked {
    channel: String,
    key: String,
    /// The data of its `plugin.call.answered`.
    answer: Option<Value>,
}

impl Talk<'_> {
    pub(super) fn notify_test(&mut self, args: &NotifyTestArgs) -> Result<Exit, Failure> {
        let plugins: Vec<PluginRow> = rows(&self.client.get("plugins", &Query::new())?, "plugins")?;
        let running = plugins.iter().find(|plugin| plugin.id.as_str() == NOTIFIER);
        let Some(notifier) = running else {
            let message = "nobody is told anything: no notifier runs in this room".to_owned();
            return Err(refused("no_notifier", message, NAME_ONE));
        };
        let test = self.post_test(args.channel.as_deref())?;
        let mut asked = None;
        let begun = Instant::now();
        let mut after = test;
        loop {
            let page = self.news(after)?;
            after = page.last().and_then(|e| e["seq"].as_u64()).unwrap_or(after);
            for event in &page {
                match &mut asked {
                    None => asked = calls_of(event, test, args.channel.as_deref())?,
                    Some(asked) => take_answer(asked, &event["data"]),
                }
            }
            let whole = |asked: &Vec<Asked>| asked.iter().all(|call| call.answer.is_some());
            if asked.as_ref().is_some_and(whole) || begun.elapsed() > PATIENCE {
                break;
            }
            std::thread::sleep(AGAIN);
        }
        let Some(asked) = asked else {
            let why = notifier.why.as_deref().unwrap_or("it does not say why");
            let message = format!("the notifier does not answer; it is {}", notifier.state);
            return Err(refused("notifier_silent", message, why));
        };
        self.print(&shown(&asked, args.json))?;
        let told = asked.iter().all(|call| outcome(call).is_ok());
        Ok(if told { Exit::Done } else { Exit::Failed })
    }

    /// The number of the event that asks for it.
    fn post_test(&self, channel: Option<&str>) -> Result<u64, Failure> {
        let data = channel.map_or(json!({}), |channel| json!({ "channel": channel }));
        let event = json!([{ "type": "x.notifier.test", "data": data }]);
        let answer = self.client.post("events?settled=true", &event)?;
        let seq = answer["results"][0]["seq"].as_u64();
        seq.ok_or_else(|| garbled("events", "the test has no number"))
    }

    fn news(&self, after: u64) -> Result<Vec<Value>, Failure> {
        let query = vec![
            ("type", "x.notifier.tested".to_owned()),
            ("type", "plugin.call.answered".to_owned()),
            ("after", after.to_string()),
            ("limit", PAGE.to_owned()),
        ];
        rows(&self.client.get("events", &query)?, "events")
    }
}

const NAME_ONE: &str =
    "name a channel in the configuration, such as [notify] ntfy = \"https://ntfy.sh/TOPIC\"";

fn refused(code: &str, message: String, hint: &str) -> Failure {
    Failure::Refused {
        status: 404,
        code: code.to_owned(),
        message,
        hint: Some(hint.to_owned()),
    }
}

/// The calls the notifier has made for this test; a channel it does not have is refused.
fn calls_of(
    event: &Value,
    test: u64,
    channel: Option<&str>,
) -> Result<Option<Vec<Asked>>, Failure> {
    let data = &event["data"];
    if event["type"] != "x.notifier.tested" || data["test"] != test {
        return Ok(None);
    }
    let list = |key: &str| data[key].as_array().map_or(&[][..], Vec::as_slice);
    let calls: Vec<Asked> = list("calls")
        .iter()
        .filter_map(|call| {
            Some(Asked {
                channel: call["channel"].as_str()?.to_owned(),
                key: call["key"].as_str()?.to_owned(),
                answer: None,
            })
        })
        .collect();
    if !calls.is_empty() {
        return Ok(Some(calls));
    }
    let known = list("channels").iter().filter_map(Value::as_str);
    let Some(channel) = channel else {
        let message = "the notifier has no channel".to_owned();
        return Err(refused("no_channel", message, NAME_ONE));
    };
    let objection = Objection::unknown("unknown_channel", "channel", channel, known.clone());
    let known: Vec<&str> = known.collect();
    let hint = format!("[notify] names: {}", known.join(", "));
    Err(refused("unknown_channel", objection.message, &hint))
}

fn take_answer(asked: &mut [Asked], data: &Value) {
    if data["plugin"] != NOTIFIER {
        return;
    }
    if let Some(call) = asked
        .iter_mut()
        .find(|call| data["key"] == call.key.as_str())
    {
        call.answer = Some(data.clone());
    }
}

/// What came of it, in words; an error where nobody was told.
fn outcome(call: &Asked) -> Result<String, String> {
    let Some(answer) = &call.answer else {
        return Err(format!("no answer within {} s", PATIENCE.as_secs()));
    };
    let Some(status) = answer["status"].as_u64() else {
        return Err(one_line(answer["error"].as_str().unwrap_or("no answer")));
    };
    let said: String = answer["body"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .take(120)
        .collect();
    match status {
        200..300 => Ok(format!("status {status}")),
        300..400 => {
            let to = answer["headers"]["location"].as_str().unwrap_or("nowhere");
            Err(one_line(&format!(
                "status {status}: it redirects to {to}, which is not followed"
            )))
        }
        _ => Err(one_line(format!("status {status} {said}").trim_end())),
    }
}

fn shown(asked: &[Asked], json: bool) -> String {
    if json {
        let row = |call: &Asked| {
            let outcome = outcome(call);
            let told = outcome.is_ok();
            let (Ok(answer) | Err(answer)) = outcome;
            json!({"channel": call.channel, "key": call.key, "told": told, "answer": answer})
        };
        let rows: Vec<Value> = asked.iter().map(row).collect();
        return format!("{}\n", json!({ "channels": rows }));
    }
    let mut table = Table::new(["CHANNEL", "TOLD", "ANSWER"]);
    for call in asked {
        let (told, answer) = match outcome(call) {
            Ok(answer) => ("yes", answer),
            Err(why) => ("no", why),
        };
        table.row([call.channel.clone(), told.to_owned(), answer]);
    }
    table.to_string()
}
