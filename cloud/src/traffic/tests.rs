use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::route_table::{RouteCondition, RouteRule};

/// A healthy target that answers.
fn target(id: &str) -> RouteTarget {
    RouteTarget {
        instance_id: id.to_owned(),
        port: 80,
        health: TargetState::Healthy,
        answers: true,
        reachable: true,
        paths: ["/", "/cluster1", "/cluster2"].map(str::to_owned).to_vec(),
        health_path: "/".to_owned(),
    }
}

fn group(name: &str, weight: u32, targets: Vec<RouteTarget>) -> WeightedGroup {
    WeightedGroup { target_group_arn: name.to_owned(), weight, deregistration_delay_s: 30, targets }
}

fn forward(name: &str, targets: Vec<RouteTarget>) -> RouteAction {
    RouteAction::Forward(vec![group(name, 1, targets)])
}

fn path_rule(priority: u32, pattern: &str, action: RouteAction) -> RouteRule {
    RouteRule {
        arn: format!("rule-{priority}"),
        priority,
        conditions: vec![RouteCondition::PathPattern(vec![pattern.to_owned()])],
        action,
    }
}

fn listener(port: u16, rules: Vec<RouteRule>, default_action: RouteAction) -> ListenerRoute {
    ListenerRoute { arn: format!("listener-{port}"), port, admitted: true, rules, default_action }
}

fn table(listeners: Vec<ListenerRoute>) -> RouteTable {
    RouteTable {
        load_balancer_arn: "balancer".to_owned(),
        host: "balancer.invalid".to_owned(),
        state: BalancerState::Active,
        listeners,
    }
}

/// The documented stack: five and four instances, two rules, equal weights by default.
fn stack() -> RouteTable {
    let cluster = |number: u32, count: u32| -> Vec<_> {
        (0..count).map(|i| target(&format!("i-{number}{i}"))).collect()
    };
    table(vec![listener(
        80,
        vec![
            path_rule(1, "/cluster1", forward("target-group-1", cluster(1, 5))),
            path_rule(2, "/cluster2", forward("target-group-2", cluster(2, 4))),
        ],
        RouteAction::Forward(vec![
            group("target-group-1", 1, cluster(1, 5)),
            group("target-group-2", 1, cluster(2, 4)),
        ]),
    )])
}

fn get(path: &str) -> Request<Bytes> {
    Request::builder().uri(path).body(Bytes::new()).unwrap()
}

fn ask(traffic: &Traffic, table: &RouteTable, path: &str) -> (u16, String) {
    let response = traffic.route(table, None, &get(path)).unwrap();
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), text)
}

/// The status of one request to a table whose only action forwards to these targets.
fn status_with(targets: Vec<RouteTarget>) -> u16 {
    let table = table(vec![listener(80, Vec::new(), forward("group", targets))]);
    ask(&Traffic::new(1), &table, "/").0
}

/// Answers with the instance's id alone, whatever the path.
#[derive(Debug)]
struct NamesItself;

impl Guest for NamesItself {
    fn answer(&self, target: &RouteTarget, _: &Request<Bytes>) -> io::Result<Response<Bytes>> {
        Ok(Response::new(Bytes::from(target.instance_id.clone())))
    }
}

#[test]
fn each_path_reaches_every_instance_of_its_cluster_and_no_other() {
    let (traffic, table) = (Traffic::new(1), stack());
    for (path, prefix, count) in
        [("/cluster1", "Instance i-1", 5), ("/cluster2", "Instance i-2", 4)]
    {
        let answers: BTreeSet<_> = (0..count).map(|_| ask(&traffic, &table, path)).collect();
        assert_eq!(answers.len(), count, "{answers:?}");
        assert!(answers.iter().all(|(status, text)| *status == 200 && text.starts_with(prefix)));
    }
}

#[test]
fn the_default_action_shares_requests_equally_over_2000_requests() {
    let (traffic, table) = (Traffic::with_guest(42, Box::new(NamesItself)), stack());
    let mut shares = BTreeMap::<String, u32>::new();
    for _ in 0..2_000 {
        let (_, id) = ask(&traffic, &table, "/elsewhere");
        *shares.entry(id).or_default() += 1;
    }
    let first: u32 = shares.iter().filter(|(id, _)| id.starts_with("i-1")).map(|(_, n)| n).sum();
    assert!((940..=1_060).contains(&first), "{first} of 2000 went to the first group");
    assert_eq!(shares.len(), 9, "an instance got nothing: {shares:?}");
}

