//! What stands in the way of a deletion, and for how long.

use crate::stack::{Stack, security_group};
use crate::support::Caller;

/// Section 7, section 15 line 6: in use while referenced, and for some seconds after.
#[test]
fn a_target_group_is_in_use_until_some_seconds_after_its_balancer() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let delete =
        || caller.elb("DeleteTargetGroup", &format!("TargetGroupArn={}", stack.target_groups[0]));
    assert_eq!(delete().refusal(), "400 ResourceInUse");
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    assert_eq!(delete().refusal(), "400 ResourceInUse");
    caller.wait_s(2);
    delete().ok();
}

/// Section 5 steps 4 to 6: listeners and rules go with their balancer.
#[test]
fn listeners_and_rules_go_with_their_balancer() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    let listeners =
        caller.elb("DescribeListeners", &format!("ListenerArns.member.1={}", stack.listener));
    assert_eq!(listeners.refusal(), "400 ListenerNotFound");
    let rules = caller.elb("DescribeRules", &format!("RuleArns.member.1={}", stack.rules[0]));
    assert_eq!(rules.refusal(), "400 RuleNotFound");
    let gone = caller.elb("DescribeLoadBalancers", "Names.member.1=lab1-load-balancer");
    assert_eq!(gone.refusal(), "400 LoadBalancerNotFound");
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
}

/// Section 8.5, section 15 line 7: the interfaces of a balancer outlive it and hold its group.
#[test]
fn the_interfaces_of_a_balancer_outlive_it_and_hold_its_security_group() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let filter = format!("Filter.1.Name=group-id&Filter.1.Value.1={}", stack.balancer_group);
    let interfaces = || caller.ec2("DescribeNetworkInterfaces", &filter).ok();
    let delete = || caller.ec2("DeleteSecurityGroup", &format!("GroupId={}", stack.balancer_group));
    let shown = interfaces();
    assert_eq!(shown.count("networkInterfaceId"), 2);
    assert!(shown.text("description").starts_with("ELB app/lab1-load-balancer/"));
    assert_eq!(shown.text("requesterId"), "amazon-elb");
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    caller.wait_s(59);
    assert_eq!(delete().refusal(), "400 DependencyViolation");
    caller.wait_s(1);
    assert_eq!(interfaces().count("networkInterfaceId"), 0);
    delete().ok();
}

/// Section 7, section 15 line 7: the interface of an instance holds the group until the instance is gone.
#[test]
fn the_interface_of_an_instance_holds_its_security_group() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let delete = || caller.ec2("DeleteSecurityGroup", &format!("GroupId={}", stack.instance_group));
    assert_eq!(delete().refusal(), "400 DependencyViolation");
    for group in ["group1", "group2"] {
        let form = format!("AutoScalingGroupName={group}&ForceDelete=true");
        caller.asg("DeleteAutoScalingGroup", &form).ok();
    }
    // 30 seconds of draining, 40 of shutting down.
    caller.wait_s(69);
    assert_eq!(delete().refusal(), "400 DependencyViolation");
    caller.wait_s(2);
    delete().ok();
}

#[test]
fn a_security_group_that_another_refers_to_cannot_be_deleted() {
    let caller = Caller::plain();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let (one, two) =
        (security_group(&caller, &vpc, "one", &[80]), security_group(&caller, &vpc, "two", &[80]));
    let refer = format!(
        "GroupId={one}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=81\
         &IpPermissions.1.ToPort=81&IpPermissions.1.Groups.1.GroupId={two}"
    );
    caller.ec2("AuthorizeSecurityGroupIngress", &refer).ok();
    let delete = |id: &str| caller.ec2("DeleteSecurityGroup", &format!("GroupId={id}"));
    assert_eq!(delete(&two).refusal(), "400 DependencyViolation");
    caller.ec2("RevokeSecurityGroupIngress", &refer).ok();
    delete(&two).ok();
    delete(&one).ok();
    let default = caller.ec2("DeleteSecurityGroup", "GroupName=default");
    assert_eq!(default.refusal(), "400 CannotDelete");
}

/// Section 5 step 7: without force, a group with instances or activities is not deleted.
#[test]
fn a_group_is_deleted_softly_only_when_it_is_empty_and_quiet() {
    let caller = Caller::plain();
    let stack = Stack::begin(&caller);
    let delete = || caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=group1");
    assert_eq!(delete().refusal(), "400 ScalingActivityInProgress");
    caller.wait_s(60);
    assert_eq!(delete().refusal(), "400 ResourceInUse");
    let form = "AutoScalingGroupName=group1&MinSize=0&DesiredCapacity=0";
    caller.asg("UpdateAutoScalingGroup", form).ok();
    caller.wait_s(300);
    delete().ok();
    caller.wait_s(10);
    let names = caller.asg("DescribeAutoScalingGroups", "").ok().texts("AutoScalingGroupName");
    assert_eq!(names, ["group2"], "of {:?}", stack.templates);
}

