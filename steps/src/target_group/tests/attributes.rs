use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, WireFault, context, fails};

const ACTION: &str = "target-group-1-attributes";

async fn begin() -> (Trial, SetTargetGroupAttributes, TargetGroupAttributesInput) {
    let trial = Trial::plain().await;
    let input = TargetGroupInput {
        name: "target-group-1".to_owned(),
        vpc_id: trial.network().await.vpc_id,
        port: 80,
        health_check: HealthCheckSpec::default(),
    };
    let create = CreateTargetGroup::new(&trial.aws, &trial.stack);
    let target_group = create.execute(&context(OUR_RUN, "target-group-1"), &input).await.unwrap();
    trial.take_calls();
    let action = SetTargetGroupAttributes::new(&trial.aws);
    (trial, action, TargetGroupAttributesInput { target_group, deregistration_delay_s: 30 })
}

#[tokio::test]
async fn the_delay_is_set_in_one_call_and_read_back() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    assert_eq!(action.reconcile(&context, &input).await, Ok(Reconciled::Absent));
    trial.take_calls();
    let set = action.execute(&context, &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["ModifyTargetGroupAttributes"]);
    assert_eq!(action.reconcile(&context, &input).await, Ok(Reconciled::Adopted(set)));
}

#[tokio::test]
async fn a_lost_reply_is_found_and_another_value_is_set_again() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    trial.order("ModifyTargetGroupAttributes", WireFault::LoseReply);
    fails(action.execute(&context, &input).await, FailureClass::Ambiguous);
    assert!(matches!(action.reconcile(&context, &input).await, Ok(Reconciled::Adopted(_))));
    let other = TargetGroupAttributesInput { deregistration_delay_s: 60, ..input };
    assert_eq!(action.reconcile(&context, &other).await, Ok(Reconciled::Absent));
}

#[tokio::test]
async fn a_group_that_cannot_be_seen_is_tried_again() {
    let (trial, action, mut input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    input.target_group.arn.push('0');
    fails(action.execute(&context, &input).await, FailureClass::Transient);
    assert_eq!(action.reconcile(&context, &input).await, Ok(Reconciled::Absent));
    assert_eq!(trial.made("target-group").len(), 1);
}
