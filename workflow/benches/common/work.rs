//! Runs of steps that cost nothing, so that only the engine and its records do.

use std::sync::{Arc, Mutex};

use lab1_flow_workflow::journal::{
    Entry, History, Journal, JournalFuture, Lease, MemoryJournal, Record, RunHeader, RunId, Seq,
    Timestamp,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Engine, Handle, NewRun, Progress,
    Reconciled, Step, Workflow,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::report::per_second;

/// A change that costs nothing, so that only its records do.
#[derive(Debug)]
struct Nothing;

impl Action for Nothing {
    type Input = u64;
    type Output = u64;

    async fn execute(&self, _: &ActionContext, input: &u64) -> Result<u64, ActionError> {
        Ok(*input + 1)
    }

    async fn reconcile(&self, _: &ActionContext, _: &u64) -> Result<Reconciled<u64>, ActionError> {
        Ok(Reconciled::Absent)
    }
}

impl Compensate for Nothing {
    async fn compensate(
        &self,
        _: &ActionContext,
        _: &u64,
        _: &u64,
    ) -> Result<Progress<()>, ActionError> {
        Ok(Progress::Done(()))
    }
}

/// So many actions, each of which needs the output of the one before.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Chain {
    length: usize,
}

impl Step for Chain {
    const NAME: &'static str = "chain";
    const VERSION: u32 = 1;
    type Needs = ();
    type Offers = ();

    fn title(&self) -> String {
        format!("{} actions", self.length)
    }

    fn define(&self, (): (), actions: &mut Actions<'_>) {
        let mut last: Option<Handle<u64>> = None;
        for number in 0..self.length {
            let name = format!("action-{number}");
            last = Some(match last {
                None => actions.change(&name, &name, Nothing, (), |()| 0),
                Some(before) => actions.change(&name, &name, Nothing, before, |before| before),
            });
        }
    }
}

/// A run of so many steps, one after another.
pub(crate) fn workflow(length: usize) -> Workflow {
    let mut builder = Workflow::builder("trivial");
    builder.step(&Chain { length }, ());
    builder.build().unwrap()
}

/// Carries out one run, and returns its steps a second.
pub(crate) fn run_alone(runtime: &Runtime, journal: Arc<dyn Journal>, steps: usize) -> f64 {
    let engine = Engine::new(journal);
    let workflow = workflow(steps);
    per_second(steps, || {
        runtime.block_on(async {
            let new = NewRun::new(RunId::new("alone").unwrap());
            tokio::spawn(async move { engine.start(&workflow, new).await.unwrap() }).await.unwrap();
        });
    })
}

/// Carries out many runs at once on one journal, and returns their steps a second.
pub(crate) fn run_together(
    runtime: &Runtime,
    journal: &Arc<dyn Journal>,
    runs: usize,
    steps: usize,
) -> f64 {
    let workflow = Arc::new(workflow(steps));
    per_second(runs * steps, || {
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0..runs {
                let (engine, workflow) = (Engine::new(journal.clone()), workflow.clone());
                let new = NewRun::new(RunId::new(&format!("run-{number}")).unwrap());
                tasks.spawn(async move { engine.start(&workflow, new).await.unwrap() });
            }
            tasks.join_all().await;
        });
    })
}

/// The mean size of a batch of such a run, as it is stored: what the disk's limit must write too.
pub(crate) fn appended_bytes(runtime: &Runtime, length: usize) -> usize {
    let journal = Arc::new(Weighing::default());
    let engine = Engine::new(journal.clone());
    let new = NewRun::new(RunId::new("weighed").unwrap());
    runtime.block_on(engine.start(&workflow(length), new)).unwrap();
    let sizes = journal.sizes.lock().unwrap();
    sizes.iter().sum::<usize>() / sizes.len()
}

/// Notes the size of every batch.
#[derive(Debug, Default)]
struct Weighing {
    inner: MemoryJournal,
    sizes: Mutex<Vec<usize>>,
}

/// What a record costs besides its entry: magic, format, number, length, checksum and time.
const FRAME_BYTES: usize = 50;

impl Journal for Weighing {
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()> {
        self.inner.create(header)
    }

    fn append<'a>(
        &'a self,
        run: &'a RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> JournalFuture<'a, Vec<Record>> {
        let bytes = |entry: &Entry| serde_json::to_vec(entry).unwrap().len() + FRAME_BYTES;
        self.sizes.lock().unwrap().push(entries.iter().map(bytes).sum());
        self.inner.append(run, expected, at, entries)
    }

    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History> {
        self.inner.read(run)
    }

    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease> {
        self.inner.claim(run)
    }

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        self.inner.runs()
    }

    fn rest<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, ()> {
        self.inner.rest(run)
    }
}
