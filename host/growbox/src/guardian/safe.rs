//! `growbox safe`: drives everything in `safe.json` to its safe level; for after a host that is gone.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use growbox_model::{Moment, Span};

use super::deeds::Recorder;
use super::hands::Hands;
use super::plan::{Safing, Step};
use super::word::{Kept, boot_id, safe_file, stale_file};
use crate::cli::{Environment, SafeArgs, data_directory};
use crate::config;
use crate::room::boot_time;
use crate::run::end;

/// How often it is looked whether somebody is to be told.
const BEAT: Duration = Duration::from_millis(100);

/// Carries out `growbox safe`.
pub fn safe(args: &SafeArgs, data: Option<&Path>) -> ExitCode {
    let _log = crate::telemetry::start_lossy(crate::telemetry::LogFormat::Text);
    end(make_safe(args, data))
}

fn make_safe(args: &SafeArgs, data: Option<&Path>) -> anyhow::Result<()> {
    let configured = match &args.config {
        Some(file) => config::load(file)?.configuration.and_then(|c| c.data),
        None => None,
    };
    let place = data_directory(data, configured.as_deref(), &Environment::of_process());
    let _alone = alone(&place.data)?;
    let Some(kept) = kept(&place.data)? else {
        if stale_file(&place.data).exists() {
            bail!(
                "what was written last of where devices go is out of date, and the disk took nothing newer: nothing was driven; make room in {}, look at the devices, then start the host",
                place.data.display()
            );
        }
        println!(
            "nothing to do: {} is not there, no host drove anything from here",
            safe_file(&place.data).display()
        );
        return Ok(());
    };
    if kept.plan.devices.is_empty() {
        println!("nothing to do: the host drove nothing that outlives it");
        return Ok(());
    }
    let safing = drive(&kept, Span::seconds(args.within), &place.data)?;
    leave(kept, &safing, &place.data);
    for step in safing.steps() {
        println!("{}", told(step));
    }
    if safing.is_done() {
        return Ok(());
    }
    bail!("not everything is at its safe level; look at the devices, then run it again")
}

/// While a host lives it drives its devices itself. Nobody begins while what this returns lives.
pub(super) fn alone(data: &Path) -> anyhow::Result<Option<File>> {
    let path = data.join("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "a host runs on {} and drives its devices itself: end it, or make it safe with `growbox stop`",
            data.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn kept(data: &Path) -> anyhow::Result<Option<Kept>> {
    Kept::read(data).with_context(|| {
        let path = safe_file(data);
        let path = path.display();
        format!("{path} is no safe plan: start the host once, which writes it anew")
    })
}

/// Tells everybody, until all have confirmed or the time is over. The next host's log tells of it.
fn drive(kept: &Kept, within: Span, data: &Path) -> anyhow::Result<Safing> {
    let mut recorder = Recorder::begin(data.to_owned()).context("no thread for deeds")?;
    let begun = boot_time();
    let mut safing = Safing::of(&kept.plan, kept.boot == boot_id(), begun);
    let mut hands = Hands::open(kept, &mut safing, None)?;
    while !safing.is_done() && boot_time() < begun + within {
        for (output, level) in safing.due(boot_time()) {
            hands.tell(output, level, &mut safing);
        }
        if !safing.is_done() {
            hands.listen(BEAT, &mut safing);
        }
        for arrival in safing.arrived() {
            recorder.record(&arrival, "growbox safe: no host was left");
        }
    }
    Ok(safing)
}

/// Keeps where devices are now, so that what is done again is not told again.
fn leave(kept: Kept, safing: &Safing, data: &Path) {
    let left = Kept {
        boot: boot_id(),
        plan: safing.left(),
        ..kept
    };
    if let Err(error) = left.write(data) {
        tracing::warn!("cannot write down where devices are now: {error}");
    }
}

fn told(step: &Step) -> String {
    let (device, level) = (&step.device.device, step.device.safe_level * 100.0);
    if step.done {
        return format!("{device} is at {level:.0} %");
    }
    let why = match &step.failure {
        Some(why) => why.clone(),
        None if rests(step, boot_time()) => "it still rests after it went off".to_owned(),
        None => "it did not confirm".to_owned(),
    };
    format!("{device} is NOT known to be at {level:.0} %: {why}")
}

fn rests(step: &Step, now: Moment) -> bool {
    step.due > now + Span::seconds(1)
}
