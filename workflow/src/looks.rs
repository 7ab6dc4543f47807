//! When to look again at something that takes its time.

use std::time::Duration;

use crate::Profile;

/// From one look to the next the delay grows by this factor, until it is the steady one.
const LOOK_GROWTH: f64 = 1.5;
const LOOK_GROWTH_MAX: f64 = 1e6;

/// The pace of looks that have gone on for a while, in the provider's time: often enough for things that take a
/// minute, and a part of a call in a second.
const LOOK_STEADY: Duration = Duration::from_millis(2_500);

/// Steady looks fall on a common beat, in the provider's time: those that are due at about the same time share a call
/// where the provider lets one call ask about many things.
const LOOK_BEAT: Duration = Duration::from_millis(500);

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
        return on_the_beat(profile, now, profile.real_delay(hint));
    }
    let first = Duration::from_millis(profile.look_first_ms);
    // A profile that begins slower than the steady pace goes on at its own.
    let steady = LOOK_STEADY.max(first);
    let grown = i32::try_from(looks.made.saturating_sub(1)).unwrap_or(i32::MAX);
    let growth = LOOK_GROWTH.powi(grown).min(LOOK_GROWTH_MAX);
    let quick = first.mul_f64(growth).min(steady);
    let longest = profile.real_delay(Duration::from_millis(profile.look_max_ms));
    let delay = profile.real_delay(quick).max(looks.waited.mul_f64(LOOK_PART)).min(longest);
    if quick == steady { on_the_beat(profile, now, delay) } else { delay }
}

/// Lengthens a delay to the next beat.
fn on_the_beat(profile: &Profile, now: Duration, delay: Duration) -> Duration {
    let beat_ms = profile.real(LOOK_BEAT).as_millis().max(1);
    let due_ms = (now + delay).as_millis();
    let late_ms = due_ms.next_multiple_of(beat_ms) - due_ms;
    delay + Duration::from_millis(u64::try_from(late_ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delay in milliseconds, when it is 130 ms past a beat.
    fn delay_ms(profile: &Profile, made: u32, waited_secs: u64, hint: Option<u64>) -> u128 {
        let waited = Duration::from_secs(waited_secs);
        let hint = hint.map(Duration::from_secs);
        delay(profile, Duration::from_millis(1_130), &Looks { made, waited, hint }).as_millis()
    }

    #[test]
    fn looks_come_less_often_until_they_keep_the_beat() {
        let profile = Profile::default();
        let first = [1, 2, 3, 4].map(|made| delay_ms(&profile, made, 0, None));
        assert_eq!(first, [500, 750, 1_125, 1_687]);
        // 2.5 s from now are 130 ms past a beat: the next one is 370 ms later.
        let steady = [5, 6, 99, u32::MAX].map(|made| delay_ms(&profile, made, 0, None));
        assert_eq!(steady, [2_870; 4]);
        let looks = Looks { made: 9, waited: Duration::ZERO, hint: None };
        let on_a_beat = delay(&profile, Duration::from_secs(1), &looks);
        assert_eq!(on_a_beat, LOOK_STEADY, "what is on the beat is not moved");
    }

    #[test]
    fn a_long_wait_is_looked_at_by_a_part_of_it_and_within_the_longest_delay() {
        let profile = Profile::default();
        // 2 % of 300 s, and 10 s, each to the next beat.
        assert_eq!(delay_ms(&profile, 50, 300, None), 6_370);
        assert_eq!(delay_ms(&profile, 50, 3_000, None), 10_370);
    }

    #[test]
    fn the_providers_word_on_the_next_look_counts() {
        let profile = Profile::default();
        assert_eq!(delay_ms(&profile, 1, 0, Some(7)), 7_370);
        assert_eq!(delay_ms(&profile, 50, 3_000, Some(60)), 60_370, "also beyond the longest");
    }

    #[test]
    fn a_faster_target_is_looked_at_more_often_and_a_slow_profile_begins_slowly() {
        let fast = Profile::scaled(10.0);
        // 250 ms, on beats of 50 ms.
        assert_eq!(delay_ms(&fast, 50, 0, None), 270);
        // No beat is shorter than a millisecond, and no delay a busy loop.
        assert_eq!(delay_ms(&Profile::scaled(1e9), 50, 0, None), 10);
        let slow = Profile { look_first_ms: 4_000, ..Profile::default() };
        assert_eq!(delay_ms(&slow, 1, 0, None), 4_370);
        assert_eq!(delay_ms(&slow, 9, 0, None), 4_370);
    }
}
