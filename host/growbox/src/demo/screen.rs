//! The demo's screen: rows become lines of text, and what was seen becomes a summary.

use growbox_model::row::{DeviceRow, HealthRow, PluginRow, ZoneRow};

use crate::render::{Table, device_level};

/// Clears the screen and begins at its top.
const CLEAR: &str = "\x1b[H\x1b[2J";
/// Cells of the VPD scale, and its ends in kPa.
const SCALE: (usize, f64, f64) = (40, 0.2, 1.8);

/// What is shown at one instant.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub zones: Vec<ZoneRow>,
    pub devices: Vec<DeviceRow>,
    pub plugins: Vec<PluginRow>,
    pub health: HealthRow,
    pub events: u64,
}

/// What was seen so far.
pub(super) struct Screen {
    speed: f64,
    url: String,
    data: String,
    pub terminal: bool,
    last: Option<Shown>,
    looks: u32,
    in_band: u32,
    with_vpd: u32,
}

impl Screen {
    pub(super) fn new(speed: f64, url: String, data: String, terminal: bool) -> Self {
        Self {
            speed,
            url,
            data,
            terminal,
            last: None,
            looks: 0,
            in_band: 0,
            with_vpd: 0,
        }
    }

    pub(super) fn take(&mut self, shown: Shown) {
        self.looks += 1;
        if let Some((value, low, high)) = shown.tent().and_then(vpd) {
            self.with_vpd += 1;
            self.in_band += u32::from((low..=high).contains(&value));
        }
        self.last = Some(shown);
    }

    /// A screen for a terminal, one line elsewhere.
    pub(super) fn draw(&self) -> String {
        match &self.last {
            None => String::new(),
            Some(shown) if self.terminal => format!("{CLEAR}{}", self.page(shown)),
            Some(shown) => format!("{}\n", line(shown)),
        }
    }

    fn page(&self, shown: &Shown) -> String {
        let mut page = format!(" tent · simulated · {}×{}\n", self.speed, clock(shown));
        if let Some(zone) = shown.tent() {
            page += &format!(" AIR   {}\n", air(zone, shown));
            page += &format!(" VPD   {}\n", self.scale(zone));
        }
        page += &format!("\n{}\n", devices(shown));
        let plugins: Vec<String> = shown.plugins.iter().map(plugin).collect();
        page += &format!(
            " PLUG-IN {}      {} events\n",
            plugins.join("  "),
            shown.events
        );
        page += &format!(
            " {}     {}  Ctrl-C ends\n ask it   growbox --data {} device list\n",
            requests(&shown.health),
            self.url,
            self.data
        );
        page
    }

    fn scale(&self, zone: &ZoneRow) -> String {
        let Some((value, low, high)) = vpd(zone) else {
            return "not known yet".into();
        };
        let (cells, left, right) = SCALE;
        let place = |v: f64| {
            (((v - left) / (right - left)).clamp(0.0, 1.0) * (cells - 1) as f64).round() as usize
        };
        let bar: String = (0..cells)
            .map(|cell| match cell {
                _ if cell == place(value) => '●',
                _ if cell == place(low) => '[',
                _ if cell == place(high) => ']',
                _ if cell > place(low) && cell < place(high) => '━',
                _ => '·',
            })
            .collect();
        let stage = zone.stage.as_deref().unwrap_or("no stage");
        format!(
            "{value:.2} kPa  {left} {bar} {right}  {stage}, in band {} % of the time",
            self.band_percent()
        )
    }

    fn band_percent(&self) -> u32 {
        (self.in_band * 100).checked_div(self.with_vpd).unwrap_or(0)
    }

    /// What came of it all, in a few lines.
    pub(super) fn summary(&self) -> String {
        let Some(shown) = &self.last else {
            return "nothing was seen".into();
        };
        format!(
            "\n{}\n{} events, {} lost, {} dead letters\nVPD in band {} % of the time\n{}",
            line(shown),
            shown.events,
            figure(&shown.health, "queue", "lost"),
            figure(&shown.health, "queue", "dead_letters"),
            self.band_percent(),
            requests(&shown.health),
        )
    }

