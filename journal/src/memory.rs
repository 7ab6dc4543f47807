//! The reference journal: a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    Entry, History, Journal, JournalError, JournalFuture, Lease, Leases, Record, RunHeader, RunId,
    Seq, Timestamp,
};

/// Keeps runs in memory and answers at once.
///
/// It is the journal that the others are compared with, and the one for tests and for workflows that need
/// not outlive their process: nothing of it survives a death. Its answers depend on its calls alone.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    runs: Mutex<BTreeMap<RunId, History>>,
    leases: Leases,
}

impl MemoryJournal {
    /// Makes an empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies all that it holds into a journal of its own, in which nobody has a run.
    #[must_use]
    pub fn image(&self) -> Self {
        Self { runs: Mutex::new(self.lock().clone()), leases: Leases::default() }
    }

    pub(crate) fn put_header(&self, header: &RunHeader) -> Result<(), JournalError> {
        let mut runs = self.lock();
        if runs.contains_key(&header.run) {
            return Err(JournalError::Exists { run: header.run.clone() });
        }
        let history = History { header: header.clone(), records: Vec::new() };
        runs.insert(header.run.clone(), history);
        Ok(())
    }

    /// Numbers the entries, or says why they may not be written.
    pub(crate) fn admit(
        &self,
        run: &RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> Result<Vec<Record>, JournalError> {
        let runs = self.lock();
        let history = runs.get(run).ok_or_else(|| JournalError::NotFound { run: run.clone() })?;
        let found = history.records.last().map_or(Seq::FIRST, |record| record.seq.next());
        if found != expected {
            return Err(JournalError::Conflict { run: run.clone(), expected, found });
        }
        Ok(Record::number(expected, at, entries))
    }

    pub(crate) fn put_records(&self, run: &RunId, records: &[Record]) {
        if let Some(history) = self.lock().get_mut(run) {
            history.records.extend_from_slice(records);
        }
    }

    /// The number of a run's records: none when there is no such run.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn count(&self, run: &RunId) -> u64 {
        self.lock().get(run).map_or(0, |history| history.records.len() as u64)
    }

    fn get(&self, run: &RunId) -> Result<History, JournalError> {
        self.lock().get(run).cloned().ok_or_else(|| JournalError::NotFound { run: run.clone() })
    }

    /// Every change is one step, so that a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, History>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()> {
        Box::pin(async move { self.put_header(header) })
    }

    fn append<'a>(
        &'a self,
        run: &'a RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> JournalFuture<'a, Vec<Record>> {
        Box::pin(async move {
            let records = self.admit(run, expected, at, entries)?;
            self.put_records(run, &records);
            Ok(records)
        })
    }

    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History> {
        Box::pin(async move { self.get(run) })
    }

    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease> {
        Box::pin(async move { self.leases.claim(run) })
    }

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        Box::pin(async move { Ok(self.lock().keys().cloned().collect()) })
    }

    fn rest<'a>(&'a self, _run: &'a RunId) -> JournalFuture<'a, ()> {
        Box::pin(async move { Ok(()) })
    }
}
