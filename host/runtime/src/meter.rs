//! How much time a call has used: the guest's own CPU time, and machine time as a long stop.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::limits::MACHINE_TIMES;

/// What one call may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// CPU time of the calling thread.
    pub(crate) cpu: Duration,
    /// What runs, for the message: `handle`, `start`, `describe`.
    pub(crate) call: &'static str,
}

/// Counts one call. Reads the machine clock: deadlines are no part of room time.
#[derive(Debug)]
pub(crate) struct Meter {
    allowance: Allowance,
    cpu_start: Duration,
    start: Instant,
    /// Time the host took on the guest's behalf.
    cpu_free: Duration,
    machine_free: Duration,
}

impl Meter {
    /// Starts counting now, on this thread.
    pub(crate) fn start(allowance: Allowance) -> Self {
        Self {
            allowance,
            cpu_start: thread_cpu(),
            start: Instant::now(),
            cpu_free: Duration::ZERO,
            machine_free: Duration::ZERO,
        }
    }

    /// What runs.
    pub(crate) fn call(&self) -> &'static str {
        self.allowance.call
    }

    /// Runs the host's own work without charging the guest for it.
    pub(crate) fn free<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (cpu, start) = (thread_cpu(), Instant::now());
        let done = work();
        self.cpu_free += thread_cpu().saturating_sub(cpu);
        self.machine_free += start.elapsed();
        done
    }

    /// Why the call must end now, if it must.
    pub(crate) fn overdrawn(&self) -> Option<String> {
        let cpu = thread_cpu().saturating_sub(self.cpu_start + self.cpu_free);
        let machine = self.start.elapsed().saturating_sub(self.machine_free);
        self.allowance.overdrawn(cpu, machine)
    }
}

impl Allowance {
    fn overdrawn(self, cpu: Duration, machine: Duration) -> Option<String> {
        let call = self.call;
        if cpu > self.cpu {
            return Some(format!(
                "{call} used up its deadline of {:?} CPU time: an endless loop, or too much work at once",
                self.cpu
            ));
        }
        let longest = self.cpu * MACHINE_TIMES;
        (machine > longest).then(|| {
            format!("{call} did not return within {longest:?} ({cpu:?} of it CPU time): the machine is too busy, or the call waits for what never comes")
        })
    }
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance {
        cpu: Duration::from_millis(100),
        call: "handle",
    };

    #[test]
    fn a_busy_machine_is_not_the_guests_fault() {
        let ms = Duration::from_millis;
        assert_eq!(ALLOWANCE.overdrawn(ms(99), ms(900)), None);
        assert!(
            ALLOWANCE
                .overdrawn(ms(101), ms(101))
                .unwrap()
                .contains("100ms CPU time")
        );
        assert!(
            ALLOWANCE
                .overdrawn(ms(3), ms(1001))
                .unwrap()
                .contains("within 1s")
        );
    }

    #[test]
    fn the_hosts_own_work_is_free() {
        let mut meter = Meter::start(Allowance {
            cpu: Duration::from_millis(20),
            call: "handle",
        });
        let spin = || {
            let start = thread_cpu();
            while thread_cpu() - start < Duration::from_millis(25) {}
        };
        meter.free(spin);
        assert_eq!(meter.overdrawn(), None);
        spin();
        assert!(meter.overdrawn().is_some());
    }
}
