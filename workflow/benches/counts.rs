//! What does not depend on the machine's load: instructions and syncs.
//!
//! The benchmark runs itself under callgrind and strace, with `n` and with `2n` steps: the difference is what `n`
//! steps cost without all that happens once. `cargo bench -p lab1-flow-workflow --bench counts`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod common;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use lab1_flow_workflow::journal::{
    Entry, Journal, MemoryJournal, Rest, RunId, Seq, SledJournal, Timestamp,
};
use lab1_flow_workflow::{Engine, NewRun};
use serde_json::json;
use tokio::runtime::Runtime;

use common::report::{self, Limit, in_full, number};
use common::work::{run_alone, workflow};

/// What a child does so many times.
const TURNS: &str = "turns";
const APPENDS: &str = "appends";
const DURABLE_STEPS: &str = "durable-steps";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, what, count] = args.as_slice()
        && let Ok(count) = count.parse()
    {
        return work(what, count);
    }
    if !in_full() {
        // Under `cargo test --benches`: only that the work can be done.
        return [TURNS, APPENDS, DURABLE_STEPS].iter().for_each(|what| work(what, 3));
    }
    turns();
    appends();
    syncs();
}

fn work(what: &str, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sled = || SledJournal::create(&dir.path().join("journal")).unwrap();
    match what {
        TURNS => drop(run_alone(&runtime, Arc::new(MemoryJournal::new()), count)),
        APPENDS => append(&runtime, &sled(), count),
        DURABLE_STEPS => drop(run_alone(&runtime, Arc::new(sled()), count)),
        other => panic!("no work is called {other}"),
    }
}

/// Appends a record again and again. A journal does not judge what follows what.
fn append(runtime: &Runtime, journal: &SledJournal, count: usize) {
    let run = RunId::new("alone").unwrap();
    let header = Engine::new(Arc::new(MemoryJournal::new()))
        .header(&workflow(1), NewRun::new(run.clone()))
        .unwrap();
    runtime.block_on(async {
        journal.create(&header).await.unwrap();
        let mut next = Seq::FIRST;
        for _ in 0..count {
            let entry = Entry::RunRested { rest: Rest::Stopped };
            journal.append(&run, next, Timestamp(1), vec![entry]).await.unwrap();
            next = next.next();
        }
    });
}

/// One turn of the engine: take in an outcome, decide, make and encode nothing but the records.
fn turns() {
    let figure = "instructions of a turn";
    let (Some(short), Some(long)) = (instructions(TURNS, 500), instructions(TURNS, 4_000)) else {
        return report::left_out(figure, "valgrind is not installed");
    };
    let details = json!({ "in_a_run_of": 1_000, "in_a_run_of_8000": long.round() });
    report::print(figure, short, "instructions", Limit::AtMost(60_000.0), details);
    let figure = "turns of a long run against those of a short one";
    report::print(figure, long / short, "of 1,000 steps", Limit::AtMost(1.25), json!({}));
}

/// One append of one record to sled: encode, chain, insert, flush, sync, witness.
fn appends() {
    let figure = "instructions of an append";
    let Some(count) = instructions(APPENDS, 500) else {
        return report::left_out(figure, "valgrind is not installed");
    };
    report::print(figure, count, "instructions", Limit::AtMost(35_000.0), json!({}));
}

/// The syncs of a durable step: one, and every some thousand steps those of a checkpoint.
fn syncs() {
    let figure = "syncs of a step";
    let (Some(once), Some(twice)) = (fdatasyncs(200), fdatasyncs(400)) else {
        return report::left_out(figure, "strace is not installed");
    };
    let details = json!({ "besides": once - 200.0 });
    report::print(figure, (twice - once) / 200.0, "fdatasync", Limit::AtMost(1.01), details);
}

/// The instructions of one piece of work, in a child that does `count` and one that does twice as many.
fn instructions(what: &str, count: usize) -> Option<f64> {
    let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let collected = |count| {
        let output = under("valgrind", &tool, what, count)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, figure) = text.split_once("Collected : ")?;
        figure.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some((collected(2 * count)? - collected(count)?) / number(count))
}

fn fdatasyncs(steps: usize) -> Option<f64> {
    let tool = ["-f", "-qq", "-e", "trace=fdatasync", "-e", "signal=none"];
    let output = under("strace", &tool, DURABLE_STEPS, steps)?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let calls = text.lines().filter(|line| line.contains("fdatasync(")).count();
    Some(number(calls))
}

/// Runs this program under a tool; `None` when there is no such tool.
fn under(tool: &str, options: &[&str], what: &str, count: usize) -> Option<Output> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(tool)
        .args(options)
        .arg(Path::new(&program))
        .args([what, &count.to_string()])
        .output()
        .ok()?;
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output)
}
