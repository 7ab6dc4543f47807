use lab1_flow_cloud::CloudOptions;
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, context, fails, is_foreign_of_another_run};

const ACTION: &str = "listener";

async fn begin_with(options: CloudOptions) -> (Trial, CreateListener, ListenerInput) {
    let trial = Trial::with(options).await;
    let weighted = |group: crate::target_group::TargetGroupRef| WeightedTargetGroup {
        target_group_arn: group.arn,
        weight: 1,
    };
    let input = ListenerInput {
        load_balancer: trial.load_balancer().await,
        port: 80,
        target_groups: [
            weighted(trial.target_group("target-group-1").await),
            weighted(trial.target_group("target-group-2").await),
        ],
    };
    trial.take_calls();
    let action = CreateListener::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

async fn begin() -> (Trial, CreateListener, ListenerInput) {
    begin_with(CloudOptions::plain()).await
}

#[tokio::test]
async fn a_listener_is_made_with_its_mark_and_proven_in_two_calls() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateListener", "DescribeTags"]);
    let [listener] = &trial.made("listener")[..] else { panic!("one listener") };
    assert_eq!(listener.id, made.arn);
    assert_eq!(listener.tags["lab1-flow:run-id"], OUR_RUN);
}

#[tokio::test]
async fn a_listener_whose_reply_is_lost_is_found_in_two_reads() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &context, &input, "CreateListener").await;
    assert_eq!(reads, ["DescribeListeners", "DescribeTags"]);
    assert_eq!(action.execute(&context, &input).await, Ok(found));
    assert_eq!(trial.made("listener").len(), 1);
}

#[tokio::test]
async fn an_equal_listener_of_another_run_is_foreign_whether_or_not_tags_are_compared() {
    for content_compares_tags in [true, false] {
        let options = CloudOptions { content_compares_tags, ..CloudOptions::plain() };
        let (trial, action, input) = begin_with(options).await;
        is_foreign_of_another_run(&action, ACTION, &input).await;
        assert_eq!(trial.made("listener").len(), 1);
    }
}

#[tokio::test]
async fn a_listener_of_ours_with_other_weights_is_altered() {
    let (_trial, action, mut input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    input.target_groups[1].weight = 9;
    fails(action.execute(&context, &input).await, FailureClass::Contended);
    let Ok(Reconciled::Altered { output, .. }) = action.reconcile(&context, &input).await else {
        panic!("it is ours and differs");
    };
    assert_eq!(output, made);
}

#[tokio::test]
async fn a_balancer_or_target_group_that_cannot_be_seen_is_tried_again() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let mut unseen = input.clone();
    unseen.load_balancer.arn.push('0');
    assert_eq!(action.reconcile(&context, &unseen).await, Ok(Reconciled::Absent));
    fails(action.execute(&context, &unseen).await, FailureClass::Transient);
    let mut unseen = input;
    unseen.target_groups[0].target_group_arn.push('0');
    fails(action.execute(&context, &unseen).await, FailureClass::Transient);
    assert!(trial.made("listener").is_empty());
}
