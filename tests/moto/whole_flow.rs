//! The documented stack from nothing to nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stack::{OLDER_LACKS, Stage};
use crate::support::account::Account;
use crate::support::aws::Aws;
use crate::support::proxy::Call;
use crate::support::python::Python;
use crate::support::report;

/// How many calls a clean deployment may make, the look before the first change included.
/// 24 after the preflight when answers arrive together; moto's arrive one by one, so that batches are smaller.
const CALLS_MAX: usize = 42;

#[test]
fn the_documented_stack_is_deployed_setting_by_setting_and_taken_back_whole() {
    let Some(python) = Python::or_say_skipped("moto whole flow") else { return };
    deploys_and_takes_back(&Stage::new(&python));
}

#[test]
fn an_older_moto_deploys_the_documented_stack_and_takes_it_back_as_well() {
    let suite = "moto whole flow, older";
    let Some(python) = Python::with_older_moto_or_say_skipped(suite) else { return };
    let mut stage = Stage::new(&python);
    deploys_and_takes_back(&stage);
    // Where it differs from the newer one is still so; when it is not, take the exception away.
    stage.restart();
    stage.run().expect_status(0);
    let differences = stage.differences(&stage.flow.only_run());
    assert_eq!(differences.len(), 9, "{differences:?}");
    assert!(differences.iter().all(|it| it.ends_with(OLDER_LACKS)), "{differences:?}");
}

fn deploys_and_takes_back(stage: &Stage) {
    let ended = stage.run().expect_status(0);
    let run = stage.flow.only_run();
    stage.assert_deployed(&run, "after the deployment");
    assert_eq!(stage.flow.state_of(&run), "completed");

    stage.proxy.take_calls();
    let again = stage.flow.run(&["resume", &run]).expect_status(0);
    assert_eq!(stage.proxy.take_calls(), [], "a finished run is not touched");
    assert_eq!(again.stdout, ended.stdout, "it answers as the first time");

    stage.roll_back(&run).expect_status(0);
    stage.assert_nothing_left("after the rollback");
    assert_eq!(stage.flow.state_of(&run), "rolled-back");
}

#[test]
fn a_clean_deployment_makes_at_most_forty_two_calls() {
    let Some(python) = Python::or_say_skipped("moto call budget") else { return };
    let stage = Stage::new(&python);
    stage.run().expect_status(0);
    let deployment = stage.proxy.take_calls();
    let run = stage.flow.only_run();
    stage.roll_back(&run).expect_status(0);
    let rollback = stage.proxy.take_calls();
    let (deploy, back) = (deployment.len(), rollback.len());
    let counts = format!("{deploy} to deploy (limit {CALLS_MAX}), {back} to roll back");
    report::count("moto, API calls", &counts);
    assert!(deploy <= CALLS_MAX, "{deploy} calls:\n{}", table(&deployment));
}

#[test]
fn the_same_names_can_be_deployed_again_at_once_after_a_rollback() {
    let Some(python) = Python::or_say_skipped("moto twice") else { return };
    let stage = Stage::new(&python);
    let mut runs = Vec::new();
    for time in ["the first time", "the second time"] {
        stage.run().expect_status(0);
        let mut new = stage.flow.list();
        new.retain(|line| !runs.contains(&line["run_id"]));
        assert_eq!(new.len(), 1, "{time}: one new run in {new:?}");
        runs.push(new[0]["run_id"].clone());
        let run = new[0]["run_id"].as_str().unwrap();
        stage.assert_deployed(run, time);
        stage.roll_back(run).expect_status(0);
        stage.assert_nothing_left(time);
    }
}

#[test]
fn a_foreign_resource_with_one_of_our_names_is_refused_and_left_alone() {
    let Some(python) = Python::or_say_skipped("moto foreign things") else { return };
    let mut stage = Stage::new(&python);
    for (kind, make) in FOREIGN {
        stage.restart();
        make(&stage.moto.aws);
        let before = Account::read(&stage.moto.aws);
        let refused = stage.run().expect_status(3);
        let differences = Account::read(&stage.moto.aws).differences_from(&before);
        assert!(differences.is_empty(), "{kind}:\n{}", differences.join("\n"));
        assert!(stage.proxy.take_calls().iter().all(|call| !call.changes()), "{kind}: only looks");
        assert!(refused.stderr.contains("no mark of lab1-flow"), "{kind}: {}", refused.words());
    }
}

type Make = fn(&Aws);

/// Resources of somebody else that have the names of ours.
const FOREIGN: [(&str, Make); 6] = [
    ("the balancer's security group", |aws| {
        let group = json!({ "GroupName": "lab1-load-balancer-sg", "Description": "mine" });
        aws.call("ec2", "create_security_group", group);
    }),
    ("the instances' security group", |aws| {
        let group = json!({ "GroupName": "lab1-instances", "Description": "mine" });
        aws.call("ec2", "create_security_group", group);
    }),
    ("a launch template", |aws| foreign_template(aws, "lab1-template-2")),
    ("a target group", |aws| {
        let group = json!({
            "Name": "target-group-1",
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": aws.call("ec2", "describe_vpcs", json!({}))["Vpcs"][0]["VpcId"],
        });
        aws.call("elbv2", "create_target_group", group);
    }),
    ("a load balancer", |aws| {
        let subnets = aws.call("ec2", "describe_subnets", json!({}));
        let subnets: Vec<&Value> =
            (0..2).map(|index| &subnets["Subnets"][index]["SubnetId"]).collect();
        let balancer = json!({ "Name": "lab1-load-balancer", "Subnets": subnets });
        aws.call("elbv2", "create_load_balancer", balancer);
    }),
    ("an auto scaling group", |aws| {
        foreign_template(aws, "somebodys-template");
        let group = json!({
            "AutoScalingGroupName": "group2",
            "MinSize": 0,
            "MaxSize": 0,
            "LaunchTemplate": { "LaunchTemplateName": "somebodys-template", "Version": "1" },
            "AvailabilityZones": ["us-east-1b"],
        });
        aws.call("autoscaling", "create_auto_scaling_group", group);
    }),
];

fn foreign_template(aws: &Aws, name: &str) {
    let template = json!({
        "LaunchTemplateName": name,
        "LaunchTemplateData": { "ImageId": "ami-08c40ec9ead489470", "InstanceType": "t2.large" },
    });
    aws.call("ec2", "create_launch_template", template);
}

/// Counts calls by name.
fn table(calls: &[Call]) -> String {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.to_string()).or_insert(0) += 1;
    }
    let lines: Vec<String> =
        counts.iter().map(|(call, count)| format!("{count:4} {call}")).collect();
    lines.join("\n")
}
