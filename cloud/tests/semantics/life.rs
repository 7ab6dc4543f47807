//! The life of the whole stack, from the first call to an empty account.

use crate::stack::Stack;
use crate::support::Caller;

#[test]
fn the_stack_comes_up_in_its_own_time() {
    let caller = Caller::plain();
    let stack = Stack::begin(&caller);
    let state = || caller.elb("DescribeLoadBalancers", "").ok().text("Code");
    assert_eq!(state(), "provisioning");
    assert_eq!(stack.target_states(&caller, 0).len(), 0, "nothing is launched at once");

    caller.wait_s(6);
    let groups = caller.asg("DescribeAutoScalingGroups", "").ok();
    assert_eq!(groups.texts("LifecycleState"), ["Pending"; 9]);
    caller.wait_s(35);
    let groups = caller.asg("DescribeAutoScalingGroups", "").ok();
    assert_eq!(groups.texts("LifecycleState"), ["InService"; 9]);
    assert_eq!(stack.target_states(&caller, 0), ["initial"; 5]);

    caller.wait_s(120);
    assert_eq!(state(), "active");
    assert_eq!(stack.target_states(&caller, 0), ["healthy"; 5]);
    assert_eq!(stack.target_states(&caller, 1), ["healthy"; 4]);
}

#[test]
fn a_rollback_in_the_documented_order_leaves_nothing() {
    let caller = Caller::plain();
    let before = {
        caller.ec2("DescribeVpcs", "").ok();
        caller.cloud.account().resources
    };
    let stack = Stack::deploy(&caller);
    for group in ["group1", "group2"] {
        let form = format!("AutoScalingGroupName={group}&ForceDelete=true");
        caller.asg("DeleteAutoScalingGroup", &form).ok();
    }
    let groups = caller.asg("DescribeAutoScalingGroups", "").ok();
    assert_eq!(groups.texts("Status"), ["Delete in progress"; 2]);
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    caller.wait_s(90);
    assert_eq!(caller.asg("DescribeAutoScalingGroups", "").ok().count("AutoScalingGroupName"), 0);
    for arn in &stack.target_groups {
        caller.elb("DeleteTargetGroup", &format!("TargetGroupArn={arn}")).ok();
    }
    for id in [&stack.instance_group, &stack.balancer_group] {
        caller.ec2("DeleteSecurityGroup", &format!("GroupId={id}")).ok();
    }
    for id in &stack.templates {
        caller.ec2("DeleteLaunchTemplate", &format!("LaunchTemplateId={id}")).ok();
    }
    let left: Vec<_> = caller.cloud.account().made().cloned().collect();
    assert_eq!(left, [], "terminated instances are records only");
    caller.wait_s(3600);
    assert_eq!(caller.cloud.account().resources, before);
}
