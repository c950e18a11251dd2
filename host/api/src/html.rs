//! `/`: zones, devices and reasons on a plain page, until there is a dashboard.

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse};
use growbox_model::row::{Answer, DeviceRow, MeasureRow, Question, SetpointRow, ZoneRow};

use crate::answer::unexpected;
use crate::edge::Edge;
use crate::refusal::Outcome;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:64rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.3rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884}\
th{font-weight:600;font-size:.85rem}\
td.n{font-variant-numeric:tabular-nums;white-space:nowrap}\
.quiet{opacity:.7;font-size:.9rem}.warn{color:#c40}";

/// Answers the page.
pub(crate) async fn page(State(edge): State<Arc<Edge>>) -> Outcome {
    let zones = match edge.answered(edge.host.ask(Question::Zones)).await? {
        Answer::Zones(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let devices = match edge.answered(edge.host.ask(Question::Devices)).await? {
        Answer::Devices(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    Ok(Html(Page(&zones, &devices).to_string()).into_response())
}

struct Page<'a>(&'a [ZoneRow], &'a [DeviceRow]);

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"refresh\" content=\"5\">\
             <title>growbox</title><style>{STYLE}</style></head><body><h1>growbox</h1>"
        )?;
        for zone in self.0 {
            write_zone(f, zone)?;
            write_devices(f, self.of(Some(zone)))?;
        }
        if self.of(None).next().is_some() {
            write!(f, "<h2>In no zone</h2>")?;
            write_devices(f, self.of(None))?;
        }
        if self.0.is_empty() && self.1.is_empty() {
            write!(f, "<p>No zone and no device is configured.</p>")?;
        }
        write!(f, "</body></html>")
    }
}

impl Page<'_> {
    /// Devices of a zone; with none, those of no zone that is shown.
    fn of(&self, zone: Option<&ZoneRow>) -> impl Iterator<Item = &DeviceRow> {
        let zones = self.0;
        self.1.iter().filter(move |device| match zone {
            Some(zone) => device.zone.as_ref() == Some(&zone.id),
            None => !zones
                .iter()
                .any(|zone| device.zone.as_ref() == Some(&zone.id)),
        })
    }
}

fn write_zone(f: &mut fmt::Formatter<'_>, zone: &ZoneRow) -> fmt::Result {
    let day = match zone.day {
        Some(true) => "day",
        Some(false) => "night",
        None => "",
    };
    let stage = zone.stage.as_deref().unwrap_or_default();
    let mode = zone.mode.as_deref().unwrap_or_default();
    let facts: Vec<&str> = [&*zone.operation, stage, day, mode]
        .into_iter()
        .filter(|fact| !fact.is_empty())
        .collect();
    write!(
        f,
        "<h2>{}</h2><p class=\"quiet\">{}</p>",
        Safe(zone.id.as_str()),
        Safe(&facts.join(" · "))
    )?;
    write_climate(f, zone)?;
    if !zone.missing.is_empty() {
        let missing = zone.missing.join(", ");
        write!(f, "<p class=\"warn\">missing: {}</p>", Safe(&missing))?;
    }
    Ok(())
}

fn write_climate(f: &mut fmt::Formatter<'_>, zone: &ZoneRow) -> fmt::Result {
    let mut names: Vec<&str> = zone.climate.keys().map(|name| &**name).collect();
    names.extend(zone.setpoints.keys().map(|name| &**name));
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    write!(
        f,
        "<table><tr><th>quantity<th>now<th>wanted<th>measured</tr>"
    )?;
    for name in names {
        let measure = zone.climate.get(name);
        let wanted = zone.setpoints.get(name);
        write_measure(f, name, measure, wanted)?;
    }
    write!(f, "</table>")
}

fn write_measure(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    measure: Option<&MeasureRow>,
    wanted: Option<&SetpointRow>,
) -> fmt::Result {
    let (now, taken) = measure.map_or(("–".to_owned(), String::new()), |m| {
        let doubt = if &*m.quality == "good" {
            ""
        } else {
            &m.quality
        };
        (
            format!("{:.2} {} {doubt}", m.value, short(&m.unit)),
            m.taken.to_string(),
        )
    });
    let wanted = wanted.map_or(String::new(), |s| {
        format!("{:.2} ({:.2} to {:.2})", s.target, s.low, s.high)
    });
    write!(
        f,
        "<tr><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n quiet\">{}</tr>",
        Safe(name),
        Safe(now.trim_end()),
        Safe(&wanted),
        Safe(&taken)
    )
}

/// The usual symbol of a unit.
fn short(unit: &str) -> &str {
    match unit {
        "celsius" => "°C",
        "percent" => "%",
        "kilopascal" => "kPa",
        "parts_per_million" => "ppm",
        other => other,
    }
}

fn write_devices<'a>(
    f: &mut fmt::Formatter<'_>,
    devices: impl Iterator<Item = &'a DeviceRow>,
) -> fmt::Result {
    let mut devices = devices.peekable();
    if devices.peek().is_none() {
        return Ok(());
    }
    write!(
        f,
        "<table><tr><th>device<th>level<th>by<th>why<th>until</tr>"
    )?;
    devices.try_for_each(|device| write_device(f, device))?;
    write!(f, "</table>")
}

fn write_device(f: &mut fmt::Formatter<'_>, device: &DeviceRow) -> fmt::Result {
    let level = device
        .level
        .map_or("unknown".to_owned(), |l| format!("{:.0} %", l * 100.0));
    let until = device.until.map(|until| until.to_string());
    write!(
        f,
        "<tr><td>{}<br><span class=\"quiet\">{}</span><td class=\"n\">{level}<td>{}<td>{}",
        Safe(device.id.as_str()),
        Safe(&device.role),
        Safe(device.owner.as_deref().unwrap_or("–")),
        Safe(&device.why),
    )?;
    for remark in remarks(device) {
        write!(f, "<br><span class=\"warn\">{}</span>", Safe(&remark))?;
    }
    let until = until.unwrap_or_default();
    write!(f, "<td class=\"n quiet\">{}</tr>", Safe(&until))
}

/// What is not as wished.
fn remarks(device: &DeviceRow) -> Vec<String> {
    let mut remarks = Vec::new();
    if !device.available {
        remarks.push("not reachable".to_owned());
    }
    let told = |refusal: &&growbox_model::Text| !device.why.contains(&***refusal);
    if let Some(refusal) = device.refusal.as_ref().filter(told) {
        remarks.push(refusal.to_string());
    }
    if let Some(free_at) = device.free_at {
        remarks.push(format!("may change at {free_at}"));
    }
    remarks
}

/// Text that cannot become markup.
struct Safe<'a>(&'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}
