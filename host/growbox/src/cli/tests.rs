//! Commands against a host that answers what it is told to, and the text its answers become.

mod changes;
mod device;
mod ingest;
mod notify;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use growbox_model::Instant;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::ask::perform;
use super::*;
use crate::render::Reader;

/// A host on a port of its own: one answer a request, in order; gives back the requests.
struct Host {
    folder: tempfile::TempDir,
    thread: JoinHandle<Vec<String>>,
}

fn answer(status: u16, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn host(answers: Vec<String>) -> Host {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(
        folder.path().join("address"),
        format!("{}\n", listener.local_addr().unwrap()),
    )
    .unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let thread = std::thread::spawn(move || {
        answers
            .iter()
            .map(|answer| serve(&listener, answer))
            .collect()
    });
    Host { folder, thread }
}

fn serve(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        request.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(answer.as_bytes()).unwrap();
    request + &String::from_utf8(body).unwrap()
}

fn reader() -> Reader {
    Reader {
        now: Instant::parse("2026-01-15T14:10:00Z").unwrap(),
        zone: TimeZone::UTC,
    }
}

impl Host {
    fn place(&self) -> Place {
        Place {
            data: self.folder.path().to_owned(),
            chosen: "--data",
        }
    }

    fn asked(&self, line: &str) -> (Result<Exit, Failure>, String) {
        let words = std::iter::once("growbox")
            .chain(line.split_whitespace())
            .map(OsString::from);
        let Ok(Command {
            task: Task::Asking(asking),
            ..
        }) = args::read(words)
        else {
            panic!("{line} asks nobody")
        };
        let mut out = Vec::new();
        let exit = perform(&asking, &self.place(), &reader(), &mut out);
        (exit, String::from_utf8(out).unwrap())
    }

    fn requests(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

/// What a listing looks like, for one answer.
fn shown(line: &str, body: &Value) -> String {
    let host = host(vec![answer(200, body)]);
    let (exit, out) = host.asked(line);
    assert_eq!(exit.unwrap(), Exit::Done);
    out
}

fn device(id: &str, level: f64, owner: &str, why: &str) -> Value {
    let role = id.split('-').next().unwrap();
    json!({"id": id, "zone": "tent", "role": role, "level": level, "since": "2026-01-15T14:01:00Z",
        "owner": owner, "why": why, "until": null, "available": true})
}

#[test]
fn devices_are_listed_with_their_reasons() {
    let mut resting = device("dehumidifier", 0.0, "vpd-control", "asked on");
    resting["refusal"] = json!("dampened: compressor rests");
    resting["free_at"] = json!("2026-01-15T14:12:41Z");
    let mut lost = device("light", 1.0, "photoperiod", "18 h day");
    lost["available"] = json!(false);
    lost["since"] = json!("2026-01-15T06:00:00Z");
    let mut unknown = device("heater", 0.0, "host", "the driver has not answered");
    for key in ["level", "since", "owner"] {
        unknown[key] = Value::Null;
    }
    let body = json!({"devices": [device("exhaust", 0.35, "vpd-control", "VPD 0.72 < 0.75"), resting, lost, unknown]});
    let expected = " DEVICE        LEVEL  SINCE  OWNER        WHY
 exhaust       35 %   14:01  vpd-control  VPD 0.72 < 0.75
 dehumidifier  off    14:01  vpd-control  asked on; dampened: compressor rests; free at 14:12:41
 light         on     06:00  photoperiod  18 h day   ! its driver does not reach it
 heater        ?      –      –            the driver has not answered
";
    let out = shown("device list", &body);
    assert_eq!(out, expected);
    let json: Value = serde_json::from_str(&shown("device list --json", &body)).unwrap();
    assert_eq!(json, body, "JSON is the host's own answer");
}

fn event(seq: u64, kind: &str, source: &str, data: &Value) -> Value {
    json!({"id": format!("e{seq}"), "seq": seq, "type": kind, "timestamp": "2026-01-15T14:01:07Z",
        "taken": "2026-01-15T14:01:07Z", "source": source, "data": data, "metadata": {"zone": "tent"}})
}

fn story() -> Vec<Value> {
    let mut vpd = event(
        88191,
        "sensor.vpd",
        "plugin:vpd-control",
        &json!({"sensor_id": "tent", "value": 0.72, "unit": "kilopascal", "quality": "good"}),
    );
    let mut request = event(
        88192,
        "device.action.requested",
        "plugin:vpd-control",
        &json!({"device_id": "exhaust", "action": "set", "level": 0.6, "duration": 600, "requester": "vpd-control", "reason": "wants more dry air"}),
    );
    for said in [&mut vpd, &mut request] {
        said["generation"] = json!(3);
    }
    vec![
        event(
            88190,
            "sensor.temperature",
            "http",
            &json!({"sensor_id": "canopy", "value": 25.2, "unit": "celsius", "quality": "good"}),
        ),
        vpd,
        request,
        event(
            88193,
            "device.action.clamped",
            "host",
            &json!({"device_id": "exhaust", "level": 0.35, "policy": "envelope", "reason": "at most 5 % a step", "until": "2026-01-15T14:11:07Z"}),
        ),
        event(
            88195,
            "device.action.executed",
            "host",
            &json!({"device_id": "exhaust", "level": 0.35, "success": true}),
        ),
        event(
            88196,
            "device.state.changed",
            "host",
            &json!({"device_id": "exhaust", "old_state": "30 %", "new_state": "35 %"}),
        ),
    ]
}

#[test]
fn a_story_tells_each_part() {
    let body = json!({"device": device("exhaust", 0.35, "vpd-control", "VPD 0.72 < 0.75"), "events": story()});
    let expected = " DEVICE   LEVEL  SINCE  OWNER        WHY
 exhaust  35 %   14:01  vpd-control  VPD 0.72 < 0.75

 14:01:07  reading  #88190  canopy 25.2 °C
 14:01:07  handler  #88191  vpd-control, generation 3: sensor.vpd tent 0.72 kPa
 14:01:07  request  #88192  exhaust 60 % for 10 min: vpd-control, generation 3: wants more dry air
 14:01:07  verdict  #88193  exhaust clamped to 35 % by envelope until 14:11:07: at most 5 % a step
 14:01:07  outcome  #88195  exhaust executed 35 %
 14:01:07  device   #88196  device_id exhaust, new_state 35 %, old_state 30 %
";
    assert_eq!(shown("device why exhaust", &body), expected);
}

#[test]
fn events_are_listed_and_the_next_page_named() {
    let body = json!({"events": &story()[..1], "next": 88190});
    let expected = " TIME      NUMBER  TYPE                ZONE  WHAT
 14:01:07  #88190  sensor.temperature  tent  canopy 25.2 °C
 more: --after 88190
";
    assert_eq!(shown("events query", &body), expected);
    assert_eq!(
        shown("events query", &json!({"events": [], "next": null})),
        " no such events\n"
    );
    let related = shown(
        "events related x",
        &json!({"events": &story()[..1], "pattern": "climate_swing"}),
    );
    assert!(related.ends_with(" pattern: climate swing\n"), "{related}");
}

#[test]
fn zones_are_listed_with_their_climate() {
    let body = json!({"zones": [{
        "id": "tent", "stage": "mid-veg", "operation": "control", "mode": null, "day": true,
        "setpoints": {"vpd": {"low": 0.75, "target": 0.93, "high": 1.1, "unit": "kilopascal"},
                      "co2": {"low": 600.0, "target": 800.0, "high": 1000.0, "unit": "parts_per_million"}},
        "climate": {"vpd": {"value": 0.89, "unit": "kilopascal", "quality": "good", "taken": "2026-01-15T14:01:07Z"},
                    "humidity": {"value": 64.0, "unit": "percent", "quality": "uncertain", "taken": "2026-01-15T14:01:07Z"}},
        "missing": ["temperature"]}]});
    let expected = " ZONE  STAGE    OPERATION  MODE  DAY
 tent  mid-veg  control    –     day
   humidity 64 %, uncertain, 14:01:07
   vpd 0.89 kPa, 14:01:07   wanted 0.75 … 1.1 kPa, best 0.93
   co2 not measured   wanted 600 … 1000 ppm, best 800
   ! no good reading of temperature
";
    assert_eq!(shown("zone list", &body), expected);
}

#[test]
fn plugins_are_listed() {
    let body = json!({"plugins": [
        {"id": "vpd-control", "version": "0.1.0", "state": "running", "generation": 3, "behind": 0, "strikes": 0,
         "memory_bytes": 1_468_006, "controls": ["exhaust", "heater", "humidifier", "light"]},
        {"id": "dew-guard", "version": "0.3.1", "state": "waiting", "generation": null, "behind": 0, "strikes": 0,
         "memory_bytes": 0, "controls": [], "why": "asks to control exhaust"}]});
    let expected = " PLUG-IN      VERSION  STATE    GEN  BEHIND  STRIKES   MEMORY  CONTROLS
 vpd-control  0.1.0    running    3       0      0/5  1.4 MiB  exhaust, heater, +2
 dew-guard    0.3.1    waiting    –       –        –        –  –
   asks to control exhaust
";
    assert_eq!(shown("plugin list", &body), expected);
}

#[test]
fn a_plugin_is_inspected() {
    let body = json!({
        "plugin": {"id": "a", "version": "0.1.0", "state": "running", "generation": 1, "behind": 0, "strikes": 0, "memory_bytes": 0, "controls": ["fan"]},
        "manifest": {"id": "a", "version": "0.1.0", "summary": "Opens the exhaust", "subscriptions": [
            {"types": ["sensor.temperature"], "zones": [], "delivery": "latest"}],
            "asks": [{"ability": "control", "scope": "exhaust", "why": "to dry the air", "required": true}],
            "tick": 30, "settings_schema": "{}", "state_version": 2, "attributes": [["licence", "MIT"]]},
        "grant": {"control": ["fan"], "emit": []}});
    let expected = " PLUG-IN  VERSION  STATE    GEN  BEHIND  STRIKES  MEMORY  CONTROLS
 a        0.1.0    running    1       0      0/5     0 B  fan
 id       a 0.1.0
 summary  Opens the exhaust
 reads    sensor.temperature, latest
 tick     every 30 s
 asks     control exhaust, required: \"to dry the air\"
 state    version 2
 licence  MIT
 granted  control fan
";
    assert_eq!(shown("plugin inspect a", &body), expected);
}

#[test]
fn health_is_an_exit_code_too() {
    let body = |overall: &str| {
        json!({"overall": overall, "components": {
        "storage": {"status": overall, "why": "the disk is full", "figures": {"behind": 12.0}}}})
    };
    let host = host(vec![
        answer(200, &body("degraded")),
        answer(200, &body("critical")),
        answer(200, &body("healthy")),
    ]);
    let (exit, out) = host.asked("health");
    assert_eq!(exit.unwrap(), Exit::Failed);
    assert_eq!(
        out,
        " degraded\n PART     STATUS    FIGURES\n storage  degraded  behind 12\n   the disk is full\n"
    );
    assert_eq!(host.asked("health").0.unwrap(), Exit::Failed);
    assert_eq!(host.asked("health --json").0.unwrap(), Exit::Done);
}

#[test]
fn dead_letters_are_listed() {
    let body = json!({"dead_letters": [{"taken": "2026-01-15T14:01:07Z", "source": "http", "code": "unknown_type",
        "message": "unknown event type", "body": "{\"type\":\"x\n\u{1b}[2Jy\"}"}]});
    let out = shown("dead-letters", &body);
    assert!(
        out.contains(" 14:01:07  http    unknown_type  unknown event type\n"),
        "{out}"
    );
    assert!(
        !out.contains('\u{1b}'),
        "what a stranger sent cannot steer the terminal"
    );
}

#[test]
fn an_export_goes_through_all_pages() {
    let pages = vec![
        answer(200, &json!({"events": &story()[..2], "next": 88191})),
        answer(200, &json!({"events": &story()[2..3], "next": null})),
    ];
    let host = host(pages);
    let (exit, out) =
        host.asked("events export --from 2026-01-15T00:00:00Z --type sensor.* --zone tent");
    assert_eq!(exit.unwrap(), Exit::Done);
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0], json!({"growbox_export": 1}));
    assert_eq!(lines[1..], story()[..3]);
    let requests = host.requests();
    let first =
        "GET /api/v1/events?from=2026-01-15T00:00:00Z&type=sensor.*&zone=tent&limit=5000 HTTP/1.1";
    assert!(
        requests[0]
            .replace("%3A", ":")
            .replace("%2A", "*")
            .starts_with(first),
        "{}",
        requests[0]
    );
    assert!(requests[1].contains("&after=88191 "), "{}", requests[1]);
}

#[test]
fn a_page_that_never_ends_is_not_followed_for_ever() {
    let page = || answer(200, &json!({"events": [], "next": 5}));
    let host = host(vec![page(), page()]);
    let (exit, _) = host.asked("events export");
    assert!(
        exit.unwrap_err()
            .to_string()
            .contains("the page after 5 is the same again")
    );
}

#[test]
fn a_tail_shows_events_until_the_stream_ends() {
    let frame = |event: &Value| format!("id: 1\nevent: x\ndata: {event}\n\n");
    let stream = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n:\n\n{}{}",
        frame(&story()[0]),
        frame(&story()[3])
    );
    let host = host(vec![stream]);
    let (exit, out) = host.asked("events tail --device exhaust");
    assert_eq!(exit.unwrap_err().exit(), Exit::Unreachable);
    let expected = " 14:01:07  #88190    sensor.temperature          tent      canopy 25.2 °C
 14:01:07  #88193    device.action.clamped       tent      exhaust clamped to 35 % by envelope until 14:11:07: at most 5 % a step
";
    assert_eq!(out, expected);
    assert!(host.requests()[0].starts_with("GET /api/v1/events/stream?device=exhaust "));
}

