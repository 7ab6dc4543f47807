//! The search for leftovers that ends every rollback.

use std::fmt::Debug;

use lab1_flow_journal::RunId;

use crate::ActionError;
use crate::erased::BoxFuture;

/// Searches for anything that still carries a run's mark, whatever the journal says about it.
pub trait Sweep: Debug + Send + Sync + 'static {
    /// Lists what is left, one line each: kind, id, and why it may still be there. Changes nothing.
    ///
    /// # Errors
    /// Any error means that nothing is known; the search is repeated.
    fn sweep(&self, run: &RunId) -> impl Future<Output = Result<Vec<String>, ActionError>> + Send;
}

/// The crate's own twin of [`Sweep`], as a trait object.
pub(crate) trait ErasedSweep: Debug + Send + Sync {
    fn sweep<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<Vec<String>, ActionError>>;
}

impl<S: Sweep> ErasedSweep for S {
    fn sweep<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<Vec<String>, ActionError>> {
        Box::pin(Sweep::sweep(self, run))
    }
}
