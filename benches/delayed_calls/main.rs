//! A deployment whose every call takes 150 ms longer: the real program, from start to exit, in front of moto.
//!
//! moto (from `PyPI`) is an AWS that other people wrote; between it and the program stands a proxy that holds each call
//! back. What the delay adds is the longest chain of calls that wait for one another. Runs with and without delay take
//! turns, in an account that is empty each time; each figure is the median of its runs. `cargo bench --bench delayed_calls`;
//! `LAB1_FLOW_TEST_CACHE` names a folder in which the Python environment is kept.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

#[path = "../../workflow/benches/common/report.rs"]
#[allow(dead_code, reason = "the benchmarks of the engine use more of it")]
mod report;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use report::{Limit, in_full, median};
use serde_json::json;
use support::flow::Flow;
use support::moto::Moto;
use support::proxy::{Fate, Proxy};
use support::python::Python;

/// How much longer each call takes.
const DELAY: Duration = Duration::from_millis(150);

/// Preflight, the claim, the instances' security group, its mark, its rules, the Auto Scaling groups, their marks, the
/// targets' health.
const CHAIN_MAX: f64 = 8.0;

fn main() {
    let figure = "deployment with a delay";
    let Some(python) = Python::or_say_skipped(figure) else {
        report::left_out(figure, "moto needs Python");
        return;
    };
    let moto = Moto::start(&python);
    let proxy = Proxy::before(moto.address);
    let rounds = if in_full() { 9 } else { 1 };
    let (mut plain, mut delayed) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(deploy(&moto, &proxy, Duration::ZERO));
        delayed.push(deploy(&moto, &proxy, DELAY));
    }
    let (plain_s, delayed_s) = (median(plain), median(delayed));
    let limit = Limit::AtMost(CHAIN_MAX * DELAY.as_secs_f64() + 1.5 * plain_s);
    let details = json!({
        "delay_s": DELAY.as_secs_f64(),
        "without_delay_s": plain_s,
        "added_delays": (delayed_s - plain_s) / DELAY.as_secs_f64(),
        "rounds": rounds,
    });
    report::print(figure, delayed_s, "s", limit, details);
}

/// Deploys until every target is healthy, and gives the seconds from the program's start to its exit.
fn deploy(moto: &Moto, proxy: &Proxy, delay: Duration) -> f64 {
    moto.reset();
    proxy.plan(move |_| if delay.is_zero() { Fate::Pass } else { Fate::Delay(delay) });
    let flow = Flow::new();
    let endpoint = proxy.url();
    // What moto has done can be seen at once.
    let target = ["--endpoint-url", &endpoint, "--consistency-window", "1s"];
    let ended = flow.run(&[&["run", "--wait", "targets", "--yes"], &target[..]].concat());
    ended.expect_status(0).took.as_secs_f64()
}
