//! Wall time as people write it. For labels and schedules: the wall clock may jump.

use jiff::Timestamp;
use jiff::civil::Date;

/// `2026-01-15T10:30:00Z`, of nanoseconds since the Unix epoch.
#[must_use]
pub fn rfc3339(instant: u64) -> String {
    let stamp = Timestamp::from_nanosecond(i128::from(instant));
    stamp.unwrap_or(Timestamp::MAX).to_string()
}

/// When a date, such as `2026-10-01`, began this many seconds east of UTC; or the instant of an
/// RFC 3339 time. In nanoseconds since the Unix epoch.
///
/// # Errors
/// A sentence that shows what is understood.
pub fn instant(text: &str, utc_offset: i32) -> Result<u64, String> {
    let refuse =
        || format!("\"{text}\" is no date; write \"2026-10-01\" or \"2026-10-01T08:00:00Z\"");
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return u64::try_from(stamp.as_nanosecond()).map_err(|_| refuse());
    }
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let offset = jiff::tz::Offset::from_seconds(utc_offset).map_err(|_| refuse())?;
    let midnight = date.and_then(|date| offset.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let midnight = midnight.and_then(|stamp| u64::try_from(stamp.as_nanosecond()).ok());
    midnight.ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_and_read() {
        let text = "2026-01-15T10:30:00Z";
        assert_eq!(instant(text, 0).map(rfc3339), Ok(text.to_string()));
        assert_eq!(rfc3339(1_500_000_000), "1970-01-01T00:00:01.5Z");
        assert!(rfc3339(u64::MAX).starts_with("2554"));
    }

    #[test]
    fn a_date_begins_at_local_midnight() {
        let berlin = instant("2026-10-01", 7200).map(rfc3339);
        assert_eq!(berlin, Ok("2026-09-30T22:00:00Z".to_string()));
    }

    #[test]
    fn nonsense_is_told_what_to_write() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "1950-01-01",
            "2026-10-01T08:00",
        ] {
            let why = instant(text, 0).expect_err(text);
            assert!(why.contains("write \"2026-10-01\""), "{why}");
        }
    }
}
