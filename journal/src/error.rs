//! What a journal can answer besides yes.

use crate::lock::Holder;
use crate::private::Unfit;
use crate::{RunId, Seq};

/// Why a journal could not do what it was asked.
///
/// [`Held`](Self::Held), [`Exists`](Self::Exists), [`NotFound`](Self::NotFound) and
/// [`Conflict`](Self::Conflict) leave the journal as it was. [`Damaged`](Self::Damaged) and
/// [`NewerFormat`](Self::NewerFormat) refuse to read: nothing is repaired silently.
/// [`Storage`](Self::Storage) on an append means that the outcome is unknown and that this handle takes no
/// further append; the run is read back by a new one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A run of this id is there already.
    #[error("run {run} exists already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// There is no such run.
    #[error("there is no run {run}")]
    NotFound {
        /// The run.
        run: RunId,
    },
    /// Another writer has appended in between: another process, or another task of this one that claimed no lease.
    #[error(
        "run {run} stands at record {found}, not at {expected}: somebody else has written to it"
    )]
    Conflict {
        /// The run.
        run: RunId,
        /// The place that the caller expected to fill.
        expected: Seq,
        /// The next free place.
        found: Seq,
    },
    /// Somebody has the journal or the run already, in this process or in another one that lives.
    #[error("{what} is held by {by}")]
    Held {
        /// The run, or the path of the lock.
        what: String,
        /// Who has it.
        by: Holder,
    },
    /// The journal was written by a later version.
    #[error("{what} has format {found}, and this version reads up to {supported}")]
    NewerFormat {
        /// What was read.
        what: String,
        /// Its format number.
        found: u16,
        /// The highest that this version knows.
        supported: u16,
    },
    /// The journal is not what was written.
    #[error("the journal is damaged at {at}: {what}")]
    Damaged {
        /// The record or file, named so that a person can look at it.
        at: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file or folder is a link, or another thing that is not used. It is left as it is.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// An entry that may not follow what is there. A bug of the caller, never of the store.
    #[error("record {seq} is not legal: {why}")]
    Illegal {
        /// The place of the entry.
        seq: Seq,
        /// The rule that it breaks.
        why: String,
    },
    /// The disk, or the library below, failed.
    #[error("cannot {doing}")]
    Storage {
        /// What was tried, and on which file.
        doing: String,
        /// What came back.
        #[source]
        source: std::io::Error,
    },
}

/// Names what was tried when the system below failed.
pub(crate) trait Doing<T> {
    /// Turns a failure into [`JournalError::Storage`], or [`JournalError::Unfit`].
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, JournalError>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, JournalError> {
        self.map_err(|source| match source.downcast() {
            Ok(unfit) => JournalError::Unfit(unfit),
            Err(source) => JournalError::Storage { doing: what(), source },
        })
    }
}

impl JournalError {
    pub(crate) fn damaged(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Damaged { at: at.into(), what: what.into() }
    }

    /// Tells the same failure to another waiter: the cause cannot be cloned, its text can.
    pub(crate) fn repeat_storage(&self) -> Self {
        match self {
            Self::Storage { doing, source } => Self::Storage {
                doing: doing.clone(),
                source: std::io::Error::new(source.kind(), source.to_string()),
            },
            other => Self::Storage {
                doing: "append to the journal".into(),
                source: std::io::Error::other(other.to_string()),
            },
        }
    }
}
