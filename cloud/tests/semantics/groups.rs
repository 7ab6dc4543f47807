//! Groups are alive: they launch, replace, shrink, grow, and say why they cannot.

use lab1_flow_cloud::{CloudOptions, Limits};

use crate::stack::{Stack, template_form};
use crate::support::Caller;

fn activities(caller: &Caller) -> crate::support::Reply {
    caller.asg("DescribeScalingActivities", "AutoScalingGroupName=group1").ok()
}

fn member_ids(caller: &Caller, group: &str) -> Vec<String> {
    let form = format!("AutoScalingGroupNames.member.1={group}");
    caller.asg("DescribeAutoScalingGroups", &form).ok().texts("InstanceId")
}

#[test]
fn instances_are_what_template_and_group_say() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let filter = "Filter.1.Name=tag:aws:autoscaling:groupName&Filter.1.Value.1=group2";
    let instances = caller.ec2("DescribeInstances", filter).ok();
    assert_eq!(instances.texts("instanceType"), ["t2.large"; 4]);
    assert_eq!(instances.texts("availabilityZone"), ["us-east-1b"; 4]);
    assert_eq!(instances.texts("keyName"), ["vockey"; 4]);
    assert!(instances.body.contains(&format!("<subnetId>{}</subnetId>", stack.subnets[1])));
    assert!(instances.body.contains(&format!("<groupId>{}</groupId>", stack.instance_group)));
    assert!(instances.body.contains("<key>lab1-flow:run-id</key><value>r1</value>"));
    let shown = caller.asg("DescribeAutoScalingGroups", "").ok();
    assert_eq!(shown.texts("HealthStatus"), ["Healthy"; 9]);
}

/// Section 8.3: a terminated instance is noticed, taken out and replaced.
#[test]
fn a_terminated_instance_is_replaced() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let before = member_ids(&caller, "group1");
    caller.ec2("TerminateInstances", &format!("InstanceId.1={}", before[0])).ok();
    caller.wait_s(19);
    assert_eq!(member_ids(&caller, "group1"), before, "not noticed yet");
    caller.wait_s(1);
    let activity = activities(&caller);
    assert!(activity.body.contains("taken out of service in response to an EC2 health check"));
    caller.wait_s(300);
    let after = member_ids(&caller, "group1");
    assert_eq!(after.len(), 5);
    assert!(!after.contains(&before[0]));
    assert_eq!(stack.target_states(&caller, 0), ["healthy"; 5]);
}

/// Section 8.3: the ELB kind of health check replaces what the target group finds unhealthy.
#[test]
fn an_unhealthy_target_is_replaced_only_if_the_group_heeds_its_balancer() {
    for (kind, replaced) in [("EC2", false), ("ELB", true)] {
        let caller = Caller::plain();
        let stack = Stack::deploy(&caller);
        let form = format!("AutoScalingGroupName=group1&HealthCheckType={kind}");
        caller.asg("UpdateAutoScalingGroup", &form).ok();
        let before = member_ids(&caller, "group1");
        let form = format!("TargetGroupArn={}&HealthCheckPath=/absent", stack.target_groups[0]);
        caller.elb("ModifyTargetGroup", &form).ok();
        caller.wait_s(30);
        assert_eq!(stack.target_states(&caller, 0), ["unhealthy"; 5]);
        let health = format!("TargetGroupArn={}", stack.target_groups[0]);
        let reason = caller.elb("DescribeTargetHealth", &health).ok().text("Reason");
        assert_eq!(reason, "Target.ResponseCodeMismatch");
        caller.wait_s(60);
        let kept = member_ids(&caller, "group1").iter().any(|id| before.contains(id));
        let shown = activities(&caller).body.contains("ELB system health check failure");
        assert_eq!((shown, kept && !shown), (replaced, !replaced), "{kind}");
    }
}

