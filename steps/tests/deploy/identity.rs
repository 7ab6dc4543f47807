//! Reused names, answers with the id of another resource, and terminating members: resources are identified by ARN or
//! id, and by tags that nobody can copy.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, CloudOptions, ResourceView};
use lab1_flow_steps::{Condition, StackSpec};
use lab1_flow_workflow::journal::Rest;
use tokio::time::{Duration, sleep};

use crate::faults::refused;
use crate::scene::{Call, Known, Scene};

const EC2: &str = "2016-11-15";
const SCALING: &str = "2011-01-01";

/// Who makes a group of our name: a person, or another run of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Person,
    Run,
}

/// Makes a call as somebody else.
fn call(cloud: &Cloud, form: &str) {
    let body = Bytes::from(form.to_owned());
    let request = http::Request::post("http://cloud.invalid/").body(body);
    let answer = cloud.handle(request.unwrap());
    assert!(answer.status().is_success(), "{form}: {answer:?}");
}

fn group1(cloud: &Cloud) -> Option<ResourceView> {
    let account = cloud.account();
    account.made().find(|it| it.kind == "auto-scaling-group" && it.name == "group1").cloned()
}

/// A template of somebody else, which their group is made from.
fn make_their_template(scene: &Scene) {
    let data = "LaunchTemplateData";
    scene.call(
        &Call::new("CreateLaunchTemplate", EC2)
            .with("LaunchTemplateName", "theirs")
            .with(&format!("{data}.ImageId"), "ami-08c40ec9ead489470")
            .with(&format!("{data}.InstanceType"), "t2.micro"),
    );
}

/// Makes a group of one instance under our name.
fn make_their_group(cloud: &Cloud, other: Other) {
    let account = cloud.account();
    let mut subnets = account.of_kind("subnet").filter(|it| it.name == "us-east-1a");
    let subnet = &subnets.next().unwrap().id;
    let tag = |(number, (key, value)): (usize, (&str, &str))| {
        let tag = format!("Tags.member.{}", number + 1);
        format!(
            "&{tag}.ResourceType=auto-scaling-group&{tag}.PropagateAtLaunch=true\
             &{tag}.Key=lab1-flow%3A{key}&{tag}.Value={value}"
        )
    };
    let mark = [("run-id", "run-other"), ("stack", "default"), ("action", "auto-scaling-group-1")];
    let tags: Vec<String> = match other {
        Other::Person => Vec::new(),
        Other::Run => mark.into_iter().enumerate().map(tag).collect(),
    };
    let tags = tags.concat();
    call(
        cloud,
        &format!(
            "Action=CreateAutoScalingGroup&Version={SCALING}&AutoScalingGroupName=group1&MinSize=1\
             &MaxSize=1&LaunchTemplate.LaunchTemplateName=theirs&VPCZoneIdentifier={subnet}{tags}"
        ),
    );
}

/// Deletes our group by hand and creates another one of the same name.
async fn reuse_the_name(scene: &Scene, other: Other) {
    make_their_template(scene);
    let group = Call::new("DeleteAutoScalingGroup", SCALING).with("AutoScalingGroupName", "group1");
    scene.call(&group.with("ForceDelete", "true"));
    sleep(Duration::from_mins(10)).await;
    scene.somebody(&format!("Action=DescribeVpcs&Version={EC2}"));
    assert_eq!(group1(&scene.cloud), None);
    make_their_group(&scene.cloud, other);
    sleep(Duration::from_mins(5)).await;
}

