//! One life of a process: its journal, its fuse, and all the calls that it makes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lab1_flow_journal::testing::{self as journal, FaultyJournal};
use lab1_flow_journal::{ActionName, History, MemoryJournal, RunId};
use serde_json::Value;

use super::fuse::Fuse;
use crate::{ActionContext, Workflow};

/// How a life ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The process dies at the boundary with this number.
    Death(u64),
    /// The disk fails at the journal's crash point with this number.
    DiskFailure(u64),
}

/// A life, shared by the journal and by all the actions of a process. Clones share it.
#[derive(Debug, Clone)]
pub struct Life {
    pub(crate) inner: Arc<Inner>,
    /// Whether each await of an action that really waits is a boundary.
    dies_at_awaits: bool,
}

#[derive(Debug)]
pub(crate) struct Inner {
    run: RunId,
    fuse: Arc<Fuse>,
    disk_failed: Arc<AtomicBool>,
    journal: Arc<FaultyJournal>,
    calls: Mutex<Vec<Call>>,
}

/// A call to an action, as the journal stood when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What was asked of the action.
    pub kind: CallKind,
    /// The action; `None` for the search for leftovers.
    pub action: Option<ActionName>,
    /// The number of the attempt.
    pub attempt: u32,
    /// The idempotency token.
    pub token: String,
    /// The input.
    pub input: Value,
    /// The number of records that were durable.
    pub durable_records: u64,
    /// Whether an append had failed before it.
    pub after_lost_append: bool,
}

/// What is asked of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// To make its change, or to look when it is a look.
    Execute,
    /// To look for an earlier attempt.
    Reconcile,
    /// To take its change back.
    Compensate,
    /// To search for leftovers.
    Sweep,
}

impl Life {
    /// Begins a life on what earlier ones left in the journal.
    pub fn new(image: &MemoryJournal, run: &RunId, ending: Option<Ending>) -> Self {
        Self::with_journal(image, run, ending, |journal| journal)
    }

    /// A life whose journal is changed before use, for showing that a check can fail.
    pub fn with_journal(
        image: &MemoryJournal,
        run: &RunId,
        ending: Option<Ending>,
        change: impl FnOnce(FaultyJournal) -> FaultyJournal,
    ) -> Self {
        let (death, disk) = match ending {
            Some(Ending::Death(number)) => (Some(number), None),
            Some(Ending::DiskFailure(number)) => (None, Some(number)),
            None => (None, None),
        };
        let fuse = Arc::new(Fuse::new(death));
        let disk_failed = Arc::new(AtomicBool::new(false));
        let script = {
            let (fuse, disk_failed) = (Arc::clone(&fuse), Arc::clone(&disk_failed));
            move |point: journal::CrashPoint| {
                if disk == Some(point.number()) {
                    disk_failed.store(true, Ordering::Relaxed);
                    return Some(journal::Fault::Fail);
                }
                fuse.burn().then_some(journal::Fault::Crash)
            }
        };
        let journal = Arc::new(change(FaultyJournal::new(image, script)));
        let calls = Mutex::default();
        let inner = Inner { run: run.clone(), fuse, disk_failed, journal, calls };
        Self { inner: Arc::new(inner), dies_at_awaits: false }
    }

    /// The same life with a boundary at every await of an action that really waits.
    #[must_use]
    pub fn dying_at_awaits(self) -> Self {
        Self { dies_at_awaits: true, ..self }
    }

    pub(crate) fn dies_at_awaits(&self) -> bool {
        self.dies_at_awaits
    }

    /// The journal of this life.
    pub fn journal(&self) -> Arc<FaultyJournal> {
        Arc::clone(&self.inner.journal)
    }

    /// The fuse. An action that makes several remote calls may count a boundary between them.
    pub fn fuse(&self) -> &Fuse {
        &self.inner.fuse
    }

    /// The same workflow, each of whose calls is recorded and has its boundaries.
    pub fn probe(&self, workflow: Workflow) -> Workflow {
        super::probe::probe(self, workflow)
    }

    /// The run that is played.
    pub fn run(&self) -> &RunId {
        &self.inner.run
    }

    /// What is durable of the run; `None` before its header is.
    pub fn history(&self) -> Option<History> {
        super::read_image(&self.inner.journal.durable(), &self.inner.run)
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// The same life for whoever must not keep it alive.
    pub(crate) fn watched(&self) -> Watched {
        Watched(Arc::downgrade(&self.inner))
    }

    /// Records a call that is about to be made.
    pub(crate) fn record(&self, kind: CallKind, context: Option<&ActionContext>, input: &Value) {
        // Until it is dropped, a dead process is polled on: it makes no calls.
        if self.inner.fuse.is_blown() {
            return;
        }
        let call = Call {
            kind,
            action: context.map(|context| context.action().clone()),
            attempt: context.map_or(0, ActionContext::attempt),
            token: context.map(|context| context.token().to_owned()).unwrap_or_default(),
            input: input.clone(),
            durable_records: self.durable_records(),
            after_lost_append: self.inner.disk_failed.load(Ordering::Relaxed),
        };
        self.lock().push(call);
    }

    fn durable_records(&self) -> u64 {
        self.inner.journal.durable_records(&self.inner.run)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A life that may be over.
#[derive(Debug)]
pub(crate) struct Watched(Weak<Inner>);

impl Watched {
    pub(crate) fn upgrade(&self) -> Option<Life> {
        self.0.upgrade().map(|inner| Life { inner, dies_at_awaits: false })
    }
}
