//! Every action, called as it should be, and with one parameter too many.

use lab1_flow_cloud::modelled_actions;

use crate::stack::{Stack, listener_form, rule_form, target_group_form, template_form};
use crate::support::{Caller, Reply};

/// A service, an action and a form.
type Call = (&'static str, &'static str, String);

const EC2: &str = "ec2";
const ELB: &str = "elasticloadbalancing";
const ASG: &str = "autoscaling";

/// A form for every action, in an order in which all of them succeed on a deployed stack.
fn valid_calls(caller: &Caller, stack: &Stack) -> Vec<Call> {
    let instance = caller.asg("DescribeAutoScalingInstances", "").ok().text("InstanceId");
    let identity = ("sts", "GetCallerIdentity", String::new());
    let groups = [reads(stack), changes(stack, &instance), balancing(stack, &instance)];
    let mut calls = vec![identity];
    calls.extend(groups.into_iter().flatten());
    let members = caller.asg("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=group1");
    let doomed = caller.asg("DescribeAutoScalingInstances", "").ok().texts("InstanceId");
    let survives = |id: &String| !doomed[..2].contains(id);
    let survivor = members.ok().texts("InstanceId").into_iter().find(survives).unwrap();
    calls.extend(scaling(stack, &instance));
    calls.extend(by_hand(stack, &survivor));
    calls.extend(deletions(stack));
    calls
}

fn reads(stack: &Stack) -> Vec<Call> {
    let lt = &stack.templates[0];
    vec![
        (EC2, "DescribeAccountAttributes", String::new()),
        (EC2, "DescribeAvailabilityZones", String::new()),
        (EC2, "DescribeImages", String::new()),
        (EC2, "DescribeInstanceStatus", String::new()),
        (EC2, "DescribeInstanceTypeOfferings", String::new()),
        (EC2, "DescribeInstanceTypes", String::new()),
        (EC2, "DescribeInstances", String::new()),
        (EC2, "DescribeInternetGateways", String::new()),
        (EC2, "DescribeKeyPairs", String::new()),
        (EC2, "DescribeLaunchTemplateVersions", format!("LaunchTemplateId={lt}")),
        (EC2, "DescribeLaunchTemplates", String::new()),
        (EC2, "DescribeNetworkInterfaces", String::new()),
        (EC2, "DescribeRouteTables", String::new()),
        (EC2, "DescribeSecurityGroupRules", String::new()),
        (EC2, "DescribeSecurityGroups", String::new()),
        (EC2, "DescribeSubnets", String::new()),
        (EC2, "DescribeTags", String::new()),
        (EC2, "DescribeVolumes", String::new()),
        (EC2, "DescribeVpcAttribute", format!("VpcId={}&Attribute=enableDnsSupport", stack.vpc)),
        (EC2, "DescribeVpcs", String::new()),
    ]
}

fn changes(stack: &Stack, instance: &str) -> Vec<Call> {
    let sg = &stack.instance_group;
    let data = "LaunchTemplateData.ImageId=ami-08c40ec9ead489470";
    let ports = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=8080\
                 &IpPermissions.1.ToPort=8080&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8";
    vec![
        (EC2, "AuthorizeSecurityGroupIngress", format!("GroupId={sg}&{ports}")),
        (EC2, "RevokeSecurityGroupIngress", format!("GroupId={sg}&{ports}")),
        (EC2, "AuthorizeSecurityGroupEgress", format!("GroupId={sg}&{ports}")),
        (EC2, "RevokeSecurityGroupEgress", format!("GroupId={sg}&{ports}")),
        (EC2, "CreateKeyPair", "KeyName=mine".to_owned()),
        (EC2, "DeleteKeyPair", "KeyName=mine".to_owned()),
        (EC2, "CreateLaunchTemplate", template_form("spare", "t2.large", sg)),
        (EC2, "CreateLaunchTemplateVersion", format!("LaunchTemplateName=spare&{data}")),
        (EC2, "ModifyLaunchTemplate", "LaunchTemplateName=spare&SetDefaultVersion=2".to_owned()),
        (
            EC2,
            "DeleteLaunchTemplateVersions",
            "LaunchTemplateName=spare&LaunchTemplateVersion.1=1".to_owned(),
        ),
        (EC2, "DeleteLaunchTemplate", "LaunchTemplateName=spare".to_owned()),
        (EC2, "CreateSecurityGroup", "GroupName=spare&GroupDescription=d".to_owned()),
        (EC2, "DeleteSecurityGroup", "GroupName=spare".to_owned()),
        (EC2, "CreateTags", format!("ResourceId.1={sg}&Tag.1.Key=a&Tag.1.Value=b")),
        (EC2, "DeleteTags", format!("ResourceId.1={sg}&Tag.1.Key=a")),
        (EC2, "TerminateInstances", format!("InstanceId.1={instance}")),
    ]
}

