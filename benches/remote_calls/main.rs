//! How many calls a deployment makes, and how many of them wait for one another.
//!
//! The documented stack with `wait = "targets"` on the embedded cloud, in virtual time. Counts are taken where nothing
//! takes any time; the chain of calls is the time of a run whose calls take 150 ms each, and nothing else does.
//! `cargo bench --bench remote_calls`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod deployed;
#[path = "../simulated/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared by the benchmarks; each uses a part")]
mod simulated;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use deployed::{Deployed, Setting, deploy};
use lab1_flow_cloud::Durations;
use serde_json::{Value, json};
use simulated::{Latency, print, rounded};
use wire::{Call, round_trips};

/// How long each call takes in the measurement of the chain.
const DELAY: Duration = Duration::from_millis(150);

/// Preflight, the claim, the instances' security group, its mark, its rules, the Auto Scaling groups, their marks, the
/// targets' health.
const CHAIN_MAX: u32 = 8;

fn main() {
    let clean = deploy(Setting::INSTANT);
    let delayed = deploy(Setting { latency: Latency::Fixed(DELAY), ..Setting::INSTANT });
    let waiting = deploy(Setting { durations: Durations::Typical, ..Setting::INSTANT });
    print(preflight(&clean, &delayed));
    print(after_preflight(&clean, &waiting));
    print(doubts(&clean));
    print(counted("verify_reads", clean.verify_reads, 14, json!({})));
    print(time(&clean, &delayed));
    print(chain(&delayed));
}

/// A count beside its limit, and what else there is to say about it.
fn counted(bench: &str, value: usize, limit: usize, more: Value) -> Value {
    let mut line = json!({
        "bench": bench, "value": value, "limit": limit, "holds": value <= limit,
    });
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    line
}

fn preflight(clean: &Deployed, delayed: &Deployed) -> Value {
    let trips = round_trips(delayed.parts().0).len();
    let more = json!({ "round_trips": trips, "round_trips_limit": 1 });
    counted("preflight_calls", clean.parts().0.len(), 14, more)
}

fn after_preflight(clean: &Deployed, waiting: &Deployed) -> Value {
    let calls = clean.parts().1;
    let (changes, reads): (Vec<&Call>, Vec<&Call>) = calls.iter().partition(|call| call.changes());
    let is_proof =
        |call: &&&Call| ["DescribeTags", "DescribeSecurityGroups"].contains(&call.action.as_str());
    let proofs = reads.iter().filter(is_proof).count();
    let more = json!({
        "changes": changes.len(),
        "proofs": proofs,
        "looks": by_action(reads.iter().filter(|call| !is_proof(call)).copied()),
        "extra_polls_of_a_median_deployment": waiting.parts().1.len() - calls.len(),
    });
    counted("deploy_calls", calls.len(), 24, more)
}

fn by_action<'a>(calls: impl Iterator<Item = &'a Call>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.action.as_str()).or_default() += 1;
    }
    counts
}

/// Loses the reply to each change in turn.
fn doubts(clean: &Deployed) -> Value {
    let changes = clean.calls.iter().filter(|call| call.changes()).count();
    let settled: BTreeMap<String, usize> = (0..changes)
        .map(|lost| {
            let doubts = deploy(Setting { lost: Some(lost), ..Setting::INSTANT }).doubts;
            let [doubt] = doubts.as_slice() else { panic!("one call is in doubt: {doubts:?}") };
            assert!(doubt.is_adopted, "{} is found and not made again", doubt.action);
            (doubt.action.to_string(), doubt.reads)
        })
        .collect();
    assert_eq!(settled.len(), changes, "every change was in doubt once");
    let most = settled.values().copied().max().unwrap_or_default();
    counted("reads_for_a_doubtful_call", most, 2, json!({ "by_action": settled }))
}

/// The limit of the time lets the run without delay count half as much again.
fn time(clean: &Deployed, delayed: &Deployed) -> Value {
    let limit = DELAY * CHAIN_MAX + clean.took.mul_f64(1.5);
    json!({
        "bench": "deploy_time_with_delay",
        "value_s": rounded(delayed.took.as_secs_f64()),
        "limit_s": rounded(limit.as_secs_f64()),
        "holds": delayed.took <= limit,
        "delay_s": DELAY.as_secs_f64(),
        "without_delay_s": rounded(clean.took.as_secs_f64()),
    })
}

fn chain(delayed: &Deployed) -> Value {
    let trips = rounded(delayed.took.as_secs_f64() / DELAY.as_secs_f64());
    json!({
        "bench": "chain_of_calls",
        "value": trips,
        "limit": CHAIN_MAX,
        "holds": trips <= f64::from(CHAIN_MAX),
        "sent_together": round_trips(&delayed.calls),
    })
}
