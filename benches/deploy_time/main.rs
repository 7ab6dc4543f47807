//! How long a deployment and its rollback take, beside the critical path of the very same durations.
//!
//! The documented stack on the embedded cloud, in virtual time: every provisioning time, boot time and call
//! duration is drawn from the duration model by a seed. The limit of each run is its own critical path: the
//! longest chain of what its actions themselves took, by their dependencies, each wait ending at the moment at
//! which the cloud was ready and not at the one at which it was seen. `cargo bench --bench deploy_time`;
//! `-- --seeds N` for fewer than a thousand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod critical_path;
mod play;
#[path = "../simulated/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared by the benchmarks; each uses a part")]
mod simulated;
mod truth;

use std::collections::BTreeMap;

use play::{Played, play};
use simulated::{number_of, percentile, print, rounded};

fn main() {
    let asked = std::env::args().any(|argument| argument == "--bench");
    // Enough to see that it works, for `cargo test --benches`.
    let seeds = number_of("--seeds", if asked { 1_000 } else { 2 });
    let played: Vec<[Played; 2]> = (0..seeds).map(play).collect();
    for (way, slack) in [("deploy", 1.02), ("rollback", 1.05)] {
        let of_way: Vec<&Played> = played
            .iter()
            .map(|[forward, back]| if way == "deploy" { forward } else { back })
            .collect();
        print(figures(way, slack, &of_way));
    }
}

/// One line for one direction. `over_limit` counts the seeds beyond slack times the critical path plus two seconds.
fn figures(way: &str, slack: f64, played: &[&Played]) -> serde_json::Value {
    let of = |figure: fn(&Played) -> f64| played.iter().map(|one| figure(one)).collect::<Vec<_>>();
    let (makespans, paths) = (of(|one| one.makespan_s), of(|one| one.path_s));
    let limits: Vec<f64> = paths.iter().map(|path| slack * path + 2.0).collect();
    let ratios: Vec<f64> = makespans.iter().zip(&limits).map(|(one, limit)| one / limit).collect();
    let mut binding: BTreeMap<&str, usize> = BTreeMap::new();
    for one in played {
        *binding.entry(&one.binding).or_default() += 1;
    }
    let over = ratios.iter().filter(|ratio| **ratio > 1.0).count();
    let pair = |values: &[f64]| [0.5, 0.95].map(|rank| rounded(percentile(values, rank)));
    serde_json::json!({
        "bench": format!("{way}_time"),
        "seeds": played.len(),
        "makespan_s": pair(&makespans),
        "critical_path_s": pair(&paths),
        "limit_s": pair(&limits),
        "ratio_to_limit": pair(&ratios),
        "over_limit": over,
        "lost_s": pair(&of(|one| one.makespan_s - one.path_s)),
        "binding": binding,
        "elb_calls_per_s": pair(&of(|one| one.elb_per_s)),
        "auto_scaling_calls_per_s": pair(&of(|one| one.auto_scaling_per_s)),
    })
}
