//! When nobody worked on a run.

use std::time::Duration;

use crate::Timestamp;

/// From when to when no process worked on a run, in order: at rest, or because its process had died.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Idle {
    spans: Vec<(Timestamp, Timestamp)>,
}

impl Idle {
    pub(crate) fn note(&mut self, from: Timestamp, to: Timestamp) {
        self.spans.push((from, to));
    }

    /// What is left of the time between two moments.
    pub(crate) fn worked(&self, from: Timestamp, to: Timestamp) -> Duration {
        let within =
            |(begin, end): &(Timestamp, Timestamp)| (*end).min(to).since((*begin).max(from));
        to.since(from).saturating_sub(self.spans.iter().map(within).sum())
    }
}
