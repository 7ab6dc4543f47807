//! What happens when a create call comes twice, or meets something of the same name.

use lab1_flow_cloud::CloudOptions;

use crate::stack::{Stack, listener_form, rule_form, target_group_form, template_form};
use crate::support::Caller;

/// Section 5 step 2, section 15 line 2: idempotent by content, tags included.
#[test]
fn a_target_group_is_created_once_per_content() {
    let caller = Caller::plain();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let tagged = |value: &str| {
        format!(
            "{}&Tags.member.1.Key=run&Tags.member.1.Value={value}",
            target_group_form("tg", &vpc)
        )
    };
    let create = |form: &str| caller.elb("CreateTargetGroup", form);
    let arn = create(&tagged("1")).ok().text("TargetGroupArn");
    assert_eq!(create(&tagged("1")).ok().text("TargetGroupArn"), arn);
    assert_eq!(create(&tagged("2")).refusal(), "400 DuplicateTargetGroupName");
    let other = tagged("1").replace("Port=80", "Port=81");
    let refused = create(&other);
    assert_eq!(refused.refusal(), "400 DuplicateTargetGroupName");
    assert_eq!(
        refused.text("Message"),
        "A target group with the same name &apos;tg&apos; exists, but with different settings"
    );
    // Attributes are not part of the create call, so they are not compared.
    let attributes = "Attributes.member.1.Key=stickiness.enabled&Attributes.member.1.Value=true";
    let form = format!("TargetGroupArn={arn}&{attributes}");
    caller.elb("ModifyTargetGroupAttributes", &form).ok();
    assert_eq!(create(&tagged("1")).ok().text("TargetGroupArn"), arn);
    assert_eq!(caller.elb("DescribeTargetGroups", "").ok().count("TargetGroupArn"), 1);
}

#[test]
fn tags_are_compared_only_while_the_switch_is_on() {
    let options = CloudOptions { content_compares_tags: false, ..CloudOptions::plain() };
    let caller = Caller::with(options);
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let form = target_group_form("tg", &vpc);
    let arn = caller.elb("CreateTargetGroup", &form).ok().text("TargetGroupArn");
    let tagged = format!("{form}&Tags.member.1.Key=run&Tags.member.1.Value=1");
    assert_eq!(caller.elb("CreateTargetGroup", &tagged).ok().text("TargetGroupArn"), arn);
    let tags = caller.elb("DescribeTags", &format!("ResourceArns.member.1={arn}")).ok();
    assert_eq!(tags.count("Key"), 0, "an existing group keeps its own tags");
}

/// Section 5 steps 4 and 5.
#[test]
fn load_balancers_and_listeners_are_created_once_per_content() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = format!(
        "Name=lab1-load-balancer&Subnets.member.1={}&Subnets.member.2={}\
         &SecurityGroups.member.1={}",
        stack.subnets[1], stack.subnets[0], stack.balancer_group
    );
    let same = caller.elb("CreateLoadBalancer", &form).ok();
    assert_eq!(same.text("LoadBalancerArn"), stack.balancer, "the order of subnets means nothing");
    let other = caller.elb("CreateLoadBalancer", &format!("{form}&Scheme=internal"));
    assert_eq!(other.refusal(), "400 DuplicateLoadBalancerName");

    let listener = |one, two| {
        caller
            .elb("CreateListener", &listener_form(&stack.balancer, &stack.target_groups, one, two))
    };
    assert_eq!(listener(1, 1).ok().text("ListenerArn"), stack.listener);
    assert_eq!(listener(1, 2).refusal(), "400 DuplicateListener");
    let form = format!("LoadBalancerArn={}", stack.balancer);
    assert_eq!(caller.elb("DescribeListeners", &form).ok().count("ListenerArn"), 1);
}

/// Section 1 fact 4, section 15 line 2: tags are settings too, for each kind that is created by content.
#[test]
fn the_tags_of_load_balancers_and_listeners_are_compared_while_the_switch_is_on() {
    for compared in [true, false] {
        let options = CloudOptions { content_compares_tags: compared, ..CloudOptions::plain() };
        let caller = Caller::with(options);
        let stack = Stack::without_groups(&caller);
        let [a, b] = &stack.subnets;
        let tagged = |value: &str| format!("&Tags.member.1.Key=run&Tags.member.1.Value={value}");
        let balancer = |tags: &str| {
            let form = format!("Name=tagged&Subnets.member.1={a}&Subnets.member.2={b}{tags}");
            caller.elb("CreateLoadBalancer", &form)
        };
        let listener = |tags: &str| {
            let form = listener_form(&stack.balancer, &stack.target_groups, 1, 1);
            caller.elb("CreateListener", &format!("{}{tags}", form.replace("=80", "=81")))
        };
        let arn = balancer(&tagged("1")).ok().text("LoadBalancerArn");
        let listener_arn = listener(&tagged("1")).ok().text("ListenerArn");
        assert_eq!(balancer(&tagged("1")).ok().text("LoadBalancerArn"), arn);
        assert_eq!(listener(&tagged("1")).ok().text("ListenerArn"), listener_arn);
        for other in [tagged("2"), String::new()] {
            if compared {
                assert_eq!(balancer(&other).refusal(), "400 DuplicateLoadBalancerName");
                assert_eq!(listener(&other).refusal(), "400 DuplicateListener");
            } else {
                assert_eq!(balancer(&other).ok().text("LoadBalancerArn"), arn);
                assert_eq!(listener(&other).ok().text("ListenerArn"), listener_arn);
            }
        }
    }
}

