//! The demo's page: a look at the room as text, with colour on a terminal and as one line elsewhere.

use std::fmt::Write as _;

use growbox_climate::Stage;
use growbox_model::row::{DeviceRow, PluginRow, ZoneRow};
use growbox_model::{Instant, Span};
use jiff::tz::TimeZone;

use super::seen::{Seen, Shown, vpd};
use crate::render::{Reader, Table, device_level, span};

/// To the top of the screen; the end of a line and the rest of the screen are cleared on the way.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K\n";
const CLEAR_BELOW: &str = "\x1b[J";
/// Cells of the VPD scale, and its ends in kPa.
const SCALE: (usize, f64, f64) = (40, 0.2, 1.8);
/// Longest reason beside a device, in characters.
const REASON: usize = 66;

/// What a page tells beside what was seen.
pub(super) struct Frame {
    /// How many times faster than life.
    pub speed: f64,
    /// Where the API is.
    pub url: String,
    /// Where the data is.
    pub data: String,
    /// The room's time zone.
    pub zone: TimeZone,
    /// `lights_on` of the tent, in seconds after local midnight.
    pub lights_on: Option<u32>,
    /// Whether colours are wanted.
    pub colour: bool,
}

#[derive(Clone, Copy)]
enum Colour {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Frame {
    /// The whole screen.
    pub(super) fn page(&self, seen: &Seen) -> String {
        let Some(shown) = &seen.last else {
            return String::new();
        };
        let mut page = format!("{}\n", self.heading(seen, shown));
        if let Some(tent) = shown.tent() {
            let _ = writeln!(page, " AIR   {}", air(tent, shown));
            let _ = writeln!(page, " VPD   {}", self.scale(tent, seen.band_percent()));
            if tent.climate.contains_key("soil_moisture") {
                let _ = writeln!(page, " SOIL  {}", soil(tent));
            }
        }
        let _ = writeln!(page, "\n{}", self.devices(shown));
        for alert in shown.standing().take(3) {
            let words = format!(
                " ALERT {} {}: {}",
                alert.severity, alert.rule, alert.message
            );
            let _ = writeln!(page, "{}", self.paint(Colour::Red, &cut(&words, 100)));
        }
        let _ = writeln!(page, "{}", self.lately(seen, shown));
        let plugins: Vec<String> = shown.plugins.iter().map(|row| self.plugin(row)).collect();
        let _ = writeln!(page, " PLUG-IN {}", plugins.join("  "));
        let _ = writeln!(
            page,
            " {:.0} events/s, {} so far, {} lost · {}",
            seen.rate,
            shown.events,
            shown.figure("queue", "lost"),
            shown.requests(),
        );
        let ask = format!(
            " {}  Ctrl-C ends     ask it: growbox --data {} device list",
            self.url, self.data
        );
        let _ = write!(page, "{}", self.paint(Colour::Dim, &ask));
        format!("{HOME}{}{CLEAR_BELOW}\n", page.replace('\n', CLEAR_LINE))
    }

