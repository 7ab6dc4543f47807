use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{
    OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails, is_foreign_of_another_run,
};

const ACTION: &str = "auto-scaling-group-1";

async fn begin() -> (Trial, CreateAutoScalingGroup, AutoScalingGroupInput) {
    let trial = Trial::plain().await;
    let template = trial.launch_template("lab1-template-1").await;
    let target_group = trial.target_group("target-group-1").await;
    let input = trial.group_input("group1", &template, &target_group).await;
    trial.take_calls();
    let action = CreateAutoScalingGroup::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

#[tokio::test]
async fn a_group_is_created_its_arn_is_read_and_its_instances_get_its_mark() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateAutoScalingGroup", "DescribeAutoScalingGroups"]);
    assert_eq!(made.arn.as_ref(), Some(&trial.made("auto-scaling-group")[0].id));
    trial.clock.advance_s(300);
    let instances = trial.made("instance");
    assert_eq!(instances.len(), 2);
    for instance in &instances {
        assert_eq!(instance.tags["lab1-flow:run-id"], OUR_RUN);
        assert_eq!(instance.tags["lab1-flow:action"], ACTION);
        assert_eq!(instance.tags["Name"], "group1");
    }
}

#[tokio::test]
async fn a_group_whose_reply_is_lost_is_found_in_one_read_and_never_made_twice() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &context, &input, "CreateAutoScalingGroup").await;
    assert_eq!(reads, ["DescribeAutoScalingGroups"]);
    assert_eq!(found.arn.as_ref(), Some(&trial.made("auto-scaling-group")[0].id));
    fails(action.execute(&context, &input).await, FailureClass::Contended);
}

#[tokio::test]
async fn a_created_group_that_is_not_visible_yet_is_in_doubt() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    trial.order("DescribeAutoScalingGroups", WireFault::ShowNothing);
    fails(action.execute(&context, &input).await, FailureClass::Contended);
    let found = action.reconcile(&context, &input).await;
    assert!(matches!(&found, Ok(Reconciled::Adopted(it)) if it.arn.is_some()), "{found:?}");
}

#[tokio::test]
async fn a_created_group_whose_arn_cannot_be_read_is_in_doubt() {
    let (trial, action, input) = begin().await;
    trial.order("DescribeAutoScalingGroups", WireFault::Refuse(400, "Throttling"));
    fails(action.execute(&context(OUR_RUN, ACTION), &input).await, FailureClass::Ambiguous);
}

#[tokio::test]
async fn a_group_of_another_run_is_foreign() {
    let (_trial, action, input) = begin().await;
    is_foreign_of_another_run(&action, ACTION, &input).await;
}

#[tokio::test]
async fn a_group_of_ours_with_other_sizes_is_altered() {
    let (_trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    action.execute(&context, &input).await.unwrap();
    let other = AutoScalingGroupInput { desired: 3, ..input };
    let Ok(Reconciled::Altered { difference, .. }) = action.reconcile(&context, &other).await
    else {
        panic!("it is ours and differs");
    };
    assert!(difference.contains("desired capacity is 2 instead of 3"), "{difference}");
}

#[tokio::test]
async fn a_name_that_a_dying_group_holds_is_waited_for() {
    let (trial, action, input) = begin().await;
    let other = context(OTHER_RUN, ACTION);
    let made = action.execute(&other, &input).await.unwrap();
    trial.clock.advance_s(300);
    action.compensate(&other, &input, &made).await.unwrap();
    let ours = context(OUR_RUN, ACTION);
    fails(action.execute(&ours, &input).await, FailureClass::Contended);
    assert!(matches!(action.reconcile(&ours, &input).await, Ok(Reconciled::Unclear(_))));
    trial.until_done(async || action.compensate(&other, &input, &made).await).await;
    assert_eq!(action.reconcile(&ours, &input).await, Ok(Reconciled::Absent));
    action.execute(&ours, &input).await.unwrap();
}

#[tokio::test]
async fn a_template_or_target_group_that_cannot_be_seen_is_tried_again() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let mut unseen = input.clone();
    unseen.launch_template.id = "lt-0123456789abcdef0".to_owned();
    fails(action.execute(&context, &unseen).await, FailureClass::Transient);
    let mut unseen = input;
    unseen.target_group.arn.push('0');
    fails(action.execute(&context, &unseen).await, FailureClass::Transient);
    assert!(trial.made("auto-scaling-group").is_empty());
}
