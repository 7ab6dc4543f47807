//! A run that nothing disturbs, and its rollback.

use lab1_flow_cloud::{CloudOptions, Limits};
use lab1_flow_steps::{HealthCheckKind, StackName, StackSpec, WaitMode};
use lab1_flow_workflow::journal::Rest;

use crate::scene::{LATENCY, Scene};

/// Calls that look again and again until something has happened.
const POLLS: [&str; 4] = [
    "DescribeLoadBalancers",
    "DescribeAutoScalingGroups",
    "DescribeTargetHealth",
    "DescribeScalingActivities",
];

#[tokio::test(start_paused = true)]
async fn the_defaults_deploy_one_of_each_and_a_rollback_leaves_nothing() {
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    let census: Vec<(&str, usize)> = scene.census().into_iter().collect();
    assert_eq!(
        census,
        [
            ("auto-scaling-group", 2),
            ("instance", 9),
            ("launch-template", 2),
            ("listener", 1),
            ("listener-rule", 2),
            ("load-balancer", 1),
            // One for each instance, and the balancer's own in both zones.
            ("network-interface", 11),
            ("security-group", 2),
            ("target-group", 2),
            ("volume", 9),
        ]
    );
    let report = scene.roll_back("run-1").await;
    assert_eq!(*report.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), []);
}

#[tokio::test(start_paused = true)]
async fn the_patience_with_targets_is_as_long_as_their_health_check_may_take() {
    // No target ever gives the status that is asked for: what is measured is the patience.
    let patience = async |interval_s, healthy_threshold| {
        let scene = Scene::new(CloudOptions::plain());
        let mut spec = StackSpec::default();
        let check = &mut spec.targets.health_check;
        (check.interval_s, check.healthy_threshold) = (interval_s, healthy_threshold);
        check.success_codes = "299".to_owned();
        let started = tokio::time::Instant::now();
        let report = scene.deploy("run-1", &spec).await;
        assert_eq!(*report.rest(), Rest::Failed, "{:?}", report.failure());
        started.elapsed().as_secs() / 60
    };
    let boot = 30;
    assert!((boot..boot + 10).contains(&patience(10, 2).await));
    // A target that was unhealthy while it booted needs ten good checks in a row.
    let checks = 300 * 10 / 60;
    assert!((boot + checks..boot + checks + 15).contains(&patience(300, 10).await));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_makes_no_more_calls_than_it_needs() {
    let scene = Scene::new(CloudOptions::plain());
    scene.deploy("run-1", &StackSpec::default()).await;
    let calls = scene.take_calls();
    let claim = calls.iter().position(|call| call == "CreateSecurityGroup").unwrap();
    assert!(claim <= 14, "the preflight made {claim} calls");
    let after = &calls[claim..];
    assert!(after.iter().all(|call| call != "GetCallerIdentity"));
    // One round of polls is needed; the rest of them are waiting.
    let needed = after.iter().filter(|call| !POLLS.contains(&call.as_str())).count() + 4;
    assert!(needed <= 24, "{needed} calls after the preflight: {after:?}");
}

#[tokio::test(start_paused = true)]
async fn the_preflight_takes_one_round_trip() {
    let scene = Scene::new(CloudOptions::plain());
    let mut spec = StackSpec::default();
    spec.instances.image_id = "ami-00000000".to_owned();
    let started = tokio::time::Instant::now();
    let report = scene.deploy("run-1", &spec).await;
    assert_eq!(*report.rest(), Rest::Failed);
    assert_eq!(started.elapsed(), LATENCY);
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_made_carries_the_mark_and_the_name_of_the_stack() {
    let scene = Scene::new(CloudOptions::plain());
    let spec = StackSpec { stack: StackName::new("blue").unwrap(), ..StackSpec::default() };
    scene.deploy("run-1", &spec).await;
    for thing in scene.made() {
        // The balancer's own interfaces belong to the service and vanish with it.
        if thing.kind == "network-interface" && thing.tags.is_empty() {
            continue;
        }
        let tag = |key: &str| thing.tags.get(key).map(String::as_str);
        assert_eq!(tag("lab1-flow:run-id"), Some("run-1"), "{thing:?}");
        assert_eq!(tag("lab1-flow:stack"), Some("blue"), "{thing:?}");
        assert_eq!(tag("lab1-flow:managed-by"), Some("lab1-flow"), "{thing:?}");
        assert!(tag("lab1-flow:action").is_some(), "{thing:?}");
        assert!(tag("Name").is_some(), "{thing:?}");
        assert!(thing.name.is_empty() || thing.name.starts_with("blue-"), "{thing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_value_of_the_configuration_arrives() {
    let text = r#"{
        "stack": "other", "wait": "targets",
        "network": {"zones": ["us-east-1c", "us-east-1d"]},
        "instances": {"key_name": "", "ssh": false, "security_group_name": "inst"},
        "targets": {"deregistration_delay_s": 7, "health_check": {"interval_s": 20}},
        "scaling": {"health_check": "elb", "grace_s": 600},
        "load_balancer": {"name": "front", "port": 8080},
        "groups": [{"name": "a", "min": 1, "desired": 2, "max": 3, "path": "/a"}, {"weight": 3}]
    }"#;
    let spec: StackSpec = serde_json::from_str(text).unwrap();
    assert_eq!(spec.wait, WaitMode::Targets);
    assert_eq!(spec.scaling.health_check, HealthCheckKind::Elb);
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &spec).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    let names: Vec<String> = scene.made().into_iter().map(|thing| thing.name).collect();
    for name in ["other-inst", "other-front", "other-a", "other-group2", "other-target-group-1"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    assert_eq!(scene.census()["instance"], 2 + 4);
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), []);
}

#[tokio::test(start_paused = true)]
async fn on_a_cloud_that_is_slow_to_show_and_throttles_it_is_the_same() {
    for seed in 0..4 {
        let options = CloudOptions { seed, time_scale: 1.0, ..CloudOptions::default() };
        let scene = Scene::new(options);
        // The names are free again at once, also where reads still show what is gone.
        for run in ["run-1", "run-2"] {
            let report = scene.deploy(run, &StackSpec::default()).await;
            assert_eq!(*report.rest(), Rest::Completed, "{seed} {run} {:?}", report.failure());
            assert_eq!(scene.census()["instance"], 9);
            let report = scene.roll_back(run).await;
            assert_eq!(*report.rest(), Rest::RolledBack, "{seed} {run}");
            assert_eq!(scene.made(), [], "{seed} {run}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nine_instances_are_room_enough_and_one_less_is_refused_beforehand() {
    let options = CloudOptions { limits: Limits::learner_lab(), ..CloudOptions::plain() };
    let mut spec = StackSpec::default();
    spec.instances.account_max = Some(9);
    let scene = Scene::new(options);
    assert_eq!(*scene.deploy("run-1", &spec).await.rest(), Rest::Completed);
    assert_eq!(scene.census()["instance"], 9);

    spec.instances.account_max = Some(8);
    let scene = Scene::new(options);
    let report = scene.deploy("run-1", &spec).await;
    let (_, failure) = report.failure().unwrap();
    assert_eq!(failure.code.as_deref(), Some(lab1_flow_steps::PREFLIGHT_REFUSED));
    assert_eq!(scene.made(), []);
}
