//! Text for terminals: tables, levels, lengths and times. Pure: what is now is an argument.

use std::fmt;

use growbox_model::{Instant, Span};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where and when the reader sits: how instants are shown.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Now.
    pub now: Instant,
    /// The reader's time zone.
    pub zone: TimeZone,
}

/// Rows in aligned columns; the last column is never padded.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Line>,
    right: Vec<usize>,
}

#[derive(Debug)]
enum Line {
    Cells(Vec<String>),
    Note(String),
}

impl Table {
    /// A table with a heading.
    pub fn new<const N: usize>(heading: [&str; N]) -> Self {
        let heading = heading.iter().map(ToString::to_string).collect();
        Self {
            rows: vec![Line::Cells(heading)],
            right: Vec::new(),
        }
    }

    /// A table without a heading.
    pub fn bare() -> Self {
        Self {
            rows: Vec::new(),
            right: Vec::new(),
        }
    }

    /// The same with these columns (from 0) flush right.
    pub fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows
            .push(Line::Cells(cells.map(|cell| one_line(&cell)).to_vec()));
    }

    /// Adds a line below the last row, indented, of any length.
    pub fn note(&mut self, text: &str) {
        self.rows.push(Line::Note(one_line(text)));
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.rows {
            let Line::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(width_of(cell));
            }
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut out = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width - width_of(cell));
            let (before, after) = if self.right.contains(&column) {
                (&*pad, "")
            } else {
                ("", &*pad)
            };
            out.push_str(if column == 0 { " " } else { "  " });
            out.push_str(before);
            out.push_str(cell);
            out.push_str(after);
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            match row {
                Line::Cells(cells) => writeln!(f, "{}", self.line(cells, &widths))?,
                Line::Note(text) => writeln!(f, "   {text}")?,
            }
        }
        Ok(())
    }
}

/// How many columns a text takes: its characters, which is exact for what growbox itself writes.
fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// `text` without line breaks and other control characters, which could forge a terminal's lines.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A level as people say it: `off`, `on` for a switched device at 1, else per cent.
pub fn level(level: Option<f64>, switched: bool) -> String {
    match level {
        None => "?".into(),
        Some(0.0) => "off".into(),
        Some(1.0) if switched => "on".into(),
        Some(level) => format!("{:.0} %", level * 100.0),
    }
}

/// The level of a device, as people say it.
pub fn device_level(device: &growbox_model::row::DeviceRow) -> String {
    let role = growbox_model::Role::new(&device.role);
    level(device.level, role.is_ok_and(|role| role.0.switched))
}

/// A number without more places than it has: `24.5`, `1.2`, `612`.
pub fn number(value: f64) -> String {
    let shown = format!("{value:.2}");
    let shown = shown.trim_end_matches('0').trim_end_matches('.');
    if shown == "-0" {
        "0".into()
    } else {
        shown.to_owned()
    }
}

/// A value with the symbol of its unit: `24.5 °C`.
pub fn quantity(value: f64, unit: &str) -> String {
    match symbol(unit) {
        "" => number(value),
        symbol => format!("{} {symbol}", number(value)),
    }
}

/// The usual symbol of a canonical unit; its name where there is none.
pub fn symbol(unit: &str) -> &str {
    match unit {
        "celsius" => "°C",
        "percent" => "%",
        "kilopascal" => "kPa",
        "parts_per_million" => "ppm",
        "lux" => "lx",
        "micromole_per_square_metre_second" => "µmol/m²s",
        "millisiemens_per_centimetre" => "mS/cm",
        "hectopascal" => "hPa",
        "watt" => "W",
        "kilowatt_hour" => "kWh",
        "litre_per_minute" => "l/min",
        "ph" | "open" | "wet" | "moving" => "",
        other => other,
    }
}

