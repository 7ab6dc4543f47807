//! How many there may be of what, and what one call may name.

use crate::stack::{Stack, target_group_form, template_form};
use crate::support::Caller;

/// Section 5 step 3: an interface wears five security groups at most.
#[test]
fn a_balancer_and_an_instance_wear_at_most_five_security_groups() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let groups: Vec<String> = (0..6)
        .map(|number| {
            let form = format!("GroupName=g{number}&GroupDescription=d");
            caller.ec2("CreateSecurityGroup", &form).ok().text("groupId")
        })
        .collect();
    let list = |prefix: &str, count: usize| -> String {
        let items = groups[..count].iter().enumerate();
        let items = items.map(|(index, id)| format!("&{prefix}.{}={id}", index + 1));
        items.collect::<Vec<_>>().concat()
    };
    let [a, b] = &stack.subnets;
    let balancer = |count: usize| {
        let worn = list("SecurityGroups.member", count);
        let form = format!("Name=wide&Subnets.member.1={a}&Subnets.member.2={b}{worn}");
        caller.elb("CreateLoadBalancer", &form)
    };
    assert_eq!(balancer(6).refusal(), "400 InvalidConfigurationRequest");
    balancer(5).ok();

    // The template is not checked before it is used.
    for count in [5, 6] {
        let form = template_form(&format!("wide{count}"), "t2.large", "")
            .replace("&LaunchTemplateData.SecurityGroupId.1=", "");
        let worn = list("LaunchTemplateData.SecurityGroupId", count);
        caller.ec2("CreateLaunchTemplate", &format!("{form}{worn}")).ok();
    }
    let run = |count: usize| {
        let form = format!("LaunchTemplate.LaunchTemplateName=wide{count}&MinCount=1&MaxCount=1");
        caller.ec2("RunInstances", &form)
    };
    assert_eq!(run(6).refusal(), "400 SecurityGroupsPerInterfaceLimitExceeded");
    run(5).ok();
    let group = |count: usize| {
        let form = format!(
            "AutoScalingGroupName=wide{count}&MinSize=0&MaxSize=1&VPCZoneIdentifier={a}\
             &LaunchTemplate.LaunchTemplateName=wide{count}"
        );
        caller.asg("CreateAutoScalingGroup", &form)
    };
    assert_eq!(group(6).refusal(), "400 ValidationError");
    assert!(group(6).text("Message").contains("valid fully-formed launch template"));
    group(5).ok();
}

/// Section 5 step 4: a hundred target groups for each balancer, five for each action.
#[test]
fn a_balancer_forwards_to_a_hundred_target_groups_at_most() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let arns: Vec<String> = (0..99)
        .map(|number| {
            let form = target_group_form(&format!("tg-{number}"), &stack.vpc);
            caller.elb("CreateTargetGroup", &form).ok().text("TargetGroupArn")
        })
        .collect();
    let rule = |priority: usize, groups: &[String]| {
        let list = "Actions.member.1.ForwardConfig.TargetGroups.member";
        let groups = groups.iter().enumerate().map(|(index, arn)| {
            let item = format!("{list}.{}", index + 1);
            format!("&{item}.TargetGroupArn={arn}&{item}.Weight=1")
        });
        let form = format!(
            "ListenerArn={}&Priority={priority}&Conditions.member.1.Field=path-pattern\
             &Conditions.member.1.Values.member.1=/x&Actions.member.1.Type=forward{}",
            stack.listener,
            groups.collect::<String>()
        );
        caller.elb("CreateRule", &form)
    };
    // The stack itself has two of the hundred.
    for (index, five) in arns[..95].chunks(5).enumerate() {
        rule(index + 10, five).ok();
    }
    rule(60, &arns[95..98]).ok();
    assert_eq!(rule(61, &arns[98..]).refusal(), "400 TooManyUniqueTargetGroupsPerLoadBalancer");
    rule(61, &arns[..5]).ok();
}

/// Section 5 step 7: a call carries 25 tags at most, whichever it is.
#[test]
fn a_group_is_created_with_at_most_twenty_five_tags() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let create = |count: usize| {
        // The form has one of its own.
        let tags = (2..=count).map(|n| format!("&Tags.member.{n}.Key=k{n}"));
        let form = format!("{}{}", stack.group_form(0, 4), tags.collect::<String>());
        caller.asg("CreateAutoScalingGroup", &form)
    };
    assert_eq!(create(26).refusal(), "400 ValidationError");
    create(25).ok();
}

/// Section 5 step 6: one condition of each field.
#[test]
fn a_rule_has_one_condition_of_each_field() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let condition = |number: usize, field: &str, value: &str| {
        let item = format!("Conditions.member.{number}");
        format!("{item}.Field={field}&{item}.Values.member.1={value}")
    };
    let create = |second: &str| {
        let form = format!(
            "ListenerArn={}&Priority=9&{}&{second}&Actions.member.1.Type=forward\
             &Actions.member.1.TargetGroupArn={}",
            stack.listener,
            condition(1, "path-pattern", "/a"),
            stack.target_groups[0]
        );
        caller.elb("CreateRule", &form)
    };
    let twice = create(&condition(2, "path-pattern", "/b"));
    assert_eq!(twice.refusal(), "400 ValidationError");
    assert!(twice.text("Message").contains("path-pattern"), "{}", twice.body);
    create(&condition(2, "host-header", "a.example")).ok();
}
