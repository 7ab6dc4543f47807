//! Journals broken on purpose: what a death may leave of a history, to show that a check can fail.

use lab1_flow_journal::{Entry, History, Seq};

/// Changes what a death leaves of a history.
pub type Forgetting = fn(History) -> History;

/// Leaves out all that a rollback has written, as an engine would that keeps its direction in memory.
pub fn without_direction(mut history: History) -> History {
    let is_forward = |entry: &Entry| {
        !matches!(
            entry,
            Entry::RollbackStarted { .. }
                | Entry::CompensationStarted { .. }
                | Entry::CompensationWaiting { .. }
                | Entry::CompensationFailed { .. }
                | Entry::CompensationCompleted { .. }
        )
    };
    history.records.retain(|record| is_forward(&record.entry));
    for (place, record) in history.records.iter_mut().enumerate() {
        record.seq = Seq(place as u64 + 1);
    }
    history
}

/// Leaves out the intents at the end that have no outcome, as an engine would that acts before it writes.
pub fn without_open_intents(mut history: History) -> History {
    let is_settled = |entry: &Entry| !matches!(entry, Entry::AttemptStarted { .. });
    let kept = history.records.iter().rposition(|record| is_settled(&record.entry));
    history.records.truncate(kept.map_or(0, |last| last + 1));
    history
}