#[test]
fn the_rule_with_the_lowest_priority_number_wins_and_the_query_plays_no_part() {
    let table = table(vec![listener(
        80,
        vec![
            path_rule(1, "/cluster?", forward("first", vec![target("i-first")])),
            path_rule(2, "/cluster1", forward("second", vec![target("i-second")])),
        ],
        forward("default", vec![target("i-default")]),
    )]);
    let traffic = Traffic::with_guest(1, Box::new(NamesItself));
    for (path, instance) in [
        ("/cluster1", "i-first"),
        ("/cluster1?path=/x", "i-first"),
        ("/x?/cluster1", "i-default"),
        ("/Cluster1", "i-default"),
        ("/cluster1/", "i-default"),
    ] {
        assert_eq!(ask(&traffic, &table, path).1, instance, "{path}");
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold_and_the_host_is_compared_without_its_port() {
    let rule = RouteRule {
        conditions: vec![
            RouteCondition::PathPattern(vec!["/a".to_owned(), "/b".to_owned()]),
            RouteCondition::HostHeader(vec!["*.Example.invalid".to_owned()]),
            RouteCondition::Method(vec!["POST".to_owned()]),
        ],
        ..path_rule(1, "", forward("rule", vec![target("i-rule")]))
    };
    let table = table(vec![listener(80, vec![rule], forward("default", vec![target("i-no")]))]);
    let traffic = Traffic::with_guest(1, Box::new(NamesItself));
    let instance = |method: &str, host: &str, path: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .body(Bytes::new())
            .unwrap();
        traffic.route(&table, None, &request).unwrap().into_body()
    };
    assert_eq!(instance("POST", "www.example.invalid:81", "/b"), "i-rule");
    assert_eq!(instance("GET", "www.example.invalid", "/b"), "i-no");
    assert_eq!(instance("POST", "example.com", "/b"), "i-no");
    assert_eq!(instance("POST", "www.example.invalid", "/c"), "i-no");
}

#[test]
fn only_healthy_targets_are_asked_while_there_is_one() {
    let states = [
        TargetState::Unhealthy,
        TargetState::Initial,
        TargetState::Healthy,
        TargetState::Draining,
        TargetState::Unused,
    ];
    let targets = states
        .iter()
        .map(|&health| RouteTarget { health, ..target(&format!("i-{}", health.as_str())) })
        .collect();
    let table = table(vec![listener(80, Vec::new(), forward("group", targets))]);
    let traffic = Traffic::with_guest(1, Box::new(NamesItself));
    let answered: BTreeSet<_> = (0..20).map(|_| ask(&traffic, &table, "/").1).collect();
    assert_eq!(answered, BTreeSet::from(["i-healthy".to_owned()]));
}

#[test]
fn without_a_healthy_target_the_balancer_fails_open() {
    let unhealthy = RouteTarget { health: TargetState::Unhealthy, ..target("i-1") };
    let initial = RouteTarget { health: TargetState::Initial, ..target("i-2") };
    assert_eq!(status_with(vec![unhealthy]), 200);
    assert_eq!(status_with(vec![initial]), 200);
}

#[test]
fn what_is_wrong_with_the_targets_decides_between_502_503_and_504() {
    let booting = RouteTarget { answers: false, ..target("i-1") };
    let walled = RouteTarget { answers: false, reachable: false, ..target("i-1") };
    let draining = RouteTarget { health: TargetState::Draining, ..target("i-1") };
    let unused = RouteTarget { health: TargetState::Unused, ..target("i-1") };
    assert_eq!(status_with(vec![booting]), 502);
    assert_eq!(status_with(vec![walled]), 504);
    assert_eq!(status_with(vec![draining, unused]), 503);
    assert_eq!(status_with(Vec::new()), 503);
}

#[test]
fn an_error_of_the_application_is_a_502_or_for_a_time_out_a_504() {
    #[derive(Debug)]
    struct Fails(io::ErrorKind);
    impl Guest for Fails {
        fn answer(&self, _: &RouteTarget, _: &Request<Bytes>) -> io::Result<Response<Bytes>> {
            Err(self.0.into())
        }
    }
    for (kind, status) in [(io::ErrorKind::TimedOut, 504), (io::ErrorKind::ConnectionReset, 502)] {
        let traffic = Traffic::with_guest(1, Box::new(Fails(kind)));
        assert_eq!(ask(&traffic, &stack(), "/").0, status);
    }
}

#[test]
fn a_weight_without_targets_keeps_its_share_as_on_aws() {
    let action = RouteAction::Forward(vec![
        group("empty", 1, Vec::new()),
        group("full", 1, vec![target("i-1")]),
    ]);
    let table = table(vec![listener(80, Vec::new(), action)]);
    let traffic = Traffic::new(1);
    let failed = (0..100).filter(|_| ask(&traffic, &table, "/").0 == 503).count();
    assert_eq!(failed, 50);
}

#[test]
fn a_balancer_that_is_not_active_has_no_listener_or_admits_nobody_gives_no_answer() {
    let traffic = Traffic::new(1);
    let provisioning = RouteTable { state: BalancerState::Provisioning, ..stack() };
    assert_eq!(traffic.route(&provisioning, None, &get("/")).unwrap_err(), Unreachable::Refused);
    let bare = table(Vec::new());
    assert_eq!(traffic.route(&bare, None, &get("/")).unwrap_err(), Unreachable::Refused);
    let mut walled = stack();
    walled.listeners[0].admitted = false;
    assert_eq!(traffic.route(&walled, None, &get("/")).unwrap_err(), Unreachable::TimedOut);
}

#[test]
fn a_port_beside_the_name_chooses_the_listener() {
    let table = table(vec![
        listener(70, Vec::new(), forward("c", vec![target("i-70")])),
        listener(8080, Vec::new(), forward("a", vec![target("i-8080")])),
        listener(80, Vec::new(), forward("b", vec![target("i-80")])),
    ]);
    let traffic = Traffic::with_guest(1, Box::new(NamesItself));
    let instance = |port| traffic.route(&table, port, &get("/")).map(Response::into_body);
    assert_eq!(instance(None).unwrap(), "i-80");
    assert_eq!(instance(Some(8080)).unwrap(), "i-8080");
    assert_eq!(instance(Some(443)).unwrap_err(), Unreachable::Refused);
}

#[test]
fn head_gets_the_headers_without_the_body() {
    let request = Request::head("/").body(Bytes::new()).unwrap();
    let response = Traffic::new(1).route(&stack(), None, &request).unwrap();
    assert!(response.body().is_empty());
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "8");
}
