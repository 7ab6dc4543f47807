//! What is no ARN, or one of another kind, is not taken for something that is absent.

use crate::stack::{Stack, listener_form, rule_form};
use crate::support::Caller;

/// Every call that names a resource of a balancer, with what it names and under which parameter.
fn calls(stack: &Stack) -> Vec<(&'static str, &'static str, String)> {
    let target = "&Targets.member.1.Id=i-1";
    let attribute = "&Attributes.member.1.Key=stickiness.enabled&Attributes.member.1.Value=true";
    let plain = String::new;
    vec![
        ("DeleteLoadBalancer", "LoadBalancerArn", plain()),
        ("DescribeLoadBalancers", "LoadBalancerArns.member.1", plain()),
        ("DescribeLoadBalancerAttributes", "LoadBalancerArn", plain()),
        ("ModifyLoadBalancerAttributes", "LoadBalancerArn", attribute.to_owned()),
        ("DescribeListeners", "LoadBalancerArn", plain()),
        ("DescribeTargetGroups", "LoadBalancerArn", plain()),
        ("DeleteTargetGroup", "TargetGroupArn", plain()),
        ("DescribeTargetGroups", "TargetGroupArns.member.1", plain()),
        ("ModifyTargetGroup", "TargetGroupArn", plain()),
        ("DescribeTargetGroupAttributes", "TargetGroupArn", plain()),
        ("ModifyTargetGroupAttributes", "TargetGroupArn", attribute.to_owned()),
        ("DescribeTargetHealth", "TargetGroupArn", plain()),
        ("RegisterTargets", "TargetGroupArn", target.to_owned()),
        ("DeregisterTargets", "TargetGroupArn", target.to_owned()),
        ("DescribeListeners", "ListenerArns.member.1", plain()),
        ("ModifyListener", "ListenerArn", plain()),
        ("DeleteListener", "ListenerArn", plain()),
        ("DescribeRules", "ListenerArn", plain()),
        ("DescribeRules", "RuleArns.member.1", plain()),
        ("ModifyRule", "RuleArn", plain()),
        ("DeleteRule", "RuleArn", plain()),
        ("SetRulePriorities", "RulePriorities.member.1.RuleArn", {
            "&RulePriorities.member.1.Priority=9".to_owned()
        }),
        ("CreateRule", "Actions.member.1.TargetGroupArn", {
            rule_form(&stack.listener, 9, "/nine", "")
                .replace("&Actions.member.1.TargetGroupArn=", "")
        }),
    ]
}

#[test]
fn a_malformed_arn_and_one_of_another_kind_are_refused_and_change_nothing() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let of_kind = |parameter: &str| match parameter {
        _ if parameter.contains("LoadBalancerArn") => ("load balancer", &stack.target_groups[0]),
        _ if parameter.contains("TargetGroupArn") => ("target group", &stack.balancer),
        _ if parameter.contains("ListenerArn") => ("listener", &stack.rules[0]),
        _ => ("rule", &stack.listener),
    };
    let before = caller.cloud.account();
    for (action, parameter, rest) in calls(&stack) {
        let (kind, foreign) = of_kind(parameter);
        for wrong in ["my-name", "arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1", foreign] {
            let reply = caller.elb(action, &format!("{parameter}={wrong}{}", joined(&rest)));
            assert_eq!(reply.refusal(), "400 ValidationError", "{action} with {wrong}");
            let message = format!("&apos;{wrong}&apos; is not a valid {kind} ARN");
            assert_eq!(reply.text("Message"), message, "{action}");
        }
    }
    assert_eq!(caller.cloud.account(), before);
}

/// A form goes on after an ampersand.
fn joined(rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('&') { rest.to_owned() } else { format!("&{rest}") }
}

#[test]
fn a_listener_is_refused_whose_balancer_or_target_group_is_of_another_kind() {
    let caller = Caller::plain();
    let stack = Stack::without_groups(&caller);
    let [one, two] = stack.target_groups.clone();
    for (balancer, groups) in
        [(&one, [one.clone(), two.clone()]), (&stack.balancer, [stack.listener.clone(), two])]
    {
        let form = listener_form(balancer, &groups, 1, 1).replace("Port=80", "Port=81");
        assert_eq!(caller.elb("CreateListener", &form).refusal(), "400 ValidationError");
    }
}
