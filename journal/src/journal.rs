//! The port: what every journal promises.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::{Entry, History, JournalError, Lease, Record, RunHeader, RunId, Seq, Timestamp};

/// A future that a journal answers with.
pub type JournalFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send + 'a>>;

/// An append-only record of runs.
///
/// The contract, which `testing::conformance` checks on every implementation:
///
/// * An acknowledged header or batch survives the death of the process and the loss of power.
/// * A batch is atomic: after a crash all of its entries are there, or none.
/// * What is not acknowledged may be there or not; a reader sees a prefix of what was appended, never a gap.
/// * Ids, places and times are chosen by the caller, never by the journal.
/// * One at a time drives a run: a second claim of it is refused until the first lease is dropped.
/// * After an append failed with [`JournalError::Storage`] every further append on this journal fails: a
///   failed sync is never retried.
pub trait Journal: Debug + Send + Sync {
    /// Creates a run. Its header is record 0.
    ///
    /// # Errors
    /// [`JournalError::Exists`], [`JournalError::Storage`].
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()>;

    /// Appends a batch whose first entry gets the place `expected`.
    ///
    /// Dropping the future does not take the batch back: it may become durable all the same.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when `expected` is not the next free place: a second writer is refused, never
    /// merged. [`JournalError::NotFound`], [`JournalError::Storage`].
    fn append<'a>(
        &'a self,
        run: &'a RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> JournalFuture<'a, Vec<Record>>;

    /// Reads a run back, complete and checked.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Damaged`], [`JournalError::NewerFormat`],
    /// [`JournalError::Storage`].
    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History>;

    /// Claims the run: until the lease is dropped, nobody else of this process gets one through this handle.
    ///
    /// Whoever drives a run or writes to it claims it first, and reads it then; to read needs no lease. A run need not
    /// exist to be claimed. [`Leases`](crate::Leases) does all that is asked of a journal in one process.
    ///
    /// Dies here: nothing is left to clean, a lease lives in memory.
    ///
    /// # Errors
    /// [`JournalError::Held`], at once, while another lease of the run lives.
    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease>;

    /// Lists the runs, in the order of their ids.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn runs(&self) -> JournalFuture<'_, Vec<RunId>>;

    /// Says that `run` rests: side files may be synced, so that nothing depends on a later write.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    fn rest<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, ()>;
}