/// Section 5 step 7, section 8.4: deletion by force is at once in word and later in fact.
#[test]
fn a_group_deleted_by_force_lingers_until_its_instances_have_gone() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=group1&ForceDelete=true").ok();
    let group = || caller.asg("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=group1");
    let shown = group().ok();
    assert_eq!(shown.text("Status"), "Delete in progress");
    assert_eq!((shown.text("MinSize"), shown.text("DesiredCapacity")), ("0".into(), "0".into()));
    assert_eq!(shown.texts("LifecycleState"), ["Terminating"; 5]);
    assert_eq!(stack.target_states(&caller, 0), ["draining"; 5]);
    let activities = caller.asg("DescribeScalingActivities", "AutoScalingGroupName=group1").ok();
    assert_eq!(activities.texts("StatusCode")[..5], ["WaitingForELBConnectionDraining"; 5]);

    // 30 seconds of draining, 40 of shutting down, 5 for the group itself.
    caller.wait_s(29);
    let states = caller.ec2("DescribeInstances", "").ok().texts("name");
    assert_eq!(states.iter().filter(|state| *state == "running").count(), 9);
    caller.wait_s(2);
    assert_eq!(stack.target_states(&caller, 0).len(), 0);
    let states = caller.ec2("DescribeInstances", "").ok().texts("name");
    assert_eq!(states.iter().filter(|state| *state == "shutting-down").count(), 5);
    caller.wait_s(43);
    assert_eq!(group().ok().count("LifecycleState"), 0);
    assert_eq!(group().ok().text("Status"), "Delete in progress");
    caller.wait_s(2);
    assert_eq!(group().ok().count("AutoScalingGroupName"), 0);
    let form = "AutoScalingGroupName=group1&IncludeDeletedGroups=true";
    let kept = caller.asg("DescribeScalingActivities", form).ok();
    assert_eq!(kept.count("ActivityId"), 10);
    assert_eq!(kept.text("AutoScalingGroupState"), "Deleted");
}

/// Section 7: the balancer's deletion ends the draining.
#[test]
fn draining_ends_when_the_balancer_goes() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=group1&ForceDelete=true").ok();
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    let states = caller.ec2("DescribeInstances", "").ok().texts("name");
    assert_eq!(states.iter().filter(|state| *state == "shutting-down").count(), 5);
}

/// Section 7: one bad id fails the batch; a repeated call succeeds; an hour later it is unknown.
#[test]
fn terminating_is_all_or_none_and_may_be_repeated() {
    let caller = Caller::plain();
    Stack::deploy(&caller);
    let id = caller.ec2("DescribeInstances", "").ok().text("instanceId");
    let form = format!("InstanceId.1={id}&InstanceId.2=i-0123");
    assert_eq!(caller.ec2("TerminateInstances", &form).refusal(), "400 InvalidInstanceID.NotFound");
    let running = format!("InstanceId.1={id}");
    assert_eq!(caller.ec2("DescribeInstances", &running).ok().text("name"), "running");
    for _ in 0..2 {
        caller.ec2("TerminateInstances", &running).ok();
    }
    caller.wait_s(40);
    assert_eq!(caller.ec2("DescribeInstances", &running).ok().text("name"), "terminated");
    caller.wait_s(3599);
    assert_eq!(caller.ec2("DescribeInstances", &running).ok().text("name"), "terminated");
    caller.wait_s(1);
    assert_eq!(
        caller.ec2("DescribeInstances", &running).refusal(),
        "400 InvalidInstanceID.NotFound"
    );
}

#[test]
fn deletion_protection_protects() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let protect = |value: &str| {
        let form = format!(
            "LoadBalancerArn={}&Attributes.member.1.Key=deletion_protection.enabled\
             &Attributes.member.1.Value={value}",
            stack.balancer
        );
        caller.elb("ModifyLoadBalancerAttributes", &form).ok();
    };
    let delete =
        || caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer));
    protect("true");
    assert_eq!(delete().refusal(), "400 OperationNotPermitted");
    protect("false");
    delete().ok();
}

/// Section 15 line 14: one absent resource fails the whole batch.
#[test]
fn describing_tags_fails_whole_when_one_resource_is_absent() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = format!(
        "ResourceArns.member.1={}&ResourceArns.member.2={}0",
        stack.balancer, stack.target_groups[0]
    );
    assert_eq!(caller.elb("DescribeTags", &form).refusal(), "400 TargetGroupNotFound");
    let many: Vec<String> =
        (1..=21).map(|n| format!("ResourceArns.member.{n}={}", stack.balancer)).collect();
    assert_eq!(caller.elb("DescribeTags", &many.join("&")).refusal(), "400 ValidationError");
}