#[test]
fn a_group_grows_and_shrinks_to_the_number_that_is_wanted() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let set = |number: u32| {
        let form = format!("AutoScalingGroupName=group2&DesiredCapacity={number}");
        caller.asg("SetDesiredCapacity", &form)
    };
    set(5).ok();
    caller.wait_s(200);
    assert_eq!(stack.target_states(&caller, 1), ["healthy"; 5]);
    assert_eq!(set(6).refusal(), "400 ValidationError");
    assert_eq!(set(3).refusal(), "400 ValidationError");
    let oldest = member_ids(&caller, "group2").remove(0);
    set(4).ok();
    caller.wait_s(6);
    let states = stack.target_states(&caller, 1);
    assert_eq!(states.iter().filter(|state| *state == "draining").count(), 1);
    caller.wait_s(100);
    assert!(!member_ids(&caller, "group2").contains(&oldest));
    assert_eq!(stack.target_states(&caller, 1), ["healthy"; 4]);
    let form = "AutoScalingGroupName=group2";
    let activity = caller.asg("DescribeScalingActivities", form).ok();
    assert!(activity.text("Cause").contains("changing the desired capacity from 5 to 4"));
    assert!(activity.text("Cause").contains("shrinking the capacity from 5 to 4"));
}

#[test]
fn a_member_can_be_terminated_with_or_without_replacement() {
    let caller = Caller::plain();
    Stack::deploy(&caller);
    let terminate = |id: &str, shrink: bool| {
        let form = format!("InstanceId={id}&ShouldDecrementDesiredCapacity={shrink}");
        caller.asg("TerminateInstanceInAutoScalingGroup", &form)
    };
    let first = member_ids(&caller, "group1").remove(0);
    let reply = terminate(&first, true).ok();
    assert_eq!(reply.text("Description"), format!("Terminating EC2 instance: {first}"));
    caller.wait_s(200);
    assert_eq!(member_ids(&caller, "group1").len(), 4);
    let second = member_ids(&caller, "group1").remove(0);
    assert_eq!(terminate(&second, true).refusal(), "400 ValidationError", "below the minimum");
    terminate(&second, false).ok();
    caller.wait_s(200);
    let members = member_ids(&caller, "group1");
    assert_eq!(members.len(), 4);
    assert!(!members.contains(&second));
    assert_eq!(terminate("i-0", false).refusal(), "400 ValidationError");
}

#[test]
fn target_groups_are_attached_and_detached_with_the_members() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let form = |group: &str| {
        format!("AutoScalingGroupName={group}&TargetGroupARNs.member.1={}", stack.target_groups[1])
    };
    caller.asg("DetachLoadBalancerTargetGroups", &form("group2")).ok();
    assert_eq!(stack.target_states(&caller, 1), ["draining"; 4]);
    let absent = caller.asg("DetachLoadBalancerTargetGroups", &form("group2"));
    assert_eq!(absent.refusal(), "400 ValidationError");
    caller.asg("AttachLoadBalancerTargetGroups", &form("group1")).ok();
    caller.wait_s(60);
    assert_eq!(stack.target_states(&caller, 1), ["healthy"; 5]);
}

/// Section 5 step 1 and step 7, section 15 line 11: checked when a group uses it, not before.
#[test]
fn a_launch_template_is_checked_when_a_group_uses_it() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let mut form = template_form("odd", "m4.large", &stack.instance_group);
    for (right, wrong, complaint) in [
        ("ami-08c40ec9ead489470", "ami-1", "The image id &apos;[ami-1]&apos; does not exist"),
        ("vockey", "nokey", "The key pair &apos;nokey&apos; does not exist"),
        (&*stack.instance_group, "sg-1", "The security group &apos;sg-1&apos; does not exist"),
        ("m4.large", "m4.tiny", "Invalid value &apos;m4.tiny&apos; for InstanceType."),
    ] {
        let odd = form.replace(right, wrong).replace("=odd", &format!("=odd-{wrong}"));
        let id = caller.ec2("CreateLaunchTemplate", &odd).ok().text("launchTemplateId");
        let create = stack.group_form(0, 5).replace(&stack.templates[0], &id);
        let refused = caller.asg("CreateAutoScalingGroup", &create);
        assert_eq!(refused.refusal(), "400 ValidationError");
        let message = refused.text("Message");
        assert!(message.starts_with("You must use a valid fully-formed launch template."));
        assert!(message.ends_with(complaint), "{message}");
    }
    form.push_str("&LaunchTemplateData.NetworkInterface.1.DeviceIndex=0");
    let id = caller.ec2("CreateLaunchTemplate", &form).ok().text("launchTemplateId");
    let create = stack.group_form(0, 5).replace(&stack.templates[0], &id);
    let message = caller.asg("CreateAutoScalingGroup", &create).text("Message");
    assert!(message.contains("the security groups must be a part of it"), "{message}");
}

