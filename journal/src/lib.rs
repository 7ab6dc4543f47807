//! What has happened, durably.
//!
//! A *run* is one execution of a workflow. Its journal is a [`RunHeader`] and the [`Record`]s that follow it, each
//! an [`Entry`]: an intent before an action is attempted, and what came of it. Nothing else is stored; where a
//! run stands is folded from its records by [`RunState`], which also says what may follow what.
//!
//! # The port
//!
//! [`Journal`] is the whole interface: create a run, append a batch at an expected place, read it back. An
//! acknowledged append survives the death of the process and the loss of power; a batch is there whole or not at
//! all; of two writers at one place one is refused.
//!
//! | journal | for |
//! |---|---|
//! | [`RunJournal`] | one run in a folder of its own, from a [`RunStore`]: what a command line uses |
//! | [`SledJournal`] | any number of runs in one database, with shared syncs: what a program embeds |
//! | [`MemoryJournal`] | tests, and workflows that need not outlive their process |
//! | `testing::FaultyJournal` | dying at a chosen write |
//!
//! A journal of your own passes `testing::conformance` (feature `testing`).
//!
//! ```
//! use lab1_flow_journal::{Entry, Journal, Rest, RunStore, Seq, Timestamp};
//! # use lab1_flow_journal::testing::samples;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let state = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! let store = RunStore::open(state.path())?;
//! let header = samples::header("k7f3m9");
//! let journal = store.create(&header)?;
//! let rest = Entry::RunRested { rest: Rest::Stopped };
//! runtime.block_on(journal.append(&header.run, Seq::FIRST, Timestamp(2_000), vec![rest]))?;
//! journal.close()?;
//!
//! let view = store.view(&store.resolve("k7")?)?;
//! assert_eq!(view.state.rest(), Some(&Rest::Stopped));
//! # Ok(())
//! # }
//! ```
//!
//! # Why sled is not trusted
//!
//! sled 0.34.7 stores what we give it quickly and in order. Four of its habits would break the promise, so each has a
//! guard of ours around it (`docs/journal-format.md` has the bytes):
//!
//! * its `flush` does not reach the disk, and costs two hand-overs between threads: a commit is synced in a write-ahead
//!   log of ours, and what sled takes over is synced on a descriptor of our own;
//! * large pages go to files that are never synced: no value is larger than 4 KiB;
//! * a damaged tail of its log is dropped without a word: records are chained, a witness beside the database knows
//!   the last commit, and a database that may be damaged is opened as a copy first;
//! * it panics on some damaged files: it is opened in a thread named `lab1-flow-journal-open`, and the panic becomes
//!   [`JournalError::Damaged`]. A program's panic hook can stay silent for threads whose names begin with
//!   `lab1-flow-journal` or `sled-io`.
//!
//! # Blocking
//!
//! Appends and reads of a [`SledJournal`] or [`RunJournal`] are done by a thread of its own; their futures need
//! no particular runtime. Opening, creating, closing and looking block their caller for some milliseconds.

mod codec;
mod entry;
mod error;
mod files;
mod id;
mod idle;
mod journal;
mod lease;
mod lock;
mod memory;
mod mirror;
pub mod private;
mod room;
mod run_store;
mod sled_journal;
mod state;
mod summary;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod transition;
mod tree;
mod witness;

pub use entry::{
    Entry, Failure, FailureClass, History, OnFailure, Provenance, Record, Rest, Retry, Role,
    RollbackCause, RunHeader, StoredAction, StoredStep,
};
pub use error::JournalError;
pub use id::{ActionName, InvalidName, RunId, Seq, StepName};
pub use journal::{Journal, JournalFuture};
pub use lease::{Lease, Leases};
pub use lock::Holder;
pub use memory::MemoryJournal;
pub use room::unstorable;
pub use run_store::{
    Followed, Follower, ResolveError, RunJournal, RunStore, RunSummary, RunView, Source,
    UnreadableRun,
};
pub use sled_journal::SledJournal;
pub use state::{ActionPhase, ActionState, Budget, Direction, RunState};
pub use summary::{RunPhase, Summary, Waiting};
pub use time::Timestamp;
