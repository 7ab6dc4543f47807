//! Clients that other people wrote, unmodified, on the embedded cloud: boto3 and the AWS CLI.
//!
//! Each deploys the documented stack, sends traffic through it, is refused what AWS refuses, pages
//! through lists, does by hand what the cloud models beside the stack, and takes everything away. Every
//! answer on the wire is held against the service model of botocore. The scenes are the Python files of
//! this folder; here the cloud is served and what they have seen is judged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing, and reports on standard error"
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use lab1_flow_cloud::modelled_actions;
use serde_json::Value;

use support::embedded::serve;
use support::flow::Flow;
use support::python::Python;
use support::report;

/// Ten minutes of AWS in a second: slow enough for everything to be seen on its way.
const QUICK: &str = "600";
/// AWS's own time, in which a client can be too fast.
const REAL: &str = "1";

#[test]
fn boto3_deploys_the_stack_uses_every_action_and_takes_it_away() {
    let Some(python) = Python::or_say_skipped("boto3 on the embedded cloud") else { return };
    let seen = play(&python, QUICK, "boto3", "stack");
    assert_stack_was_seen(&seen);
    tell("boto3 on the embedded cloud", &seen);
}

#[test]
fn the_aws_cli_deploys_the_stack_uses_every_action_and_takes_it_away() {
    let Some(python) = Python::or_say_skipped("the AWS CLI on the embedded cloud") else { return };
    let seen = play(&python, QUICK, "aws-cli", "stack");
    assert_stack_was_seen(&seen);
    tell("the AWS CLI on the embedded cloud", &seen);
}

#[test]
fn clients_that_are_too_fast_are_throttled_in_the_words_of_each_service() {
    let Some(python) = Python::or_say_skipped("throttled foreign clients") else { return };
    for client in ["boto3", "aws-cli"] {
        let seen = play(&python, REAL, client, "throttling");
        assert_eq!(seen["refusals"].as_array().unwrap().len(), 3, "{seen}");
        assert_answers_fit(&seen);
    }
}

#[test]
fn clients_with_another_key_are_refused_in_the_words_of_each_service() {
    let Some(python) = Python::or_say_skipped("foreign clients with another key") else { return };
    let seen = play_with(&python, QUICK, "boto3", "stranger", &[("AWS_ACCESS_KEY_ID", "test")]);
    assert_eq!(seen["refusals"].as_array().unwrap().len(), 4, "{seen}");
    assert_answers_fit(&seen);
}

#[test]
fn an_answer_that_does_not_fit_its_model_is_found() {
    let Some(python) = Python::or_say_skipped("teeth of the service models") else { return };
    let seen = play(&python, QUICK, "boto3", "teeth");
    report::count("answers spoilt and found", &seen["spoilt"].to_string());
}

/// Plays a scene against a fresh cloud, and returns what was seen.
fn play(python: &Python, time_scale: &str, client: &str, scene: &str) -> Value {
    play_with(python, time_scale, client, scene, &[])
}

/// The same with variables that go before those of the cloud.
fn play_with(
    python: &Python,
    time_scale: &str,
    client: &str,
    scene: &str,
    variables: &[(&str, &str)],
) -> Value {
    let flow = Flow::new();
    let cloud = serve(&flow, time_scale, "");
    let exports = flow.run(&["cloud", "env"]).expect_status(0).stdout;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_clients/drive.py");
    let mut command = python.script_at(&script);
    command.args([client, scene]).stdin(Stdio::null());
    for line in exports.lines() {
        let variable = line.strip_prefix("export ").and_then(|line| line.split_once('='));
        let (name, value) = variable.expect("each line exports a variable");
        command.env(name, value);
    }
    let ended = command.envs(variables.iter().copied()).output().expect("the script runs");
    drop(cloud);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{client}, {scene}: {stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error} in {stdout:?}"))
}

#[track_caller]
fn assert_stack_was_seen(seen: &Value) {
    assert_answers_fit(seen);
    let called: BTreeSet<&str> =
        seen["operations"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let modelled: Vec<String> =
        modelled_actions().map(|(service, action)| format!("{service} {action}")).collect();
    let uncalled: Vec<&str> =
        modelled.iter().map(String::as_str).filter(|action| !called.contains(action)).collect();
    assert!(uncalled.is_empty(), "modelled actions that the client did not call: {uncalled:?}");
}

#[track_caller]
fn assert_answers_fit(seen: &Value) {
    assert_eq!(seen["deviations"], Value::Array(Vec::new()), "answers that no model describes");
}

fn tell(check: &str, seen: &Value) {
    let length = |key: &str| seen[key].as_array().map_or(0, Vec::len);
    let pages: u64 = seen["pages"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let (answers, operations, refusals) =
        (&seen["answers"], length("operations"), length("refusals"));
    let what = format!(
        "{answers} answers of {operations} actions against their models, {refusals} documented \
         errors, {pages} pages"
    );
    report::count(check, &what);
}