fn balancing(stack: &Stack, instance: &str) -> Vec<Call> {
    let mut calls = balancing_reads(stack);
    calls.extend(balancing_changes(stack, instance));
    calls
}

fn balancing_reads(stack: &Stack) -> Vec<Call> {
    let lb = &stack.balancer;
    let tg = &stack.target_groups[0];
    vec![
        (ELB, "DescribeAccountLimits", String::new()),
        (ELB, "DescribeCapacityReservation", format!("LoadBalancerArn={lb}")),
        (ELB, "DescribeListenerAttributes", format!("ListenerArn={}", stack.listener)),
        (ELB, "DescribeListeners", format!("LoadBalancerArn={lb}")),
        (ELB, "DescribeLoadBalancerAttributes", format!("LoadBalancerArn={lb}")),
        (ELB, "DescribeLoadBalancers", String::new()),
        (ELB, "DescribeRules", format!("ListenerArn={}", stack.listener)),
        (ELB, "DescribeTags", format!("ResourceArns.member.1={lb}")),
        (ELB, "DescribeTargetGroupAttributes", format!("TargetGroupArn={tg}")),
        (ELB, "DescribeTargetGroups", String::new()),
        (ELB, "DescribeTargetHealth", format!("TargetGroupArn={tg}")),
    ]
}

fn balancing_changes(stack: &Stack, instance: &str) -> Vec<Call> {
    let lb = &stack.balancer;
    let [tg, tg2] = &stack.target_groups;
    let [rule, rule2] = &stack.rules;
    let [a, b] = &stack.subnets;
    let attribute = |key: &str, value: &str| {
        format!("Attributes.member.1.Key={key}&Attributes.member.1.Value={value}")
    };
    let balancer = format!("Name=spare&Subnets.member.1={a}&Subnets.member.2={b}");
    let targets = format!("TargetGroupArn={tg}&Targets.member.1.Id={instance}");
    vec![
        (
            ELB,
            "AddTags",
            format!("ResourceArns.member.1={lb}&Tags.member.1.Key=a&Tags.member.1.Value=b"),
        ),
        (ELB, "RemoveTags", format!("ResourceArns.member.1={lb}&TagKeys.member.1=a")),
        (ELB, "CreateTargetGroup", target_group_form("spare", &stack.vpc)),
        (ELB, "CreateLoadBalancer", balancer),
        (ELB, "ModifyTargetGroup", format!("TargetGroupArn={tg}&HealthCheckTimeoutSeconds=4")),
        (
            ELB,
            "ModifyTargetGroupAttributes",
            format!("TargetGroupArn={tg}&{}", attribute("slow_start.duration_seconds", "30")),
        ),
        (
            ELB,
            "ModifyLoadBalancerAttributes",
            format!("LoadBalancerArn={lb}&{}", attribute("idle_timeout.timeout_seconds", "9")),
        ),
        (ELB, "DeregisterTargets", targets),
        (
            ELB,
            "CreateListener",
            listener_form(lb, &stack.target_groups, 1, 1).replace("=80", "=81"),
        ),
        (ELB, "ModifyListener", format!("ListenerArn={}&Port=82", stack.listener)),
        (ELB, "CreateRule", rule_form(&stack.listener, 9, "/nine", tg)),
        (
            ELB,
            "SetRulePriorities",
            format!("RulePriorities.member.1.RuleArn={rule}&RulePriorities.member.1.Priority=7"),
        ),
        (
            ELB,
            "ModifyRule",
            format!(
                "RuleArn={rule}&Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn={tg2}"
            ),
        ),
        (ELB, "DeleteRule", format!("RuleArn={rule2}")),
    ]
}

