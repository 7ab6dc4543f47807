//! Random choices that can be made again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::report;

/// The variable that replays a run of a suite.
const SEED: &str = "LAB1_FLOW_TEST_SEED";

/// Draws numbers from a seed that the suite prints (splitmix64).
#[derive(Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// Takes the seed from the environment, else from the clock, and says which.
    pub(crate) fn announced(suite: &str) -> Self {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            now.as_secs() ^ u64::from(now.subsec_nanos())
        });
        report::note(&format!("{suite}: {SEED}={seed} draws the same moments again"));
        Self(seed)
    }

    /// Draws a share of a whole, from 0 up to but not including 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from((self.next() >> 32) as u32) / f64::from(u32::MAX)
    }

    /// Draws a part of this share of a duration.
    pub(crate) fn within(&mut self, whole: Duration, share: f64) -> Duration {
        whole.mul_f64(share * self.share())
    }

    /// Draws a part of a duration, an early one rather than a late one: there is more to be broken
    /// while changes are made than while they are waited for.
    pub(crate) fn early_within(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.share().powi(2))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
