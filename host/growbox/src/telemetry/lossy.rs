//! A log whose writer never waits: what nobody reads in time is dropped, and counted.
//!
//! Whoever watches over devices must not hang on a pipe that nobody empties.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines that may wait to be read.
const LINES: usize = 4096;
/// At the end it is waited for so long until the last line is read.
const LAST_LINE: Duration = Duration::from_millis(500);

/// Where lines are left.
#[derive(Debug, Clone)]
pub(super) struct Lossy {
    lines: Sender<Said>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Said {
    Line(Vec<u8>),
    /// Dropped once everything before it is written.
    Settle(#[allow(dead_code, reason = "its end is what tells")] Sender<()>),
}

impl Lossy {
    /// Writes to `out` on a thread of its own.
    ///
    /// # Errors
    /// Where the machine has no thread for it.
    pub(super) fn over(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = bounded(LINES);
        let lost = Arc::<AtomicU64>::default();
        let lossy = Self {
            lines,
            lost: lost.clone(),
        };
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write(out, &waiting, &lost))?;
        Ok(lossy)
    }

    /// Returns once everything is written, or after a moment.
    pub(super) fn settle(&self) {
        let (settled, written) = bounded(0);
        if self
            .lines
            .send_timeout(Said::Settle(settled), LAST_LINE)
            .is_ok()
        {
            // Written or not, it is over.
            let _ = written.recv_timeout(LAST_LINE);
        }
    }
}

/// Each call is a whole line.
impl Write for Lossy {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Said::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(mut out: impl Write, waiting: &Receiver<Said>, lost: &AtomicU64) {
    for said in waiting {
        if let Said::Line(line) = said {
            // There is nobody left to tell that nobody listens.
            let _ = out.write_all(&line);
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "lines of this log are lost: nobody read them in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, PoisonError};

    /// A pipe that takes nothing until its other end is dropped.
    struct Full(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let mut written = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_writes_never_waits_and_what_is_lost_is_counted() {
        let (read, full) = bounded(0);
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let mut log = Lossy::over(Full(full, written.clone())).unwrap();
        for _ in 0..LINES + 100 {
            log.write_all(b"a line\n").unwrap();
        }
        // One may be on its way out already.
        let lost = log.lost.load(Ordering::Relaxed);
        assert!((99..=100).contains(&lost), "{lost}");
        drop(read);
        log.settle();
        let written = written.lock().unwrap().clone();
        let lines = String::from_utf8(written).unwrap().lines().count();
        assert_eq!(lines as u64, LINES as u64 + 100 - lost);
    }
}
