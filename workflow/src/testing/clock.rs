//! Time that passes only when everybody sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lab1_flow_journal::Timestamp;
use tokio::time::Instant;

use crate::Clock;
use crate::clock::SystemClock;
use crate::erased::BoxFuture;

/// Follows tokio's clock; in a runtime that was started paused, hours take no time.
///
/// The wall clock can be set without the elapsed time noticing, as on a real machine. Clones share it.
#[derive(Debug, Clone)]
pub struct PausedClock {
    /// The time of this process.
    own: Watch,
    /// The time since the wall clock showed `WALL_START_MS`, unless it was set since.
    wall: Watch,
    wall_shift_ms: Arc<AtomicI64>,
}

/// What the wall clock shows at first: 2030-01-01, so that a real date in a history shows a leak.
const WALL_START_MS: i64 = 1_893_456_000_000;

/// Counts from an age on, or stands still.
#[derive(Debug, Clone, Copy)]
struct Watch {
    age: Duration,
    since: Option<Instant>,
}

impl Watch {
    fn from(age: Duration) -> Self {
        Self { age, since: Some(Instant::now()) }
    }

    fn read(self) -> Duration {
        self.age + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn stopped(self) -> Self {
        Self { age: self.read(), since: None }
    }
}

impl PausedClock {
    /// A clock whose elapsed time starts now. Must be called inside a tokio runtime.
    pub fn new() -> Self {
        let start = Watch::from(Duration::ZERO);
        Self { own: start, wall: start, wall_shift_ms: Arc::default() }
    }

    /// The clock of the next process on the same machine: its elapsed time starts anew, the wall clock goes on.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self { own: Watch::from(Duration::ZERO), ..self.clone() }
    }

    /// What this clock shows now, for ever: the clock in a picture.
    #[must_use]
    pub fn stopped(&self) -> Self {
        Self { own: self.own.stopped(), wall: self.wall.stopped(), ..self.apart() }
    }

    /// A clock that goes on from what this one shows now, and is not set when this one is.
    #[must_use]
    pub fn going_on(&self) -> Self {
        let (own, wall) = (Watch::from(self.own.read()), Watch::from(self.wall.read()));
        Self { own, wall, ..self.apart() }
    }

    /// Sets the wall clock forward, or back when `shift_ms` is negative.
    pub fn set_wall_by(&self, shift_ms: i64) {
        self.wall_shift_ms.fetch_add(shift_ms, Ordering::Relaxed);
    }

    fn apart(&self) -> Self {
        let shift_ms = AtomicI64::new(self.wall_shift_ms.load(Ordering::Relaxed));
        Self { wall_shift_ms: Arc::new(shift_ms), ..*self }
    }
}

impl Default for PausedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let start = WALL_START_MS + self.wall_shift_ms.load(Ordering::Relaxed);
        Timestamp(start).plus(self.wall.read())
    }

    fn elapsed(&self) -> Duration {
        self.own.read()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // The same timer: only the runtime decides whether it is paused.
        SystemClock::new().sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn a_sleep_takes_virtual_time_on_both_clocks() {
        let clock = PausedClock::new();
        let before = clock.now();
        clock.sleep(HOUR).await;
        assert_eq!(clock.elapsed(), HOUR);
        assert_eq!(clock.now().since(before), HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_is_set_alone_and_a_restart_keeps_it() {
        let clock = PausedClock::new();
        let before = clock.now();
        clock.set_wall_by(60_000);
        clock.sleep(HOUR).await;
        let next = clock.restarted();
        assert_eq!((clock.elapsed(), next.elapsed()), (HOUR, Duration::ZERO));
        assert_eq!(next.now().since(before), HOUR + Duration::from_mins(1));
    }
    #[tokio::test(start_paused = true)]
    async fn a_stopped_clock_stands_and_one_that_goes_on_from_it_loses_nothing() {
        let clock = PausedClock::new();
        clock.sleep(HOUR).await;
        let (stopped, wall) = (clock.stopped(), clock.now());
        clock.set_wall_by(60_000);
        clock.sleep(HOUR).await;
        assert_eq!((stopped.elapsed(), stopped.now()), (HOUR, wall));
        let later = stopped.going_on();
        clock.sleep(HOUR).await;
        assert_eq!((later.elapsed(), later.now().since(wall)), (2 * HOUR, HOUR));
    }
}