#[test]
fn a_stop_is_signed() {
    let host = host(vec![
        answer(200, &json!({"zones": []})),
        answer(200, &device("exhaust", 0.0, "host", "stopped")),
    ]);
    let (exit, out) = host.asked("stop --zone tent --reason smoke --who Ada");
    assert_eq!(
        (exit.unwrap(), out.as_str()),
        (Exit::Done, "stopped: zone tent\n")
    );
    let (_, out) = host.asked("reset --who Ada");
    assert!(out.starts_with("reset: everything\n DEVICE"), "{out}");
    let requests = host.requests();
    assert!(
        requests[0].starts_with("POST /api/v1/stop HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0]
            .to_lowercase()
            .contains("authorization: bearer s3cret\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0].ends_with(r#"{"reason":"smoke","who":"Ada","zone":"tent"}"#),
        "{}",
        requests[0]
    );
    assert!(requests[1].ends_with(r#"{"who":"Ada"}"#), "{}", requests[1]);
}

#[test]
fn questions_do_not_carry_the_token() {
    let host = host(vec![answer(200, &json!({"devices": []}))]);
    host.asked("device list").0.unwrap();
    assert!(!host.requests()[0].to_lowercase().contains("authorization"));
}

#[test]
fn a_sensor_is_released() {
    let host = host(vec![answer(
        200,
        &json!({"sensor_id": "canopy", "source": null}),
    )]);
    let (exit, out) = host.asked("doctor --rebind canopy");
    assert_eq!(exit.unwrap(), Exit::Done);
    assert_eq!(
        out,
        "canopy is free: the next source that speaks for it owns it\n"
    );
    assert!(host.requests()[0].starts_with("POST /api/v1/sensors/canopy/rebind "));
}

#[test]
fn events_are_named_by_number_or_id() {
    let host = host(vec![
        answer(200, &json!({"events": []})),
        answer(200, &json!({"events": []})),
    ]);
    host.asked("events why #88192").0.unwrap();
    host.asked("events why #a/b?c").0.unwrap();
    let requests = host.requests();
    assert!(
        requests[0].starts_with("GET /api/v1/events/%2388192/why "),
        "{}",
        requests[0]
    );
    assert!(
        requests[1].starts_with("GET /api/v1/events/%23a%2Fb%3Fc/why "),
        "{}",
        requests[1]
    );
}

#[test]
fn a_refusal_is_told_with_its_advice() {
    let refusal = json!({"error": {"code": "not_found", "message": "there is no device \"x\"", "hint": "the devices are: exhaust"}});
    let bad = json!({"error": {"code": "bad_query", "message": "no"}});
    let host = host(vec![
        answer(404, &refusal),
        answer(400, &bad),
        "HTTP/1.1 500 x\r\ncontent-length: 4\r\n\r\noops".into(),
        answer(200, &json!({"x": 1})),
    ]);
    let failure = host.asked("device why x").0.unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    assert_eq!(
        failure.to_string(),
        "there is no device \"x\"\n  the devices are: exhaust"
    );
    assert_eq!(
        host.asked("events query").0.unwrap_err().exit(),
        Exit::Wrong
    );
    let failure = host.asked("device list").0.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the host answers devices with status 500"
    );
    let failure = host.asked("device list").0.unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("the answer to devices is not understood: "),
        "{failure}"
    );
}

#[test]
fn a_host_that_is_not_there_is_looked_for_in_a_named_place() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        data: folder.path().to_owned(),
        chosen: "the default",
    };
    let asking = Asking::Devices { json: false };
    let look = || perform(&asking, &place, &reader(), &mut Vec::new()).unwrap_err();
    let failure = look();
    assert_eq!(failure.exit().code(), 3);
    let expected = format!(
        "no growbox host is reachable: there is no file \"address\", so no host has run there\n  looked in  {}  (the default)\n  start one  growbox run --config growbox.toml\n  or name    its data directory with --data DIR or GROWBOX_DATA",
        folder.path().display()
    );
    assert_eq!(failure.to_string(), expected);
    // Nothing listens on the port of the old multiplexer service.
    let free = "127.0.0.1:1";
    std::fs::write(folder.path().join("address"), free).unwrap();
    let failure = look();
    assert_eq!(failure.exit().code(), 3);
    assert!(
        failure.to_string().contains(&format!(
            "{free}, which the file \"address\" names, does not answer"
        )),
        "{failure}"
    );
}

#[test]
fn without_the_token_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("address"), "127.0.0.1:9").unwrap();
    let place = Place {
        data: folder.path().to_owned(),
        chosen: "--data",
    };
    let failure = perform(
        &Asking::Rebind(growbox_model::SensorId::new("canopy").unwrap()),
        &place,
        &reader(),
        &mut Vec::new(),
    )
    .unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    assert!(
        failure
            .to_string()
            .contains("run this as the user who runs the host"),
        "{failure}"
    );
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let host = host(vec![answer(200, &json!({"devices": []}))]);
    let failure = perform(
        &Asking::Devices { json: true },
        &host.place(),
        &reader(),
        &mut Gone,
    )
    .unwrap_err();
    assert_eq!(failure.exit(), Exit::Done);
}
