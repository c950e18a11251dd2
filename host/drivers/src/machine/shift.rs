//! A wall clock that tests can set: `GROWBOX_WALL_SHIFT` names a file with signed seconds.
//!
//! The file is read anew whenever it has changed; without it, or where it holds no number, the
//! clock is the machine's. Only builds for tests have this.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use growbox_model::{Instant, Span};

static SHIFT: LazyLock<Option<Mutex<Shift>>> = LazyLock::new(|| {
    let path = std::env::var_os("GROWBOX_WALL_SHIFT")?;
    Some(Mutex::new(Shift {
        path: path.into(),
        changed: None,
        seconds: 0,
    }))
});

struct Shift {
    path: PathBuf,
    /// Of the file, when it was read last.
    changed: Option<SystemTime>,
    seconds: i64,
}

pub(super) fn shifted(wall: Instant) -> Instant {
    let Some(shift) = &*SHIFT else { return wall };
    let mut shift = shift.lock().unwrap_or_else(PoisonError::into_inner);
    let span = Span::seconds(shift.read().unsigned_abs());
    if shift.seconds < 0 {
        wall.minus(span)
    } else {
        wall.plus(span)
    }
}

impl Shift {
    fn read(&mut self) -> i64 {
        let changed = std::fs::metadata(&self.path).and_then(|file| file.modified());
        let changed = changed.ok();
        if changed != self.changed {
            self.changed = changed;
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            self.seconds = text.trim().parse().unwrap_or(0);
        }
        self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_words_of_the_file_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shift");
        let mut shift = Shift {
            path: path.clone(),
            changed: None,
            seconds: 0,
        };
        assert_eq!(shift.read(), 0, "there is no file yet");
        let mut told = Vec::new();
        for (age, words) in [(3, "86400\n"), (2, "-86400"), (1, "soon")] {
            std::fs::write(&path, words).unwrap();
            let then = SystemTime::now() - std::time::Duration::from_secs(age);
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(then).unwrap();
            told.push(shift.read());
        }
        assert_eq!(told, [86_400, -86_400, 0]);
    }
}
