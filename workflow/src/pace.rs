//! How fast a provider may be asked: limiters that learn, shared by all runs of a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// One kind of call to one service: what a provider counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The service, as the provider names it.
    pub service: &'static str,
    /// The call, as the provider names it.
    pub call: &'static str,
}

/// Shares out the calls of one account and region among all runs of a process.
///
/// There is one limiter for each call, under one for each service. Each begins slowly, halves its rate when
/// the provider says that it is asked too often, and recovers gently; none knows the provider's bucket sizes.
/// Turns are given in the order in which they were asked for.
#[derive(Debug)]
pub struct Pacer {
    clock: Arc<dyn Clock>,
    time_scale: f64,
    limiters: Mutex<BTreeMap<(&'static str, &'static str), Limiter>>,
}

/// The name under which the limiter of a whole service is kept.
const WHOLE_SERVICE: &str = "";

impl Pacer {
    /// A pacer for a target whose clock runs `time_scale` times as fast as ours.
    pub fn new(clock: Arc<dyn Clock>, time_scale: f64) -> Self {
        Self { clock, time_scale, limiters: Mutex::new(BTreeMap::new()) }
    }

    /// Waits for the caller's turn, and takes it.
    ///
    /// A caller that goes away while it waits has used its turn up.
    pub async fn turn(&self, lane: Lane) {
        let wait = self.with_limiters(lane, |limiters, now| {
            limiters.map(|limiter| limiter.reserve(now)).into_iter().max()
        });
        let wait = wait.unwrap_or_default();
        if !wait.is_zero() {
            self.clock.sleep(self.real(wait)).await;
        }
    }

    /// How long a caller that asked now would wait for its turn, in real time. Takes no turn.
    pub fn wait_for(&self, lane: Lane) -> Duration {
        let wait = self.with_limiters(lane, |limiters, now| {
            limiters.map(|limiter| limiter.wait(now)).into_iter().max()
        });
        self.real(wait.unwrap_or_default())
    }

    /// Takes in that the provider was asked too often.
    pub fn throttled(&self, lane: Lane) {
        self.with_limiters(lane, |limiters, now| limiters.map(|limiter| limiter.slow_down(now)));
    }

    /// Takes in that the provider answered.
    pub fn answered(&self, lane: Lane) {
        self.with_limiters(lane, |limiters, _| limiters.map(Limiter::recover));
    }

    /// Gives the limiter of the service and the one of the call, in this order, with the target's time.
    fn with_limiters<T>(
        &self,
        lane: Lane,
        change: impl FnOnce([&mut Limiter; 2], Duration) -> T,
    ) -> T {
        let now = self.clock.elapsed().mul_f64(self.time_scale);
        // A panic while the lock was held leaves numbers that are at worst out of date.
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut service = *limiters
            .entry((lane.service, WHOLE_SERVICE))
            .or_insert_with(|| Limiter::new(SERVICE_PACE));
        let mut call =
            *limiters.entry((lane.service, lane.call)).or_insert_with(|| Limiter::new(CALL_PACE));
        let answer = change([&mut service, &mut call], now);
        limiters.insert((lane.service, WHOLE_SERVICE), service);
        limiters.insert((lane.service, lane.call), call);
        answer
    }

    fn real(&self, duration: Duration) -> Duration {
        duration.div_f64(self.time_scale.max(1e-3))
    }
}

/// How a limiter begins, and how far it may go. Rates are calls in a second of the target.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rate_first: f64,
    rate_min: f64,
    rate_max: f64,
    /// Calls that may be made at once after a pause.
    burst: f64,
}

/// One call: begins below the smallest published refill but one, with a burst for the twins of one stack.
const CALL_PACE: Pace = Pace { rate_first: 4.0, rate_min: 0.1, rate_max: 50.0, burst: 4.0 };

/// A whole service: no service is known to give less than ten calls in a second to all calls together.
const SERVICE_PACE: Pace = Pace { rate_first: 10.0, rate_min: 1.0, rate_max: 100.0, burst: 20.0 };

/// The part of the rate that is left after the provider said that it was asked too often.
const SLOW_DOWN: f64 = 0.5;

/// What each answered call adds to the rate, as a part of the first rate.
const RECOVERY: f64 = 0.05;

/// A limiter after the generic cell rate algorithm: all of its state is the moment at which it would be idle.
#[derive(Debug, Clone, Copy)]
struct Limiter {
    pace: Pace,
    rate: f64,
    idle_at: Duration,
}

impl Limiter {
    fn new(pace: Pace) -> Self {
        Self { pace, rate: pace.rate_first, idle_at: Duration::ZERO }
    }

    fn wait(&self, now: Duration) -> Duration {
        let burst = self.interval().mul_f64(self.pace.burst - 1.0);
        self.idle_at.saturating_sub(burst).saturating_sub(now)
    }

    fn reserve(&mut self, now: Duration) -> Duration {
        let wait = self.wait(now);
        self.idle_at = self.idle_at.max(now) + self.interval();
        wait
    }

    fn slow_down(&mut self, now: Duration) {
        self.rate = (self.rate * SLOW_DOWN).max(self.pace.rate_min);
        // The provider's bucket is empty: so is ours.
        let full = self.interval().mul_f64(self.pace.burst);
        self.idle_at = self.idle_at.max(now + full);
    }

    fn recover(&mut self) {
        let gain = self.pace.rate_first * RECOVERY;
        self.rate = (self.rate + gain).min(self.pace.rate_max);
    }

    fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut limiter = Limiter::new(CALL_PACE);
        let now = Duration::from_secs(100);
        let waits: Vec<_> = (0..6).map(|_| limiter.reserve(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500]);
        assert_eq!(limiter.wait(now + 750 * MS), Duration::ZERO);
    }

    #[test]
    fn a_throttled_limiter_is_empty_and_half_as_fast() {
        let mut limiter = Limiter::new(CALL_PACE);
        let now = Duration::from_secs(100);
        limiter.slow_down(now);
        assert_eq!(limiter.reserve(now), 500 * MS);
        assert_eq!(limiter.reserve(now), 1_000 * MS);
    }

    #[test]
    fn rates_stay_within_their_bounds_however_long_it_goes_on() {
        let mut limiter = Limiter::new(CALL_PACE);
        (0..100).for_each(|_| limiter.slow_down(Duration::ZERO));
        assert!(limiter.rate >= CALL_PACE.rate_min);
        (0..10_000).for_each(|_| limiter.recover());
        assert!(limiter.rate <= CALL_PACE.rate_max);
    }
}
