//! One limiter: how often a call may be made, learned from what the provider refuses.

use std::time::Duration;

/// How a limiter begins, and how far it may go. Rates are calls in a second of the target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    rate_first: f64,
    rate_min: f64,
    rate_max: f64,
    /// Calls that may be made at once after a pause.
    burst: f64,
}

/// One call: begins below the smallest published refill but one, with a burst for the twins of one stack.
pub(super) const CALL_PACE: Pace =
    Pace { rate_first: 4.0, rate_min: 0.05, rate_max: 50.0, burst: 4.0 };

/// A whole service: no service is known to give less than ten calls in a second to all calls together.
pub(super) const SERVICE_PACE: Pace =
    Pace { rate_first: 10.0, rate_min: 1.0, rate_max: 100.0, burst: 20.0 };

/// The part of the rate that is left while nothing is known about the provider's refill.
const SLOW_DOWN: f64 = 0.5;

/// What each answered call adds to the rate before the first refusal, as a part of the first rate.
const GROWTH: f64 = 0.05;

/// The part of the measured refill at which a limiter goes on, so that the provider's bucket fills a little.
const MARGIN: f64 = 0.98;

/// The growth for each answered call once the refill was measured: an unrefused row of so many calls doubles it, a
/// longer one multiplies it, so that a bucket that has grown is found.
const PROBE: f64 = 0.001;
const PROBE_ROW: f64 = 32.0;

/// A measurement of few calls is off by one call: the fewer, the quicker it is left behind.
const PROBE_DOUBT: f64 = 5.0;

/// A limiter after the generic cell rate algorithm: what it has given out is one moment, the one at which it would
/// be idle.
///
/// It knows neither size nor refill of the provider's bucket, and measures the refill: a refusal says that the
/// bucket is empty, so that between two refusals as many calls were answered as came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limiter {
    pace: Pace,
    rate: f64,
    idle_at: Duration,
    /// Since the last refusal; `None` before the first.
    measured: Option<Measure>,
}

#[derive(Debug, Clone, Copy)]
struct Measure {
    since: Duration,
    answered: u32,
    /// The calls that the measurement of the present rate rests on.
    basis: u32,
}

impl Limiter {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, rate: pace.rate_first, idle_at: Duration::ZERO, measured: None }
    }

    /// How long a caller that asked now would have to wait.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        let burst = self.interval().mul_f64(self.pace.burst - 1.0);
        self.idle_at.saturating_sub(burst).saturating_sub(now)
    }

    /// Takes one call out.
    pub(super) fn take(&mut self, now: Duration) {
        self.idle_at = self.idle_at.max(now) + self.interval();
    }

    /// Takes in that the provider answered.
    pub(super) fn answered(&mut self) {
        let rate = match &mut self.measured {
            None => self.rate + self.pace.rate_first * GROWTH,
            Some(measure) => {
                measure.answered = measure.answered.saturating_add(1);
                let row = 1.0 + (f64::from(measure.answered) / PROBE_ROW).powi(2);
                let doubt = 1.0 + PROBE_DOUBT / f64::from(measure.basis.max(1));
                self.rate * (1.0 + PROBE * row * doubt)
            }
        };
        self.rate = rate.min(self.pace.rate_max);
    }

    /// Takes in that the provider refused: its bucket is empty.
    pub(super) fn refused(&mut self, now: Duration) {
        let (rate, basis) = match self.measured {
            // Sent before the last refusal was heard: no news.
            Some(measure) if now.saturating_sub(measure.since) < self.interval() => return,
            Some(measure) if measure.answered >= 2 => {
                let span = now.saturating_sub(measure.since);
                let refill = f64::from(measure.answered) / span.as_secs_f64();
                // A bucket that ran over in between has taken in more than was answered.
                let refill = refill.max(self.rate * SLOW_DOWN);
                ((refill * MARGIN).min(self.rate), measure.answered)
            }
            Some(measure) => (self.rate * SLOW_DOWN, measure.basis),
            None => (self.rate * SLOW_DOWN, 0),
        };
        self.rate = rate.max(self.pace.rate_min);
        self.measured = Some(Measure { since: now, answered: 0, basis });
        self.idle_at = self.idle_at.max(now + self.interval().mul_f64(self.pace.burst));
    }

    /// The time between two calls.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }
}

#[cfg(test)]
mod tests;
