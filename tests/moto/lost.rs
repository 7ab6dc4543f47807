//! Runs whose records are lost, taken back by the tags on what they made, as an emulator of other people keeps them.

use std::fs;

use serde_json::{Value, json};

use crate::each_change::for_each_change;
use crate::stack::Stage;
use crate::support::account::Account;
use crate::support::flow::Ended;
use crate::support::python::Python;
use crate::support::report;

/// See `kills.rs`: the changes of a deployment.
const CHANGES_MIN: usize = 16;

impl Stage {
    /// The machine is gone, and all that it knew of its runs; the account is not.
    fn lose_the_records(&self) {
        for folder in ["runs", "stacks"] {
            fs::remove_dir_all(self.flow.state_dir().join(folder)).expect("the folder was there");
        }
        assert_eq!(self.flow.list(), [Value::Null; 0]);
    }

    fn roll_back_from_tags(&self, run: &str) -> Ended {
        let endpoint = self.proxy.url();
        let target = ["--endpoint-url", &endpoint, "--consistency-window", "1s", "--yes"];
        self.flow.run(&[&["rollback", "--from-tags", run][..], &target].concat())
    }

    /// The only thing of this kind that has this name.
    fn arn_of(&self, kind: &str, name: (&str, &str), key: &str) -> String {
        let account = Account::read(&self.moto.aws);
        let thing = account.one(kind, name.0, name.1).expect("it was deployed");
        thing[key].as_str().expect("an id").to_owned()
    }
}

#[test]
fn a_run_killed_after_a_change_and_lost_is_taken_back_to_nothing() {
    let suite = "moto, killed and lost";
    let Some(python) = Python::or_say_skipped(suite) else { return };
    let changes = for_each_change(&python, |stage, change| {
        // Every other one will do: what was made is found by its mark, whatever was made last.
        if change % 2 == 0 {
            return true;
        }
        let Some(call) = stage.kill_at_change(change, || stage.start_run()) else { return false };
        let run = stage.flow.only_run();
        stage.lose_the_records();
        stage.roll_back_from_tags(&run).expect_status(0);
        stage.assert_nothing_left(&format!("killed after {call}"));
        true
    });
    report::count(suite, &format!("{} kills, 0 violations", changes.div_ceil(2)));
    assert!(changes >= CHANGES_MIN, "{changes} changes");
}

#[test]
fn what_other_runs_and_people_have_made_is_no_business_of_a_rollback_from_tags() {
    let Some(python) = Python::or_say_skipped("moto, lost beside others") else { return };
    let stage = Stage::new(&python);
    stage.start_run_with(&["--stack", "blue"], &[]).wait().expect_status(0);
    let unmarked = json!({ "GroupName": "lab1-like", "Description": "mine" });
    stage.moto.aws.call("ec2", "create_security_group", unmarked);
    let others = Account::read(&stage.moto.aws);
    let blue = stage.flow.only_run();
    stage.run().expect_status(0);
    let runs = stage.flow.list();
    let ours = runs.iter().filter_map(|line| line["run_id"].as_str()).find(|run| *run != blue);
    let ours = ours.expect("a second run").to_owned();
    stage.lose_the_records();
    let ended = stage.roll_back_from_tags(&ours).expect_status(0);
    assert!(ended.stderr.contains("verified gone"), "{}", ended.words());
    let differences = Account::read(&stage.moto.aws).differences_from(&others);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_listener_of_somebody_else_on_our_balancer_keeps_it_and_is_named() {
    let Some(python) = Python::or_say_skipped("moto, lost with a foreign listener") else { return };
    let stage = Stage::new(&python);
    stage.run().expect_status(0);
    let run = stage.flow.only_run();
    stage.lose_the_records();
    let name = ("LoadBalancerName", "lab1-load-balancer");
    let balancer = stage.arn_of("load balancers", name, "LoadBalancerArn");
    let listener = json!({
        "LoadBalancerArn": balancer,
        "Protocol": "HTTP",
        "Port": 8080,
        "DefaultActions": [{ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } }],
    });
    let made = stage.moto.aws.call("elbv2", "create_listener", listener);
    let theirs = made["Listeners"][0]["ListenerArn"].clone();

    let stuck = stage.roll_back_from_tags(&run).expect_status(5);
    assert!(stuck.stderr.contains("left: load-balancer"), "{}", stuck.words());
    assert!(stuck.stderr.contains(theirs.as_str().expect("an ARN")), "{}", stuck.words());
    assert!(stuck.stderr.contains("no mark of lab1-flow"), "{}", stuck.words());
    let account = Account::read(&stage.moto.aws);
    assert!(account.all("listeners").iter().any(|it| it["ListenerArn"] == theirs));

    stage.moto.aws.call("elbv2", "delete_listener", json!({ "ListenerArn": theirs }));
    stage.roll_back_from_tags(&run).expect_status(0);
    stage.assert_nothing_left("after the listener has gone");
}

#[test]
fn an_instance_that_somebody_attached_to_our_group_keeps_it_and_is_named() {
    let Some(python) = Python::or_say_skipped("moto, lost with an attached instance") else {
        return;
    };
    let stage = Stage::new(&python);
    stage.run().expect_status(0);
    let run = stage.flow.only_run();
    stage.lose_the_records();
    let aws = &stage.moto.aws;
    let launch = json!({ "ImageId": "ami-08c40ec9ead489470", "MinCount": 1, "MaxCount": 1 });
    let launched = aws.call("ec2", "run_instances", launch);
    let theirs = launched["Instances"][0]["InstanceId"].clone();
    let room = json!({ "AutoScalingGroupName": "group1", "MaxSize": 9 });
    aws.call("autoscaling", "update_auto_scaling_group", room);
    let attached = json!({ "AutoScalingGroupName": "group1", "InstanceIds": [theirs] });
    aws.call("autoscaling", "attach_instances", attached);

    let stuck = stage.roll_back_from_tags(&run).expect_status(5);
    assert!(stuck.stderr.contains("left: auto-scaling-group-1"), "{}", stuck.words());
    assert!(stuck.stderr.contains(theirs.as_str().expect("an id")), "{}", stuck.words());
    let account = Account::read(aws);
    let instance = account.one("instances", "InstanceId", theirs.as_str().unwrap());
    assert_eq!(instance.expect("it lives")["State"]["Name"], "running");

    let detached = json!({
        "AutoScalingGroupName": "group1",
        "InstanceIds": [theirs],
        "ShouldDecrementDesiredCapacity": true,
    });
    aws.call("autoscaling", "detach_instances", detached);
    aws.call("ec2", "terminate_instances", json!({ "InstanceIds": [theirs] }));
    stage.roll_back_from_tags(&run).expect_status(0);
    stage.assert_nothing_left("after the instance has gone");
}
