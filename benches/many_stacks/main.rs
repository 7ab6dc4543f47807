//! A hundred stacks at once in one account, under the published token buckets.
//!
//! One process deploys them in virtual time through one connection; quotas are raised and the watchdog is off. The
//! limit is what the buckets give: the last `CreateLoadBalancer` cannot be made before its bucket has filled so
//! often, and its stack cannot be done before that balancer carries traffic; nor can a stack be done before its
//! instances are up, which cannot be asked for before the bucket of the other changes gave what was needed for them.
//! `cargo bench --bench many_stacks` plays it with five draws of the durations, and gives the medians last;
//! `-- --stacks N` for fewer stacks, `-- --seeds N` for other numbers of draws, `-- --seed N` for another first one. With
//! `LAB1_FLOW_PLOTS=DIR` it draws `makespan.svg` there, over growing numbers of stacks.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

#[path = "../simulated/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared by the benchmarks; each uses a part")]
mod simulated;
mod stacks;

use std::path::Path;

use serde_json::{Value, json};
use simulated::plot::{Line, Titles, svg};
use simulated::{number_of, percentile, print, rounded};
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
    let seeds = number_of("--seeds", if asked { 5 } else { 1 });
    let rounds: Vec<_> = (seed..seed + seeds)
        .map(|seed| {
            let figures = figures(stacks, seed, &deploy(stacks, seed));
            print(figures.clone());
            figures
        })
        .collect();
    print(medians(stacks, &rounds));
    if let Some(plots) = std::env::var_os("LAB1_FLOW_PLOTS") {
        std::fs::write(Path::new(&plots).join("makespan.svg"), plot(seed)).unwrap();
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
fn number(count: u64) -> f64 {
    count as f64
}

/// What no order of calls can beat.
struct Bounds {
    balancers_s: f64,
    /// The one of the stack whose instances allow the least; 0 where none waited for its instances.
    instances_s: f64,
}

impl Bounds {
    fn of(stacks: u64, deployed: &Deployed) -> Self {
        let tokens_s = (number(stacks) - BALANCER_BUCKET).max(0.0) * BALANCER_TOKEN_S;
        let instances_s = deployed.slow_instances.iter().map(|slow| {
            let calls = number(u64::try_from(slow.calls_before).unwrap());
            (calls - CHANGES_BUCKET).max(0.0) / CHANGES_PER_S + slow.seconds
        });
        Self {
            balancers_s: tokens_s + deployed.provisioning_s,
            instances_s: instances_s.fold(0.0, f64::max),
        }
    }

    fn all_s(&self) -> f64 {
        self.balancers_s.max(self.instances_s)
    }
}

fn figures(stacks: u64, seed: u64, deployed: &Deployed) -> Value {
    let bounds = Bounds::of(stacks, deployed);
    let slowest_s = percentile(&deployed.seconds, 1.0);
    let median_s = percentile(&deployed.seconds, 0.5);
    let calls = deployed.calls.total(None);
    let throttled = deployed.calls.throttled();
    let refused: u64 = throttled.values().sum();
    json!({
        "bench": "many_stacks",
        "stacks": stacks,
        "seed": seed,
        "total_s": rounded(slowest_s),
        "bound_s": rounded(bounds.all_s()),
        "bound_of_balancers_s": rounded(bounds.balancers_s),
        "bound_of_instances_s": rounded(bounds.instances_s),
        "ratio_to_bound": rounded(slowest_s / bounds.all_s()),
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
        // As long as the slowest has to take, its median being what it is.
        "bound_to_median": rounded(bounds.all_s() / median_s),
        "slowest_but_for_instances_to_median": rounded(deployed.slowest_of_balancers_s / median_s),
        "out_of_order": deployed.out_of_order,
        "lookups": lookups(deployed),
    })
}

/// The figures that have a limit, each the median of all rounds.
fn medians(stacks: u64, rounds: &[Value]) -> Value {
    let median = |figure: &str| {
        let values: Vec<_> = rounds.iter().filter_map(|round| round[figure].as_f64()).collect();
        rounded(percentile(&values, 0.5))
    };
    json!({
        "bench": "many_stacks_medians",
        "stacks": stacks,
        "seeds": rounds.len(),
        "ratio_to_bound": median("ratio_to_bound"),
        "ratio_limit": 1.10,
        "throttled_part": median("throttled_part"),
        "throttled_part_limit": 0.04,
        "slowest_to_median": median("slowest_to_median"),
        "slowest_to_median_limit": 1.75,
        "bound_to_median": median("bound_to_median"),
    })
}

/// What batches save: how often the runs have asked, and how often it was sent.
fn lookups(deployed: &Deployed) -> Value {
    let each = deployed.lookups.iter().map(|(call, counts)| {
        ((*call).to_owned(), json!({ "asked": counts.asked, "sent": counts.batches }))
    });
    Value::Object(each.collect())
}

/// The time of all stacks and its bound, over their number.
fn plot(seed: u64) -> String {
    let (mut made, mut bound, mut median) = (Vec::new(), Vec::new(), Vec::new());
    for stacks in [1, 2, 5, 10, 20, 50, 100, 200] {
        let deployed = deploy(stacks, seed);
        made.push((number(stacks), percentile(&deployed.seconds, 1.0)));
        median.push((number(stacks), percentile(&deployed.seconds, 0.5)));
        bound.push((number(stacks), Bounds::of(stacks, &deployed).all_s()));
    }
    let titles = Titles {
        plot: "Time until all of some stacks are up, under the published token buckets",
        x: "stacks at once",
        y: "seconds",
    };
    svg(
        &titles,
        &[
            Line { name: "", colour: "#999", points: bound },
            Line { name: "all are up (grey: the bound)", colour: "#1f5fbf", points: made },
            Line { name: "half of them are", colour: "#7fb3e6", points: median },
        ],
    )
}
