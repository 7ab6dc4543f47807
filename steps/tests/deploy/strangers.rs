//! What somebody else makes under our names between the preflight and our own call: it is never adopted, changed or
//! deleted, also when it equals what we would make, and the message says whose it is.

use lab1_flow_cloud::{CloudOptions, ResourceView};
use lab1_flow_steps::StackSpec;
use lab1_flow_workflow::journal::Rest;
use tokio::time::{Duration, sleep};

use crate::scene::{Call, Known, Scene};

/// Each call that makes something, what it makes, and how often a deployment makes it.
const CREATIONS: [(&str, &str, usize); 7] = [
    ("CreateSecurityGroup", "security-group", 2),
    ("CreateLaunchTemplate", "launch-template", 2),
    ("CreateTargetGroup", "target-group", 2),
    ("CreateLoadBalancer", "load-balancer", 1),
    ("CreateListener", "listener", 1),
    ("CreateRule", "listener-rule", 2),
    ("CreateAutoScalingGroup", "auto-scaling-group", 2),
];

/// Turns our request into theirs.
type Words = fn(&str) -> String;

/// Whose it is, in the words of the message, and how they would make the same: our own request in their name.
const OWNERS: [(&str, Words); 3] = [
    ("no mark of lab1-flow", without_tags),
    ("no mark of lab1-flow", with_their_tags),
    ("run run-other of lab1-flow", of_another_run),
];

fn without_tags(form: &str) -> String {
    let is_tag = |pair: &&str| pair.contains("Tags.member") || pair.contains("TagSpecification");
    let pairs: Vec<&str> = form.split('&').filter(|pair| !is_tag(pair)).collect();
    without_token(&pairs.join("&"))
}

fn with_their_tags(form: &str) -> String {
    without_token(&form.replace("lab1-flow%3A", "theirs%3A"))
}

fn of_another_run(form: &str) -> String {
    without_token(&form.replace("=run-1&", "=run-other&"))
}

/// With the same token it would be the same request.
fn without_token(form: &str) -> String {
    let pairs: Vec<&str> = form.split('&').filter(|it| !it.starts_with("ClientToken=")).collect();
    pairs.join("&")
}

/// The call by which its owner takes a thing away.
fn removal(thing: &ResourceView) -> Call {
    let (ec2, elb, scaling) = ("2016-11-15", "2015-12-01", "2011-01-01");
    let (action, version, key) = match thing.kind {
        "security-group" => ("DeleteSecurityGroup", ec2, "GroupId"),
        "launch-template" => ("DeleteLaunchTemplate", ec2, "LaunchTemplateId"),
        "target-group" => ("DeleteTargetGroup", elb, "TargetGroupArn"),
        "load-balancer" => ("DeleteLoadBalancer", elb, "LoadBalancerArn"),
        "listener" => ("DeleteListener", elb, "ListenerArn"),
        "listener-rule" => ("DeleteRule", elb, "RuleArn"),
        "auto-scaling-group" => {
            return Call::new("DeleteAutoScalingGroup", scaling)
                .with("AutoScalingGroupName", &thing.name)
                .with("ForceDelete", "true");
        }
        other => panic!("nobody removes a {other}"),
    };
    Call::new(action, version).with(key, &thing.id)
}

/// What must not change; its state does by itself.
fn identity(thing: &ResourceView) -> (String, String, Vec<(String, String)>) {
    let tags = thing.tags.clone().into_iter().collect();
    (thing.id.clone(), thing.name.clone(), tags)
}

/// Plays a run that is overtaken by a stranger at one of its creations.
async fn overtaken(
    (call, kind): (&'static str, &str),
    which: usize,
    (owner, theirs): (&str, Words),
    known: Known,
) {
    let case = format!("{call} {which}, {owner}, by its {known:?}");
    let scene = Scene::new(CloudOptions::plain());
    scene.overtake(call, which, theirs);
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    let found = scene.taken().unwrap_or_else(|| panic!("{case}: nobody was overtaken"));
    let strange = |scene: &Scene| {
        let made = scene.made().into_iter();
        made.filter(|it| it.kind == kind && it.id == found.id).collect::<Vec<_>>()
    };
    assert_eq!(*report.rest(), Rest::Failed, "{case}");
    let (_, failure) = report.failure().unwrap_or_else(|| panic!("{case}: no failure"));
    assert!(failure.message.contains(owner), "{case}: {}", failure.message);

    let rest = scene.take_back("run-1", known).await.rest().clone();
    let left = strange(&scene);
    assert_eq!(left.iter().map(identity).collect::<Vec<_>>(), [identity(&found)], "{case}");
    // What stands on something of ours keeps that from going, and is named.
    if let Rest::Stuck { left } = &rest {
        assert!(!left.is_empty(), "{case}");
    } else {
        assert_eq!(rest, Rest::RolledBack, "{case}");
    }
    scene.call(&removal(&found));
    sleep(Duration::from_mins(20)).await;
    assert_eq!(*scene.take_back("run-1", known).await.rest(), Rest::RolledBack, "{case}");
    assert_eq!(scene.made(), [], "{case}");
}

#[tokio::test(start_paused = true)]
async fn what_a_stranger_makes_after_the_preflight_is_never_touched_and_its_owner_is_named() {
    for (call, kind, times) in CREATIONS {
        for which in 0..times {
            for (owner, known) in
                OWNERS.into_iter().flat_map(|owner| Known::EACH.map(|known| (owner, known)))
            {
                overtaken((call, kind), which, owner, known).await;
            }
        }
    }
}