    /// One line for where there is no terminal.
    pub(super) fn line(&self, seen: &Seen) -> String {
        let Some((shown, tent)) = seen.last.as_ref().and_then(|s| Some((s, s.tent()?))) else {
            return "no tent yet".into();
        };
        let devices: Vec<String> = shown
            .devices
            .iter()
            .map(|row| format!("{} {}", row.id, device_level(row)))
            .collect();
        let alerts = match shown.standing().count() {
            0 => String::new(),
            count => format!(" · {count} alerts"),
        };
        format!(
            "{} {} {} VPD {} · {} · {}{alerts}",
            self.clock(shown).map_or("–".into(), |(_, time)| time),
            text(tent, "temperature", "°C", 1),
            text(tent, "humidity", "% RH", 0),
            text(tent, "vpd", "kPa", 2),
            devices.join(", "),
            shown.requests(),
        )
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            _ if !self.colour => return text.to_owned(),
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn reader(&self, now: Instant) -> Reader {
        Reader {
            now,
            zone: self.zone.clone(),
        }
    }

    /// The room's clock, and how it is shown.
    fn clock(&self, shown: &Shown) -> Option<(Instant, String)> {
        let now = shown.clock()?;
        Some((now, self.reader(now).short(now)))
    }

    fn heading(&self, seen: &Seen, shown: &Shown) -> String {
        let left = format!(" tent · simulated · {}×", self.speed);
        let Some((now, time)) = self.clock(shown) else {
            return self.paint(Colour::Bold, &left);
        };
        let day = seen.founded.map_or(1, |founded| {
            1 + (now.since(founded).as_seconds() / 86_400.0) as u64
        });
        let light = shown
            .tent()
            .and_then(|tent| Some(format!("  {}", light(tent, self.lights_on?)?)));
        let right = format!("day {day}  {time}{}", light.unwrap_or_default());
        self.paint(Colour::Bold, &format!("{left:<52}{right}"))
    }

    fn scale(&self, zone: &ZoneRow, band_percent: u32) -> String {
        let Some((value, low, high)) = vpd(zone) else {
            return "not known yet".into();
        };
        let (cells, left, right) = SCALE;
        let place = |v: f64| {
            (((v - left) / (right - left)).clamp(0.0, 1.0) * (cells - 1) as f64).round() as usize
        };
        let cell = |cell| match cell {
            _ if cell == place(value) => '●',
            _ if cell == place(low) => '[',
            _ if cell == place(high) => ']',
            _ if cell > place(low) && cell < place(high) => '━',
            _ => '·',
        };
        let bar: String = (0..cells).map(cell).collect();
        let colour = match (low..=high).contains(&value) {
            true => Colour::Green,
            false => Colour::Yellow,
        };
        format!(
            "{value:.2} kPa  {left} {} {right}  {}, in band {band_percent} % of the time",
            self.paint(colour, &bar),
            zone.stage.as_deref().unwrap_or("no stage"),
        )
    }

    fn devices(&self, shown: &Shown) -> String {
        let now = shown.clock();
        let mut table = Table::new(["DEVICE", "NOW", "WHY", "NEXT"]);
        for row in &shown.devices {
            let next = now.map_or(String::new(), |now| self.next(row, now));
            table.row([row.id.to_string(), device_level(row), why(row), next]);
        }
        let plain = table.to_string();
        let lines = plain.lines().enumerate().map(|(place, line)| {
            let running = place
                .checked_sub(1)
                .and_then(|place| shown.devices.get(place))
                .is_some_and(|row| row.level.is_some_and(|level| level > 0.0));
            match place {
                0 => self.paint(Colour::Dim, line),
                _ if running => self.paint(Colour::Green, line),
                _ => line.to_owned(),
            }
        });
        lines.fold(String::new(), |all, line| all + &line + "\n")
    }

    /// What the clock will do to a device next.
    fn next(&self, row: &DeviceRow, now: Instant) -> String {
        let ahead = |at: Instant| (at > now).then(|| at.since(now));
        let hindered = row.free_at.filter(|_| row.refusal.is_some());
        if let Some(left) = hindered.and_then(ahead) {
            return format!("free in {}", span(whole_seconds(left)));
        }
        match row.until.and_then(ahead) {
            Some(left) if left >= Span::minutes(5) => {
                format!("until {}", self.reader(now).short(now.plus(left)))
            }
            _ => String::new(),
        }
    }

    fn lately(&self, seen: &Seen, shown: &Shown) -> String {
        let now = shown.clock().unwrap_or_default();
        let line = |(at, words): &(Instant, String)| {
            let line = format!(" {}  {words}", self.reader(now).short(*at));
            self.paint(Colour::Yellow, &cut(&line, 100)) + "\n"
        };
        seen.lately.iter().map(line).collect()
    }

    fn plugin(&self, row: &PluginRow) -> String {
        match &*row.state {
            "running" => format!("{} {}", row.id, self.paint(Colour::Green, "●")),
            state => format!("{} {} {state}", row.id, self.paint(Colour::Red, "○")),
        }
    }
}

/// When the light changes next, by the zone's stage.
fn light(zone: &ZoneRow, lights_on: u32) -> Option<String> {
    let stage = Stage::from_name(zone.stage.as_deref()?)?;
    let off = u64::from(lights_on) + (f64::from(stage.hours_of_light()) * 3600.0) as u64;
    let at = |seconds: u64| format!("{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    Some(match zone.day? {
        true if off == 86_400 => "light until 24:00".into(),
        true => format!("light until {}", at(off % 86_400)),
        false => format!("dark until {}", at(u64::from(lights_on))),
    })
}

fn whole_seconds(span: Span) -> Span {
    Span::seconds(span.as_seconds().round() as u64)
}

/// The first of so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Why a device is where it is, and why it is not where somebody wants it.
fn why(row: &DeviceRow) -> String {
    let refusal = row.refusal.as_deref();
    let refusal = refusal.filter(|refusal| !row.why.contains(*refusal));
    let words = match refusal {
        Some(refusal) => format!("{}; {refusal}", row.why),
        None => row.why.to_string(),
    };
    cut(&words, REASON)
}

/// A measure with its unit; a dash where there is none.
fn text(zone: &ZoneRow, quantity: &str, unit: &str, digits: usize) -> String {
    let measure = zone.climate.get(quantity);
    measure.map_or_else(
        || format!("– {unit}"),
        |measure| format!("{:.digits$} {unit}", measure.value),
    )
}

fn air(zone: &ZoneRow, shown: &Shown) -> String {
    let value = |quantity: &str| zone.climate.get(quantity).map(|measure| measure.value);
    let dew_point = value("temperature").zip(value("humidity"));
    let dew_point = dew_point.map_or("–".into(), |(celsius, percent)| {
        format!("{:.1}", growbox_climate::dew_point(celsius, percent))
    });
    let outside = shown.zone("room").map_or(String::new(), |room| {
        format!(
            "      outside {}  {}",
            text(room, "temperature", "°C", 1),
            text(room, "humidity", "%", 0)
        )
    });
    format!(
        "{}   {}   dew point {dew_point} °C   {}{outside}",
        text(zone, "temperature", "°C", 1),
        text(zone, "humidity", "% RH", 0),
        text(zone, "co2", "ppm", 0),
    )
}

fn soil(zone: &ZoneRow) -> String {
    let tank = zone.climate.get("water_level").map_or(String::new(), |m| {
        format!("   tank {}", crate::render::quantity(m.value, &m.unit))
    });
    format!("{}{tank}", text(zone, "soil_moisture", "% moist", 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::seen::tests::shown;

    fn frame(colour: bool) -> Frame {
        Frame {
            speed: 60.0,
            url: "http://x".into(),
            data: "/data".into(),
            zone: TimeZone::UTC,
            lights_on: Some(6 * 3600),
            colour,
        }
    }

    fn seen() -> Seen {
        let mut seen = Seen::default();
        seen.take(shown(0.9, "running", 1.0));
        seen
    }

    #[test]
    fn the_page_tells_vpd_on_its_scale_and_each_reason_once() {
        let page = frame(false).page(&seen());
        assert!(
            page.contains("0.90 kPa") && page.contains("in band 100 %"),
            "{page}"
        );
        let scale = page.lines().find(|line| line.contains("VPD")).unwrap();
        assert!(
            scale.find('[') < scale.find('●') && scale.find('●') < scale.find(']'),
            "{page}"
        );
        assert_eq!(page.matches("it rests").count(), 1, "{page}");
        assert!(page.contains("free in 3 min 30 s"), "{page}");
        assert!(page.contains("14:07  light until 24:00"), "{page}");
    }

    #[test]
    fn colours_change_no_word() {
        let strip = |page: String| {
            [1, 2, 31, 32, 33, 0].iter().fold(page, |page, code| {
                page.replace(&format!("\x1b[{code}m"), "")
            })
        };
        assert_eq!(strip(frame(true).page(&seen())), frame(false).page(&seen()));
    }

    #[test]
    fn elsewhere_it_is_one_line() {
        let line = frame(false).line(&seen());
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.contains("VPD 0.90 kPa") && line.contains("light off"),
            "{line}"
        );
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(cut("°°°°", 2), "°°…");
        assert_eq!(cut("°°", 2), "°°");
    }
}
