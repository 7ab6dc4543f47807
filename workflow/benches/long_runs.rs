//! Long runs and many runs: whether a step costs the same in a run of 10,000, forward and back, and what memory each
//! of 1,000 runs takes that one program carries out at once. `cargo bench -p lab1-flow-workflow --bench long_runs`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lab1_flow_workflow::journal::{
    ActionName, MemoryJournal, Record, Rest, RunId, RunState, SledJournal,
};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{Engine, NewRun, Observer, Resume, StopSignal};
use serde_json::json;

use common::report::{self, Limit, in_full, number};
use common::work::workflow;

fn main() {
    let (short, long, runs) = if in_full() { (1_000, 10_000, 1_000) } else { (10, 20, 5) };
    forward(short, long);
    back(short, 2 * short);
    memory(runs);
}

/// As many short runs as make a long one, and the long one.
fn forward(short: usize, long: usize) {
    let runtime = runtime();
    let carry_out = |steps| {
        let (engine, workflow) = (engine(), workflow(steps));
        let report = runtime.block_on(engine.start(&workflow, new_run())).unwrap();
        assert_eq!(report.rest(), &Rest::Completed);
    };
    // Several times, for the ticks are coarse.
    let times = 5;
    let many = cpu_ms(|| (0..times * long / short).for_each(|_| carry_out(short)));
    let one = cpu_ms(|| (0..times).for_each(|_| carry_out(long)));
    let details = json!({ "steps": long, "times": times, "ms": one, "ms_in_short_runs": many });
    let unit = format!("of the CPU in runs of {short}");
    report::print("a step of a long run", one / many, &unit, Limit::AtMost(3.0), details);
}

/// Before an action is taken back, all that was built on it is looked at: the longer the chain, the more that is.
fn back(short: usize, long: usize) {
    let runtime = runtime();
    let take_back = |steps| {
        let (engine, workflow) = (engine(), workflow(steps));
        let started = runtime.block_on(engine.start(&workflow, new_run()));
        let run = started.unwrap().run().clone();
        cpu_ms(|| {
            let back = engine.roll_back(&workflow, &run, Resume::default());
            assert_eq!(runtime.block_on(back).unwrap().rest(), &Rest::RolledBack);
        })
    };
    let (few, many) = (take_back(short), take_back(long));
    let details = json!({ "steps": long, "ms": many, "ms_of_the_short": few });
    let unit = format!("of a rollback of {short} steps");
    report::print("a rollback of twice the steps", many / few, &unit, Limit::AtMost(4.0), details);
}

/// The clock is a paused one: a rollback waits until late effects can no longer appear.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

fn engine() -> Engine {
    Engine::new(Arc::new(MemoryJournal::new())).with_clock(Arc::new(PausedClock::new()))
}

fn new_run() -> NewRun {
    NewRun::new(RunId::new("long").unwrap())
}

/// What this process computes meanwhile, by the kernel's ticks of 10 ms: others on the machine do not count.
fn cpu_ms(work: impl FnOnce()) -> f64 {
    let ticks = || {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap();
        let (_, behind_name) = text.rsplit_once(") ").unwrap();
        let times = behind_name.split(' ').skip(11).take(2);
        times.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>()
    };
    let begun = ticks();
    work();
    (ticks() - begun).max(1.0) * 10.0
}

/// Counts runs that have come half-way, and stops them all there.
#[derive(Debug)]
struct HalfWay {
    runs: usize,
    arrived: AtomicUsize,
    resident_kib: AtomicUsize,
    stop: StopSignal,
}

impl Observer for HalfWay {
    fn recorded(&self, records: &[Record], _: &RunState) {
        let half_way = records.iter().filter(|record| record.seq.0 == 8).count();
        let arrived = self.arrived.fetch_add(half_way, Ordering::SeqCst) + half_way;
        if half_way > 0 && arrived == self.runs {
            self.resident_kib.store(resident_kib(), Ordering::SeqCst);
            self.stop.request();
        }
    }

    fn waiting(&self, _: &ActionName, _: &str, _: std::time::Duration) {}
}

/// The memory of a run among many, with the journal that they share.
fn memory(runs: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = Arc::new(SledJournal::create(&dir.path().join("journal")).unwrap());
    let stop = StopSignal::new();
    let half_way = Arc::new(HalfWay {
        runs,
        arrived: AtomicUsize::new(0),
        resident_kib: AtomicUsize::new(0),
        stop: stop.clone(),
    });
    let workflow = Arc::new(workflow(30));
    let engine = Engine::new(journal).with_stop(stop).with_observer(half_way.clone());
    let before = resident_kib();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..runs {
            let (engine, workflow) = (engine.clone(), workflow.clone());
            let new = NewRun::new(RunId::new(&format!("run-{number}")).unwrap());
            tasks.spawn(async move { engine.start(&workflow, new).await.unwrap() });
        }
        tasks.join_all().await;
    });
    let grown = half_way.resident_kib.load(Ordering::SeqCst).saturating_sub(before);
    let details = json!({ "runs": runs, "steps_of_each": 30, "all_mib": grown / 1024 });
    let of_a_run = number(grown) / number(runs);
    report::print("memory of a run among many", of_a_run, "KiB", Limit::AtMost(64.0), details);
}

fn resident_kib() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
