//! The route table: what the traffic of a load balancer needs to know of it.

use std::sync::{Arc, Mutex};

use lab1_flow_cloud::{
    BalancerState, Cloud, CloudOptions, Frontends, RouteAction, RouteCondition, TargetState,
    VirtualCloudClock, WeightedGroup,
};

use crate::stack::Stack;
use crate::support::Caller;

fn host(caller: &Caller) -> String {
    caller.elb("DescribeLoadBalancers", "").ok().text("DNSName")
}

fn groups(action: &RouteAction) -> &[WeightedGroup] {
    match action {
        RouteAction::Forward(groups) => groups,
        other => panic!("not a forward: {other:?}"),
    }
}

#[test]
fn the_table_holds_rules_weights_and_targets() {
    let caller = Caller::plain();
    let stack = Stack::begin(&caller);
    let host = host(&caller);
    assert!(host.starts_with("lab1-load-balancer-") && host.ends_with(".us-east-1.elb.invalid"));
    let table = || caller.cloud.route_table(&host).unwrap();
    assert_eq!(table().state, BalancerState::Provisioning);
    caller.wait_s(600);
    let table = table();
    assert_eq!(table.state, BalancerState::Active);
    assert_eq!(table.load_balancer_arn, stack.balancer);
    let [listener] = table.listeners.as_slice() else { panic!("{table:?}") };
    assert!(listener.admitted);
    assert_eq!(listener.port, 80);
    assert_eq!(groups(&listener.default_action).len(), 2);
    assert!(groups(&listener.default_action).iter().all(|group| group.weight == 1));
    let priorities: Vec<u32> = listener.rules.iter().map(|rule| rule.priority).collect();
    assert_eq!(priorities, [1, 2]);
    let path = RouteCondition::PathPattern(vec!["/cluster1".to_owned()]);
    assert_eq!(listener.rules[0].conditions, [path]);
    let [group] = groups(&listener.rules[0].action) else { panic!("{listener:?}") };
    assert_eq!(group.target_group_arn, stack.target_groups[0]);
    assert_eq!(group.deregistration_delay_s, 30);
    assert_eq!(group.targets.len(), 5);
    for target in &group.targets {
        assert_eq!(target.health, TargetState::Healthy);
        assert!(target.answers && target.reachable && target.port == 80);
    }
    assert_eq!(caller.cloud.route_table("other.invalid"), None);
}

#[test]
fn a_balancer_whose_security_group_is_closed_admits_nobody() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let revoke = format!(
        "GroupId={}&IpProtocol=tcp&FromPort=80&ToPort=80&CidrIp=0.0.0.0/0",
        stack.balancer_group
    );
    caller.ec2("RevokeSecurityGroupIngress", &revoke).ok();
    let table = caller.cloud.route_table(&host(&caller)).unwrap();
    assert!(!table.listeners[0].admitted);
}

#[derive(Debug, Default)]
struct Recorded {
    calls: Mutex<Vec<String>>,
    full: bool,
}

impl Frontends for Recorded {
    fn open(&self, _arn: &str, name: &str) -> Result<String, String> {
        self.calls.lock().unwrap().push(format!("open {name}"));
        if self.full { Err("no port is free".to_owned()) } else { Ok("127.0.0.1:4711".to_owned()) }
    }

    fn close(&self, _arn: &str, host: &str) {
        self.calls.lock().unwrap().push(format!("close {host}"));
    }
}

#[test]
fn addresses_are_opened_once_and_closed_with_their_balancer() {
    let caller = Caller::plain();
    let frontends = Arc::new(Recorded::default());
    caller.cloud.set_frontends(frontends.clone());
    let stack = Stack::without_groups(&caller);
    let hosts = caller.cloud.load_balancer_hosts();
    assert_eq!(hosts, [(stack.balancer.clone(), "127.0.0.1:4711".to_owned())]);
    for _ in 0..2 {
        caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    }
    let calls = frontends.calls.lock().unwrap().clone();
    assert_eq!(calls, ["open lab1-load-balancer", "close 127.0.0.1:4711"]);
}

/// What could not be stored has not happened: an address opened for it is closed, and one that was to
/// be closed stays open.
#[test]
fn addresses_follow_what_was_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let cloud = Cloud::open(&path, Arc::new(clock.clone()), CloudOptions::plain()).unwrap();
    let caller = Caller::of(cloud, clock);
    let frontends = Arc::new(Recorded::default());
    caller.cloud.set_frontends(frontends.clone());
    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");
    let form = format!("Name=lb&Subnets.member.1={}&Subnets.member.2={}", subnets[0], subnets[1]);
    let create = || caller.elb("CreateLoadBalancer", &form);
    let blocked = directory.path().join("cloud.new");
    std::fs::create_dir(&blocked).unwrap();
    assert_eq!(create().refusal(), "500 InternalFailure");
    assert_eq!(*frontends.calls.lock().unwrap(), ["open lb", "close 127.0.0.1:4711"]);
    std::fs::remove_dir(&blocked).unwrap();
    let arn = create().ok().text("LoadBalancerArn");
    std::fs::create_dir(&blocked).unwrap();
    let delete = caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={arn}"));
    assert_eq!(delete.refusal(), "500 InternalFailure");
    assert_eq!(frontends.calls.lock().unwrap().len(), 3, "not closed");
    assert_eq!(caller.cloud.load_balancer_hosts(), [(arn, "127.0.0.1:4711".to_owned())]);
}

#[test]
fn a_balancer_without_an_address_is_not_made() {
    let caller = Caller::plain();
    caller.cloud.set_frontends(Arc::new(Recorded { full: true, ..Recorded::default() }));
    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");
    let form = format!("Name=lb&Subnets.member.1={}&Subnets.member.2={}", subnets[0], subnets[1]);
    assert_eq!(caller.elb("CreateLoadBalancer", &form).refusal(), "500 InternalFailure");
    assert_eq!(caller.cloud.account().made().count(), 0);
}
