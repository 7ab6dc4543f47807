use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, context, fails, is_foreign_of_another_run};

const ACTION: &str = "rule-1";

async fn begin() -> (Trial, CreateRule, RuleInput) {
    let trial = Trial::plain().await;
    let balancer = trial.load_balancer().await;
    let first = trial.target_group("target-group-1").await;
    let second = trial.target_group("target-group-2").await;
    let listener = trial.listener(&balancer, [&first, &second]).await;
    let input =
        RuleInput { listener, priority: 1, path: "/cluster1".to_owned(), target_group: first };
    trial.take_calls();
    let action = CreateRule::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

#[tokio::test]
async fn a_rule_is_made_with_its_mark_in_one_call() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateRule"]);
    let rules = trial.made("listener-rule");
    let rule = rules.iter().find(|rule| rule.id == made.arn).unwrap();
    assert_eq!(rule.tags["lab1-flow:run-id"], OUR_RUN);
    assert_eq!(rule.tags["lab1-flow:action"], ACTION);
}

#[tokio::test]
async fn a_rule_whose_reply_is_lost_is_found_in_two_reads_and_never_made_twice() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let (_, reads) = trial.adopts_without_reply(&action, &context, &input, "CreateRule").await;
    assert_eq!(reads, ["DescribeRules", "DescribeTags"]);
    fails(action.execute(&context, &input).await, FailureClass::Contended);
    assert_eq!(rules_of(&trial.aws, &input.listener.arn).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_rule_of_another_run_at_our_priority_is_foreign() {
    let (_trial, action, input) = begin().await;
    is_foreign_of_another_run(&action, ACTION, &input).await;
}

#[tokio::test]
async fn a_rule_of_ours_for_another_path_is_altered() {
    let (_trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    let other = RuleInput { path: "/other".to_owned(), ..input };
    let Ok(Reconciled::Altered { output, difference }) = action.reconcile(&context, &other).await
    else {
        panic!("it is ours and differs");
    };
    assert_eq!(output.arn, made.arn);
    assert!(difference.contains("path /cluster1 instead of path /other"), "{difference}");
}

#[tokio::test]
async fn a_path_with_wildcards_is_no_trouble_for_the_tags() {
    let (_trial, action, input) = begin().await;
    let wild = RuleInput { path: "/cluster1/*".to_owned(), ..input };
    action.execute(&context(OUR_RUN, ACTION), &wild).await.unwrap();
}

#[tokio::test]
async fn a_listener_that_cannot_be_seen_is_tried_again() {
    let (_trial, action, mut input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    input.listener.arn.push('0');
    assert_eq!(action.reconcile(&context, &input).await, Ok(Reconciled::Absent));
    fails(action.execute(&context, &input).await, FailureClass::Transient);
}
