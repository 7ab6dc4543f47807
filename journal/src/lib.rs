//! What has happened, durably.

mod codec;
mod entry;
mod error;
mod files;
mod id;
mod journal;
mod lock;
mod memory;
mod mirror;
mod run_store;
mod sled_journal;
mod state;
mod summary;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod transition;
mod witness;

pub use entry::{
    Entry, Failure, FailureClass, History, OnFailure, Provenance, Record, Rest, Retry, Role,
    RollbackCause, RunHeader, StoredAction, StoredStep,
};
pub use error::JournalError;
pub use id::{ActionName, InvalidName, RunId, Seq, StepName};
pub use journal::{Journal, JournalFuture};
pub use lock::Holder;
pub use memory::MemoryJournal;
pub use run_store::{
    ResolveError, RunJournal, RunStore, RunSummary, RunView, Source, UnreadableRun,
};
pub use sled_journal::SledJournal;
pub use state::{ActionPhase, ActionState, Budget, Direction, RunState};
pub use summary::{RunPhase, Summary, Waiting};
pub use time::Timestamp;
