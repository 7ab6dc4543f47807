//! How soon the program answers, and what a run takes: with 1,000 finished deployments in the state directory.
//!
//! Medians of 20. `status` from start to exit; `resume` from start to the first byte of its first remote call, after a
//! clean end and after `kill -9`; the greatest memory of a deployment, and its journal on disk. The program is the
//! one that cargo has built, or the one that `LAB1_FLOW_BIN` names. `cargo bench --bench start`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod door;
mod program;
#[path = "../../workflow/benches/common/report.rs"]
#[allow(dead_code, reason = "the benchmarks of the engine use more of it")]
mod report;

use std::path::Path;
use std::time::Duration;

use lab1_flow_journal::testing::copy_folder;
use lab1_flow_journal::{History, Journal, Record, RunId, RunStore, Seq, Timestamp};
use serde_json::json;

use door::Door;
use program::{Program, children_cpu_ms, disk_kib};
use report::{Limit, in_full, median};

fn main() {
    let (runs, rounds) = if in_full() { (1_000, 20) } else { (3, 1) };
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = Program::new(&dir.path().join("state"));
    let deployed = deployment(&program);
    fill(&program, &deployed, runs);
    status(&program, &deployed, runs, rounds);
    resume(&program, runs, rounds);
    program.stop_cloud();
}

/// One deployment on the embedded cloud: its memory, and its journal.
fn deployment(program: &Program) -> RunId {
    let (run, peak_kib) = program.run_to_its_end(&["run", "--yes"]);
    let (figure, limit) = ("memory of a deployment", Limit::AtMost(40.0));
    report::print(figure, f64::from(peak_kib) / 1024.0, "MiB", limit, json!({}));
    let journal = disk_kib(&program.run_dir(&run).join("journal"));
    let details = json!({ "whole_folder_kib": disk_kib(&program.run_dir(&run)) });
    let (figure, limit) = ("journal of a deployment on disk", Limit::AtMost(2.0));
    report::print(figure, f64::from(journal) / 1024.0, "MiB", limit, details);
    run
}

/// Puts copies of a deployment under other names beside it.
fn fill(program: &Program, run: &RunId, runs: usize) {
    let store = RunStore::open(program.state_dir()).unwrap();
    let history = store.view(run).unwrap().history;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 1..runs {
        let name = RunId::new(&format!("other-{number}")).unwrap();
        runtime.block_on(put(&store, &history, &name));
    }
}

async fn put(store: &RunStore, history: &History, run: &RunId) {
    let mut header = history.header.clone();
    header.run = run.clone();
    let journal = store.create(&header).unwrap();
    let entries = history.records.iter().map(|record: &Record| record.entry.clone()).collect();
    journal.append(run, Seq::FIRST, Timestamp(1), entries).await.unwrap();
    journal.close().unwrap();
}

fn status(program: &Program, run: &RunId, runs: usize, rounds: usize) {
    for (figure, args) in [("status", vec!["status", run.as_str()]), ("list", vec!["list"])] {
        let begun = children_cpu_ms();
        let times: Vec<f64> = (0..rounds).map(|_| program.time(&args)).collect();
        let cpu_ms = mean(children_cpu_ms() - begun, times.len());
        // What a list of so many may take is not laid down: it stands here to be seen.
        let limit = Limit::AtMost(if figure == "status" { 20.0 } else { 1_000.0 });
        report::print(
            figure,
            median(times),
            "ms",
            limit,
            json!({ "runs": runs, "cpu_ms": cpu_ms }),
        );
    }
}

/// The door stands between the program and the embedded cloud, and sees the first byte come.
fn resume(program: &Program, runs: usize, rounds: usize) {
    program.reset_cloud();
    let door = Door::open(program.cloud_port());
    let endpoint = format!("http://127.0.0.1:{}", door.port());
    let stack = ["--stack", "door", "--endpoint-url", &endpoint, "--until", "1", "--yes"];
    let (run, _) = program.run_to_its_end(&[&["run"], stack.as_slice()].concat());
    let place = program.run_dir(&run);
    let clean = place.with_file_name("clean-copy");
    copy_folder(&place, &clean).unwrap();
    measure_resume("resume to its first call", program, &door, &run, (&clean, runs, rounds));
    // A death in mid-run: its journal was not closed.
    restore(&clean, &place);
    let mut child = program.spawn(&["resume", run.as_str()]);
    door.first_byte(Duration::from_mins(1));
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = place.with_file_name("killed-copy");
    copy_folder(&place, &killed).unwrap();
    let figure = "resume to its first call after kill -9";
    measure_resume(figure, program, &door, &run, (&killed, runs, rounds));
}

fn measure_resume(
    figure: &str,
    program: &Program,
    door: &Door,
    run: &RunId,
    (copy, runs, rounds): (&Path, usize, usize),
) {
    let place = program.run_dir(run);
    let begun_cpu = children_cpu_ms();
    let times: Vec<f64> = (0..rounds)
        .map(|_| {
            restore(copy, &place);
            door.forget();
            let begun = program::now();
            let mut child = program.spawn(&["resume", run.as_str()]);
            let seen = door.first_byte(Duration::from_mins(1));
            child.kill().unwrap();
            child.wait().unwrap();
            seen.duration_since(begun).as_secs_f64() * 1_000.0
        })
        .collect();
    let cpu_ms = mean(children_cpu_ms() - begun_cpu, times.len());
    let details = json!({ "runs": runs, "cpu_ms": cpu_ms });
    report::print(figure, median(times), "ms", Limit::AtMost(50.0), details);
}

fn mean(sum: f64, count: usize) -> f64 {
    (sum / report::number(count) * 10.0).round() / 10.0
}

fn restore(copy: &Path, place: &Path) {
    std::fs::remove_dir_all(place).unwrap();
    copy_folder(copy, place).unwrap();
}
