//! Seen late, still seen: eventual consistency, kind by kind and by the seed.

use lab1_flow_cloud::{CloudOptions, Durations, Lag};

use crate::stack::{Stack, target_group_form, template_form};
use crate::support::{Caller, Reply};

/// Everything lags, and takes what one in twenty takes: five seconds for what follows.
fn slow() -> Caller {
    let options =
        CloudOptions { lag: Lag::on(), durations: Durations::Slow, ..CloudOptions::plain() };
    Caller::with(options)
}

/// Section 2.2 and section 15 line 4: a fresh security group is not found, yet its name is taken.
#[test]
fn a_fresh_security_group_is_not_found_although_its_name_is_taken() {
    let caller = slow();
    let create = "GroupName=g&GroupDescription=d";
    let id = caller.ec2("CreateSecurityGroup", create).ok().text("groupId");
    assert_eq!(caller.ec2("CreateSecurityGroup", create).refusal(), "400 InvalidGroup.Duplicate");
    let by_id = || caller.ec2("DescribeSecurityGroups", &format!("GroupId.1={id}"));
    let by_name = "Filter.1.Name=group-name&Filter.1.Value.1=g";
    assert_eq!(by_id().refusal(), "400 InvalidGroup.NotFound");
    assert_eq!(caller.ec2("DescribeSecurityGroups", by_name).ok().count("groupId"), 0);
    let authorize = format!("GroupId={id}&IpProtocol=tcp&FromPort=80&ToPort=80&CidrIp=0.0.0.0/0");
    let authorize = || caller.ec2("AuthorizeSecurityGroupIngress", &authorize);
    assert_eq!(authorize().refusal(), "400 InvalidGroup.NotFound");
    caller.wait_s(5);
    by_id().ok();
    authorize().ok();
}

/// Section 8.5: stale reads after a delete; the name is free at once.
#[test]
fn a_deleted_security_group_is_still_listed_for_a_while() {
    let caller = slow();
    let create = || caller.ec2("CreateSecurityGroup", "GroupName=g&GroupDescription=d").ok();
    let id = create().text("groupId");
    caller.wait_s(5);
    let delete = || caller.ec2("DeleteSecurityGroup", &format!("GroupId={id}"));
    let describe = || caller.ec2("DescribeSecurityGroups", &format!("GroupId.1={id}"));
    delete().ok();
    describe().ok();
    assert_eq!(delete().refusal(), "400 InvalidGroup.NotFound");
    caller.wait_s(8);
    assert_eq!(describe().refusal(), "400 InvalidGroup.NotFound");
    assert_ne!(create().text("groupId"), id);
}

/// Section 5 steps 2, 4 and 5: the codes with which a young parent is refused.
#[test]
fn a_young_thing_that_is_referred_to_is_refused_with_the_code_of_its_kind() {
    let caller = slow();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let form = target_group_form("tg", &vpc);
    let arn = caller.elb("CreateTargetGroup", &form).ok().text("TargetGroupArn");
    assert_eq!(caller.elb("CreateTargetGroup", &form).ok().text("TargetGroupArn"), arn);
    let by_name = || caller.elb("DescribeTargetGroups", "Names.member.1=tg");
    assert_eq!(by_name().refusal(), "400 TargetGroupNotFound");
    let attribute = format!(
        "TargetGroupArn={arn}&Attributes.member.1.Key=stickiness.enabled\
         &Attributes.member.1.Value=true"
    );
    let modify = || caller.elb("ModifyTargetGroupAttributes", &attribute);
    assert_eq!(modify().refusal(), "400 TargetGroupNotFound");
    caller.wait_s(5);
    by_name().ok();
    modify().ok();

    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");
    let group =
        caller.ec2("CreateSecurityGroup", "GroupName=g&GroupDescription=d").ok().text("groupId");
    let form = format!(
        "Name=lb&Subnets.member.1={}&Subnets.member.2={}&SecurityGroups.member.1={group}",
        subnets[0], subnets[1]
    );
    let create = || caller.elb("CreateLoadBalancer", &form);
    assert_eq!(create().refusal(), "400 InvalidSecurityGroup");
    caller.wait_s(5);
    let balancer = create().ok().text("LoadBalancerArn");
    let listener = format!(
        "LoadBalancerArn={balancer}&Protocol=HTTP&Port=80&DefaultActions.member.1.Type=forward\
         &DefaultActions.member.1.TargetGroupArn={arn}"
    );
    let listen = || caller.elb("CreateListener", &listener);
    assert_eq!(listen().refusal(), "400 LoadBalancerNotFound");
    caller.wait_s(5);
    let listener = listen().ok().text("ListenerArn");
    let rules = || caller.elb("DescribeRules", &format!("ListenerArn={listener}"));
    assert_eq!(rules().refusal(), "400 ListenerNotFound");
    caller.wait_s(3);
    assert_eq!(rules().ok().count("RuleArn"), 1);

    let template = template_form("lab1", "m4.large", &group);
    let template = caller.ec2("CreateLaunchTemplate", &template).ok().text("launchTemplateId");
    let group = format!(
        "AutoScalingGroupName=g&MinSize=1&MaxSize=1&VPCZoneIdentifier={}\
         &LaunchTemplate.LaunchTemplateId={template}",
        subnets[0]
    );
    let create = || caller.asg("CreateAutoScalingGroup", &group);
    assert!(create().text("Message").contains("with template ID"));
    caller.wait_s(5);
    create().ok();
    let shown = || caller.asg("DescribeAutoScalingGroups", "").ok().count("AutoScalingGroupName");
    assert_eq!(shown(), 0);
    caller.wait_s(5);
    assert_eq!(shown(), 1);
}