    /// Why it did not go well; empty where it did.
    pub(super) fn troubles(&self) -> Vec<String> {
        let Some(shown) = &self.last else {
            return vec!["nothing was seen".into()];
        };
        let mut troubles = Vec::new();
        if self.with_vpd == 0 {
            troubles.push("no VPD was ever known".to_owned());
        }
        if figure(&shown.health, "devices", "granted") < 1.0 {
            troubles.push("nothing was ever granted".to_owned());
        }
        for plugin in shown
            .plugins
            .iter()
            .filter(|plugin| &*plugin.state != "running")
        {
            let why = plugin.why.as_deref().unwrap_or("nobody says why");
            troubles.push(format!("plug-in {} is {}: {why}", plugin.id, plugin.state));
        }
        if shown.plugins.is_empty() {
            troubles.push("no plug-in is loaded: build them with cargo xtask guests".to_owned());
        }
        if figure(&shown.health, "queue", "lost") > 0.0 {
            troubles.push("events were lost".to_owned());
        }
        troubles
    }
}

impl Shown {
    /// The zone with devices, which the demo is about.
    fn tent(&self) -> Option<&ZoneRow> {
        self.zones.iter().find(|zone| zone.id.as_str() == "tent")
    }
}

/// VPD with its range.
fn vpd(zone: &ZoneRow) -> Option<(f64, f64, f64)> {
    let value = zone.climate.get("vpd")?.value;
    let range = zone.setpoints.get("vpd")?;
    Some((value, range.low, range.high))
}

fn clock(shown: &Shown) -> String {
    let Some(zone) = shown.tent() else {
        return String::new();
    };
    let newest = zone.climate.values().map(|measure| measure.taken).max();
    let time = newest.map_or(String::new(), |at| {
        at.to_string().chars().skip(11).take(5).collect()
    });
    let day = match zone.day {
        Some(true) => "  day",
        Some(false) => "  night",
        None => "",
    };
    format!("          {time} UTC{day}")
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
    let inside = [
        text(zone, "temperature", "°C", 1),
        text(zone, "humidity", "% RH", 0),
        text(zone, "co2", "ppm", 0),
    ]
    .join("   ");
    let outside = shown
        .zones
        .iter()
        .find(|other| other.id.as_str() == "room")
        .map(|room| {
            format!(
                "     outside {}  {}",
                text(room, "temperature", "°C", 1),
                text(room, "humidity", "%", 0)
            )
        });
    inside + &outside.unwrap_or_default()
}

fn devices(shown: &Shown) -> String {
    let mut table = Table::new(["DEVICE", "NOW", "WHY"]);
    for row in &shown.devices {
        let refusal = row
            .refusal
            .as_deref()
            .filter(|refusal| !row.why.contains(*refusal))
            .map_or(String::new(), |why| format!("; {why}"));
        let why: String = format!("{}{refusal}", row.why).chars().take(90).collect();
        table.row([row.id.to_string(), device_level(row), why]);
    }
    table.to_string()
}

fn plugin(row: &PluginRow) -> String {
    let sign = if &*row.state == "running" {
        "●"
    } else {
        "○"
    };
    format!("{} {sign}", row.id)
}

fn requests(health: &HealthRow) -> String {
    let verdicts = [
        "granted",
        "clamped",
        "dampened",
        "outranked",
        "denied",
        "expired",
    ];
    let counts: Vec<(&str, u64)> = verdicts
        .iter()
        .map(|name| (*name, figure(health, "devices", name) as u64))
        .collect();
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let told: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    format!(
        "{all} requests: {}",
        if told.is_empty() {
            "none yet".into()
        } else {
            told.join(", ")
        }
    )
}

fn figure(health: &HealthRow, component: &str, name: &str) -> f64 {
    health
        .components
        .get(component)
        .and_then(|c| c.figures.get(name))
        .copied()
        .unwrap_or(0.0)
}

