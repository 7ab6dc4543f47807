//! Moments and spans of time, as text.

use std::time::Duration;

use lab1_flow_journal::Timestamp;

/// A moment in the form of RFC 3339, in UTC, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    rounded(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The time of day in UTC, to the millisecond: the day stands elsewhere.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    rounded(at, "%H:%M:%S%.3f")
}

fn rounded(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| "an unknown time".to_owned(), |at| at.strftime(format).to_string())
}

/// A span in the largest units that matter: `0.4 s`, `12 s`, `2:05 min`, `3 h 20 min`, `2 days`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => {
            // In tenths, rounded down: a second that has not passed is not shown.
            format!("{}.{} s", seconds, duration.subsec_millis() / 100)
        }
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A span that is about to pass, where a fraction of a second matters: `19 ms`, else as [`span`].
pub(crate) fn delay(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        span(duration)
    }
}

/// The present moment by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_use_the_units_that_matter() {
        let cases = [
            (0, "0.0 s"),
            (449, "0.4 s"),
            (9_990, "9.9 s"),
            (12_900, "12 s"),
            (125_000, "2:05 min"),
            (12_000_000, "3 h 20 min"),
            (200_000_000, "2 days"),
        ];
        for (millis, text) in cases {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_short_delay_is_told_in_milliseconds() {
        assert_eq!(delay(Duration::from_millis(19)), "19 ms");
        assert_eq!(delay(Duration::from_millis(1_500)), "1.5 s");
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(time_of_day(Timestamp(1_234)), "00:00:01.234");
        assert_eq!(moment(Timestamp(i64::MAX)), "an unknown time");
    }
}
