//! When to go on after a failure: delays that grow, with jitter that can be replayed.

use std::time::{Duration, Instant};

use backoff::backoff::Backoff;
use backoff::exponential::{ExponentialBackoff, ExponentialBackoffBuilder};

use crate::Profile;

/// A clock that stands still: the limits of a run are counted in journaled delays, not read off a clock,
/// so `backoff` must not measure any.
#[derive(Debug, Clone, Copy)]
struct StandingClock {
    moment: Instant,
}

impl Default for StandingClock {
    #[expect(clippy::disallowed_methods, reason = "any moment will do: it never moves")]
    fn default() -> Self {
        Self { moment: Instant::now() }
    }
}

impl backoff::Clock for StandingClock {
    fn now(&self) -> Instant {
        self.moment
    }
}

/// More doublings than this leave the delay at its cap whatever the profile says.
const GROWTH_MAX: u32 = 64;

/// The delay after the `failures`-th failure, in real time.
///
/// It grows from the profile's first to its longest delay and is then spread over the upper half of
/// itself by a jitter that depends on the run's seed, the action and the number of failures, and on nothing else.
pub(crate) fn delay_after(profile: &Profile, failures: u32, seed: u64) -> Duration {
    let mut policy: ExponentialBackoff<StandingClock> = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(profile.delay_first_ms))
        .with_max_interval(Duration::from_millis(profile.delay_max_ms))
        .with_multiplier(2.0)
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let growth = failures.clamp(1, GROWTH_MAX);
    let delay = (0..growth).filter_map(|_| policy.next_backoff()).last();
    let delay = delay.unwrap_or(Duration::from_millis(profile.delay_max_ms));
    let delay = delay.min(Duration::from_millis(profile.delay_max_ms));
    profile.real_delay(delay.mul_f64(jitter(seed, failures)))
}

/// A number in [0.5, 1.0).
fn jitter(seed: u64, failures: u32) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_be_bytes());
    hasher.update(&failures.to_be_bytes());
    let byte = |place: usize| f64::from(hasher.finalize().as_bytes()[place]);
    0.5 + (byte(0) * 256.0 + byte(1)) / 131_072.0
}

/// The seed of one action's jitter.
pub(crate) fn action_seed(run_seed: u64, action: &str) -> u64 {
    let hash = blake3::hash(action.as_bytes());
    let bytes: [u8; 8] = hash.as_bytes()[..8].try_into().unwrap_or_default();
    run_seed ^ u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_cap_and_stay_within_their_jitter() {
        let profile = Profile::default();
        for (failures, full_ms) in [(1, 500.0), (2, 1_000.0), (3, 2_000.0), (20, 20_000.0)] {
            for seed in 0..50 {
                let delay_ms = delay_after(&profile, failures, seed).as_secs_f64() * 1_000.0;
                assert!(delay_ms >= full_ms / 2.0 && delay_ms < full_ms, "{failures}: {delay_ms}");
            }
        }
    }

    #[test]
    fn no_delay_is_longer_than_the_longest_even_the_first() {
        let profile = Profile { delay_first_ms: 5_000, delay_max_ms: 100, ..Profile::default() };
        for failures in 1..5 {
            assert!(delay_after(&profile, failures, 1) <= Duration::from_millis(100));
        }
    }

    #[test]
    fn the_same_failure_of_the_same_run_waits_the_same_time() {
        let profile = Profile::default();
        assert_eq!(delay_after(&profile, 3, 9), delay_after(&profile, 3, 9));
        assert_ne!(delay_after(&profile, 3, 9), delay_after(&profile, 3, 10));
    }

    #[test]
    fn the_jitter_is_spread_over_the_whole_half() {
        let jitters: Vec<_> = (0..2_000).map(|seed| jitter(seed, 1)).collect();
        assert!(jitters.iter().all(|it| (0.5..1.0).contains(it)));
        let below = |bound: f64| jitters.iter().filter(|it| **it < bound).count();
        for (bound, wanted) in
            [(0.505, 20), (0.625, 500), (0.75, 1_000), (0.875, 1_500), (0.995, 1_980)]
        {
            assert!(below(bound).abs_diff(wanted) < 100, "{} below {bound}", below(bound));
        }
        // Finer than a byte: twins of one stack do not meet again.
        let distinct: std::collections::BTreeSet<_> =
            jitters.iter().map(|it| it.to_bits()).collect();
        assert!(distinct.len() > 1_900, "{} of 2,000", distinct.len());
    }

    #[test]
    fn each_action_of_each_run_has_a_jitter_of_its_own() {
        let seeds = [
            action_seed(1, "a"),
            action_seed(2, "a"),
            action_seed(1, "b"),
            action_seed(u64::MAX, "a"),
        ];
        let distinct: std::collections::BTreeSet<_> = seeds.into_iter().collect();
        assert_eq!(distinct.len(), seeds.len());
    }

    #[test]
    fn any_number_of_failures_is_answered_at_once() {
        let delay = delay_after(&Profile::default(), u32::MAX, 1);
        assert!(delay <= Duration::from_secs(20));
    }
}
