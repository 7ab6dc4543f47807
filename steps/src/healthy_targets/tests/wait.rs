use lab1_flow_cloud::{CloudOptions, Limits as CloudLimits};
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, WireFault, context, fails, waits};

/// Two groups behind a balancer, just made; the second one from this image.
async fn begin(options: CloudOptions, second_image: &str) -> (Trial, HealthyTargetsInput) {
    let trial = Trial::with(options).await;
    let balancer = trial.load_balancer().await;
    let first = trial.target_group("target-group-1").await;
    let second = trial.target_group("target-group-2").await;
    trial.listener(&balancer, [&first, &second]).await;
    let template = trial.launch_template("lab1-template-1").await;
    let other_template = trial.launch_template_of("lab1-template-2", second_image).await;
    let first_group = trial.group("group1", &template, &first).await;
    let second_group = trial.group("group2", &other_template, &second).await;
    let expected = |group, target_group| ExpectedTargets { group, target_group, desired: 2 };
    let groups = [expected(first_group, first), expected(second_group, second)];
    trial.take_calls();
    (trial, HealthyTargetsInput { groups })
}

const IMAGE: &str = "ami-08c40ec9ead489470";

#[tokio::test]
async fn it_tells_how_far_the_targets_are_and_ends_when_all_are_healthy() {
    let (trial, input) = begin(CloudOptions::plain(), IMAGE).await;
    let look = TargetsHealthy::new(&trial.aws, None);
    let context = context(OUR_RUN, "targets-healthy");
    let reason = waits(look.look(&context, &input).await);
    assert!(reason.starts_with("targets healthy 0/4"), "{reason}");
    let healthy = trial.until_done(async || look.look(&context, &input).await).await;
    let instances = trial.made("instance");
    let ids: BTreeSet<String> = instances.into_iter().map(|instance| instance.id).collect();
    assert_eq!(healthy.instance_ids.iter().flatten().cloned().collect::<BTreeSet<_>>(), ids);
    assert_eq!(healthy.instance_ids.iter().map(BTreeSet::len).collect::<Vec<_>>(), [2, 2]);
    trial.take_calls();
    look.look(&context, &input).await.unwrap();
    let mut calls = trial.take_calls();
    calls.sort();
    let expected = ["DescribeAutoScalingGroups", "DescribeTargetHealth", "DescribeTargetHealth"];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn a_quota_that_is_reached_fails_at_once_with_the_text() {
    let limits = CloudLimits { instances_max: Some(3), ..CloudLimits::unlimited() };
    let (trial, input) = begin(CloudOptions { limits, ..CloudOptions::plain() }, IMAGE).await;
    let look = TargetsHealthy::new(&trial.aws, None);
    let context = context(OUR_RUN, "targets-healthy");
    let mut failed = None;
    for _ in 0..12 {
        trial.clock.advance_s(10);
        match look.look(&context, &input).await {
            Err(error) => {
                failed = Some(error);
                break;
            }
            Ok(Progress::Waiting(_)) => {}
            Ok(done) => panic!("{done:?}"),
        }
    }
    let error = failed.expect("it must fail within two minutes");
    assert_eq!(error.class(), FailureClass::Permanent);
    assert!(error.to_string().contains("instance limit"), "{error}");
    assert!(error.failure().advice.is_some());
}

#[tokio::test]
async fn a_group_that_somebody_deletes_fails_at_once() {
    let (trial, input) = begin(CloudOptions::plain(), IMAGE).await;
    trial.clock.advance_s(60);
    let request = trial.aws.auto_scaling().delete_auto_scaling_group();
    request.auto_scaling_group_name("group2").force_delete(true).send().await.unwrap();
    let look = TargetsHealthy::new(&trial.aws, None);
    let result = look.look(&context(OUR_RUN, "targets-healthy"), &input).await;
    let error = fails(result, FailureClass::Permanent);
    assert!(error.to_string().contains("group group2 is being removed"), "{error}");
}

#[tokio::test]
async fn a_service_that_refuses_every_third_call_is_got_past() {
    let (trial, input) = begin(CloudOptions::plain(), IMAGE).await;
    trial.clock.advance_s(600);
    let look = TargetsHealthy::new(&trial.aws, None);
    let context = context(OUR_RUN, "targets-healthy");
    trial.order("DescribeTargetHealth", WireFault::Refuse(400, "Throttling"));
    fails(look.look(&context, &input).await, FailureClass::Throttled);
    trial.take_calls();
    assert!(matches!(look.look(&context, &input).await, Ok(Progress::Done(_))));
    assert_eq!(trial.take_calls(), ["DescribeTargetHealth"]);
    // The next look asks for everything again.
    look.look(&context, &input).await.unwrap();
    assert_eq!(trial.take_calls().len(), 3);
}

#[tokio::test]
async fn a_group_that_was_not_there_is_asked_for_again() {
    let (trial, mut input) = begin(CloudOptions::plain(), IMAGE).await;
    trial.clock.advance_s(600);
    let look = TargetsHealthy::new(&trial.aws, None);
    let context = context(OUR_RUN, "targets-healthy");
    let name = std::mem::replace(&mut input.groups[0].group.name, "unseen".to_owned());
    fails(look.look(&context, &input).await, FailureClass::Transient);
    input.groups[0].group.name = name;
    assert!(matches!(look.look(&context, &input).await, Ok(Progress::Done(_))));
}
