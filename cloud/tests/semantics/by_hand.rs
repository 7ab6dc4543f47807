//! Instances that a person starts, attaches and detaches: foreign things beside a stack.

use lab1_flow_cloud::{CloudOptions, Limits};

use crate::stack::Stack;
use crate::support::{Caller, Reply};

fn run(caller: &Caller, stack: &Stack, more: &str) -> Reply {
    let template = &stack.templates[0];
    let form = format!("MinCount=1&MaxCount=2&LaunchTemplate.LaunchTemplateId={template}{more}");
    caller.ec2("RunInstances", &form)
}

fn members(caller: &Caller) -> Vec<String> {
    let form = "AutoScalingGroupNames.member.1=group2";
    caller.asg("DescribeAutoScalingGroups", form).ok().texts("InstanceId")
}

#[test]
fn instances_can_be_started_by_hand_from_a_template_and_belong_to_no_group() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let tag = "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=owner\
               &TagSpecification.1.Tag.1.Value=ann";
    let reply = run(&caller, &stack, tag).ok();
    assert_eq!(reply.count("instanceId"), 2);
    assert_eq!(reply.texts("name"), ["pending"; 2]);
    caller.wait_s(60);
    let filter = "Filter.1.Name=tag:owner&Filter.1.Value.1=ann";
    let shown = caller.ec2("DescribeInstances", filter).ok();
    assert_eq!(shown.texts("name"), ["running"; 2]);
    assert!(!shown.body.contains("aws:autoscaling:groupName"));
}

#[test]
fn a_client_token_starts_instances_once() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let first = run(&caller, &stack, "&ClientToken=t").ok().texts("instanceId");
    assert_eq!(run(&caller, &stack, "&ClientToken=t").ok().texts("instanceId"), first);
    let other = format!("&ClientToken=t&SubnetId={}", stack.subnets[0]);
    assert_eq!(run(&caller, &stack, &other).refusal(), "400 IdempotentParameterMismatch");
    assert_eq!(caller.ec2("DescribeInstances", "").ok().count("instanceId"), 2);
}

/// Section 2.2: by hand, quotas and missing things are errors of the call itself.
#[test]
fn starting_by_hand_is_refused_at_once_where_a_group_would_go_on_trying() {
    let limits = Limits { instances_max: Some(1), ..Limits::unlimited() };
    let caller = Caller::with(CloudOptions { limits, ..CloudOptions::plain() });
    let stack = Stack::without_groups(&caller);
    assert_eq!(run(&caller, &stack, "").refusal(), "400 InstanceLimitExceeded");
    caller.ec2("DeleteKeyPair", "KeyName=vockey").ok();
    assert_eq!(run(&caller, &stack, "").refusal(), "400 InvalidKeyPair.NotFound");
    let absent = run(&caller, &stack, "&SubnetId=subnet-1").refusal();
    assert_eq!(absent, "400 InvalidKeyPair.NotFound", "the template is checked first");
    assert_eq!(caller.ec2("DescribeInstances", "").ok().count("instanceId"), 0);
}

#[test]
fn an_instance_attached_by_hand_is_a_member_without_the_tags_of_the_group() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let ids = run(&caller, &stack, "").ok().texts("instanceId");
    let form = |id: &str| format!("AutoScalingGroupName=group2&InstanceIds.member.1={id}");
    let attach = |id: &str| caller.asg("AttachInstances", &form(id));
    assert_eq!(attach(&ids[0]).refusal(), "400 ValidationError", "it is still pending");
    caller.wait_s(120);
    attach(&ids[0]).ok();
    assert!(members(&caller).contains(&ids[0]));
    assert_eq!(attach(&ids[0]).refusal(), "400 ValidationError", "it is a member already");
    assert_eq!(attach(&ids[1]).refusal(), "400 ValidationError", "the group is full");
    let shown = caller.ec2("DescribeInstances", &format!("InstanceId.1={}", ids[0])).ok();
    assert!(shown.body.contains("<key>aws:autoscaling:groupName</key><value>group2</value>"));
    assert!(!shown.body.contains("lab1-flow:run-id"));
    caller.wait_s(60);
    assert_eq!(stack.target_states(&caller, 1), ["healthy"; 5]);

    let detach = |shrink: bool| {
        let form = format!("{}&ShouldDecrementDesiredCapacity={shrink}", form(&ids[0]));
        caller.asg("DetachInstances", &form)
    };
    detach(true).ok();
    assert_eq!(detach(true).refusal(), "400 ValidationError");
    caller.wait_s(60);
    assert_eq!(members(&caller).len(), 4);
    let shown = caller.ec2("DescribeInstances", &format!("InstanceId.1={}", ids[0])).ok();
    assert_eq!(shown.text("name"), "running", "it runs on");
    assert!(!shown.body.contains("aws:autoscaling:groupName"));
}