/// Section 5 step 6: a rule is never idempotent, not even an equal one.
#[test]
fn a_rule_is_refused_when_its_priority_is_taken() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = rule_form(&stack.listener, 1, "/cluster1", &stack.target_groups[0]);
    assert_eq!(caller.elb("CreateRule", &form).refusal(), "400 PriorityInUse");
}

/// Section 5 step 3: names of security groups are compared without letter case, per VPC.
#[test]
fn a_security_group_is_refused_when_its_name_is_taken_in_any_letter_case() {
    let caller = Caller::plain();
    let create = |name: &str| {
        caller.ec2("CreateSecurityGroup", &format!("GroupName={name}&GroupDescription=d"))
    };
    create("lab1").ok();
    assert_eq!(create("lab1").refusal(), "400 InvalidGroup.Duplicate");
    assert_eq!(create("LAB1").refusal(), "400 InvalidGroup.Duplicate");
    assert_eq!(create("default").refusal(), "400 InvalidGroup.Reserved");
    assert_eq!(create("sg-x").refusal(), "400 InvalidParameterValue");
    assert_eq!(create("a%7Cb").refusal(), "400 InvalidParameterValue");
    assert_eq!(create(&"n".repeat(256)).refusal(), "400 InvalidParameterValue");
}

/// Section 5 step 3: one duplicate refuses the whole call; addresses are canonical.
#[test]
fn authorizing_adds_all_rules_or_none() {
    let caller = Caller::plain();
    let form = "GroupName=g&GroupDescription=d";
    let id = caller.ec2("CreateSecurityGroup", form).ok().text("groupId");
    let rule = |number: usize, port: u16, cidr: &str| {
        let item = format!("IpPermissions.{number}");
        format!(
            "&{item}.IpProtocol=tcp&{item}.FromPort={port}&{item}.ToPort={port}\
             &{item}.IpRanges.1.CidrIp={cidr}"
        )
    };
    let authorize =
        |rules: &str| caller.ec2("AuthorizeSecurityGroupIngress", &format!("GroupId={id}{rules}"));
    authorize(&rule(1, 80, "100.68.0.18/18")).ok();
    let again = authorize(&(rule(1, 443, "0.0.0.0/0") + &rule(2, 80, "100.68.0.0/18")));
    assert_eq!(again.refusal(), "400 InvalidPermission.Duplicate");
    let filter = format!("Filter.1.Name=group-id&Filter.1.Value.1={id}");
    let mut peers = caller.ec2("DescribeSecurityGroupRules", &filter).ok().texts("cidrIpv4");
    peers.sort();
    assert_eq!(peers, ["0.0.0.0/0", "100.68.0.0/18"], "egress, and the one rule");
    assert_eq!(authorize(&rule(1, 80, "10.0.0.0/33")).refusal(), "400 InvalidParameterValue");
    assert_eq!(authorize("").refusal(), "400 MissingParameter");
}

/// Section 5 step 1, section 15 line 3.
#[test]
fn a_client_token_repeats_the_answer_until_it_expires() {
    let options = CloudOptions { client_token_lifetime_s: 60, ..CloudOptions::plain() };
    let caller = Caller::with(options);
    let create = |name: &str, kind: &str, token: &str| {
        let form = template_form(name, kind, "sg-1");
        caller.ec2("CreateLaunchTemplate", &format!("{form}&ClientToken={token}"))
    };
    let id = create("lab1", "m4.large", "t1").ok().text("launchTemplateId");
    assert_eq!(create("lab1", "m4.large", "t1").ok().text("launchTemplateId"), id);
    assert_eq!(create("lab1", "t2.large", "t1").refusal(), "400 IdempotentParameterMismatch");
    let taken = "400 InvalidLaunchTemplateName.AlreadyExistsException";
    assert_eq!(create("lab1", "m4.large", "t2").refusal(), taken);
    create("LAB1", "m4.large", "t3").ok();
    assert_eq!(caller.ec2("DescribeLaunchTemplates", "").ok().count("launchTemplateId"), 2);

    caller.ec2("DeleteLaunchTemplate", &format!("LaunchTemplateId={id}")).ok();
    let replayed = create("lab1", "m4.large", "t1").ok();
    assert_eq!(replayed.text("launchTemplateId"), id, "a token outlives its template");
    caller.wait_s(60);
    let renewed = create("lab1", "m4.large", "t1").ok();
    assert_ne!(renewed.text("launchTemplateId"), id);
}

/// Section 5 step 7.
#[test]
fn a_group_is_refused_while_one_of_its_name_exists_or_is_going() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let create = || caller.asg("CreateAutoScalingGroup", &stack.group_form(0, 5));
    assert_eq!(create().refusal(), "400 AlreadyExists");
    let delete = "AutoScalingGroupName=group1&ForceDelete=true";
    caller.asg("DeleteAutoScalingGroup", delete).ok();
    let refused = create();
    assert_eq!(refused.refusal(), "400 AlreadyExists");
    assert!(refused.text("Message").contains("is pending delete"));
    let update = caller.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=group1&MinSize=1");
    assert_eq!(update.refusal(), "400 ValidationError");
    assert!(update.text("Message").contains("pending delete"));
    caller.wait_s(300);
    create().ok();
}

/// Section 5 step 2: a target group serves one load balancer.
#[test]
fn a_target_group_belongs_to_one_load_balancer() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let form = format!(
        "Name=other&Subnets.member.1={}&Subnets.member.2={}",
        stack.subnets[0], stack.subnets[1]
    );
    let other = caller.elb("CreateLoadBalancer", &form).ok().text("LoadBalancerArn");
    let refused = caller.elb("CreateListener", &listener_form(&other, &stack.target_groups, 1, 1));
    assert_eq!(refused.refusal(), "400 TargetGroupAssociationLimit");
}
