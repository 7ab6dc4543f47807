//! How many durable steps a second, beside what the disk itself can do.
//!
//! One run of 1,000 trivial steps, and 100 runs of 8 side by side, on one `SledJournal`. Beside them, in the
//! same process and interleaved, the limits: appends of records of the same size to a growing file, each
//! followed by `fdatasync`, by one writer, and by 100 writers who share each sync. Opening is outside the timed
//! part; every figure is the median of five rounds. `cargo bench -p lab1-flow-workflow --bench throughput`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod common;

use std::path::Path;
use std::sync::Arc;

use lab1_flow_workflow::journal::{Journal, SledJournal};
use serde_json::json;
use tokio::runtime::Runtime;

use common::limits::{append_alone, append_together};
use common::report::{self, Limit, in_full, median};
use common::work::{appended_bytes, run_alone, run_together};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scale {
    rounds: usize,
    steps: usize,
    runs: usize,
    steps_per_run: usize,
}

const FULL: Scale = Scale { rounds: 5, steps: 1_000, runs: 100, steps_per_run: 8 };
const BRIEF: Scale = Scale { rounds: 1, steps: 20, runs: 5, steps_per_run: 3 };

fn main() {
    let scale = if in_full() { FULL } else { BRIEF };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    sequential(&runtime, dir.path(), scale);
    concurrent(&runtime, dir.path(), scale);
}

/// One run of many steps, one after another.
fn sequential(runtime: &Runtime, dir: &Path, scale: Scale) {
    let bytes = appended_bytes(runtime, scale.steps);
    let rounds: Vec<_> = (0..scale.rounds)
        .map(|round| {
            let limit = append_alone(&dir.join(format!("alone-{round}")), scale.steps, bytes);
            let journal = SledJournal::create(&dir.join(format!("run-{round}"))).unwrap();
            (limit, run_alone(runtime, Arc::new(journal), scale.steps))
        })
        .collect();
    print("sequential steps", "of append+fdatasync", Limit::AtLeast(0.8), bytes, &rounds);
}

/// Many short runs at once on one journal.
fn concurrent(runtime: &Runtime, dir: &Path, scale: Scale) {
    let Scale { runs, steps_per_run, .. } = scale;
    let bytes = appended_bytes(runtime, steps_per_run);
    let rounds: Vec<_> = (0..scale.rounds)
        .map(|round| {
            let path = dir.join(format!("together-{round}"));
            let limit = append_together(runtime, &path, runs, steps_per_run, bytes);
            let journal = SledJournal::create(&dir.join(format!("runs-{round}"))).unwrap();
            let journal: Arc<dyn Journal> = Arc::new(journal);
            (limit, run_together(runtime, &journal, runs, steps_per_run))
        })
        .collect();
    print("concurrent steps", "of group-committed appends", Limit::AtLeast(0.4), bytes, &rounds);
}

/// Each round has the limit's rate and the engine's.
fn print(figure: &str, unit: &str, limit: Limit, bytes: usize, rounds: &[(f64, f64)]) {
    let of = |pick: &dyn Fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
    let details = json!({
        "steps_per_s": of(&|round| round.1).round(),
        "disk_per_s": of(&|round| round.0).round(),
        "record_bytes": bytes,
    });
    report::print(figure, of(&|round| round.1 / round.0), unit, limit, details);
}
