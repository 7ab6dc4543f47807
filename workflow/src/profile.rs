//! How fast a target is, and how patient a run must be with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Consistency, Limits};

/// The time behaviour of a target; stored in the run's header, so that every process keeps the same.
///
/// All limits of actions are stated in the provider's time. A simulated target whose clock runs faster
/// divides them. A stored profile may lack fields that were added later, which are as on AWS then, and have some that this
/// version does not know, which are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// How many seconds of the target pass in one real second; 1 on a real provider.
    pub time_scale: f64,
    /// How long most effects may stay invisible, in milliseconds of the target.
    pub window_usual_ms: u64,
    /// How long the slowest effects may stay invisible, in milliseconds of the target.
    pub window_slow_ms: u64,
    /// The first delay after a failure, in milliseconds of the target.
    pub delay_first_ms: u64,
    /// The longest delay after a failure, in milliseconds of the target.
    pub delay_max_ms: u64,
    /// The first delay between two looks, in milliseconds of the target.
    pub look_first_ms: u64,
    /// The longest delay between two looks, in milliseconds of the target.
    pub look_max_ms: u64,
}

impl Default for Profile {
    /// As on AWS.
    fn default() -> Self {
        Self {
            time_scale: 1.0,
            window_usual_ms: 120_000,
            window_slow_ms: 300_000,
            delay_first_ms: 500,
            delay_max_ms: 20_000,
            look_first_ms: 500,
            look_max_ms: 10_000,
        }
    }
}

/// No real delay is shorter, however fast the target's clock runs: it would be a busy loop.
const REAL_DELAY_MIN: Duration = Duration::from_millis(10);

// Computing, and a call to the next process, are as fast as the machine, whatever the target's clock does. So what is
// given up by the real time that has passed keeps a least real time: a run must not fail because its machine is busy.

/// The least patience with what is waited for, in conflict or throttled.
const REAL_PATIENCE_MIN: Duration = Duration::from_secs(10);
/// The least patience with a target that cannot be reached: it is counted in delays, and a person waits.
const REAL_UNREACHABLE_MIN: Duration = Duration::from_secs(2);
/// The least time in which an effect may stay invisible: a request of a dead process may still be in the target's hands.
const REAL_WINDOW_MIN: Duration = Duration::from_secs(1);

impl Profile {
    /// The profile of a simulated AWS whose clock runs `time_scale` times as fast.
    #[must_use]
    pub fn scaled(time_scale: f64) -> Self {
        Self { time_scale, ..Self::default() }
    }

    /// Turns the target's time into real time.
    pub fn real(&self, duration: Duration) -> Duration {
        let scale = if self.time_scale.is_finite() { self.time_scale.max(1e-3) } else { 1.0 };
        duration.div_f64(scale)
    }

    /// Turns the target's time into a real delay that is never a busy loop.
    pub fn real_delay(&self, duration: Duration) -> Duration {
        self.real(duration).max(REAL_DELAY_MIN)
    }

    /// Turns the target's time into real time, not below `least` unless the target's time itself is.
    fn real_at_least(&self, duration: Duration, least: Duration) -> Duration {
        self.real(duration).max(duration.min(least))
    }

    /// How long an effect of this kind may stay invisible, in real time: a second at least, however fast the target's
    /// clock runs.
    pub fn window(&self, consistency: Consistency) -> Duration {
        let window = Duration::from_millis(match consistency {
            Consistency::Usual => self.window_usual_ms,
            Consistency::Slow => self.window_slow_ms,
        });
        self.real_at_least(window, REAL_WINDOW_MIN)
    }

    /// The limits in real time.
    pub(crate) fn real_limits(&self, limits: &Limits) -> Limits {
        let patience = |limit| self.real_at_least(limit, REAL_PATIENCE_MIN);
        Limits {
            tries_max: limits.tries_max,
            throttled_max: patience(limits.throttled_max),
            unreachable_max: self.real_at_least(limits.unreachable_max, REAL_UNREACHABLE_MIN),
            contended_max: patience(limits.contended_max),
            waited_max: patience(limits.waited_max),
            attempt_max: limits.attempt_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_target_shortens_every_limit_but_the_one_of_a_call() {
        let profile = Profile::scaled(60.0);
        let real = profile.real_limits(&Limits::default());
        assert_eq!(real.waited_max, Duration::from_secs(15));
        assert_eq!(real.attempt_max, Limits::default().attempt_max);
        assert_eq!(profile.window(Consistency::Slow), Duration::from_secs(5));
    }

    #[test]
    fn no_scale_leaves_less_patience_than_a_busy_machine_needs() {
        let profile = Profile::scaled(100_000.0);
        let real = profile.real_limits(&Limits::default());
        for limit in [real.throttled_max, real.contended_max, real.waited_max] {
            assert_eq!(limit, REAL_PATIENCE_MIN);
        }
        assert_eq!(real.unreachable_max, REAL_UNREACHABLE_MIN);
        assert_eq!(profile.window(Consistency::Usual), REAL_WINDOW_MIN);
        // What is short by itself stays so.
        let short = Limits { waited_max: Duration::from_secs(3), ..Limits::default() };
        assert_eq!(profile.real_limits(&short).waited_max, Duration::from_secs(3));
    }

    #[test]
    fn a_profile_of_an_earlier_and_of_a_later_version_reads() {
        let read = |json| serde_json::from_value::<Profile>(json).unwrap();
        assert_eq!(read(serde_json::json!({})), Profile::default());
        let later = serde_json::json!({ "time_scale": 60.0, "added_later": [1] });
        assert_eq!(read(later), Profile::scaled(60.0));
    }

    #[test]
    fn no_delay_is_a_busy_loop_and_no_scale_divides_by_zero() {
        assert_eq!(Profile::scaled(1e9).real_delay(Duration::from_secs(1)), REAL_DELAY_MIN);
        assert!(Profile::scaled(0.0).real(Duration::from_secs(1)) > Duration::from_secs(1));
        assert_eq!(Profile::scaled(f64::NAN).real(Duration::from_secs(1)).as_secs(), 1);
    }
}