/// One line for where there is no terminal.
fn line(shown: &Shown) -> String {
    let Some(zone) = shown.tent() else {
        return "no tent".into();
    };
    let on: Vec<String> = shown
        .devices
        .iter()
        .map(|row| format!("{} {}", row.id, device_level(row)))
        .collect();
    format!(
        "{} {} {} VPD {} · {} · {}",
        clock(shown).trim(),
        text(zone, "temperature", "°C", 1),
        text(zone, "humidity", "% RH", 0),
        text(zone, "vpd", "kPa", 2),
        on.join(", "),
        requests(&shown.health),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::row::{ComponentRow, MeasureRow, SetpointRow};
    use growbox_model::{DeviceId, Instant, PluginId, ZoneId};

    fn shown(vpd: f64, state: &str, granted: f64) -> Shown {
        let measure = |value: f64, unit: &str| MeasureRow {
            value,
            unit: unit.into(),
            quality: "good".into(),
            taken: Instant::parse("2026-05-01T14:07:00Z").unwrap(),
        };
        let range = SetpointRow {
            low: 0.75,
            target: 0.92,
            high: 1.1,
            unit: "kilopascal".into(),
        };
        let zone = ZoneRow {
            id: ZoneId::new("tent").unwrap(),
            stage: Some("mid-veg".into()),
            operation: "control".into(),
            mode: None,
            day: Some(true),
            setpoints: [("vpd".into(), range)].into(),
            climate: [("vpd".into(), measure(vpd, "kilopascal"))].into(),
            missing: Vec::new(),
        };
        let device = DeviceRow {
            id: DeviceId::new("light").unwrap(),
            zone: None,
            role: "light".into(),
            level: Some(0.0),
            since: None,
            owner: None,
            why: "18 h day; but it rests".into(),
            until: None,
            available: true,
            refusal: Some("it rests".into()),
            free_at: None,
        };
        let plugin = PluginRow {
            id: PluginId::new("vpd-control").unwrap(),
            version: "0.1.0".into(),
            state: state.into(),
            generation: Some(1),
            behind: 0,
            strikes: 0,
            memory_bytes: 0,
            controls: Vec::new(),
            why: None,
        };
        let figures = [("granted".into(), granted)].into();
        let devices = ComponentRow {
            status: "healthy".into(),
            why: None,
            figures,
        };
        let health = HealthRow {
            overall: "healthy".into(),
            components: [("devices".into(), devices)].into(),
        };
        Shown {
            zones: vec![zone],
            devices: vec![device],
            plugins: vec![plugin],
            health,
            events: 12,
        }
    }

    fn screen(shown: Shown, terminal: bool) -> Screen {
        let mut screen = Screen::new(60.0, "http://x".into(), "/data".into(), terminal);
        screen.take(shown);
        screen
    }

    #[test]
    fn the_page_tells_vpd_on_its_scale_and_each_reason_once() {
        let page = screen(shown(0.9, "running", 1.0), true).draw();
        assert!(
            page.contains("0.90 kPa") && page.contains("in band 100 %"),
            "{page}"
        );
        assert!(
            page.find('[') < page.find('●') && page.find('●') < page.find(']'),
            "{page}"
        );
        assert_eq!(page.matches("it rests").count(), 1, "{page}");
    }

    #[test]
    fn elsewhere_it_is_one_line() {
        let line = screen(shown(0.9, "running", 1.0), false).draw();
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.contains("VPD 0.90 kPa") && line.contains("light off"),
            "{line}"
        );
    }

    #[test]
    fn it_went_well_only_when_vpd_was_known_and_something_granted_and_all_run() {
        assert!(
            screen(shown(0.9, "running", 1.0), false)
                .troubles()
                .is_empty()
        );
        assert_eq!(
            screen(shown(0.9, "quarantined", 1.0), false)
                .troubles()
                .len(),
            1
        );
        assert_eq!(
            screen(shown(0.9, "running", 0.0), false).troubles().len(),
            1
        );
        assert_eq!(
            Screen::new(1.0, String::new(), String::new(), false)
                .troubles()
                .len(),
            1
        );
    }
}
