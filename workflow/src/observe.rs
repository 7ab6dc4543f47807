//! What an engine tells while it works. The library itself prints nothing.

use std::fmt::Debug;
use std::time::Duration;

use lab1_flow_journal::{ActionName, Record, RunState};

/// Hears of every record and of every wait.
///
/// Its methods are called in the engine's loop: they must be quick, and a failure inside is theirs to keep.
pub trait Observer: Debug + Send + Sync {
    /// Records were acknowledged by the journal; `state` is the run after them.
    fn recorded(&self, records: &[Record], state: &RunState);

    /// An action waits. Said at every look, also when nothing is recorded about it.
    fn waiting(&self, action: &ActionName, reason: &str, next_look_in: Duration);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn recorded(&self, _records: &[Record], _state: &RunState) {}

    fn waiting(&self, _action: &ActionName, _reason: &str, _next_look_in: Duration) {}
}
