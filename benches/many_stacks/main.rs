//! A hundred stacks at once in one account, under the published token buckets.
//!
//! One process deploys them in virtual time through one connection; quotas are raised and the watchdog is off. The
//! limit is what the buckets give: the last `CreateLoadBalancer` cannot be made before its bucket has filled so
//! often, and its stack cannot be done before that balancer carries traffic; nor can a stack be done before its
//! instances are up, which cannot be asked for before the bucket of the other changes gave what was needed for them.
//! `cargo bench --bench many_stacks`; `-- --stacks N` for fewer.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

#[path = "../simulated/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared by the benchmarks; each uses a part")]
mod simulated;
mod stacks;

use simulated::{number_of, percentile, rounded};
use stacks::{Deployed, deploy};

/// The published bucket of `CreateLoadBalancer`: its size, and the seconds that one token takes.
const BALANCER_BUCKET: f64 = 10.0;
const BALANCER_TOKEN_S: f64 = 5.0;

/// The published bucket of the other changes of Elastic Load Balancing: its size, and its tokens a second.
const CHANGES_BUCKET: f64 = 20.0;
const CHANGES_PER_S: f64 = 3.0;

fn main() {
    let asked = std::env::args().any(|argument| argument == "--bench");
    // Enough to see that it works, for `cargo test --benches`.
    let stacks = number_of("--stacks", if asked { 100 } else { 3 });
    let seed = number_of("--seed", 1);
    println!("{}", figures(stacks, seed, &deploy(stacks, seed)));
}

fn figures(stacks: u64, seed: u64, deployed: &Deployed) -> serde_json::Value {
    #[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
    let number = |count: u64| count as f64;
    let tokens_s = (number(stacks) - BALANCER_BUCKET).max(0.0) * BALANCER_TOKEN_S;
    let balancers_s = tokens_s + deployed.provisioning_s;
    let instances_s = deployed.slow_instances.iter().map(|slow| {
        let calls = number(u64::try_from(slow.calls_before).unwrap());
        (calls - CHANGES_BUCKET).max(0.0) / CHANGES_PER_S + slow.seconds
    });
    let bound_s = instances_s.fold(balancers_s, f64::max);
    let slowest_s = percentile(&deployed.seconds, 1.0);
    let median_s = percentile(&deployed.seconds, 0.5);
    let calls = deployed.calls.total(None);
    let throttled = deployed.calls.throttled();
    let refused: u64 = throttled.values().sum();
    serde_json::json!({
        "bench": "many_stacks",
        "stacks": stacks,
        "seed": seed,
        "total_s": rounded(slowest_s),
        "bound_s": rounded(bound_s),
        "bound_of_balancers_s": rounded(balancers_s),
        "ratio_to_bound": rounded(slowest_s / bound_s),
        "ratio_limit": 1.10,
        "calls": calls,
        "throttled": refused,
        "throttled_part": rounded(number(refused) / number(calls)),
        "throttled_part_limit": 0.04,
        "throttled_by_action": throttled,
        "calls_by_action": deployed.calls.by_action(),
        "median_s": rounded(median_s),
        "slowest_to_median": rounded(slowest_s / median_s),
        "slowest_to_median_limit": 1.75,
        "out_of_order": deployed.out_of_order,
    })
}
