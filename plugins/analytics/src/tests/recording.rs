//! The recorded office, counted by the handler and by a plain loop over its rows.

use super::*;

const ROWS: &str = include_str!("../../../../examples/recordings/room-2015-02-04.csv");
const BAND: (f64, f64) = (1.4, 1.9);

/// One row: seconds since the first one, since 1970, and VPD with leaves as warm as air.
struct Row {
    since_first: u64,
    wall: u64,
    temperature: f64,
    vpd: f64,
}

fn rows() -> Vec<Row> {
    let mut first = None;
    let lines = ROWS.lines().skip(1);
    lines
        .map(|line| {
            let mut fields = line.split(',');
            let time = fields.next().expect("a time");
            let mut number = || {
                fields
                    .next()
                    .and_then(|f| f.parse::<f64>().ok())
                    .expect("a number")
            };
            let (temperature, humidity) = (number(), number());
            let wall = growbox_sdk::calendar::instant(time, 0).expect("a time");
            let first = *first.get_or_insert(wall);
            Row {
                since_first: (wall - first) / 1_000_000_000,
                wall,
                temperature,
                vpd: growbox_sdk::climate::vpd(temperature, humidity, 0.0),
            }
        })
        .collect()
}

/// In the office's own time: the handler's clock shows what the rows say.
fn handled(rows: &[Row]) -> Vec<Value> {
    let mut bench = Bench::new();
    bench.zones[0].setpoints = vec![setpoint("vpd", BAND.0, BAND.1)];
    let mut reports = Vec::new();
    let mut run = |bench: &mut Bench, since_first: u64, tick: bool, events: Vec<Event>| {
        let mut batch = testing::batch(seconds(1 + since_first), bench.zones.clone());
        batch.clock.wall = rows[0].wall + since_first * 1_000_000_000;
        (batch.tick, batch.events) = (tick, events);
        for effect in bench.instance.handle(&batch).expect("handles") {
            if let Effect::Emit(draft) = effect
                && let Payload::Document(text) = draft.payload
                && draft.type_ == "analytics.report"
            {
                reports.push(growbox_sdk::json::from_str::<Value>(&text).expect("JSON"));
            }
        }
    };
    let mut ticked = 0;
    for row in rows {
        while (ticked + 1) * 60 < row.since_first {
            ticked += 1;
            run(&mut bench, ticked * 60, true, Vec::new());
        }
        bench.now = seconds(1 + row.since_first);
        let events = vec![
            bench.reading("desk", "temperature", row.temperature),
            bench.reading("vpd-control.office", "vpd", row.vpd),
        ];
        run(&mut bench, row.since_first, false, events);
    }
    reports
}

#[test]
fn the_report_of_a_day_agrees_with_the_rows() {
    let rows = rows();
    let reports = handled(&rows);
    let days: Vec<&Value> = reports.iter().filter(|r| r["window"] == "1d").collect();
    assert!(days.len() > 100, "{}", days.len());
    for report in days.iter().skip(30).step_by(17) {
        let instant = |member: &str| {
            let text = report[member].as_str().expect("a time");
            growbox_sdk::calendar::instant(text, 0).expect("a time")
        };
        let (from, to) = (instant("from"), instant("to"));
        let within: Vec<&Row> = rows
            .iter()
            .filter(|r| r.wall >= from && r.wall <= to)
            .collect();
        let counted = report["frequency"]["sensor.temperature"]["count"].as_u64();
        assert_eq!(counted, Some(within.len() as u64));
        let hours = (to - from) as f64 / 3.6e12;
        let per_hour = report["frequency"]["sensor.temperature"]["per_hour"]
            .as_f64()
            .unwrap();
        assert!(
            (per_hour - within.len() as f64 / hours).abs() < 0.01,
            "{per_hour}"
        );
        let extremes = &report["climate"]["tent"]["extremes"]["temperature"];
        let low = within
            .iter()
            .map(|r| r.temperature)
            .fold(f64::MAX, f64::min);
        let high = within
            .iter()
            .map(|r| r.temperature)
            .fold(f64::MIN, f64::max);
        let told = |member: &str| extremes[member].as_f64().unwrap();
        assert!((told("low") - low).abs() < 1e-3 && (told("high") - high).abs() < 1e-3);
    }
}

#[test]
fn time_in_band_of_each_day_agrees_with_the_rows() {
    let rows = rows();
    let mut by_day: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for pair in rows.windows(2) {
        let stood = ((pair[1].wall - pair[0].wall) as f64 / 1e9).min(300.0);
        let day = pair[0].wall / 86_400_000_000_000;
        let midnight = (day + 1) * 86_400_000_000_000;
        let today = ((midnight - pair[0].wall) as f64 / 1e9).min(stood);
        for (day, seconds) in [(day, today), (day + 1, stood - today)] {
            let date = growbox_sdk::calendar::rfc3339(day * 86_400_000_000_000);
            let sum = by_day.entry(date[..10].to_owned()).or_default();
            if (BAND.0..=BAND.1).contains(&pair[0].vpd) {
                sum.0 += seconds;
            }
            sum.1 += seconds;
        }
    }
    let reports = handled(&rows);
    let week = reports
        .iter()
        .rev()
        .find(|r| r["window"] == "7d")
        .expect("a report");
    let days = week["climate"]["tent"]["days"].as_array().expect("days");
    assert!(days.len() >= 5, "{days:?}");
    for told in &days[..days.len() - 1] {
        let (inside, measured) = by_day[told["day"].as_str().unwrap()];
        assert!(
            (told["in_band_seconds"].as_f64().unwrap() - inside).abs() < 1.0,
            "{told} {inside}"
        );
        assert!(
            (told["measured_seconds"].as_f64().unwrap() - measured).abs() < 1.0,
            "{told} {measured}"
        );
        assert!((told["in_band"].as_f64().unwrap() - inside / measured).abs() < 1e-3);
    }
}
