//! Targets: from unused to healthy, out of service, and drained.

use crate::stack::{Stack, target_group_form};
use crate::support::Caller;

fn health(caller: &Caller, arn: &str) -> (Vec<String>, Vec<String>) {
    let reply = caller.elb("DescribeTargetHealth", &format!("TargetGroupArn={arn}")).ok();
    (reply.texts("State"), reply.texts("Reason"))
}

/// A deployed stack with a further target group that nothing uses, and one instance.
fn with_spare() -> (Caller, Stack, String, String) {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let form = target_group_form("spare", &stack.vpc);
    let spare = caller.elb("CreateTargetGroup", &form).ok().text("TargetGroupArn");
    let instance = caller.asg("DescribeAutoScalingInstances", "").ok().text("InstanceId");
    (caller, stack, spare, instance)
}

/// Section 8.2, section 15 line 10: unused until a listener or a rule refers to the group.
#[test]
fn a_target_is_unused_until_a_listener_or_a_rule_refers_to_its_group() {
    let (caller, stack, spare, instance) = with_spare();
    let form = format!("TargetGroupArn={spare}&Targets.member.1.Id={instance}");
    caller.elb("RegisterTargets", &form).ok();
    let not_in_use = (vec!["unused".to_owned()], vec!["Target.NotInUse".to_owned()]);
    assert_eq!(health(&caller, &spare), not_in_use);
    caller.wait_s(60);
    assert_eq!(health(&caller, &spare), not_in_use);

    let rule = crate::stack::rule_form(&stack.listener, 9, "/spare", &spare);
    let rule = caller.elb("CreateRule", &rule).ok().text("RuleArn");
    assert_eq!(health(&caller, &spare).1, ["Elb.InitialHealthChecking"]);
    // The first check comes after half an interval, and one success is enough.
    caller.wait_s(4);
    assert_eq!(health(&caller, &spare).0, ["initial"]);
    caller.wait_s(1);
    assert_eq!(health(&caller, &spare).0, ["healthy"]);

    caller.elb("DeregisterTargets", &form).ok();
    assert_eq!(health(&caller, &spare).1, ["Target.DeregistrationInProgress"]);
    caller.wait_s(299);
    assert_eq!(health(&caller, &spare).0, ["draining"], "the default delay is 300 seconds");
    caller.wait_s(1);
    assert_eq!(health(&caller, &spare).0.len(), 0);
    caller.elb("DeleteRule", &format!("RuleArn={rule}")).ok();
    caller.elb("DeleteTargetGroup", &format!("TargetGroupArn={spare}")).ok();
}

#[test]
fn only_running_instances_can_be_registered() {
    let (caller, _, spare, instance) = with_spare();
    let register = |id: &str| {
        caller.elb("RegisterTargets", &format!("TargetGroupArn={spare}&Targets.member.1.Id={id}"))
    };
    assert_eq!(register("i-1").refusal(), "400 InvalidTarget");
    register(&instance).ok();
    caller.ec2("TerminateInstances", &format!("InstanceId.1={instance}")).ok();
    assert_eq!(register(&instance).refusal(), "400 InvalidTarget");
    let named = format!("TargetGroupArn={spare}&Targets.member.1.Id=i-1");
    let absent = caller.elb("DescribeTargetHealth", &named).ok();
    assert_eq!(
        (absent.text("State"), absent.text("Reason")),
        ("unused".into(), "Target.NotRegistered".into())
    );
}

/// Section 8.2: a target in a zone that the balancer does not serve stays unused.
#[test]
fn a_target_in_a_zone_that_is_not_enabled_stays_unused() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let filter = "Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1c";
    let subnet = caller.ec2("DescribeSubnets", filter).ok().text("subnetId");
    let form = stack.group_form(0, 4).replace(&stack.subnets[0], &subnet);
    caller.asg("CreateAutoScalingGroup", &form).ok();
    caller.wait_s(600);
    let (states, reasons) = health(&caller, &stack.target_groups[0]);
    assert_eq!(
        (states, reasons),
        (vec!["unused".into(); 4], vec!["Target.NotInUse".to_owned(); 4])
    );
}

/// Section 1 fact 7: slow boots turn unhealthy first, and then need the whole threshold.
#[test]
fn a_boot_that_outlasts_the_first_checks_costs_the_whole_threshold() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let id = caller.asg("DescribeAutoScalingInstances", "").ok().text("InstanceId");
    caller.ec2("TerminateInstances", &format!("InstanceId.1={id}")).ok();
    // Noticed after 20 s, in service 35 s later, first checked after 5 s more.
    caller.wait_s(20 + 35 + 5);
    let new = || {
        let states = stack.target_states(&caller, 0);
        states.into_iter().find(|state| state != "healthy" && state != "draining")
    };
    assert_eq!(new().as_deref(), Some("initial"));
    caller.wait_s(10);
    assert_eq!(new().as_deref(), Some("unhealthy"), "two checks failed");
    // The application answers 123 seconds after; the second good check is the one at 140.
    caller.wait_s(69);
    assert_eq!(new().as_deref(), Some("unhealthy"));
    caller.wait_s(1);
    assert_eq!(new(), None);
}

/// Section 8.2: closed ports drop packets, and the reason says so.
#[test]
fn a_closed_port_shows_as_a_timeout() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let revoke = format!(
        "GroupId={}&IpProtocol=tcp&FromPort=80&ToPort=80&CidrIp=0.0.0.0/0",
        stack.instance_group
    );
    caller.ec2("RevokeSecurityGroupIngress", &revoke).ok();
    assert_eq!(stack.target_states(&caller, 0), ["healthy"; 5], "not checked since");
    caller.wait_s(20);
    let (states, reasons) = health(&caller, &stack.target_groups[0]);
    assert_eq!(states, ["unhealthy"; 5]);
    assert_eq!(reasons, ["Target.Timeout"; 5]);
    caller.ec2("AuthorizeSecurityGroupIngress", &revoke).ok();
    caller.wait_s(20);
    assert_eq!(stack.target_states(&caller, 0), ["healthy"; 5]);
}
