//! Ids and draws: pure functions of the seed and of what they are for.
//!
//! Nothing here is random. A process that dies and replays its state makes the same ids and meets the
//! same durations, so that reads need not be stored.

/// Hashes parts to 64 well-mixed bits. FNV-1a with a final avalanche: stable for ever, unlike the
/// standard library's hasher, and not meant to resist anyone.
pub(crate) fn mix(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    avalanche(hash)
}

/// Spreads every bit of `value` over all bits (the finalizer of `SplitMix64`).
fn avalanche(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Draws a number in [0, 1) that belongs to `seed`, `purpose` and `key`.
pub(crate) fn draw(seed: u64, purpose: &str, key: &str) -> f64 {
    let bits = mix(&[&seed.to_string(), purpose, key]) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    let fraction = bits as f64 / (1_u64 << 53) as f64;
    fraction
}

/// Makes ids for one region: each differs from all before it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct IdSource {
    scope: String,
    made: u64,
}

impl IdSource {
    pub(crate) fn new(seed: u64, region: &str) -> Self {
        Self { scope: format!("{seed}/{region}"), made: 0 }
    }

    /// Makes an id like `sg-0123456789abcdef0`.
    pub(crate) fn prefixed(&mut self, prefix: &str) -> String {
        let (high, low) = self.next_bits();
        format!("{prefix}-0{:016x}", high ^ low.rotate_left(7))
    }

    /// Makes the sixteen hexadecimal digits that end an ARN of a balancer and its kin.
    pub(crate) fn hex(&mut self) -> String {
        let (high, _) = self.next_bits();
        format!("{high:016x}")
    }

    /// Makes an id in the form of a UUID, as activities and groups carry.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = self.next_bits();
        uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
            .into_uuid()
            .to_string()
    }

    /// Counts up, for things that are numbered, such as host addresses.
    pub(crate) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn next_bits(&mut self) -> (u64, u64) {
        let number = self.number().to_string();
        (mix(&[&self.scope, &number, "high"]), mix(&[&self.scope, &number, "low"]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_repeatable() {
        let make = || {
            let mut source = IdSource::new(7, "us-east-1");
            (0..1000).map(|_| source.prefixed("sg")).collect::<Vec<_>>()
        };
        assert_eq!(make(), make());
        assert_eq!(make().into_iter().collect::<BTreeSet<_>>().len(), 1000);
        assert_eq!(make()[0].len(), "sg-0123456789abcdef0".len());
    }

    #[test]
    fn draws_spread_evenly_over_the_unit_interval() {
        let mean = (0..1000).map(|key| draw(1, "test", &key.to_string())).sum::<f64>() / 1000.0;
        assert!((0.47..0.53).contains(&mean), "{mean}");
    }
}