#[test]
fn a_group_is_refused_for_what_it_names_and_for_its_sizes() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = stack.group_form(0, 5);
    for (right, wrong, complaint) in [
        ("MaxSize=5", "MaxSize=3", "Max bound, 3, must be greater than or equal to min bound, 4"),
        ("DesiredCapacity=5", "DesiredCapacity=9", "Desired capacity:9 must be between"),
        (&*stack.target_groups[0], "arn:x", "Provided Target Groups may not be valid."),
        (&*stack.subnets[0], "subnet-1", "The subnet ID &apos;subnet-1&apos; does not exist"),
        ("=group1", "=a:b", "without spaces and colons"),
        ("Version=1", "Version=7", "Could not find launch template version 7."),
    ] {
        let refused = caller.asg("CreateAutoScalingGroup", &form.replace(right, wrong));
        assert_eq!(refused.refusal(), "400 ValidationError");
        assert!(refused.text("Message").contains(complaint), "{}", refused.body);
    }
    assert_eq!(caller.asg("DescribeAutoScalingGroups", "").ok().count("AutoScalingGroupName"), 0);
}

/// Section 1 fact 5, section 8.4, section 15 line 8: a quota shows in the activities alone, and the
/// group goes on trying.
#[test]
fn a_quota_shows_only_in_the_activities_and_the_group_goes_on_trying() {
    let limits = Limits { vcpus_max: Some(5), ..Limits::unlimited() };
    let caller = Caller::with(CloudOptions { limits, ..CloudOptions::plain() });
    let stack = Stack::without_groups(&caller);
    caller.asg("CreateAutoScalingGroup", &stack.group_form(0, 5)).ok();
    caller.wait_s(5);
    let shown = activities(&caller);
    assert_eq!(shown.count("ActivityId"), 3, "two launches, and one failure");
    let failed = shown.texts("StatusCode").iter().filter(|code| *code == "Failed").count();
    assert_eq!(failed, 1);
    assert!(shown.text("StatusMessage").starts_with(
        "You have requested more vCPU capacity than your current vCPU limit of 5 allows"
    ));
    caller.wait_s(30 + 60);
    assert_eq!(activities(&caller).count("StatusMessage"), 3, "after 30 s, and 60 s later");
    assert_eq!(member_ids(&caller, "group1").len(), 2);
}

/// Section 4: what has just been terminated may still count, so a full account replaces with a delay.
#[test]
fn an_instance_that_is_shutting_down_still_counts_against_the_quota() {
    let limits = Limits { instances_max: Some(9), ..Limits::unlimited() };
    let caller = Caller::with(CloudOptions { limits, ..CloudOptions::plain() });
    let stack = Stack::deploy(&caller);
    let gone = member_ids(&caller, "group1").remove(0);
    caller.ec2("TerminateInstances", &format!("InstanceId.1={gone}")).ok();
    // Noticed after 20 seconds, terminated after 40, tried again 30 seconds after the failure.
    caller.wait_s(21);
    let message = activities(&caller).text("StatusMessage");
    assert!(message.starts_with("You have requested more instances (10)"), "{message}");
    assert_eq!(member_ids(&caller, "group1").len(), 5, "the one that goes is a member still");
    caller.wait_s(300);
    assert_eq!(stack.target_states(&caller, 0), ["healthy"; 5]);
}

#[test]
fn an_instance_type_that_a_zone_lacks_shows_in_the_activities() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let filter = "Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1e";
    let subnet = caller.ec2("DescribeSubnets", filter).ok().text("subnetId");
    let form = stack.group_form(0, 5).replace(&stack.subnets[0], &subnet);
    caller.asg("CreateAutoScalingGroup", &form).ok();
    caller.wait_s(5);
    let message = activities(&caller).text("StatusMessage");
    assert!(message.contains("(m4.large) is not supported in your requested Availability Zone"));
}

/// Section 8.4: what a group refers to may go while the group lives.
#[test]
fn a_launch_fails_when_what_it_needs_is_gone() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    caller.ec2("DeleteLaunchTemplate", &format!("LaunchTemplateId={}", stack.templates[0])).ok();
    let id = member_ids(&caller, "group1").remove(0);
    caller.ec2("TerminateInstances", &format!("InstanceId.1={id}")).ok();
    caller.wait_s(60);
    assert!(activities(&caller).text("StatusMessage").contains("does not exist"));
    assert_eq!(member_ids(&caller, "group1").len(), 4);
}
