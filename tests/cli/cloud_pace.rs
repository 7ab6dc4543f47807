//! How fast the embedded cloud runs: it may change while nothing stands on it.

use lab1_flow_journal::RunStore;

use crate::assert_transcript;
use crate::common::stored::{header, started, write};
use crate::common::{Sandbox, text};

const SOMEBODYS_GROUP: &str =
    "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=mine&GroupDescription=mine";

/// The seconds of AWS that pass in a second, and whether a command started the cloud.
fn pace(sandbox: &Sandbox) -> (f64, bool) {
    let status = sandbox.succeed(&["cloud", "status", "--json"]).json();
    let endpoint = &status[0]["endpoint"];
    let in_background = endpoint["in_background"].as_bool();
    (endpoint["time_scale"].as_f64().unwrap_or_default(), in_background.unwrap_or_default())
}

#[test]
fn a_cloud_on_which_nothing_stands_starts_anew_with_another_pace() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["plan"]);
    assert_eq!(pace(&sandbox), (60.0, true));
    let planned = sandbox.succeed(&["plan", "--time-scale", "500"]);
    assert!(planned.stderr.starts_with(
        "the embedded cloud ran with a time scale of 60; nothing stands on it, and it starts anew with 500\n"
    ));
    assert_eq!(pace(&sandbox), (500.0, true));
    sandbox.succeed(&["cloud", "start", "--time-scale", "600"]);
    assert_eq!(pace(&sandbox), (600.0, true));
    // What a run has left is a record of instances that are gone, and no more.
    let run = sandbox.succeed(&["run", "--json"]).json();
    sandbox.succeed(&["rollback", &text(&run[0]["run_id"])]);
    sandbox.succeed(&["plan", "--time-scale", "700"]);
    assert_eq!(pace(&sandbox), (700.0, true));
}

#[test]
fn a_cloud_on_which_something_stands_keeps_its_pace() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start"]);
    sandbox.somebody(SOMEBODYS_GROUP);
    assert_transcript!(sandbox.run(&["run", "--time-scale", "7"]), @r"
    exit status: 2
    -- stderr
    error: the embedded cloud runs already, with a time scale of 60 and not 7
      now:  nothing was created
      next: leave the flag out, or stop the cloud first; its account is kept:
      next: lab1-flow cloud stop
    ");
    assert_eq!(pace(&sandbox), (60.0, true));
}

#[test]
fn a_cloud_that_somebody_serves_in_the_foreground_keeps_its_pace() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults("");
    sandbox.run(&["run", "--time-scale", "7"]).expect_status(2);
    assert_eq!(pace(&sandbox), (600.0, false));
}

#[test]
fn a_cloud_on_which_a_process_carries_out_a_run_keeps_its_pace() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start"]);
    write(&sandbox.state_dir(), "held", vec![started("group")]);
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let held = runs.open_run(&header("held").run).expect("the run");
    sandbox.run(&["plan", "--time-scale", "7"]).expect_status(2);
    held.close().expect("a clean close");
    sandbox.succeed(&["plan", "--time-scale", "7"]);
}
