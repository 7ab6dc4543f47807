//! How many durable steps a second, beside what the disk itself can do.
//!
//! One run of 1,000 trivial steps, and 100 runs of 8 side by side, on one `SledJournal`. Beside them, in the
//! same process and interleaved, the limits: appends of records of the same size to a growing file, each
//! followed by `fdatasync`, by one writer, and by 100 writers who share each sync. Opening is outside the timed
//! part; every figure is the median of five rounds. `cargo bench -p lab1-flow-workflow`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use lab1_flow_workflow::journal::{
    Entry, History, Journal, JournalFuture, MemoryJournal, Record, RunHeader, RunId, Seq,
    SledJournal, Timestamp,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Engine, Handle, NewRun, Progress,
    Reconciled, Step, Workflow,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scale {
    rounds: usize,
    steps: usize,
    runs: usize,
    steps_per_run: usize,
}

const FULL: Scale = Scale { rounds: 5, steps: 1_000, runs: 100, steps_per_run: 8 };
/// Enough to see that it works, for `cargo test --benches`.
const BRIEF: Scale = Scale { rounds: 1, steps: 20, runs: 5, steps_per_run: 3 };

fn main() {
    let scale = if std::env::args().any(|arg| arg == "--bench") { FULL } else { BRIEF };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sequential = appended_bytes(&runtime, scale.steps);
    let concurrent = appended_bytes(&runtime, scale.steps_per_run);
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        let path = |what: &str| dir.path().join(format!("{what}-{round}"));
        rounds.push([
            per_second(scale.steps, || append_alone(&path("alone"), scale.steps, sequential)),
            run_alone(&runtime, &path("run"), scale),
            append_together(&runtime, &path("together"), scale, concurrent),
            run_together(&runtime, &path("runs"), scale),
        ]);
    }
    let median = |of: &dyn Fn(&[f64; 4]) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let line = serde_json::json!({
        "sequential_steps_per_s": median(&|round| round[1]).round(),
        "sequential_limit_per_s": median(&|round| round[0]).round(),
        "sequential_ratio": rounded(median(&|round| round[1] / round[0])),
        "sequential_bytes": sequential,
        "concurrent_steps_per_s": median(&|round| round[3]).round(),
        "concurrent_limit_per_s": median(&|round| round[2]).round(),
        "concurrent_ratio": rounded(median(&|round| round[3] / round[2])),
        "concurrent_bytes": concurrent,
    });
    println!("{line}");
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1_000.0).round() / 1_000.0
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn per_second(count: usize, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    f64::from(u32::try_from(count).unwrap()) / begin.elapsed().as_secs_f64()
}

/// One run of many steps, one after another, on a journal of its own.
fn run_alone(runtime: &Runtime, path: &Path, scale: Scale) -> f64 {
    let journal: Arc<dyn Journal> = Arc::new(SledJournal::create(path).unwrap());
    let engine = Engine::new(journal);
    let workflow = workflow(scale.steps);
    per_second(scale.steps, || {
        runtime.block_on(async {
            let new = NewRun::new(RunId::new("alone").unwrap());
            tokio::spawn(async move { engine.start(&workflow, new).await.unwrap() }).await.unwrap();
        });
    })
}

/// Many short runs at once on one journal.
fn run_together(runtime: &Runtime, path: &Path, scale: Scale) -> f64 {
    let journal: Arc<dyn Journal> = Arc::new(SledJournal::create(path).unwrap());
    let workflow = Arc::new(workflow(scale.steps_per_run));
    per_second(scale.runs * scale.steps_per_run, || {
        runtime.block_on(async {
            let mut runs = tokio::task::JoinSet::new();
            for number in 0..scale.runs {
                let (engine, workflow) = (Engine::new(journal.clone()), workflow.clone());
                let new = NewRun::new(RunId::new(&format!("run-{number}")).unwrap());
                runs.spawn(async move { engine.start(&workflow, new).await.unwrap() });
            }
            runs.join_all().await;
        });
    })
}

/// The disk's limit for one writer.
fn append_alone(path: &Path, appends: usize, bytes: usize) {
    let mut file = growing_file(path);
    let record = vec![b'x'; bytes];
    for _ in 0..appends {
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
    }
}

type Append = (Vec<u8>, oneshot::Sender<()>);

/// The disk's limit for many writers who wait for their own records and share each sync.
fn append_together(runtime: &Runtime, path: &Path, scale: Scale, bytes: usize) -> f64 {
    let (sender, receiver) = channel();
    let file = growing_file(path);
    let committer = std::thread::spawn(move || commit_groups(file, &receiver));
    let rate = per_second(scale.runs * scale.steps_per_run, || {
        runtime.block_on(async {
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..scale.runs {
                writers.spawn(append_some(sender.clone(), scale.steps_per_run, bytes));
            }
            writers.join_all().await;
        });
    });
    drop(sender);
    committer.join().unwrap();
    rate
}

async fn append_some(sender: Sender<Append>, appends: usize, bytes: usize) {
    for _ in 0..appends {
        let (done, durable) = oneshot::channel();
        sender.send((vec![b'x'; bytes], done)).unwrap();
        durable.await.unwrap();
    }
}

fn commit_groups(mut file: File, appends: &Receiver<Append>) {
    while let Ok(first) = appends.recv() {
        let group: Vec<Append> = std::iter::once(first).chain(appends.try_iter()).collect();
        let records: Vec<u8> =
            group.iter().flat_map(|(record, _)| record.iter().copied()).collect();
        file.write_all(&records).unwrap();
        file.sync_data().unwrap();
        for (_, done) in group {
            done.send(()).unwrap();
        }
    }
}

fn growing_file(path: &Path) -> File {
    OpenOptions::new().create_new(true).append(true).open(path).unwrap()
}

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

fn workflow(length: usize) -> Workflow {
    let mut builder = Workflow::builder("throughput");
    builder.step(&Chain { length }, ());
    builder.build().unwrap()
}

/// The mean size of a batch of such a run, as it is stored: what the disk's limit must write too.
fn appended_bytes(runtime: &Runtime, length: usize) -> usize {
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

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        self.inner.runs()
    }

    fn rest<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, ()> {
        self.inner.rest(run)
    }
}
