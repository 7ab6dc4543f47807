//! Time: the only file that reads a clock or sleeps.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lab1_flow_journal::Timestamp;

use crate::erased::BoxFuture;

/// Where an engine takes its time from.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock: stored and shown. It may be set back or forward; no limit is measured with it.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment in this process. It never goes back.
    fn elapsed(&self) -> Duration;

    /// Ends after so much time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clocks of the system, and tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose elapsed time starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_clocks_go_on_while_it_sleeps() {
        let clock = SystemClock::new();
        let (now, elapsed) = (clock.now(), clock.elapsed());
        assert!(now > Timestamp(1_700_000_000_000), "the wall clock shows today");
        clock.sleep(Duration::from_millis(2)).await;
        assert!(clock.elapsed() >= elapsed + Duration::from_millis(2));
    }
}