/// Checks that only their group is left, and that it runs.
fn only_theirs_is_left(scene: &Scene, case: &str) {
    let made = scene.made();
    let kinds: Vec<&str> = made.iter().map(|it| it.kind).collect();
    let theirs =
        ["auto-scaling-group", "instance", "launch-template", "network-interface", "volume"];
    assert_eq!(kinds, theirs, "{case}: {made:#?}");
    assert_eq!(made[1].state, "running", "{case}");
    assert_eq!(made[0].state, "", "{case}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_reuses_our_name_before_a_rollback_is_not_touched() {
    for (other, known) in [Other::Person, Other::Run]
        .into_iter()
        .flat_map(|other| Known::EACH.map(|known| (other, known)))
    {
        let case = format!("{other:?} {known:?}");
        let scene = Scene::new(CloudOptions::plain());
        assert_eq!(*scene.deploy("run-1", &StackSpec::default()).await.rest(), Rest::Completed);
        reuse_the_name(&scene, other).await;
        let verification = scene.verify("run-1", false).await.unwrap();
        let mut findings = verification.findings.iter();
        let group = findings.find(|it| it.action == "auto-scaling-group-1").unwrap();
        assert_eq!(group.condition, Condition::Gone, "{case}: {group:?}");
        assert_eq!(*scene.take_back("run-1", known).await.rest(), Rest::RolledBack, "{case}");
        only_theirs_is_left(&scene, &case);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_reuses_our_name_during_a_rollback_is_not_touched() {
    for (other, known) in [Other::Person, Other::Run]
        .into_iter()
        .flat_map(|other| Known::EACH.map(|known| (other, known)))
    {
        let case = format!("{other:?} {known:?}");
        let scene = Scene::new(CloudOptions::plain());
        assert_eq!(*scene.deploy("run-1", &StackSpec::default()).await.rest(), Rest::Completed);
        make_their_template(&scene);
        let (cloud, is_reused) = (scene.cloud.clone(), AtomicBool::new(false));
        // Before the first call that arrives after the end of our group.
        scene.meddle(move |_, carry| {
            if group1(&cloud).is_none() && !is_reused.swap(true, Ordering::Relaxed) {
                make_their_group(&cloud, other);
            }
            Ok(carry())
        });
        assert_eq!(*scene.take_back("run-1", known).await.rest(), Rest::RolledBack, "{case}");
        sleep(Duration::from_mins(5)).await;
        scene.somebody(&format!("Action=DescribeVpcs&Version={EC2}"));
        only_theirs_is_left(&scene, &case);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_fails_when_another_group_uses_our_name() {
    for other in [Other::Person, Other::Run] {
        let case = format!("{other:?}");
        let scene = Scene::new(CloudOptions::plain());
        scene.meddle(|action, carry| match action {
            "DescribeTargetHealth" => Ok(refused(action, 403, "ExpiredToken")),
            _ => Ok(carry()),
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        assert!(matches!(report.rest(), Rest::Suspended { .. }), "{case}: {report:?}");
        scene.leave_alone();
        reuse_the_name(&scene, other).await;
        let report = scene.resume("run-1").await;
        assert_eq!(*report.rest(), Rest::Failed, "{case}");
        let (_, failure) = report.failure().unwrap();
        assert!(failure.message.contains("another group uses its name"), "{case}: {failure:?}");
        assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{case}");
        only_theirs_is_left(&scene, &case);
    }
}

/// Each call that makes something, what it makes, and the element of its answer that names it.
const CREATIONS: [(&str, &str, &str); 6] = [
    ("CreateSecurityGroup", "security-group", "groupId"),
    ("CreateLaunchTemplate", "launch-template", "launchTemplateId"),
    ("CreateTargetGroup", "target-group", "TargetGroupArn"),
    ("CreateLoadBalancer", "load-balancer", "LoadBalancerArn"),
    ("CreateListener", "listener", "ListenerArn"),
    ("CreateRule", "listener-rule", "RuleArn"),
];

fn with_element(body: &str, element: &str, value: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let (before, rest) = body.split_once(&open).unwrap_or_else(|| panic!("{element}: {body}"));
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}{value}{close}{after}")
}

/// Another run of ours, whose whole stack stands beside.
async fn with_another_stack(scene: &Scene) -> Vec<ResourceView> {
    let other = StackSpec {
        stack: lab1_flow_steps::StackName::new("other").unwrap(),
        ..StackSpec::default()
    };
    assert_eq!(*scene.deploy("run-other", &other).await.rest(), Rest::Completed);
    scene.made()
}

/// The endpoint returns the id of their resource for ours. Theirs is not changed and not deleted.
#[tokio::test(start_paused = true)]
async fn an_answer_with_the_id_of_another_resource_does_not_change_that_resource() {
    for (creation, kind, element) in CREATIONS {
        let scene = Scene::new(CloudOptions::plain());
        let before = with_another_stack(&scene).await;
        let theirs = before.iter().find(|it| it.kind == kind).unwrap().id.clone();
        scene.meddle(move |action, carry| {
            let answer = carry();
            if action != creation || !answer.status().is_success() {
                return Ok(answer);
            }
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            Ok(answer.map(|_| Bytes::from(with_element(&body, element, &theirs))))
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        let rest = report.rest().clone();
        scene.leave_alone();
        assert_eq!(
            *scene.roll_back("run-1").await.rest(),
            Rest::RolledBack,
            "{creation}: {rest:?}"
        );
        // The interfaces of our balancer stay for some minutes.
        sleep(Duration::from_mins(20)).await;
        scene.somebody(&format!("Action=DescribeVpcs&Version={EC2}"));
        assert_eq!(scene.made(), before, "{creation}: {rest:?}");
    }
}

/// A lab terminates instances by itself. They lose their tags while they are still members.
#[tokio::test(start_paused = true)]
async fn a_terminating_member_without_tags_does_not_block_a_rollback() {
    for (seconds, known) in
        [0, 10, 46, 48, 52].into_iter().flat_map(|at| Known::EACH.map(|known| (at, known)))
    {
        let case = format!("{seconds} s, {known:?}");
        let scene = Scene::new(CloudOptions::plain());
        assert_eq!(*scene.deploy("run-1", &StackSpec::default()).await.rest(), Rest::Completed);
        let made = scene.made();
        let first = |it: &&ResourceView| it.tags.get("Name").is_some_and(|name| name == "group1");
        let victim = made.iter().filter(|it| it.kind == "instance").find(first).unwrap();
        scene.call(&Call::new("TerminateInstances", EC2).with("InstanceId.1", &victim.id));
        sleep(Duration::from_secs(seconds)).await;
        let verification = scene.verify("run-1", false).await.unwrap();
        let mut differences = verification.findings.iter().flat_map(|it| &it.differences);
        assert!(differences.all(|it| it.field != "foreign instances"), "{case}: {verification:?}");
        assert_eq!(*scene.take_back("run-1", known).await.rest(), Rest::RolledBack, "{case}");
        assert_eq!(scene.made(), [], "{case}");
    }
}
