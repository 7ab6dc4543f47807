//! What is known besides the history: this process, right now. It dies with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lab1_flow_journal::Rest;

use crate::frontier::Frontier;

/// What the planner must know besides the history: this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moment {
    /// Where something may have changed since the last look.
    pub(crate) frontier: Frontier,
    /// What this process is carrying out right now.
    pub(crate) busy: BTreeMap<usize, Work>,
    /// Attempts that wait for their turn to be sent.
    pub(crate) queued: BTreeSet<usize>,
    /// When an action may go on, by the elapsed time of this process.
    pub(crate) wake: BTreeMap<usize, Duration>,
    /// The elapsed time.
    pub(crate) now: Duration,
    /// Nothing new may begin, and why the run will rest then.
    pub(crate) winding_down: Option<Rest>,
    /// Actions of which there is nothing (more), but of which an earlier attempt might still appear.
    pub(crate) lingering: BTreeSet<usize>,
    /// The world may hold what the records do not know of: it is searched before the first removal.
    pub(crate) search_due: bool,
    /// The last search of the rollback has found nothing.
    pub(crate) swept: bool,
    /// What the search before a rest as stuck has found besides what cannot be removed; `None` before that search.
    pub(crate) leftovers: Option<Vec<String>>,
}

/// What this process is doing with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// An attempt to change something.
    Attempt,
    /// A look, as an action of its own.
    Look,
    /// A look for the effect of an attempt in doubt.
    Reconcile,
    /// Taking back.
    Compensate,
    /// The search for what carries the run's mark.
    Sweep,
}

/// Stands for the search by the run's mark among the places of actions.
pub(crate) const SWEEP: usize = usize::MAX;
