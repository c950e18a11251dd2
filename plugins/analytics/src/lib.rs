//! Counts what happens: rates, failures, duty, time in band, and what is unusual for the hour.
//!
//! The way of a batch: each event is folded into the open minute ([`tally`]); a minute that is
//! over goes into the rings ([`rings`]); at a tick whatever report is due is summed up from them
//! and told ([`report`]). All time is room time: rates are per real hour, never per event.

mod band;
mod baseline;
mod bucket;
mod devices;
mod report;
mod rings;
mod tally;

use baseline::Care;
use growbox_sdk::prelude::*;
use tally::Tally;

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct Analytics {
    /// How often the report over one hour is made.
    #[setting(default = "5min", min = "1min", max = "1h")]
    pub hour_every: Span,
    /// How often the report over one day is made.
    #[setting(default = "1h", min = "1min", max = "1d")]
    pub day_every: Span,
    /// How often the report over seven days is made.
    #[setting(default = "1d", min = "1min", max = "7d")]
    pub week_every: Span,
    /// How many robust deviations off the usual value is an anomaly.
    #[setting(default = 6.0, min = 3.0, max = 50.0)]
    pub anomaly_deviations: f64,
    /// Quarters of an hour that must be known of an hour of the day before it is judged; four a day.
    #[setting(default = 12, min = 4, max = 20)]
    pub anomaly_samples: u32,
}

#[growbox::plugin(
    reads("*"),
    tick = "1min",
    may_emit("analytics.*" = "to tell how often what happened, and what is unusual")
)]
impl Handler for Analytics {
    type State = Tally;

    fn handle(&self, room: &Room, tally: &mut Tally, effects: &mut Effects) -> Outcome {
        for event in room.events() {
            tally.advance(Moment::from_nanoseconds(event.taken));
            if let Some(found) = tally.take(room, event, self.care()) {
                found.tell(event, effects);
                tally.count_own("analytics.anomaly", 1);
            }
        }
        tally.advance(room.now());
        if room.tick() {
            tally.look_at_devices(room);
            self.report(room, tally, effects);
        }
        Ok(())
    }
}

/// A batch so large means that more is waiting: reports come once it has been counted.
const FULL_BATCH: usize = 256;

impl Analytics {
    fn care(&self) -> Care {
        Care {
            samples: self.anomaly_samples as usize,
            deviations: self.anomaly_deviations,
        }
    }

    /// Makes every report that is due.
    fn report(&self, room: &Room, tally: &mut Tally, effects: &mut Effects) {
        if room.events().len() >= FULL_BATCH {
            return;
        }
        let mut made = 0;
        let every = [self.hour_every, self.day_every, self.week_every];
        for (place, every) in every.into_iter().enumerate() {
            if tally.is_due(place, every, room.now()) {
                let data = report::document(&tally.account(place, room));
                effects.emit("analytics.report", &data);
                made += 1;
            }
        }
        tally.count_own("analytics.report", made);
    }
}

#[cfg(test)]
mod tests;
