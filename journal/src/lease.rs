//! Who drives a run: one at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lock::Holder;
use crate::{JournalError, RunId};

/// The runs that are driven through one journal: what a journal answers [`claim`](crate::Journal::claim) with.
///
/// Two tasks that drove one run would double its effects: each would take what the other has in flight for an attempt
/// of a dead process, look for it too early, and repeat it. The lock of the files keeps other processes out; this keeps
/// other tasks out. It is kept in memory, so a process that dies leaves nothing to clean.
#[derive(Debug, Clone, Default)]
pub struct Leases {
    held: Arc<Mutex<BTreeSet<RunId>>>,
}

/// The right to drive a run; dropping it gives it back, also when the task that has it is aborted or panics.
#[derive(Debug)]
#[must_use = "a lease that is dropped is given back"]
pub struct Lease {
    run: RunId,
    leases: Leases,
}

impl Leases {
    /// Claims a run, whether it exists or not.
    ///
    /// # Errors
    /// [`JournalError::Held`], by this process, while an earlier lease of the run is not dropped.
    pub fn claim(&self, run: &RunId) -> Result<Lease, JournalError> {
        if self.lock().insert(run.clone()) {
            return Ok(Lease { run: run.clone(), leases: self.clone() });
        }
        let by = Holder { pid: Some(std::process::id()), is_here: true };
        Err(JournalError::Held { what: format!("run {run}"), by })
    }

    /// Every change is one step, so that a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_given_back_when_its_holder_panics() {
        let leases = Leases::default();
        let run = RunId::new("one").unwrap();
        let holder = std::panic::AssertUnwindSafe(|| {
            let _lease = leases.claim(&run);
            panic!("the driver is broken");
        });
        std::panic::catch_unwind(holder).unwrap_err();
        let lease = leases.claim(&run).unwrap();
        let refused = leases.claim(&run).unwrap_err().to_string();
        assert!(refused.starts_with("run one is held by this process"), "{refused}");
        drop(lease);
        drop(leases.claim(&run).unwrap());
    }
}
