//! Stored delays: kept by a resume, and cut short by one that says so.

use serde_json::Value;

use crate::common::{Sandbox, wait_until};

const THROTTLED: &str = "
[[rules]]
action = \"CreateSecurityGroup\"
fault = \"throttle\"
";

/// So slow that the first delay is some seconds of ours.
const SLOW: &str = "0.05";

/// So slow that no delay ends while a test is at work.
const SLOWER: &str = "0.01";

/// An attempt at the claim: when it began, and until when the next one was put off, if it was refused.
struct Attempt {
    begun: i64,
    put_off: Option<i64>,
}

fn attempts(sandbox: &Sandbox, run: &str) -> Vec<Attempt> {
    let moment = |value: &Value| value.as_i64().expect("a moment");
    let mut attempts: Vec<Attempt> = Vec::new();
    for line in sandbox.succeed(&["journal", run, "--json"]).json() {
        let entry = &line["entry"];
        if entry["action"] != "balancer-security-group" {
            continue;
        }
        if entry["type"] == "attempt-started" {
            attempts.push(Attempt { begun: moment(&line["at"]), put_off: None });
        } else if entry["type"] == "attempt-failed" {
            let attempt = attempts.last_mut().expect("it has begun");
            attempt.put_off = Some(moment(&entry["retry"]["at"]));
        }
    }
    attempts
}

/// Carries the run out until the claim was attempted once more and refused, then kills the process. Returns all
/// attempts so far.
fn until_refused(sandbox: &Sandbox, command: &[&str], before: usize) -> Vec<Attempt> {
    let mut process = sandbox.start(command);
    let run = sandbox.wait_for_run();
    wait_until("one more attempt is refused", || {
        attempts(sandbox, &run).get(before).is_some_and(|attempt| attempt.put_off.is_some())
    });
    process.kill().expect("it runs");
    process.wait().expect("it ends");
    attempts(sandbox, &run)
}

#[test]
fn a_resume_keeps_a_stored_delay() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults_at(THROTTLED, SLOW);
    let before = until_refused(&sandbox, &["run"], 0).len();
    let run = sandbox.run_ids()[0].clone();
    let attempts = until_refused(&sandbox, &["resume", &run], before);
    for pair in attempts.windows(2) {
        // Without an answer nothing was put off.
        let Some(put_off) = pair[0].put_off else { continue };
        let begun = pair[1].begun;
        assert!(begun >= put_off, "{begun} is {} ms early", put_off - begun);
    }
}

#[test]
fn a_resume_that_is_told_not_to_wait_cuts_a_stored_delay_short() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults_at(THROTTLED, SLOWER);
    let before = until_refused(&sandbox, &["run"], 0);
    let run = sandbox.run_ids()[0].clone();
    let put_off = before.last().and_then(|attempt| attempt.put_off).expect("it was refused");
    let begun =
        until_refused(&sandbox, &["resume", &run, "--now"], before.len())[before.len()].begun;
    assert!(begun < put_off, "{begun} is {} ms late", begun - put_off);
}
