//! What passes between host and guardian: one JSON line a word, and the same plan as `safe.json`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use growbox_drivers::mqtt::{OutputPoint, Settings};
use growbox_model::{Moment, SafeDevice, SafePlan};
use serde::{Deserialize, Serialize};

use super::deeds::belongs_to_owner_of;

/// What the host tells its guardian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    /// The flow last turned then, machine clock.
    Turned(Moment),
    /// The edges are open.
    Ready,
    /// What is to be done when the host is gone.
    Plan(Box<Kept>),
    /// The flow has ended; the last plan says where it left devices.
    Done,
}

/// The safe plan with all that is needed to carry it out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The boot whose clock its moments count in.
    pub(crate) boot: String,
    /// What goes where.
    pub(crate) plan: SafePlan,
    /// How what stands behind a broker is reached.
    pub(crate) broker: Option<Behind>,
    /// The guardian has given up on the host, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given_up: Option<String>,
}

/// A broker, and the outputs behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Behind {
    /// The broker.
    pub(crate) settings: Settings,
    /// How each output is spoken to.
    pub(crate) outputs: Vec<OutputPoint>,
}

/// Where the plan is kept in a data directory.
pub(crate) fn safe_file(data: &Path) -> PathBuf {
    data.join("safe.json")
}

/// Where a plan is put that is out of date while the disk takes no newer one.
pub(crate) fn stale_file(data: &Path) -> PathBuf {
    data.join("safe.stale.json")
}

/// Why the guardian of a data directory has given up on its host, where it has.
pub(crate) fn given_up(data: &Path) -> Option<String> {
    let text = std::fs::read(safe_file(data)).ok()?;
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    let why = kept.given_up?;
    Some(format!(
        "{why}; it is not started any more, and devices stay at their safe levels: mend the cause, then end the guardian and start it anew"
    ))
}

/// Which boot this is; a build for tests believes `GROWBOX_BOOT_ID`.
pub(crate) fn boot_id() -> String {
    #[cfg(debug_assertions)]
    if let Ok(id) = std::env::var("GROWBOX_BOOT_ID") {
        return id;
    }
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

impl Kept {
    /// Whether everything is known to be at its safe level.
    pub(crate) fn is_safe(&self) -> bool {
        self.plan.devices.iter().all(SafeDevice::is_safe)
    }

    /// Whether the host wants a device where it is safe, or does not know where it is.
    pub(crate) fn agrees(&self, device: &SafeDevice) -> bool {
        let same = |own: &&SafeDevice| own.output == device.output;
        let own = self.plan.devices.iter().find(same);
        own.is_some_and(|own| {
            own.safe_level == device.safe_level
                && own.level.is_none_or(|level| level == own.safe_level)
        })
    }

    /// As it stands on disk, where it does.
    ///
    /// # Errors
    /// When it cannot be read, or is no plan.
    pub(crate) fn read(data: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(safe_file(data)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether who drives by this one drives wrong now that the newer one holds: another device or
    /// level, or one on before it has rested. Who goes off goes off by either.
    pub(crate) fn misleads(&self, newer: &Self) -> bool {
        let aims = |kept: &Self| -> Vec<_> {
            let same_boot = self.boot == newer.boot;
            let devices = kept.plan.devices.iter();
            devices
                .map(|own| {
                    let on = own.safe_level > 0.0 && same_boot;
                    let course = on.then_some((own.level, own.free_at));
                    (own.output.clone(), own.active_low, own.safe_level, course)
                })
                .collect()
        };
        self.broker != newer.broker || aims(self) != aims(newer)
    }

    /// Puts what is on disk aside, so that nobody drives by it. That works on a full disk too.
    pub(crate) fn put_aside(data: &Path) -> io::Result<()> {
        std::fs::rename(safe_file(data), stale_file(data))
    }

    /// Replaces `safe.json` whole; returns once it would survive a power cut.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let path = safe_file(data);
        let fresh = path.with_extension("new");
        let text = serde_json::to_vec(self)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        belongs_to_owner_of(data, &file);
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        File::open(data)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::{DeviceId, Span};
    use std::os::unix::fs::MetadataExt as _;

    fn lamp(level: Option<f64>) -> SafeDevice {
        SafeDevice {
            device: DeviceId::new("lamp").unwrap(),
            output: "mqtt:lamp".into(),
            active_low: false,
            safe_level: 0.0,
            level,
            confirmed: false,
            min_off: Span::ZERO,
            free_at: None,
            bound_until: None,
        }
    }

    fn kept(devices: Vec<SafeDevice>) -> Kept {
        let plan = SafePlan { devices };
        Kept {
            boot: "one".into(),
            plan,
            ..Kept::default()
        }
    }

    #[test]
    fn whoever_writes_a_plan_it_belongs_to_whom_the_directory_does() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path();
        // Only root may give it away; for anybody else the owner is the same already.
        let _ = std::os::unix::fs::chown(path, Some(1234), Some(1234));
        kept(Vec::new()).write(path).unwrap();
        let owner = |path: &Path| std::fs::metadata(path).unwrap().uid();
        assert_eq!(owner(&safe_file(path)), owner(path));
    }

    #[test]
    fn an_old_plan_misleads_who_would_drive_elsewhere_or_too_early() {
        let now = |level, free_at: Option<u64>| SafeDevice {
            level,
            free_at: free_at.map(Moment),
            bound_until: free_at.map(Moment),
            ..lamp(None)
        };
        let old = kept(vec![now(Some(1.0), None)]);
        assert!(!old.misleads(&old));
        assert!(
            !old.misleads(&kept(vec![now(Some(0.0), Some(9))])),
            "off is off"
        );
        assert!(old.misleads(&kept(Vec::new())), "it is only observed now");
        let on = |level, free_at| SafeDevice {
            safe_level: 1.0,
            ..now(level, free_at)
        };
        assert!(old.misleads(&kept(vec![on(Some(1.0), None)])));
        let (runs, rests) = (
            kept(vec![on(Some(1.0), None)]),
            kept(vec![on(Some(0.0), Some(9))]),
        );
        assert!(runs.misleads(&rests));
        let earlier = Kept {
            boot: "two".into(),
            ..runs
        };
        assert!(!earlier.misleads(&rests), "then it rests in any case");
    }

    #[test]
    fn a_host_agrees_to_the_safe_level_until_it_wants_another() {
        let agrees = |devices| kept(devices).agrees(&lamp(Some(1.0)));
        assert!(agrees(vec![lamp(None)]));
        assert!(agrees(vec![lamp(Some(0.0))]));
        assert!(!agrees(vec![lamp(Some(0.5))]), "it wants it on");
        let on = SafeDevice {
            safe_level: 1.0,
            ..lamp(None)
        };
        assert!(!agrees(vec![on]), "it is safe elsewhere now");
        assert!(!agrees(Vec::new()), "it only observes it now");
    }
}
