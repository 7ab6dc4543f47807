//! The embedded cloud in virtual time, behind calls that take as long as calls to AWS do.

#[path = "../../tests/real_steps/in_process.rs"]
mod in_process;
mod latency;
#[path = "../../workflow/benches/common/plot.rs"]
pub(crate) mod plot;
#[path = "../../workflow/benches/common/report.rs"]
#[allow(dead_code, reason = "the benchmarks of the engine use more of it")]
mod report;
mod world;

pub(crate) use latency::Latency;
pub(crate) use world::{CallCounts, World, WorldOptions, action_of};

/// The value at this rank (0 to 1) of a list that need not be sorted.
pub(crate) fn percentile(values: &[f64], rank: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a rank within the list"
    )]
    let place = (rank * last as f64).round() as usize;
    sorted[place.min(last)]
}

/// Prints the fields of a line, and the machine's load.
pub(crate) fn print(fields: serde_json::Value) {
    let serde_json::Value::Object(line) = fields else { panic!("a line is an object") };
    report::print_with_load(line);
}

/// The figure with three decimals, for people.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The number behind this flag of the command line, or the usual one.
pub(crate) fn number_of(flag: &str, usual: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
    arguments.next().map_or(usual, |text| text.parse().expect("the flag needs a number"))
}

/// A runtime whose time passes only when everybody sleeps.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime")
}
