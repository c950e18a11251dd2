//! How well the log is: what waits, how long commits take, what the disk still holds.

use std::path::Path;

use growbox_model::row::ComponentRow;
use growbox_storage::Health;

/// Commits come every second or so; what waits longer waits for the disk.
const LONG_UNWRITTEN_SECONDS: f64 = 15.0;
/// With less than this free the disk is about to be full.
const LITTLE_FREE_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

/// The log's figures, and the first thing that is wrong with it.
pub(super) fn told(health: &Health, size_bytes: u64, data: &Path) -> ComponentRow {
    let waited = health.oldest_unwritten.unwrap_or_default().as_secs_f64();
    let free = free(data);
    let gap = health.gap.as_ref().map_or(0, |gap| gap.events);
    let figures = [
        ("pending_events", Some(health.pending_events as f64)),
        ("pending_bytes", Some(health.pending_bytes as f64)),
        ("oldest_unwritten_seconds", Some(waited)),
        (
            "last_commit_seconds",
            Some(health.last_commit.as_secs_f64()),
        ),
        ("groups", Some(health.groups as f64)),
        ("first", Some(health.first.0 as f64)),
        ("durable", Some(health.durable.0 as f64)),
        ("lost", Some(gap as f64)),
        ("size_bytes", Some(size_bytes as f64)),
        ("free_bytes", free),
    ];
    let why = trouble(health, waited, free);
    let status = if why.is_some() { "degraded" } else { "healthy" };
    ComponentRow {
        status: status.into(),
        why: why.map(Into::into),
        figures: figures
            .into_iter()
            .filter_map(|(name, figure)| Some((name.into(), figure?)))
            .collect(),
    }
}

/// The same, where the safe plan that is on disk may be out of date.
pub(super) fn beside_plan(row: ComponentRow, is_behind: bool) -> ComponentRow {
    if !is_behind || row.why.is_some() {
        return row;
    }
    let why = "safe.json cannot be written: only a guardian that lives knows where devices go when the host is gone";
    ComponentRow {
        status: "degraded".into(),
        why: Some(why.into()),
        ..row
    }
}

fn trouble(health: &Health, waited: f64, free: Option<f64>) -> Option<String> {
    if let Some(error) = &health.error {
        return Some(error.clone());
    }
    if let Some(gap) = &health.gap {
        return Some(format!("{} events were lost", gap.events));
    }
    if waited > LONG_UNWRITTEN_SECONDS {
        return Some(format!("events have waited {waited:.0} s for the disk"));
    }
    if let Some(path) = &health.set_aside {
        let path = path.display();
        return Some(format!("the log was damaged and set aside: {path}"));
    }
    let free = free.filter(|free| *free < LITTLE_FREE_BYTES)?;
    Some(format!("only {:.0} MB of disk are free", free / 1e6))
}

/// What ordinary users may still write, in bytes.
fn free(data: &Path) -> Option<f64> {
    let disk = rustix::fs::statvfs(data).ok()?;
    Some(disk.f_bavail as f64 * disk.f_frsize as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_storage::Gap;
    use std::time::Duration;

    #[test]
    fn a_log_at_ease_is_healthy() {
        let row = told(&Health::default(), 0, Path::new("/"));
        assert_eq!(&*row.status, "healthy");
        assert!(row.figures["free_bytes"] > 0.0);
        assert_eq!(row.figures["size_bytes"], 0.0);
    }

    #[test]
    fn a_safe_plan_that_is_not_on_disk_is_no_health() {
        let row = told(&Health::default(), 0, Path::new("/"));
        assert_eq!(beside_plan(row.clone(), false), row);
        let behind = beside_plan(row, true);
        assert_eq!(&*behind.status, "degraded");
        assert!(behind.why.is_some_and(|why| why.contains("safe.json")));
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let health = Health {
            oldest_unwritten: Some(Duration::from_secs(40)),
            ..Health::default()
        };
        let said = |health: &Health, free| trouble(health, 40.0, free).unwrap();
        assert_eq!(said(&health, None), "events have waited 40 s for the disk");
        let lost = Health {
            gap: Some(Gap {
                first: growbox_model::Seq(3),
                last: growbox_model::Seq(9),
                events: 7,
            }),
            ..health
        };
        assert_eq!(said(&lost, None), "7 events were lost");
        let small = trouble(&Health::default(), 0.0, Some(5e6));
        assert_eq!(small.as_deref(), Some("only 5 MB of disk are free"));
    }
}
