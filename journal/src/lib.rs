//! What has happened, durably.

mod entry;
mod error;
mod id;
mod journal;
mod memory;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod transition;

pub use entry::{
    Entry, Failure, FailureClass, History, OnFailure, Provenance, Record, Rest, Retry, Role,
    RollbackCause, RunHeader, StoredAction, StoredStep,
};
pub use error::JournalError;
pub use id::{ActionName, InvalidName, RunId, Seq, StepName};
pub use journal::{Journal, JournalFuture};
pub use memory::MemoryJournal;
pub use state::{ActionPhase, ActionState, Budget, Direction, RunState};
pub use time::Timestamp;
