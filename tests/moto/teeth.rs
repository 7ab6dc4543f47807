//! The comparison with the documented stack notices what it is meant to notice.

use serde_json::{Value, json};

use crate::stack::Stage;
use crate::support::account::Account;
use crate::support::aws::Aws;
use crate::support::documented;
use crate::support::python::Python;
use crate::support::report;

/// A change that somebody makes to a deployed stack, and what the comparison must say of it.
type Change = (&'static str, fn(&Aws, &Account));

const CHANGES: [Change; 9] = [
    ("target-group-1.HealthCheckIntervalSeconds", |aws, account| {
        let mut change = of(account, "target groups", "TargetGroupName", "target-group-1");
        change["HealthCheckIntervalSeconds"] = json!(30);
        aws.call("elbv2", "modify_target_group", change);
    }),
    ("deregistration_delay", |aws, account| {
        let mut change = of(account, "target groups", "TargetGroupName", "target-group-2");
        change["Attributes"] =
            json!([{ "Key": "deregistration_delay.timeout_seconds", "Value": "300" }]);
        aws.call("elbv2", "modify_target_group_attributes", change);
    }),
    ("lab1-instances.IpPermissions", |aws, account| {
        let group = account.one("security groups", "GroupName", "lab1-instances").unwrap();
        let rule = &group["IpPermissions"][0];
        let rule = json!({
            "GroupId": group["GroupId"],
            "IpProtocol": rule["IpProtocol"],
            "FromPort": rule["FromPort"],
            "ToPort": rule["ToPort"],
            "CidrIp": "0.0.0.0/0",
        });
        aws.call("ec2", "revoke_security_group_ingress", rule);
    }),
    ("rule-1.Conditions", |aws, account| {
        let rule = account.one("rules", "Priority", "1").unwrap();
        let conditions = json!([
            { "Field": "path-pattern", "PathPatternConfig": { "Values": ["/cluster9"] } },
        ]);
        let change = json!({ "RuleArn": rule["RuleArn"], "Conditions": conditions });
        aws.call("elbv2", "modify_rule", change);
    }),
    ("group2.MinSize", |aws, _| {
        let change = json!({ "AutoScalingGroupName": "group2", "MinSize": 3 });
        aws.call("autoscaling", "update_auto_scaling_group", change);
    }),
    ("4 rules instead of 3", |aws, account| {
        let listener = &account.all("listeners")[0];
        let group = account.one("target groups", "TargetGroupName", "target-group-1").unwrap();
        let rule = json!({
            "ListenerArn": listener["ListenerArn"],
            "Priority": 9,
            "Conditions": [{ "Field": "path-pattern", "Values": ["/foreign"] }],
            "Actions": [{ "Type": "forward", "TargetGroupArn": group["TargetGroupArn"] }],
        });
        aws.call("elbv2", "create_rule", rule);
    }),
    ("target-group-2 is marked lab1-flow:run-id", |aws, account| {
        let group = account.one("target groups", "TargetGroupName", "target-group-2").unwrap();
        let change = json!({
            "ResourceArns": [group["TargetGroupArn"]],
            "Tags": [{ "Key": "lab1-flow:run-id", "Value": "another" }],
        });
        aws.call("elbv2", "add_tags", change);
    }),
    ("lab1-template-2 has one version", |aws, _| {
        let version = json!({
            "LaunchTemplateName": "lab1-template-2",
            "LaunchTemplateData": { "InstanceType": "t2.micro" },
        });
        aws.call("ec2", "create_launch_template_version", version);
    }),
    ("load balancers with LoadBalancerName", |aws, account| {
        let balancer = &account.all("load balancers")[0];
        let arn = json!({ "LoadBalancerArn": balancer["LoadBalancerArn"] });
        aws.call("elbv2", "delete_load_balancer", arn);
    }),
];

#[test]
fn every_setting_that_is_changed_behind_our_back_is_noticed() {
    let Some(python) = Python::or_say_skipped("moto, teeth") else { return };
    let stage = Stage::new(&python);
    stage.run().expect_status(0);
    let run = stage.flow.only_run();
    stage.assert_deployed(&run, "before anything is changed");
    for (difference, change) in CHANGES {
        let account = Account::read(&stage.moto.aws);
        let known = documented::differences(&account, &stage.moto.aws, &run);
        assert!(!said(&known, difference), "{difference} is not said before its time: {known:?}");
        change(&stage.moto.aws, &account);
        let account = Account::read(&stage.moto.aws);
        let found = documented::differences(&account, &stage.moto.aws, &run);
        assert!(said(&found, difference), "{difference} is not noticed: {found:#?}");
    }
    report::count("moto, teeth", &format!("{} changes, all noticed", CHANGES.len()));
}

fn said(differences: &[String], what: &str) -> bool {
    differences.iter().any(|difference| difference.contains(what))
}

/// Begins a request about a target group.
fn of(account: &Account, kind: &str, key: &str, name: &str) -> Value {
    json!({ "TargetGroupArn": account.one(kind, key, name).unwrap()["TargetGroupArn"] })
}
