//! How long a call takes: the published model has a median and a 95th percentile for each kind.

use std::time::Duration;

/// Draws the durations of calls. The same seed and the same row of calls give the same durations.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Latency {
    /// Every call is answered at once.
    None,
    /// Every call takes this long.
    Fixed(Duration),
    /// As on AWS, by this seed.
    Seeded(u64),
}

/// Median and 95th percentile, in seconds.
struct Spread {
    median: f64,
    p95: f64,
}

impl Latency {
    /// The duration of the `ordinal`-th call of the connection.
    pub(crate) fn of(self, action: &str, ordinal: u64) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(duration) => duration,
            Self::Seeded(seed) => spread(action).draw(uniform(seed, ordinal)),
        }
    }
}

fn spread(action: &str) -> Spread {
    match action {
        "CreateLoadBalancer" => Spread { median: 1.0, p95: 3.0 },
        _ if action.starts_with("Describe") || action.starts_with("Get") => {
            Spread { median: 0.1, p95: 0.4 }
        }
        _ => Spread { median: 0.3, p95: 1.2 },
    }
}

impl Spread {
    /// Log-logistic through both percentiles, as the durations of the embedded cloud are.
    fn draw(&self, rank: f64) -> Duration {
        let rank = rank.clamp(0.001, 0.999);
        let z = (rank / (1.0 - rank)).ln() / 19.0_f64.ln();
        Duration::from_secs_f64(self.median * (self.p95 / self.median).powf(z))
    }
}

/// A number from 0 to 1: one round of `SplitMix64`.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn uniform(seed: u64, ordinal: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(ordinal << 1 | 1);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