#[test]
fn each_kind_lags_only_while_its_switch_is_on() {
    let lag = Lag { security_groups: true, ..Lag::off() };
    let options = CloudOptions { lag, durations: Durations::Slow, ..CloudOptions::plain() };
    let caller = Caller::with(options);
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    caller.elb("CreateTargetGroup", &target_group_form("tg", &vpc)).ok();
    caller.elb("DescribeTargetGroups", "Names.member.1=tg").ok();
    caller.ec2("CreateSecurityGroup", "GroupName=g&GroupDescription=d").ok();
    assert_eq!(caller.ec2("DescribeSecurityGroups", "").ok().count("groupName"), 1);
}

#[test]
fn an_exact_lag_holds_to_the_second_for_creations_and_deletions() {
    let lag = Lag { security_groups: true, exact_s: Some(90), ..Lag::off() };
    let caller = Caller::with(CloudOptions { lag, ..CloudOptions::plain() });
    let seen = || caller.ec2("DescribeSecurityGroups", "").ok().count("groupName");
    let before = seen();
    let create = "GroupName=g&GroupDescription=d";
    let id = caller.ec2("CreateSecurityGroup", create).ok().text("groupId");
    caller.wait_s(89);
    assert_eq!(seen(), before);
    caller.wait_s(1);
    assert_eq!(seen(), before + 1);
    caller.ec2("DeleteSecurityGroup", &format!("GroupId={id}")).ok();
    caller.wait_s(89);
    assert_eq!(seen(), before + 1);
    caller.wait_s(1);
    assert_eq!(seen(), before);
}

/// The whole life of a stack, as seen by one who looks every `step_s` seconds.
fn diary(seed: u64, step_s: i64) -> Vec<Reply> {
    let options = CloudOptions { seed, durations: Durations::Seeded, ..CloudOptions::plain() };
    let caller = Caller::with(options);
    let stack = Stack::begin(&caller);
    let mut replies = Vec::new();
    for second in (0..1800).step_by(usize::try_from(step_s).unwrap()) {
        if second == 900 {
            let form = "AutoScalingGroupName=group1&ForceDelete=true";
            replies.push(caller.asg("DeleteAutoScalingGroup", form).ok());
        }
        let look = [
            caller.asg("DescribeAutoScalingGroups", ""),
            caller.ec2("DescribeInstances", ""),
            caller
                .elb("DescribeTargetHealth", &format!("TargetGroupArn={}", stack.target_groups[0])),
            caller.asg("DescribeScalingActivities", "IncludeDeletedGroups=true"),
        ];
        if second % 300 == 0 {
            replies.extend(look);
        }
        caller.wait_s(step_s);
    }
    replies
}

fn bodies(replies: &[Reply]) -> Vec<String> {
    let without_id = |body: &str| body.split("<ResponseMetadata>").next().map(str::to_owned);
    replies
        .iter()
        .filter_map(|reply| without_id(&reply.body))
        .map(|body| {
            let start = body.find("<requestId>");
            let end = body.find("</requestId>");
            match start.zip(end) {
                Some((start, end)) => format!("{}{}", &body[..start], &body[end..]),
                None => body,
            }
        })
        .collect()
}

/// Nothing depends on when or how often somebody looks: only on the calls that change something.
#[test]
fn what_happens_does_not_depend_on_who_looks() {
    for seed in 1..4 {
        assert_eq!(bodies(&diary(seed, 300)), bodies(&diary(seed, 5)), "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_cloud() {
    assert_eq!(bodies(&diary(1, 300)), bodies(&diary(1, 300)));
    assert_ne!(bodies(&diary(1, 300)), bodies(&diary(2, 300)));
}
