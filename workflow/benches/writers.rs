//! Throughput over the number of runs that share a journal, beside as many writers of a plain file.
//!
//! Each point is the median of three interleaved rounds. With `LAB1_FLOW_PLOTS=DIR` it draws `throughput.svg` there.
//! `cargo bench -p lab1-flow-workflow --bench writers`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod common;

use std::path::Path;
use std::sync::Arc;

use lab1_flow_workflow::journal::{Journal, SledJournal};
use serde_json::json;
use tokio::runtime::Runtime;

use common::limits::append_together;
use common::plot::{Line, Titles, svg};
use common::report::{self, Limit, in_full, median, number};
use common::work::{appended_bytes, run_together};

/// What was measured with so many writers.
#[derive(Debug)]
struct Point {
    writers: usize,
    steps_per_s: f64,
    disk_per_s: f64,
    ratio: f64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (writers, rounds): (&[usize], _) =
        if in_full() { (&[1, 2, 5, 10, 20, 50, 100, 200, 500], 3) } else { (&[1, 3], 1) };
    let points: Vec<Point> =
        writers.iter().map(|writers| measure(&runtime, dir.path(), *writers, rounds)).collect();
    let last = points.iter().find(|point| point.writers >= 100).or(points.last()).unwrap();
    let shown = points.iter().map(|point| {
        json!({
            "writers": point.writers,
            "steps_per_s": point.steps_per_s.round(),
            "disk_per_s": point.disk_per_s.round(),
        })
    });
    let details = json!({ "writers": last.writers, "points": shown.collect::<Vec<_>>() });
    let unit = "of as many writers of a file";
    report::print("steps over writers", last.ratio, unit, Limit::AtLeast(0.4), details);
    if let Some(plots) = std::env::var_os("LAB1_FLOW_PLOTS") {
        std::fs::write(Path::new(&plots).join("throughput.svg"), plot(&points)).unwrap();
    }
}

fn measure(runtime: &Runtime, dir: &Path, writers: usize, rounds: usize) -> Point {
    let steps = if in_full() { (300 / writers).max(8) } else { 3 };
    let bytes = appended_bytes(runtime, steps);
    let rounds: Vec<(f64, f64)> = (0..rounds)
        .map(|round| {
            let path = |what: &str| dir.join(format!("{what}-{writers}-{round}"));
            let disk = append_together(runtime, &path("file"), writers, steps, bytes);
            let journal: Arc<dyn Journal> = Arc::new(SledJournal::create(&path("runs")).unwrap());
            (disk, run_together(runtime, &journal, writers, steps))
        })
        .collect();
    let of = |pick: &dyn Fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
    Point {
        writers,
        steps_per_s: of(&|round| round.1),
        disk_per_s: of(&|round| round.0),
        ratio: of(&|round| round.1 / round.0),
    }
}

fn plot(points: &[Point]) -> String {
    let line = |name, colour, rate: &dyn Fn(&Point) -> f64| Line {
        name,
        colour,
        points: points.iter().map(|point| (number(point.writers), rate(point))).collect(),
    };
    let titles = Titles {
        plot: "Durable steps a second over runs that share a journal",
        x: "runs at once",
        y: "a second",
    };
    svg(
        &titles,
        &[
            line("append + fdatasync", "#999", &|point| point.disk_per_s),
            line("engine", "#1f5fbf", &|point| point.steps_per_s),
        ],
    )
}
