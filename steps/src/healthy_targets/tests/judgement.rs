use aws_sdk_autoscaling::types::{Instance, LifecycleState};
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealth, TargetHealthReasonEnum, TargetHealthStateEnum,
};
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;

fn expected(name: &str, desired: u32) -> ExpectedTargets {
    ExpectedTargets {
        group: AutoScalingGroupRef { name: name.to_owned(), arn: None },
        target_group: TargetGroupRef { arn: format!("tg-{name}"), name: format!("tg-{name}") },
        desired,
    }
}

fn group(instances: &[(&str, LifecycleState)]) -> AutoScalingGroup {
    let instance = |(id, state): &(&str, LifecycleState)| {
        Instance::builder()
            .instance_id(*id)
            .availability_zone("us-east-1a")
            .lifecycle_state(state.clone())
            .health_status("Healthy")
            .protected_from_scale_in(false)
            .build()
    };
    let instances = instances.iter().map(instance).collect();
    AutoScalingGroup::builder().set_instances(Some(instances)).build()
}

fn target(id: &str, state: TargetHealthStateEnum) -> TargetHealthDescription {
    TargetHealthDescription::builder()
        .target(TargetDescription::builder().id(id).build())
        .target_health(TargetHealth::builder().state(state).build())
        .build()
}

fn census(
    expected: &ExpectedTargets,
    group: &AutoScalingGroup,
    health: &[TargetHealthDescription],
) -> Census {
    Census::take(expected, group, health, &[])
}

const IN_SERVICE: LifecycleState = LifecycleState::InService;
const HEALTHY: TargetHealthStateEnum = TargetHealthStateEnum::Healthy;

#[test]
fn a_group_is_healthy_when_its_healthy_targets_are_its_instances_in_service() {
    let group = group(&[("i-1", IN_SERVICE), ("i-2", IN_SERVICE)]);
    let counted =
        census(&expected("g", 2), &group, &[target("i-1", HEALTHY), target("i-2", HEALTHY)]);
    assert!(counted.is_healthy());
    let ids: Vec<String> = counted.into_healthy_ids().into_iter().collect();
    assert_eq!(ids, ["i-1", "i-2"]);
}

#[test]
fn nothing_less_than_that_is_enough() {
    let both = [target("i-1", HEALTHY), target("i-2", HEALTHY)];
    let empty = census(&expected("g", 2), &group(&[]), &[]);
    let short = census(&expected("g", 2), &group(&[("i-1", IN_SERVICE)]), &both[..1]);
    let stray = census(&expected("g", 1), &group(&[("i-1", IN_SERVICE)]), &both);
    let pending = census(
        &expected("g", 2),
        &group(&[("i-1", IN_SERVICE), ("i-2", LifecycleState::Pending)]),
        &both,
    );
    let unhealthy = census(
        &expected("g", 1),
        &group(&[("i-1", IN_SERVICE), ("i-2", IN_SERVICE)]),
        &[target("i-1", HEALTHY), target("i-2", TargetHealthStateEnum::Unhealthy)],
    );
    for (name, census) in [
        ("nothing there", empty),
        ("fewer than desired", short),
        ("a healthy target outside the group", stray),
        ("a healthy target that is not in service", pending),
        ("an instance in service that is not healthy", unhealthy),
    ] {
        assert!(!census.is_healthy(), "{name}");
    }
}

#[test]
fn the_summary_counts_all_groups_and_says_what_is_special() {
    let first = census(
        &expected("group1", 2),
        &group(&[("i-1", IN_SERVICE), ("i-2", IN_SERVICE)]),
        &[target("i-1", HEALTHY), target("i-2", TargetHealthStateEnum::Initial)],
    );
    let second = census(&expected("group2", 1), &group(&[]), &[]);
    assert_eq!(
        summary(&[first, second]),
        "targets healthy 1/3, 1 initial; group2 has 0 of 1 instances"
    );
}

#[test]
fn the_summary_tells_why_a_target_is_unhealthy() {
    let mut sick = target("i-1", TargetHealthStateEnum::Unhealthy);
    sick.target_health = Some(
        TargetHealth::builder()
            .state(TargetHealthStateEnum::Unhealthy)
            .reason(TargetHealthReasonEnum::Timeout)
            .build(),
    );
    let counted = census(&expected("g", 1), &group(&[("i-1", IN_SERVICE)]), &[sick]);
    assert_eq!(summary(&[counted]), "targets healthy 0/1, 1 unhealthy (Target.Timeout)");
}

#[test]
fn a_launch_that_can_never_work_fails_with_the_providers_text() {
    let failure = |outlook, advice| FailedLaunch {
        message: "The key pair 'vockey' does not exist".to_owned(),
        outlook,
        advice,
    };
    let error = refuse_hopeless("group1", &[failure(Outlook::Hopeless, Some("set a key pair"))]);
    let error = error.unwrap_err();
    assert_eq!(error.class(), FailureClass::Permanent);
    assert!(error.to_string().contains("'vockey' does not exist"), "{error}");
    assert_eq!(error.failure().advice.as_deref(), Some("set a key pair"));
    assert_eq!(refuse_hopeless("group1", &[failure(Outlook::MayRecover, None)]), Ok(()));
}

fn sight(group: Option<AutoScalingGroup>) -> Sight {
    Sight { group, impostor: None, health: Vec::new(), failures: Vec::new() }
}

#[test]
fn a_group_that_somebody_deletes_fails_at_once_and_an_unseen_one_is_looked_for_again() {
    let mut sight = sight(Some(group(&[])));
    assert!(living_group(&sight, "group1").is_ok());
    sight.group = sight.group.map(|mut going| {
        going.status = Some("Delete in progress".to_owned());
        going
    });
    let error = living_group(&sight, "group1").unwrap_err();
    assert_eq!(error.class(), FailureClass::Permanent);
    sight.group = None;
    let error = living_group(&sight, "group1").unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient);
    sight.impostor = Some("another group uses its name".to_owned());
    let error = living_group(&sight, "group1").unwrap_err();
    assert!(error.to_string().contains("another group uses its name"), "{error}");
}

#[test]
fn a_launch_that_failed_and_may_succeed_is_told() {
    let failure = FailedLaunch {
        message: "no capacity for m4.large".to_owned(),
        outlook: Outlook::MayRecover,
        advice: None,
    };
    let sight = Sight { failures: vec![failure], ..sight(Some(group(&[]))) };
    let counted = count(&expected("group1", 1), &sight).unwrap();
    assert_eq!(
        summary(&[counted]),
        "targets healthy 0/1; group1 has 0 of 1 instances; \
         a launch of group1 failed: no capacity for m4.large"
    );
}

#[test]
fn a_launch_that_takes_hours_says_so_and_what_to_do() {
    let failure = FailedLaunch {
        message: "is being validated".to_owned(),
        outlook: Outlook::MayRecover,
        advice: Some("wait"),
    };
    let counted = Census::take(&expected("g", 1), &group(&[]), &[], &[failure]);
    let told = summary(&[counted]);
    assert!(told.ends_with("a launch of g failed: is being validated (wait)"), "{told}");
}
