//! A learner lab, which ends whatever runs beyond nine instances: a replacement must never be the tenth.

use std::collections::BTreeSet;

use lab1_flow_cloud::{CloudOptions, Limits};
use lab1_flow_steps::{Condition, HealthCheckKind, StackSpec};
use lab1_flow_workflow::journal::Rest;
use tokio::time::{Duration, sleep};

use crate::scene::Scene;

const EC2: &str = "Version=2016-11-15";
const ELB: &str = "Version=2015-12-01";

/// Longer than everything takes that follows from a failed instance.
const WATCHED_S: usize = 900;

/// The instances that count in a lab.
fn running(scene: &Scene) -> BTreeSet<String> {
    let instances = scene.made().into_iter().filter(|it| it.kind == "instance");
    let counts = |state: &str| ["pending", "running"].contains(&state);
    instances.filter(|it| counts(&it.state)).map(|it| it.id).collect()
}

/// What has been seen in a while, looking once a second.
struct Seen {
    most: usize,
    /// All instances that ran at any time.
    all: BTreeSet<String>,
}

async fn watch(scene: &Scene, seconds: usize) -> Seen {
    let mut seen = Seen { most: 0, all: BTreeSet::new() };
    for _ in 0..seconds {
        sleep(Duration::from_secs(1)).await;
        let now = running(scene);
        seen.most = seen.most.max(now.len());
        seen.all.extend(now);
    }
    seen
}

async fn deployed(spec: &StackSpec) -> Scene {
    let limits = Limits::learner_lab();
    let scene = Scene::new(CloudOptions { limits, ..CloudOptions::plain() });
    let report = scene.deploy("run-1", spec).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    assert_eq!(running(&scene).len(), 9);
    scene
}

fn spec_of_lab() -> StackSpec {
    let mut spec = StackSpec::default();
    spec.instances.account_max = Some(9);
    spec
}

/// Lets all instances of the first group fail the checks of the balancer for a while, and watches.
async fn spoil_the_first_group(scene: &Scene) -> Seen {
    let arn = scene.id_of("target-group", "target-group-1").replace(':', "%3A").replace('/', "%2F");
    let path = |path: &str| {
        let form =
            format!("Action=ModifyTargetGroup&{ELB}&TargetGroupArn={arn}&HealthCheckPath={path}");
        scene.somebody(&form);
    };
    // Before the grace of the last one is over nobody is condemned.
    sleep(Duration::from_mins(6)).await;
    path("%2Fabsent");
    let mut seen = watch(scene, 120).await;
    path("%2F");
    let after = watch(scene, WATCHED_S).await;
    seen.most = seen.most.max(after.most);
    seen.all.extend(after.all);
    seen
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_ends_is_replaced_and_there_is_never_a_tenth() {
    let scene = deployed(&spec_of_lab()).await;
    let victim = running(&scene).pop_first().unwrap();
    scene.somebody(&format!("Action=TerminateInstances&{EC2}&InstanceId.1={victim}"));
    let seen = watch(&scene, WATCHED_S).await;
    assert_eq!((seen.most, seen.all.len()), (9, 9), "one has come, and the lab has ended none");
    assert!(!running(&scene).contains(&victim));
    assert!(!scene.verify("run-1", true).await.unwrap().differs());
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), []);
}

/// The balancer's judgement fits into a lab only where what it condemns does not drain.
#[tokio::test(start_paused = true)]
async fn instances_that_the_balancer_condemns_are_replaced_and_there_is_never_a_tenth() {
    let mut spec = spec_of_lab();
    spec.scaling.health_check = HealthCheckKind::Elb;
    assert_eq!(spec.validate().len(), 1, "they drain beside their successors");
    spec.targets.deregistration_delay_s = 0;
    let scene = deployed(&spec).await;
    let seen = spoil_the_first_group(&scene).await;
    assert_eq!((seen.most, seen.all.len()), (9, 14), "five have come, and the lab has ended none");
    assert!(!scene.verify("run-1", true).await.unwrap().differs());
}

/// What the configuration refuses does happen where nobody says how many there may be.
#[tokio::test(start_paused = true)]
async fn without_a_limit_in_the_configuration_the_lab_ends_a_replacement() {
    let mut spec = StackSpec::default();
    spec.scaling.health_check = HealthCheckKind::Elb;
    spec.targets.deregistration_delay_s = 120;
    let scene = deployed(&spec).await;
    let before = running(&scene);
    let seen = spoil_the_first_group(&scene).await;
    assert!(seen.most > 9, "the old ones drain beside their successors");
    assert!(seen.all.difference(&before).count() > 5, "more have come than had to be replaced");
}

#[tokio::test(start_paused = true)]
async fn a_tenth_instance_is_a_difference_that_verify_names() {
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &spec_of_lab()).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    assert!(!scene.verify("run-1", false).await.unwrap().differs());
    let template = "LaunchTemplate.LaunchTemplateName=lab1-template-1";
    scene.somebody(&format!("Action=RunInstances&{EC2}&MinCount=1&MaxCount=1&{template}"));
    let found = scene.verify("run-1", false).await.unwrap();
    assert!(found.differs());
    let found = found.findings.iter().find(|it| it.condition == Condition::Changed).unwrap();
    assert_eq!((found.action.as_str(), found.kind.as_str()), ("preflight", "account"));
    assert_eq!(found.id, scene.cloud.account().account_id);
    let [difference] = &found.differences[..] else { panic!("{found:?}") };
    assert_eq!(difference.field, "instances that run");
    assert!(difference.found.starts_with("10 (i-"), "{difference:?}");
}
