//! When to look again at something that takes its time.

use std::time::Duration;

use crate::Profile;

/// From one look to the next the delay grows by this factor, until it is the steady one.
const LOOK_GROWTH: f64 = 1.5;
const LOOK_GROWTH_MAX: f64 = 1e6;

/// The pace of looks that have gone on for a while, in the provider's time: often enough for things that take a
/// minute, and a part of a call in a second. They fall on a common beat of this length, so that those which are due at
/// about the same time share a call where the provider lets one call ask about many things.
const LOOK_STEADY: Duration = Duration::from_secs(3);

/// How late the end of a long wait may be seen, as a part of it.
const LOOK_PART: f64 = 0.02;

/// A wait, as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looks {
    /// The number of looks so far.
    pub(crate) made: u32,
    /// How long it has been, in real time.
    pub(crate) waited: Duration,
    /// What the provider says about the next look, in its time.
    pub(crate) hint: Option<Duration>,
}

/// The delay before the next look: it grows quickly to a steady pace, and then with the wait itself, so that
/// the end of a long wait is seen late by a fixed part of it only.
pub(crate) fn delay(profile: &Profile, now: Duration, looks: &Looks) -> Duration {
    if let Some(hint) = looks.hint {
        return profile.real_delay(hint);
    }
    let first = Duration::from_millis(profile.look_first_ms);
    // A profile that begins slower than the steady pace goes on at its own.
    let steady = LOOK_STEADY.max(first);
    let grown = i32::try_from(looks.made.saturating_sub(1)).unwrap_or(i32::MAX);
    let growth = LOOK_GROWTH.powi(grown).min(LOOK_GROWTH_MAX);
    let quick = first.mul_f64(growth).min(steady);
    let longest = profile.real_delay(Duration::from_millis(profile.look_max_ms));
    let delay = profile.real_delay(quick).max(looks.waited.mul_f64(LOOK_PART)).min(longest);
    let delay = if quick == steady { on_the_beat(now, delay, profile.real(steady)) } else { delay };
    delay.min(longest)
}

/// As many whole beats as the delay has, from the beat that is nearest to now: a look comes back a little after its
/// beat, and those of others may be a little before it.
fn on_the_beat(now: Duration, delay: Duration, beat: Duration) -> Duration {
    let beat_ms = beat.as_millis().max(1);
    let now_ms = now.as_millis();
    let beats = (delay.as_millis() / beat_ms).max(1);
    let due_ms = ((now_ms + beat_ms / 2) / beat_ms + beats) * beat_ms;
    Duration::from_millis(u64::try_from(due_ms - now_ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delay in milliseconds, when it is 130 ms past a beat.
    fn delay_ms(profile: &Profile, made: u32, waited_secs: u64, hint: Option<u64>) -> u128 {
        let waited = Duration::from_secs(waited_secs);
        let hint = hint.map(Duration::from_secs);
        delay(profile, Duration::from_millis(3_130), &Looks { made, waited, hint }).as_millis()
    }

    #[test]
    fn looks_come_less_often_until_they_keep_the_beat() {
        let profile = Profile::default();
        let first = [1, 2, 3, 4, 5].map(|made| delay_ms(&profile, made, 0, None));
        assert_eq!(first, [500, 750, 1_125, 1_687, 2_531]);
        let steady = [6, 7, 99, u32::MAX].map(|made| delay_ms(&profile, made, 0, None));
        assert_eq!(steady, [2_870; 4]);
    }

    #[test]
    fn who_looks_at_about_the_same_time_looks_together_from_then_on() {
        let looks = Looks { made: 9, waited: Duration::ZERO, hint: None };
        let due_ms = |now_ms| {
            let now = Duration::from_millis(now_ms);
            (now + delay(&Profile::default(), now, &looks)).as_millis()
        };
        assert_eq!([4_500, 5_700, 6_000, 6_001, 7_499].map(due_ms), [9_000; 5]);
        assert_eq!([4_499, 7_500].map(due_ms), [6_000, 12_000]);
    }

    #[test]
    fn a_long_wait_is_looked_at_by_a_part_of_it_and_within_the_longest_delay() {
        let profile = Profile::default();
        // 2 % of 299 s, of 300 s, and 10 s, each in whole beats.
        assert_eq!(delay_ms(&profile, 50, 299, None), 2_870);
        assert_eq!(delay_ms(&profile, 50, 300, None), 5_870);
        assert_eq!(delay_ms(&profile, 50, 3_000, None), 8_870);
        // A wait that an earlier process began is not looked at more often for that.
        assert_eq!(delay_ms(&profile, 1, 300, None), 6_000);
    }

    #[test]
    fn no_delay_is_longer_than_the_longest_whatever_the_beat_is() {
        for look_max_ms in [40, 1_000, 2_999, 3_000, 10_000] {
            let profile = Profile { look_max_ms, ..Profile::default() };
            for (made, waited_secs) in [(1, 0), (9, 0), (50, 299), (50, 3_000)] {
                for now_ms in [0, 1, 1_500, 1_501, 2_999, 3_130, 4_400] {
                    let waited = Duration::from_secs(waited_secs);
                    let looks = Looks { made, waited, hint: None };
                    let delay = delay(&profile, Duration::from_millis(now_ms), &looks).as_millis();
                    assert!(delay <= u128::from(look_max_ms), "{look_max_ms}: {delay} at {now_ms}");
                }
            }
        }
    }

    #[test]
    fn the_providers_word_on_the_next_look_counts() {
        let profile = Profile::default();
        assert_eq!(delay_ms(&profile, 1, 0, Some(7)), 7_000);
        assert_eq!(delay_ms(&profile, 50, 3_000, Some(60)), 60_000, "also beyond the longest");
    }

    #[test]
    fn a_faster_target_is_looked_at_more_often_and_a_slow_profile_keeps_its_own_beat() {
        let fast = Profile::scaled(10.0);
        // Beats of 300 ms: it is 130 ms past one.
        assert_eq!(delay_ms(&fast, 50, 0, None), 170);
        // No beat is shorter than a millisecond, and no delay a busy loop.
        assert_eq!(delay_ms(&Profile::scaled(1e9), 50, 0, None), 10);
        let slow = Profile { look_first_ms: 4_000, ..Profile::default() };
        assert_eq!(delay_ms(&slow, 1, 0, None), 4_870);
        assert_eq!(delay_ms(&slow, 9, 0, None), 4_870);
    }
}
