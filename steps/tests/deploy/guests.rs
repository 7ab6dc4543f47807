//! What people build on what a run has made: a rollback leaves it alone, and says whose it is. It knows the run by its
//! records, or by nothing but the marks on what it made.

use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::StackSpec;
use lab1_flow_workflow::journal::Rest;
use tokio::time::{Duration, sleep};

use crate::scene::{Call, Known, Scene};

const EC2: &str = "2016-11-15";
const BALANCING: &str = "2015-12-01";
const SCALING: &str = "2011-01-01";

async fn deployed() -> Scene {
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Completed);
    scene
}

/// Takes the run back, which must leave and name `theirs`, and what of ours it stands on.
async fn leaves_alone(scene: &Scene, known: Known, theirs: &str, ours: &str) {
    let rest = scene.take_back("run-1", known).await.rest().clone();
    let Rest::Stuck { left } = rest else { panic!("by its {known:?}: {rest:?}") };
    assert!(left.iter().any(|line| line.contains(theirs)), "{theirs} is not named: {left:?}");
    assert!(left.iter().any(|line| line.starts_with(ours)), "{ours} is not named: {left:?}");
    let there = scene.made().into_iter().find(|it| it.id == theirs);
    let untouched = there.is_some_and(|it| it.kind != "instance" || it.state == "running");
    assert!(untouched, "{theirs} was touched");
}

/// Their owner has taken theirs away: the same rollback reaches its end.
async fn ends_with_nothing(scene: &Scene, known: Known) {
    sleep(Duration::from_mins(5)).await;
    assert_eq!(*scene.take_back("run-1", known).await.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), []);
}

/// Makes a call as a person, and tells what came of it: one thing of this kind.
fn by_hand(scene: &Scene, kind: &str, call: &Call) -> String {
    let known: Vec<String> = scene.made().into_iter().map(|it| it.id).collect();
    scene.call(call);
    let is_new = |it: &lab1_flow_cloud::ResourceView| it.kind == kind && !known.contains(&it.id);
    scene.made().into_iter().find(is_new).unwrap().id
}

/// Starts an instance as a person does, from the template of the first group.
fn start_by_hand(scene: &Scene) -> String {
    let template = scene.id_of("launch-template", "lab1-template-1");
    let running = Call::new("RunInstances", EC2)
        .with("LaunchTemplate.LaunchTemplateId", &template)
        .with("MinCount", "1")
        .with("MaxCount", "1");
    by_hand(scene, "instance", &running)
}

fn terminate(scene: &Scene, instance: &str) {
    scene.call(&Call::new("TerminateInstances", EC2).with("InstanceId.1", instance));
}

/// Its group is the instances' own: that cannot go while it lives.
#[tokio::test(start_paused = true)]
async fn an_instance_that_a_person_started_from_our_template_is_left_alone_and_named() {
    for known in Known::EACH {
        let scene = deployed().await;
        let theirs = start_by_hand(&scene);
        sleep(Duration::from_mins(2)).await;
        leaves_alone(&scene, known, &theirs, "instance-security-group").await;
        terminate(&scene, &theirs);
        ends_with_nothing(&scene, known).await;
    }
}

/// "Launch more like this" copies all tags except the reserved ones.
#[tokio::test(start_paused = true)]
async fn an_instance_copied_with_our_tags_is_not_terminated_and_is_named() {
    for known in Known::EACH {
        let scene = deployed().await;
        let made = scene.made();
        let ours = made.iter().find(|it| it.kind == "instance" && it.tags["Name"] == "group1");
        let template = scene.id_of("launch-template", "lab1-template-1");
        let running = Call::new("RunInstances", EC2)
            .with("LaunchTemplate.LaunchTemplateId", &template)
            .with("TagSpecification.1.ResourceType", "instance")
            .with("MinCount", "1")
            .with("MaxCount", "1");
        let copied = ours.unwrap().tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        let running = copied.enumerate().fold(running, |call, (number, (key, value))| {
            let tag = format!("TagSpecification.1.Tag.{}", number + 1);
            let key = key.replace(':', "%3A");
            call.with(&format!("{tag}.Key"), &key).with(&format!("{tag}.Value"), value)
        });
        let theirs = by_hand(&scene, "instance", &running);
        sleep(Duration::from_mins(2)).await;
        leaves_alone(&scene, known, &theirs, "auto-scaling-group-1").await;
        terminate(&scene, &theirs);
        ends_with_nothing(&scene, known).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_a_person_attached_to_our_group_is_left_alone_and_named() {
    for known in Known::EACH {
        let scene = deployed().await;
        let theirs = start_by_hand(&scene);
        sleep(Duration::from_mins(2)).await;
        // Room for one more, then in with it.
        let group = |action| Call::new(action, SCALING).with("AutoScalingGroupName", "group1");
        scene.call(&group("UpdateAutoScalingGroup").with("MaxSize", "9"));
        scene.call(&group("AttachInstances").with("InstanceIds.member.1", &theirs));
        sleep(Duration::from_mins(2)).await;
        leaves_alone(&scene, known, &theirs, "auto-scaling-group-1").await;

        let detach = group("DetachInstances").with("InstanceIds.member.1", &theirs);
        scene.call(&detach.with("ShouldDecrementDesiredCapacity", "true"));
        terminate(&scene, &theirs);
        ends_with_nothing(&scene, known).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_a_person_put_on_our_balancer_is_left_alone_and_named() {
    for known in Known::EACH {
        let scene = deployed().await;
        let balancer = scene.id_of("load-balancer", "lab1-load-balancer");
        let target = scene.id_of("target-group", "target-group-1");
        let creation = Call::new("CreateListener", BALANCING)
            .with("LoadBalancerArn", &balancer)
            .with("Protocol", "HTTP")
            .with("Port", "8080")
            .with("DefaultActions.member.1.Type", "forward")
            .with("DefaultActions.member.1.TargetGroupArn", &target);
        let theirs = by_hand(&scene, "listener", &creation);
        leaves_alone(&scene, known, &theirs, "load-balancer").await;
        scene.call(&Call::new("DeleteListener", BALANCING).with("ListenerArn", &theirs));
        ends_with_nothing(&scene, known).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_a_person_put_on_our_listener_is_left_alone_and_named() {
    for known in Known::EACH {
        let scene = deployed().await;
        let made = scene.made();
        let listener = made.iter().find(|it| it.kind == "listener").unwrap();
        let target = scene.id_of("target-group", "target-group-1");
        let creation = Call::new("CreateRule", BALANCING)
            .with("ListenerArn", &listener.id)
            .with("Priority", "77")
            .with("Conditions.member.1.Field", "path-pattern")
            .with("Conditions.member.1.PathPatternConfig.Values.member.1", "/theirs")
            .with("Actions.member.1.Type", "forward")
            .with("Actions.member.1.TargetGroupArn", &target);
        let theirs = by_hand(&scene, "listener-rule", &creation);
        leaves_alone(&scene, known, &theirs, "load-balancer").await;
        scene.call(&Call::new("DeleteRule", BALANCING).with("RuleArn", &theirs));
        ends_with_nothing(&scene, known).await;
    }
}
