//! A run against its account: what is as it was made, what was changed, what is gone, and what it costs to see.

mod changes;
mod deaths;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::{Condition, StackSpec, TransportFault, Verification};
use lab1_flow_workflow::journal::{Rest, Role};
use tokio::time::{Duration, sleep};

use crate::scene::Scene;
use changes::{arn_of, members, remove_balancer, target_group};

const EC2: &str = "Version=2016-11-15";
const ELB: &str = "Version=2015-12-01";
const ASG: &str = "Version=2011-01-01";

/// The most reads of a run of which nothing is gone.
const READS_MAX: usize = 14;

async fn deployed() -> Scene {
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    // A look soon after its end would prove nothing.
    sleep(Duration::from_mins(6)).await;
    scene.take_calls();
    scene
}

/// What was found that is not as it should be: the action, how it stands, and the fields that differ.
fn found(verification: &Verification) -> Vec<String> {
    let others = verification.findings.iter().filter(|it| it.condition != Condition::Present);
    let text = |it: &lab1_flow_steps::Finding| {
        let condition = serde_json::to_value(it.condition).unwrap();
        let head = [it.action.as_str(), condition.as_str().unwrap()];
        let fields = it.differences.iter().map(|it| it.field.as_str());
        head.into_iter().chain(fields).collect::<Vec<_>>().join(" ")
    };
    others.map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deployed_run_is_seen_whole_in_one_round_of_few_reads() {
    let scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    scene.take_calls();
    let started = tokio::time::Instant::now();
    let verification = scene.verify("run-1", false).await.unwrap();
    assert_eq!(started.elapsed(), crate::scene::LATENCY, "the reads go side by side");
    let calls = scene.take_calls();
    assert!(calls.len() <= READS_MAX, "{} reads: {calls:?}", calls.len());
    assert!(calls.iter().all(|call| call.starts_with("Describe")), "{calls:?}");
    assert_eq!((found(&verification), verification.differs()), (Vec::new(), false));
    assert_eq!(verification.notes, Vec::<String>::new());

    // A new kind of change in the workflow must be looked at, too.
    let steps = report.state().steps().iter().flat_map(|step| &step.actions);
    let changes = steps.filter(|action| action.role != Role::Look);
    let changes: BTreeSet<&str> = changes.map(|action| action.name.as_str()).collect();
    let seen = verification.findings.iter().map(|finding| finding.action.as_str());
    assert_eq!(seen.collect::<BTreeSet<_>>(), changes);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_is_gone_spoils_no_list() {
    let scene = deployed().await;
    remove_balancer(&scene);
    sleep(Duration::from_mins(5)).await;
    target_group(&scene, "Action=DeleteTargetGroup");
    let verification = scene.verify("run-1", false).await.unwrap();
    let gone = [
        "target-group-1 gone",
        "target-group-1-attributes gone",
        "load-balancer gone",
        "listener gone",
        "rule-1 gone",
        "rule-2 gone",
    ];
    assert_eq!(found(&verification), gone);
    let calls = scene.take_calls();
    assert!(calls.len() <= READS_MAX + 2 * gone.len(), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_its_group_has_replaced_is_a_note_and_no_difference() {
    let scene = deployed().await;
    let lost = members(&scene, "group1")[0].clone();
    scene.somebody(&format!("Action=TerminateInstances&{EC2}&InstanceId.1={lost}"));
    sleep(Duration::from_mins(15)).await;
    let verification = scene.verify("run-1", true).await.unwrap();
    assert_eq!(found(&verification), Vec::<String>::new());
    let note = verification.notes.concat();
    assert!(note.starts_with(&format!("group1 has replaced {lost} by i-")), "{note}");
    assert!(!verification.differs(), "{:?}", verification.serving);
}

#[tokio::test(start_paused = true)]
async fn an_instance_attached_by_hand_is_foreign() {
    let scene = deployed().await;
    let template = scene.id_of("launch-template", "lab1-template-1");
    let zone = scene.cloud.account();
    let subnet = zone.of_kind("subnet").find(|it| it.name == "us-east-1a").unwrap().id.clone();
    let form = format!(
        "Action=RunInstances&{EC2}&MinCount=1&MaxCount=1&SubnetId={subnet}\
         &LaunchTemplate.LaunchTemplateId={template}"
    );
    let answer = scene.somebody(&form);
    let id = answer.split("<instanceId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    sleep(Duration::from_mins(5)).await;
    let sizes = "AutoScalingGroupName=group1&MaxSize=6";
    scene.somebody(&format!("Action=UpdateAutoScalingGroup&{ASG}&{sizes}"));
    let group = "AutoScalingGroupName=group1";
    scene.somebody(&format!("Action=AttachInstances&{ASG}&{group}&InstanceIds.member.1={id}"));
    sleep(Duration::from_mins(5)).await;
    let verification = scene.verify("run-1", false).await.unwrap();
    let finding = verification.findings.iter().find(|it| it.action == "auto-scaling-group-1");
    let differences = &finding.unwrap().differences;
    let foreign = differences.iter().find(|it| it.field == "foreign instances").unwrap();
    assert_eq!(foreign.found, id);
}

#[tokio::test(start_paused = true)]
async fn of_a_run_that_was_rolled_back_nothing_may_be_left() {
    let scene = deployed().await;
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack);
    scene.take_calls();
    let verification = scene.verify("run-1", true).await.unwrap();
    assert_eq!((verification.findings.len(), verification.differs()), (0, false));
    assert!(scene.take_calls().len() <= READS_MAX);

    let tags = "TagSpecification.1.ResourceType=security-group\
                &TagSpecification.1.Tag.1.Key=lab1-flow%3Arun-id\
                &TagSpecification.1.Tag.1.Value=run-1";
    scene.somebody(&format!(
        "Action=CreateSecurityGroup&{EC2}&GroupName=left&GroupDescription=x&{tags}"
    ));
    let verification = scene.verify("run-1", false).await.unwrap();
    assert_eq!(found(&verification), ["unknown left"]);
    assert!(verification.differs());
}

#[tokio::test(start_paused = true)]
async fn of_a_run_that_failed_half_way_only_what_it_has_made_is_looked_for() {
    let scene = Scene::new(CloudOptions::plain());
    scene.meddle(|action, carry| match action {
        "CreateLoadBalancer" => {
            let error = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
            Ok(http::Response::builder().status(403).body(error.into()).unwrap())
        }
        _ => Ok(carry()),
    });
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Failed);
    let verification = scene.verify("run-1", false).await.unwrap();
    assert_eq!((found(&verification), verification.differs()), (Vec::new(), false));
    let seen = |action: &str| verification.findings.iter().any(|it| it.action == action);
    assert!(seen("target-group-1") && !seen("load-balancer") && !seen("listener"));
}

#[tokio::test(start_paused = true)]
async fn a_change_in_doubt_is_told_as_such() {
    let scene = Scene::new(CloudOptions::plain());
    let lost = AtomicBool::new(false);
    // The reply is lost, and the network with it.
    scene.meddle(move |action, carry| {
        if lost.load(Ordering::SeqCst) {
            return Err(TransportFault::Refused);
        }
        if action == "CreateLoadBalancer" {
            lost.store(true, Ordering::SeqCst);
            carry();
            return Err(TransportFault::Dropped);
        }
        Ok(carry())
    });
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert!(matches!(report.rest(), Rest::Suspended { .. }), "{:?}", report.rest());
    let unreachable = scene.verify("run-1", false).await.unwrap_err();
    assert!(unreachable.message.contains("no connection"), "{unreachable:?}");
    scene.leave_alone();
    let verification = scene.verify("run-1", false).await.unwrap();
    let doubts = found(&verification);
    assert!(doubts.contains(&"load-balancer in-doubt".to_owned()), "{doubts:?}");
    assert!(!verification.differs());
}

#[tokio::test(start_paused = true)]
async fn every_instance_answers_on_its_path_and_one_that_does_not_is_missed() {
    let scene = deployed().await;
    let serving = scene.verify("run-1", true).await.unwrap().serving.unwrap();
    let counts = serving.paths.iter().map(|it| (it.path.as_str(), it.instances.len()));
    assert_eq!(counts.collect::<Vec<_>>(), [("/cluster1", 5), ("/cluster2", 4)]);
    assert!(!serving.differs(), "{serving:?}");
    assert_eq!((serving.greeted, serving.greetings), (18, 18));
    assert_eq!(serving.weights.values().copied().collect::<Vec<_>>(), [1, 1]);

    let id = &members(&scene, "group2")[0];
    let group = arn_of(&scene, "target-group", |id| id.contains("target-group-2"));
    let targets = format!("TargetGroupArn={group}&Targets.member.1.Id={id}");
    scene.somebody(&format!("Action=DeregisterTargets&{ELB}&{targets}"));
    let serving = scene.verify("run-1", true).await.unwrap().serving.unwrap();
    let silent = serving.paths[1].instances.iter().find(|it| !it.is_well()).unwrap();
    assert_eq!((&silent.instance_id, silent.answers, silent.expected), (id, 0, true));
    assert!(serving.differs() && !serving.paths[0].differs());
}

#[tokio::test(start_paused = true)]
async fn only_the_read_that_was_throttled_is_asked_again() {
    let scene = deployed().await;
    let throttled = Mutex::new(2_u32);
    scene.meddle(move |action, carry| {
        let mut left = throttled.lock().unwrap();
        if action == "DescribeRules" && *left > 0 {
            *left -= 1;
            let error = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
            return Ok(http::Response::builder().status(400).body(error.into()).unwrap());
        }
        Ok(carry())
    });
    // What is paused ages quickly, and answers that are too old are not kept.
    tokio::time::resume();
    let verification = scene.verify("run-1", false).await.unwrap();
    assert!(!verification.differs());
    let calls = scene.take_calls();
    assert!(calls.len() <= READS_MAX + 2, "{calls:?}");
}