/// A length of time in the two largest units that fit: `2 d 3 h`, `10 min`, `41 s`.
pub fn span(span: Span) -> String {
    let seconds = span.as_seconds();
    if seconds < 1.0 && span != Span::ZERO {
        return format!("{} ms", number(seconds * 1000.0));
    }
    let whole = seconds.round() as u64;
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let Some(largest) = units.iter().position(|(_, size)| whole >= *size) else {
        return "0 s".into();
    };
    let (name, size) = units[largest];
    let rest = whole % size;
    let second = units
        .get(largest + 1)
        .filter(|(_, smaller)| rest >= *smaller);
    match second {
        Some((smaller_name, smaller)) => {
            format!("{} {name} {} {smaller_name}", whole / size, rest / smaller)
        }
        None => format!("{} {name}", whole / size),
    }
}

/// Bytes as people say them: `1.4 MiB`.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

impl Reader {
    /// An instant, to the minute: `14:01` today, `Tue 03:12` within six days, else the date.
    pub fn short(&self, instant: Instant) -> String {
        self.format(instant, "%H:%M", "%a %H:%M", "%Y-%m-%d %H:%M")
    }

    /// An instant, to the second: `14:01:07` today, `Tue 03:12:40` within six days, else the date.
    pub fn second(&self, instant: Instant) -> String {
        self.format(instant, "%H:%M:%S", "%a %H:%M:%S", "%Y-%m-%d %H:%M:%S")
    }

    fn format(&self, instant: Instant, today: &str, near: &str, far: &str) -> String {
        let (Some(then), Some(now)) = (self.local(instant), self.local(self.now)) else {
            return instant.to_string();
        };
        let apart = Span(instant.0.abs_diff(self.now.0));
        let form = if then.date() == now.date() {
            today
        } else if apart < Span::hours(6 * 24) {
            near
        } else {
            far
        };
        then.strftime(form).to_string()
    }

    fn local(&self, instant: Instant) -> Option<jiff::Zoned> {
        let stamp = Timestamp::from_nanosecond(i128::from(instant.0)).ok()?;
        Some(stamp.to_zoned(self.zone.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["DEVICE", "LEVEL", "WHY"]).right(&[1]);
        table.row(["exhaust".into(), "35 %".into(), "8.2 < 15.1 g/m³".into()]);
        table.note("below the row");
        table.row(["x".into(), "off".into(), "a\nb".into()]);
        let expected = " DEVICE   LEVEL  WHY
 exhaust   35 %  8.2 < 15.1 g/m³
   below the row
 x          off  a b
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn levels_are_words_or_per_cent() {
        assert_eq!(level(None, true), "?");
        assert_eq!(level(Some(0.0), false), "off");
        assert_eq!(level(Some(1.0), true), "on");
        assert_eq!(level(Some(1.0), false), "100 %");
        assert_eq!(level(Some(0.35), false), "35 %");
    }

    #[test]
    fn numbers_have_no_empty_places() {
        let shown = [24.5, 612.0, 1.204, -0.001, 0.89].map(number);
        assert_eq!(shown, ["24.5", "612", "1.2", "0", "0.89"]);
        assert_eq!(quantity(24.5, "celsius"), "24.5 °C");
        assert_eq!(quantity(6.1, "ph"), "6.1");
    }

    #[test]
    fn lengths_and_sizes() {
        let spans = [
            Span::ZERO,
            Span::millis(20),
            Span::seconds(41),
            Span::minutes(10),
            Span::minutes(150),
        ];
        assert_eq!(
            spans.map(span),
            ["0 s", "20 ms", "41 s", "10 min", "2 h 30 min"]
        );
        assert_eq!(span(Span::hours(51)), "2 d 3 h");
        assert_eq!([900, 1_468_006].map(bytes), ["900 B", "1.4 MiB"]);
    }

    #[test]
    fn times_are_as_short_as_they_are_near() {
        let at = |text| Instant::parse(text).unwrap();
        let reader = Reader {
            now: at("2026-01-15T12:00:00Z"),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        };
        assert_eq!(reader.short(at("2026-01-15T13:01:07Z")), "14:01");
        assert_eq!(reader.second(at("2026-01-15T13:01:07Z")), "14:01:07");
        assert_eq!(reader.short(at("2026-01-14T23:30:00Z")), "00:30");
        assert_eq!(reader.short(at("2026-01-13T02:12:40Z")), "Tue 03:12");
        assert_eq!(
            reader.second(at("2025-07-01T00:00:00Z")),
            "2025-07-01 02:00:00"
        );
    }
}
