//! What a sweep has seen.

use crate::testing::{Invariant, Violation};

/// What a sweep has seen. Assert the numbers too: a sweep that shrinks to nothing finds nothing.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The boundaries of the verb that was swept, in one life without a fault.
    pub boundaries: u64,
    /// The number of stories that were judged at their end.
    pub cases: u64,
    /// The deaths in them.
    pub deaths: u64,
    /// The failures of the disk in them.
    pub disk_failures: u64,
    /// How all cases ended, in one number: two sweeps that saw the same have the same.
    pub fingerprint: u64,
    /// The violations, with the case that showed them.
    pub violations: Vec<(String, Violation)>,
}

impl Tally {
    /// # Panics
    /// When an invariant was violated, with the first cases that show it.
    pub fn assert_clean(&self) {
        let shown = self.violations.iter().take(10);
        let lines: Vec<_> = shown.map(|(case, what)| format!("{case}\n    {what}")).collect();
        let count = self.violations.len();
        assert!(self.violations.is_empty(), "{count} violations:\n{}", lines.join("\n"));
    }

    /// Whether this invariant was violated in any case.
    pub fn has_caught(&self, invariant: Invariant) -> bool {
        self.violations.iter().any(|(_, violation)| violation.invariant == invariant)
    }
}
