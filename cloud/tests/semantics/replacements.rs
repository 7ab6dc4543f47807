//! Replacing an unhealthy instance: what ends first is the maintenance policy's word.

use crate::stack::Stack;
use crate::support::Caller;

/// How many members of the first group are in service, and how many of its instances are up.
fn counts(caller: &Caller) -> (usize, usize) {
    let group = caller.asg("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=group1");
    let states = group.ok().texts("LifecycleState");
    let form = "Filter.1.Name=tag:aws:autoscaling:groupName&Filter.1.Value.1=group1\
                &Filter.2.Name=instance-state-name&Filter.2.Value.1=pending&Filter.2.Value.2=running";
    let up = caller.ec2("DescribeInstances", form).ok().texts("instanceId").len();
    (states.iter().filter(|state| *state == "InService").count(), up)
}

/// Lets all five instances of a group fail its balancer's checks, and returns the fewest that were in service
/// and the most that were up, seen once a second.
fn replace_all(policy: Option<(u32, u32)>) -> (usize, usize) {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let policy = policy.map_or_else(String::new, |(min, max)| {
        let of = "InstanceMaintenancePolicy";
        format!("&{of}.MinHealthyPercentage={min}&{of}.MaxHealthyPercentage={max}")
    });
    let form = format!(
        "AutoScalingGroupName=group1&HealthCheckType=ELB&HealthCheckGracePeriod=240{policy}"
    );
    caller.asg("UpdateAutoScalingGroup", &form).ok();
    let before = caller.asg("DescribeAutoScalingGroups", "").ok().texts("InstanceId");
    let path = |path: &str| {
        let form = format!("TargetGroupArn={}&HealthCheckPath={path}", stack.target_groups[0]);
        caller.elb("ModifyTargetGroup", &form).ok();
    };
    path("/absent");
    let mut seen = (usize::MAX, 0);
    for second in 0..900 {
        caller.wait_s(1);
        if second == 55 {
            // All have failed by now, and their successors shall not.
            path("/");
        }
        let (in_service, up) = counts(&caller);
        seen = (seen.0.min(in_service), seen.1.max(up));
    }
    assert_eq!(counts(&caller), (5, 5), "{policy}");
    let after = caller.asg("DescribeAutoScalingGroups", "").ok().texts("InstanceId");
    let kept = after.iter().filter(|id| before.contains(id)).count();
    assert_eq!(kept, 4, "those of the other group: {policy}");
    seen
}

/// Section 8.3 and the guide of AWS: the default behaviour on a failed check is to terminate and launch at once.
#[test]
fn without_room_above_the_wanted_number_an_unhealthy_instance_ends_while_its_successor_starts() {
    for policy in [None, Some((0, 100)), Some((90, 100)), Some((50, 150))] {
        assert_eq!(
            replace_all(policy),
            (0, 10),
            "{policy:?}: the old ones drain, the new ones boot"
        );
    }
}

#[test]
fn a_policy_that_keeps_all_in_service_launches_one_more_before_an_unhealthy_one_ends() {
    for (policy, most) in [((100, 120), 6), ((90, 110), 6), ((100, 200), 10)] {
        let (in_service, up) = replace_all(Some(policy));
        assert_eq!(in_service, 5, "{policy:?}: none ends before another one serves");
        // One that was let go drains for a while beside the next that is launched.
        assert!((most..=most + 1).contains(&up), "{policy:?}: {up} at once");
    }
}
