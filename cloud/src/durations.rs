//! How long things take: the duration model, one row for each event.

use serde::{Deserialize, Serialize};

use crate::ids;

/// Says from where in its distribution each duration is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durations {
    /// Everything takes its median.
    Typical,
    /// Everything takes what only one in twenty exceeds.
    Slow,
    /// Each event draws its own, by the seed, with long tails.
    Seeded,
    /// Nothing takes any time.
    Instant,
}

impl Durations {
    /// Takes a part of one, for what can fall anywhere in an interval.
    pub(crate) fn fraction(self, seed: u64, purpose: &str, key: &str) -> f64 {
        match self {
            Self::Typical => 0.5,
            Self::Slow => 1.0,
            Self::Seeded => ids::draw(seed, purpose, key),
            Self::Instant => 0.0,
        }
    }
}

/// Takes a part of a span of time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "spans are minutes, far below 2^53 milliseconds"
)]
pub(crate) fn part_of(span_ms: i64, fraction: f64) -> i64 {
    (span_ms as f64 * fraction) as i64
}

/// Names what takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    SecurityGroupVisible,
    LaunchTemplateVisible,
    TargetGroupVisible,
    LoadBalancerVisible,
    ListenerVisible,
    GroupVisible,
    StaleAfterDelete,
    BalancerProvisioned,
    BalancerGone,
    BalancerInterfacesGone,
    TargetGroupReleased,
    FirstLaunch,
    ScalingNoticed,
    InstanceFailureNoticed,
    InstanceInService,
    UserDataDone,
    InstanceTerminated,
    GroupGone,
}

/// A distribution in milliseconds: its median, its 95th percentile, and what is never exceeded.
struct Spread {
    median: i64,
    p95: i64,
    max: i64,
}

const fn seconds(median_s: f64, p95_s: f64, max_s: f64) -> Spread {
    #[expect(clippy::cast_possible_truncation, reason = "the table's numbers are small")]
    Spread {
        median: (median_s * 1000.0) as i64,
        p95: (p95_s * 1000.0) as i64,
        max: (max_s * 1000.0) as i64,
    }
}

impl Event {
    /// Gives the row of the model. Most are estimates from public logs; `cloud/README.md` says which.
    fn spread(self) -> Spread {
        match self {
            Self::SecurityGroupVisible => seconds(0.5, 5.0, 60.0),
            Self::LaunchTemplateVisible | Self::GroupVisible => seconds(0.0, 5.0, 60.0),
            Self::TargetGroupVisible | Self::LoadBalancerVisible => seconds(0.0, 5.0, 240.0),
            Self::ListenerVisible => seconds(0.0, 3.0, 30.0),
            Self::StaleAfterDelete => seconds(1.0, 8.0, 30.0),
            Self::BalancerProvisioned => seconds(150.0, 190.0, 600.0),
            Self::BalancerGone => seconds(3.0, 20.0, 60.0),
            Self::BalancerInterfacesGone => seconds(60.0, 200.0, 900.0),
            Self::TargetGroupReleased => seconds(2.0, 20.0, 120.0),
            Self::InstanceFailureNoticed => seconds(20.0, 60.0, 120.0),
            Self::InstanceInService => seconds(35.0, 90.0, 300.0),
            Self::UserDataDone => seconds(75.0, 180.0, 600.0),
            Self::InstanceTerminated => seconds(40.0, 120.0, 600.0),
            Self::FirstLaunch | Self::ScalingNoticed | Self::GroupGone => seconds(5.0, 20.0, 60.0),
        }
    }

    /// Takes the duration of this event, in milliseconds. `key` names the resource, and tells the
    /// draws of one kind apart.
    pub(crate) fn duration_ms(self, durations: Durations, seed: u64, key: &str) -> i64 {
        let spread = self.spread();
        match durations {
            Durations::Instant => 0,
            Durations::Typical => spread.median,
            Durations::Slow => spread.p95,
            Durations::Seeded => spread.quantile(ids::draw(seed, &format!("{self:?}"), key)),
        }
    }
}

impl Spread {
    /// Gives the value at `rank` (0 to 1): log-logistic through the median and the 95th percentile,
    /// which has the long tail that waiting for a remote system has.
    fn quantile(&self, rank: f64) -> i64 {
        let rank = rank.clamp(0.001, 0.999);
        // A median of nothing: half of all events take no time, the others grow from nothing.
        let (median, rank) = match (self.median, rank) {
            (0, rank) if rank <= 0.5 => return 0,
            (0, rank) => (200.0, rank),
            #[expect(clippy::cast_precision_loss, reason = "the table's numbers are small")]
            (median, rank) => (median as f64, rank),
        };
        let z = (rank / (1.0 - rank)).ln() / 19.0_f64.ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "bounded by max just below"
        )]
        let value = (median * (self.p95 as f64 / median).powf(z)) as i64;
        value.min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_sample(event: Event) -> Vec<i64> {
        let mut sample: Vec<i64> = (0..4000)
            .map(|key: i32| event.duration_ms(Durations::Seeded, 3, &key.to_string()))
            .collect();
        sample.sort_unstable();
        sample
    }

    #[test]
    fn seeded_durations_follow_the_percentiles_of_the_model() {
        let sample = sorted_sample(Event::BalancerProvisioned);
        assert!((145_000..155_000).contains(&sample[2000]), "{}", sample[2000]);
        assert!((185_000..195_000).contains(&sample[3800]), "{}", sample[3800]);
        assert!(sample.iter().all(|value| (80_000..=600_000).contains(value)));
    }

    #[test]
    fn a_median_of_nothing_leaves_half_of_the_events_without_delay() {
        let sample = sorted_sample(Event::TargetGroupVisible);
        assert_eq!(sample[1800], 0);
        assert!((3_500..7_000).contains(&sample[3800]), "{}", sample[3800]);
    }

    #[test]
    fn the_fixed_models_take_their_row() {
        let event = Event::UserDataDone;
        assert_eq!(event.duration_ms(Durations::Typical, 1, "i-1"), 75_000);
        assert_eq!(event.duration_ms(Durations::Slow, 1, "i-1"), 180_000);
        assert_eq!(event.duration_ms(Durations::Instant, 1, "i-1"), 0);
    }
}
