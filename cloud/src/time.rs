//! Time as the cloud sees it: an injected clock, the scale on top of it, and the wire's way to write it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Tells the time in milliseconds since 1970, before the time scale is applied.
pub trait CloudClock: Debug + Send + Sync {
    /// Reads the clock. A clock that steps back is tolerated: cloud time never does.
    fn now_ms(&self) -> i64;
}

/// Reads the machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemCloudClock;

impl CloudClock for SystemCloudClock {
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Stands still until a test moves it; clones share one time.
#[derive(Debug, Clone)]
pub struct VirtualCloudClock {
    now_ms: Arc<AtomicI64>,
}

impl VirtualCloudClock {
    /// Makes a clock that shows `now_ms`.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms: Arc::new(AtomicI64::new(now_ms)) }
    }

    /// Moves the clock to `now_ms`, also backwards.
    pub fn set_ms(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the clock forward by `delta_ms`.
    pub fn advance_ms(&self, delta_ms: i64) {
        self.now_ms.fetch_add(delta_ms, Ordering::SeqCst);
    }

    /// Moves the clock forward by whole seconds.
    pub fn advance_s(&self, delta_s: i64) {
        self.advance_ms(delta_s.saturating_mul(1000));
    }
}

impl Default for VirtualCloudClock {
    /// Starts at 2026-01-01T00:00:00Z: a real date, so that printed times look like times.
    fn default() -> Self {
        Self::new(1_767_225_600_000)
    }
}

impl CloudClock for VirtualCloudClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }
}

/// Maps clock time to cloud time: a fixed point and a rate.
///
/// It is stored with the state, so that after a restart the clocks stand where they would be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Timeline {
    clock_ms: i64,
    cloud_ms: i64,
    scale: f64,
}

impl Timeline {
    /// Starts a timeline on which cloud time equals clock time now.
    pub(crate) fn starting_at(clock_ms: i64, scale: f64) -> Self {
        Self { clock_ms, cloud_ms: clock_ms, scale }
    }

    /// Converts a reading of the clock to cloud time.
    pub(crate) fn cloud_ms(&self, clock_ms: i64) -> i64 {
        let elapsed_ms = clock_ms.saturating_sub(self.clock_ms).max(0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "below 2^53 milliseconds, some 285,000 years, and saturating above"
        )]
        let scaled_ms = (elapsed_ms as f64 * self.scale) as i64;
        self.cloud_ms.saturating_add(scaled_ms)
    }

    /// Goes on at another rate from now, without a jump.
    pub(crate) fn rescaled(&self, clock_ms: i64, scale: f64) -> Self {
        Self { clock_ms, cloud_ms: self.cloud_ms(clock_ms), scale }
    }

    /// Tells the rate: how many cloud seconds pass in one second of the clock.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }
}

/// Writes a time as AWS does: ISO 8601 with milliseconds, in UTC.
pub(crate) fn iso8601(time_ms: i64) -> String {
    let seconds = time_ms.div_euclid(1000);
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        time_ms.rem_euclid(1000)
    )
}

/// Turns days since 1970 into year, month and day of the Gregorian calendar.
///
/// Years are counted from March here, so that the leap day comes last.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_iso_8601() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso8601(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(iso8601(1_798_761_599_999), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_timeline_runs_at_its_scale_and_changes_it_without_a_jump() {
        let timeline = Timeline::starting_at(1_000, 60.0);
        assert_eq!(timeline.cloud_ms(2_000), 61_000);
        let slower = timeline.rescaled(2_000, 1.0);
        assert_eq!(slower.cloud_ms(2_000), 61_000);
        assert_eq!(slower.cloud_ms(2_500), 61_500);
    }

    #[test]
    fn a_clock_before_the_fixed_point_does_not_turn_cloud_time_back() {
        assert_eq!(Timeline::starting_at(1_000, 60.0).cloud_ms(500), 1_000);
    }
}
