use lab1_flow_cloud::CloudOptions;
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, context, fails, is_foreign_of_another_run};

const ACTION: &str = "load-balancer";

async fn begin_with(options: CloudOptions) -> (Trial, CreateLoadBalancer, LoadBalancerInput) {
    let trial = Trial::with(options).await;
    let input = trial.load_balancer_input().await;
    trial.take_calls();
    let action = CreateLoadBalancer::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

async fn begin() -> (Trial, CreateLoadBalancer, LoadBalancerInput) {
    begin_with(CloudOptions::plain()).await
}

#[tokio::test]
async fn a_balancer_is_made_with_its_mark_and_proven_in_two_calls() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateLoadBalancer", "DescribeTags"]);
    let [balancer] = &trial.made("load-balancer")[..] else { panic!("one balancer") };
    assert_eq!(balancer.id, made.arn);
    assert_eq!(balancer.tags["lab1-flow:run-id"], OUR_RUN);
    assert_eq!(balancer.tags["Name"], "lab1-load-balancer");
    assert!(made.dns_name.starts_with("lab1-load-balancer-"), "{}", made.dns_name);
}

#[tokio::test]
async fn a_balancer_whose_reply_is_lost_is_found_in_two_reads() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &context, &input, "CreateLoadBalancer").await;
    assert_eq!(reads, ["DescribeLoadBalancers", "DescribeTags"]);
    assert_eq!(action.execute(&context, &input).await, Ok(found));
    assert_eq!(trial.made("load-balancer").len(), 1);
}

#[tokio::test]
async fn an_equal_balancer_of_another_run_is_foreign_whether_or_not_tags_are_compared() {
    for content_compares_tags in [true, false] {
        let options = CloudOptions { content_compares_tags, ..CloudOptions::plain() };
        let (trial, action, input) = begin_with(options).await;
        is_foreign_of_another_run(&action, ACTION, &input).await;
        assert_eq!(trial.made("load-balancer").len(), 1);
    }
}

#[tokio::test]
async fn a_balancer_of_ours_in_other_subnets_is_altered() {
    let (_trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    let subnet_ids = [input.subnet_ids[0].clone(), "subnet-other".to_owned()];
    let other = LoadBalancerInput { subnet_ids, ..input };
    let Ok(Reconciled::Altered { output, difference }) = action.reconcile(&context, &other).await
    else {
        panic!("it is ours and differs");
    };
    assert_eq!(output, made);
    assert!(difference.contains("subnets is"), "{difference}");
}

#[tokio::test]
async fn a_security_group_that_cannot_be_seen_yet_is_tried_again() {
    let (trial, action, input) = begin().await;
    let young = LoadBalancerInput { security_group_id: "sg-0123456789abcdef0".to_owned(), ..input };
    fails(action.execute(&context(OUR_RUN, ACTION), &young).await, FailureClass::Transient);
    assert!(trial.made("load-balancer").is_empty());
}
