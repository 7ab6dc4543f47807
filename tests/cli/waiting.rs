//! Stored delays: kept by a resume, and cut short by one that says so.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::Sandbox;

const THROTTLED: &str = "
[[rules]]
action = \"CreateSecurityGroup\"
fault = \"throttle\"
";

/// So slow that the first delay is some seconds of ours.
const SLOW: &str = "0.05";

/// The records about the claim, once there are `count` of this type.
fn records_of_claim(sandbox: &Sandbox, run: &str, kind: &str, count: usize) -> Vec<Value> {
    let patience_ends = Instant::now() + Duration::from_mins(1);
    loop {
        let lines = sandbox.succeed(&["journal", run, "--json"]).json();
        let of_claim = lines.into_iter().filter(|line| {
            line["entry"]["type"] == kind && line["entry"]["action"] == "balancer-security-group"
        });
        let found: Vec<Value> = of_claim.collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < patience_ends, "{count} x {kind}: {found:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Carries the run out until the claim was attempted `attempts` times and refused, then kills the process. Returns
/// when the last attempt began, and until when the next one is put off.
fn until_refused(sandbox: &Sandbox, command: &[&str], attempts: usize) -> (i64, i64) {
    let mut process = sandbox.start(command);
    let run = sandbox.wait_for_run();
    let refused = records_of_claim(sandbox, &run, "attempt-failed", attempts);
    let begun = records_of_claim(sandbox, &run, "attempt-started", attempts);
    process.kill().expect("it runs");
    process.wait().expect("it ends");
    let last = |records: &[Value]| records.last().expect("a record").clone();
    let (begun, refused) = (last(&begun), last(&refused));
    let moment = |value: &Value| value.as_i64().expect("a moment");
    (moment(&begun["at"]), moment(&refused["entry"]["retry"]["at"]))
}

#[test]
fn a_resume_keeps_a_stored_delay_unless_it_is_told_not_to_wait() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults_at(THROTTLED, SLOW);
    let (_, put_off) = until_refused(&sandbox, &["run"], 1);
    let run = sandbox.run_ids()[0].clone();
    let (begun, put_off_again) = until_refused(&sandbox, &["resume", &run], 2);
    assert!(begun >= put_off, "{begun} is {} ms early", put_off - begun);
    let (begun, _) = until_refused(&sandbox, &["resume", &run, "--now"], 3);
    assert!(begun < put_off_again, "{begun} is {} ms late", begun - put_off_again);
}
