use aws_sdk_elasticloadbalancingv2::types::{Action as ForwardAction, ProtocolEnum, RuleCondition};
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::forwarding::forward_to;
use crate::trial::{OUR_RUN, Trial, WireFault, context, fails, waits};

const ACTION: &str = "load-balancer";

/// A balancer with all its parts.
struct Whole {
    trial: Trial,
    action: CreateLoadBalancer,
    context: ActionContext,
    input: LoadBalancerInput,
    balancer: LoadBalancerRef,
    listener_arn: String,
    forward: ForwardAction,
}

impl Whole {
    async fn build() -> Self {
        let trial = Trial::plain().await;
        let balancer = trial.load_balancer().await;
        let first = trial.target_group("target-group-1").await;
        let second = trial.target_group("target-group-2").await;
        let listener = trial.listener(&balancer, [&first, &second]).await;
        trial.rule(&listener, 1, &first).await;
        trial.rule(&listener, 2, &second).await;
        trial.take_calls();
        let input = LoadBalancerInput {
            name: balancer.name.clone(),
            subnet_ids: ["-".to_owned(), "-".to_owned()],
            security_group_id: "-".to_owned(),
        };
        Self {
            action: CreateLoadBalancer::new(&trial.aws, &trial.stack),
            context: context(OUR_RUN, ACTION),
            input,
            balancer,
            listener_arn: listener.arn,
            forward: forward_to(&first.arn),
            trial,
        }
    }

    async fn compensate(&self) -> Result<Progress<()>, ActionError> {
        self.action.compensate(&self.context, &self.input, &self.balancer).await
    }
}

#[tokio::test]
async fn listeners_and_rules_go_along_after_one_batch_of_proofs() {
    let whole = Whole::build().await;
    assert_eq!(whole.trial.made("listener-rule").len(), 2);
    waits(whole.compensate().await);
    assert_eq!(
        whole.trial.take_calls(),
        [
            "DescribeLoadBalancers",
            "DescribeListeners",
            "DescribeRules",
            "DescribeTags",
            "DeleteLoadBalancer"
        ]
    );
    whole.trial.until_done(async || whole.compensate().await).await;
    for kind in ["load-balancer", "listener", "listener-rule"] {
        assert!(whole.trial.made(kind).is_empty(), "{kind}");
    }
    assert_eq!(whole.compensate().await, Ok(Progress::Done(())));
}

#[tokio::test]
async fn a_listener_of_somebody_else_stops_the_deletion_and_is_named() {
    let whole = Whole::build().await;
    let request = whole.trial.aws.load_balancing().create_listener();
    let request = request.load_balancer_arn(&whole.balancer.arn).protocol(ProtocolEnum::Http);
    request.port(8080).default_actions(whole.forward.clone()).send().await.unwrap();
    let error = fails(whole.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains("the listener on port 8080"), "{error}");
    assert!(error.to_string().contains("no mark of lab1-flow"), "{error}");
    assert_eq!(whole.trial.made("load-balancer").len(), 1);
    assert_eq!(whole.trial.made("listener").len(), 2);
}

#[tokio::test]
async fn a_rule_of_somebody_else_stops_the_deletion_and_is_named() {
    let whole = Whole::build().await;
    let path = RuleCondition::builder().field("path-pattern").values("/theirs").build();
    let request = whole.trial.aws.load_balancing().create_rule();
    let request = request.listener_arn(&whole.listener_arn).priority(7).conditions(path);
    request.actions(whole.forward.clone()).send().await.unwrap();
    let error = fails(whole.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains("rule 7"), "{error}");
    assert_eq!(whole.trial.made("load-balancer").len(), 1);
}

#[tokio::test]
async fn a_balancer_whose_mark_was_changed_is_not_deleted() {
    let whole = Whole::build().await;
    let request = whole.trial.aws.load_balancing().remove_tags();
    let request = request.resource_arns(&whole.balancer.arn).tag_keys("lab1-flow:run-id");
    request.send().await.unwrap();
    let error = fails(whole.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains("load balancer lab1-load-balancer is not ours"), "{error}");
    assert_eq!(whole.trial.made("load-balancer").len(), 1);
}

#[tokio::test]
async fn a_balancer_that_goes_while_it_is_looked_at_is_waited_for() {
    let whole = Whole::build().await;
    for read in ["DescribeListeners", "DescribeRules", "DescribeTags"] {
        whole.trial.order(read, WireFault::Refuse(400, "LoadBalancerNotFound"));
        assert_eq!(waits(whole.compensate().await), "load balancer lab1-load-balancer is going");
    }
    assert_eq!(whole.trial.made("load-balancer").len(), 1);
}

#[tokio::test]
async fn a_protected_balancer_is_reported_with_what_to_do() {
    let whole = Whole::build().await;
    let attribute = aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute::builder()
        .key("deletion_protection.enabled")
        .value("true")
        .build();
    let request = whole.trial.aws.load_balancing().modify_load_balancer_attributes();
    let request = request.load_balancer_arn(&whole.balancer.arn).attributes(attribute);
    request.send().await.unwrap();
    let error = fails(whole.compensate().await, FailureClass::Permanent);
    assert!(error.failure().advice.as_deref().is_some_and(|text| text.contains("protection")));
}

#[tokio::test]
async fn a_denied_deletion_is_reported_unless_the_balancer_is_gone() {
    let whole = Whole::build().await;
    whole.trial.order("DeleteLoadBalancer", WireFault::Refuse(403, "AccessDenied"));
    fails(whole.compensate().await, FailureClass::Permanent);
    whole.trial.order("DeleteLoadBalancer", WireFault::LoseReply);
    fails(whole.compensate().await, FailureClass::Ambiguous);
    whole.trial.until_done(async || whole.compensate().await).await;
}
