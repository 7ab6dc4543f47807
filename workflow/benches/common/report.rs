//! One line of JSON for each figure, with its limit beside it.

use std::time::Instant;

use serde_json::{Map, Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::AtMost(limit) => format!("<= {limit}"),
        }
    }
}

/// Prints a figure. `details` is an object; the machine's load stands beside it: it explains much of what takes time.
pub(crate) fn print(figure: &str, value: f64, unit: &str, limit: Limit, details: Value) {
    let mut line = Map::new();
    line.insert("figure".into(), json!(figure));
    line.insert("value".into(), json!(rounded(value)));
    line.insert("unit".into(), json!(unit));
    line.insert("limit".into(), json!(limit.text()));
    line.insert("holds".into(), json!(limit.holds(value)));
    if let Value::Object(details) = details {
        line.extend(details);
    }
    print_with_load(line);
}

/// Prints a line with the machine's load at its end.
pub(crate) fn print_with_load(mut line: Map<String, Value>) {
    line.insert("load".into(), json!(load()));
    println!("{}", Value::Object(line));
}

/// Says that a figure could not be had here.
pub(crate) fn left_out(figure: &str, why: &str) {
    println!("{}", json!({ "figure": figure, "left_out": why }));
}

fn rounded(value: f64) -> f64 {
    if value.abs() < 100.0 { (value * 1_000.0).round() / 1_000.0 } else { value.round() }
}

/// The machine's load of the last minute; others may work on it.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Whether all is measured; else only enough to see that it works, for `cargo test --benches`.
pub(crate) fn in_full() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time; other packages may")]
pub(crate) fn per_second(count: usize, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    number(count) / begin.elapsed().as_secs_f64()
}

pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
