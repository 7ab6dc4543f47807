//! How long an action is tried and waited for.

use std::time::Duration;

/// The limits of one action, in the provider's time; the run's profile scales them, and keeps some seconds of real time
/// however fast the provider's clock runs.
///
/// Each is a budget of one resumption: a crash opens no fresh one, an explicit `resume` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transient and ambiguous failures before the action is given up; where that would delete everything, the run
    /// suspends.
    pub tries_max: u32,
    /// Throttling before the run suspends.
    pub throttled_max: Duration,
    /// Lost network or credentials before the run suspends.
    pub unreachable_max: Duration,
    /// Conflicts with something unseen before the action is given up.
    pub contended_max: Duration,
    /// Waiting for something that takes its time before the action is given up.
    pub waited_max: Duration,
    /// One attempt, in real time: after it the attempt is dropped, and a change is in doubt.
    pub attempt_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Ten tries with growing delays are about two minutes: longer than a failover of the provider.
            tries_max: 10,
            throttled_max: Duration::from_mins(15),
            unreachable_max: Duration::from_mins(2),
            // A name may be held that long by a thing that is being deleted.
            contended_max: Duration::from_mins(10),
            waited_max: Duration::from_mins(15),
            // Longer than two calls that each run into a client's own time-out.
            attempt_max: Duration::from_mins(1),
        }
    }
}

impl Limits {
    /// The default limits with another patience for waiting.
    pub fn waiting_at_most(waited_max: Duration) -> Self {
        Self { waited_max, ..Self::default() }
    }
}