fn scaling(stack: &Stack, instance: &str) -> Vec<Call> {
    let tg = &stack.target_groups[0];
    let group = "AutoScalingGroupName=group1";
    let group_tag = "Tags.member.1.ResourceId=group1&Tags.member.1.Key=colour";
    vec![
        (ASG, "DescribeAccountLimits", String::new()),
        (ASG, "DescribeAutoScalingGroups", String::new()),
        (ASG, "DescribeAutoScalingInstances", String::new()),
        (ASG, "DescribeLoadBalancerTargetGroups", group.to_owned()),
        (ASG, "DescribeScalingActivities", String::new()),
        (ASG, "DescribeTags", String::new()),
        (ASG, "CreateAutoScalingGroup", stack.group_form(0, 4).replace("group1", "spare")),
        (ASG, "UpdateAutoScalingGroup", format!("{group}&MinSize=1")),
        (ASG, "SetDesiredCapacity", format!("{group}&DesiredCapacity=3")),
        (ASG, "DisableMetricsCollection", group.to_owned()),
        (ASG, "CreateOrUpdateTags", format!("{group_tag}&Tags.member.1.Value=red")),
        (ASG, "DeleteTags", group_tag.to_owned()),
        (ASG, "DetachLoadBalancerTargetGroups", format!("{group}&TargetGroupARNs.member.1={tg}")),
        (ASG, "AttachLoadBalancerTargetGroups", format!("{group}&TargetGroupARNs.member.1={tg}")),
        (
            ASG,
            "TerminateInstanceInAutoScalingGroup",
            format!("InstanceId={instance}&ShouldDecrementDesiredCapacity=true"),
        ),
    ]
}

fn by_hand(stack: &Stack, instance: &str) -> Vec<Call> {
    let run =
        format!("MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId={}", stack.templates[0]);
    let member = format!("AutoScalingGroupName=group1&InstanceIds.member.1={instance}");
    vec![
        (EC2, "RunInstances", run),
        (ASG, "DetachInstances", format!("{member}&ShouldDecrementDesiredCapacity=true")),
        (ASG, "AttachInstances", member),
    ]
}

fn deletions(stack: &Stack) -> Vec<Call> {
    let lb = &stack.balancer;
    let group = "AutoScalingGroupName=group1&ForceDelete=true".to_owned();
    vec![
        (ASG, "DeleteAutoScalingGroup", group),
        (ELB, "DeleteListener", format!("ListenerArn={}", stack.listener)),
        (ELB, "DeleteLoadBalancer", format!("LoadBalancerArn={lb}")),
        (ELB, "DeleteTargetGroup", format!("TargetGroupArn={}", stack.absent_target_group())),
    ]
}

fn call(caller: &Caller, service: &str, action: &str, form: &str) -> Reply {
    match service {
        EC2 => caller.ec2(action, form),
        ELB => caller.elb(action, form),
        ASG => caller.asg(action, form),
        _ => caller.sts(action, form),
    }
}

/// Every action, called as it should be but for one parameter too many: refused, with no effect. Then
/// called as it should be: accepted. So no handler forgets to look, or looks too late.
#[test]
fn every_action_refuses_a_parameter_that_it_does_not_know() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let spare = caller.asg("DescribeAutoScalingInstances", "").ok().texts("InstanceId").remove(1);
    let mut uncalled: Vec<_> = modelled_actions().collect();
    for (service, action, form) in valid_calls(&caller, &stack) {
        let before = caller.cloud.account();
        let reply = call(&caller, service, action, &format!("{form}&Bogus.1.Nested=1"));
        let code = reply.refusal();
        assert!(["400 UnknownParameter", "400 ValidationError"].contains(&code.as_str()), "{code}");
        assert!(reply.text("Message").contains("Bogus.1.Nested"), "{action}: {}", reply.body);
        assert_eq!(caller.cloud.account(), before, "{action} had an effect");
        // An instance that has been terminated cannot be let go by its group a second time.
        let form = if action == "TerminateInstanceInAutoScalingGroup" {
            form.replace(&form["InstanceId=".len()..form.find('&').unwrap()], &spare)
        } else {
            form
        };
        call(&caller, service, action, &form).ok();
        uncalled.retain(|known| *known != (service, action));
    }
    // Registering needs a running instance that is not registered yet; it has a test of its own.
    assert_eq!(uncalled, [(ELB, "RegisterTargets")]);
}
