//! Tags that only Amazon sets, and tags that a terminated instance loses.

use crate::stack::Stack;
use crate::support::{Caller, Reply};

/// AWS's words, as XML writes them.
const RESERVED: &str = "Tag keys starting with &apos;aws:&apos; are reserved for internal use";

/// Instances that this filter finds.
fn found(caller: &Caller, filter: &str, value: &str) -> Reply {
    caller
        .ec2("DescribeInstances", &format!("Filter.1.Name={filter}&Filter.1.Value.1={value}"))
        .ok()
}

#[test]
fn instances_carry_the_reserved_tags_of_their_template_and_group() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let template = &stack.templates[1];
    let form = format!("MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId={template}");
    let by_hand = caller.ec2("RunInstances", &form).ok().text("instanceId");
    let from_template = found(&caller, "tag:aws:ec2launchtemplate:id", template);
    assert_eq!(from_template.count("instanceId"), 4 + 1);
    assert_eq!(found(&caller, "tag:aws:autoscaling:groupName", "group2").count("instanceId"), 4);
    let shown = caller.ec2("DescribeInstances", &format!("InstanceId.1={by_hand}")).ok().body;
    assert!(shown.contains("<key>aws:ec2launchtemplate:version</key><value>1</value>"), "{shown}");
    assert!(!shown.contains("aws:autoscaling"), "{shown}");
}

#[test]
fn callers_cannot_set_or_delete_reserved_tags() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let instance = caller.ec2("DescribeInstances", "").ok().text("instanceId");
    for key in ["aws:autoscaling:groupName", "aws:ec2launchtemplate:id"] {
        let form = format!("ResourceId.1={instance}&Tag.1.Key={key}&Tag.1.Value=x");
        for action in ["CreateTags", "DeleteTags"] {
            let refused = caller.ec2(action, &form);
            assert_eq!(refused.refusal(), "400 InvalidParameterValue", "{action} {key}");
            let words = format!("Value ( {key} ) for parameter key is invalid. {RESERVED}");
            assert_eq!(refused.text("Message"), words);
        }
        let form = format!(
            "MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId={}\
             &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key={key}",
            stack.templates[0]
        );
        let refused = caller.ec2("RunInstances", &form);
        assert_eq!(refused.refusal(), "400 InvalidParameterValue", "{key}");
        assert_eq!(refused.text("Message"), RESERVED);
    }
    // All tags at once are all but Amazon's.
    caller.ec2("DeleteTags", &format!("ResourceId.1={instance}")).ok();
    let shown = caller.ec2("DescribeInstances", &format!("InstanceId.1={instance}")).ok().body;
    assert!(shown.contains("aws:autoscaling:groupName"), "{shown}");
}

#[test]
fn a_terminated_instance_loses_its_tags_before_it_leaves_the_lists() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = format!(
        "MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId={}\
         &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=owner\
         &TagSpecification.1.Tag.1.Value=ann",
        stack.templates[0]
    );
    let id = caller.ec2("RunInstances", &form).ok().text("instanceId");
    let tagged = || found(&caller, "tag:owner", "ann").count("instanceId");
    let tags = || {
        let form = format!("Filter.1.Name=resource-id&Filter.1.Value.1={id}");
        caller.ec2("DescribeTags", &form).ok().count("key")
    };
    caller.wait_s(120);
    caller.ec2("TerminateInstances", &format!("InstanceId.1={id}")).ok();
    assert_eq!((tagged(), tags()), (1, 3), "shutting down it has them all");
    caller.wait_s(60);
    assert_eq!((tagged(), tags()), (0, 0));
    let shown = caller.ec2("DescribeInstances", &format!("InstanceId.1={id}")).ok();
    assert_eq!(shown.text("name"), "terminated");
    assert!(!shown.body.contains("tagSet"), "{}", shown.body);
}
