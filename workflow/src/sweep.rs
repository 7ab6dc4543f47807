//! The search by the run's mark: before the first removal of a rollback, and before it rests.

use std::fmt::Debug;

use lab1_flow_journal::{ActionName, RunId};

use crate::ActionError;
use crate::erased::BoxFuture;

/// One thing that still carries a run's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// One line for people: kind, name, id, and why it may still be there.
    pub what: String,
    /// The action that made it, where its mark tells: what the records do not know of is put in doubt, looked for, and
    /// taken back by that action. What a person has decided to leave counts as left, and does not keep the rollback from
    /// its end. Without it, it can only be named.
    pub action: Option<ActionName>,
}

/// Searches for anything that still carries a run's mark, whatever the journal says about it.
pub trait Sweep: Debug + Send + Sync + 'static {
    /// Lists all that carries the mark. Changes nothing.
    ///
    /// # Errors
    /// Any error means that nothing is known; the search is repeated.
    fn sweep(&self, run: &RunId)
    -> impl Future<Output = Result<Vec<Leftover>, ActionError>> + Send;
}

/// The crate's own twin of [`Sweep`], as a trait object.
pub(crate) trait ErasedSweep: Debug + Send + Sync {
    fn sweep<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<Vec<Leftover>, ActionError>>;
}

impl<S: Sweep> ErasedSweep for S {
    fn sweep<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<Vec<Leftover>, ActionError>> {
        Box::pin(Sweep::sweep(self, run))
    }
}
