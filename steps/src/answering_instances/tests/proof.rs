use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use bytes::Bytes;
use lab1_flow_workflow::journal::FailureClass;
use rustix::io::Errno;

use super::super::*;
use crate::load_balancer::LoadBalancerRef;
use crate::probe::Probe;
use crate::rule::rules_of;
use crate::trial::{OUR_RUN, Trial, context, waits};

/// A stack of two groups that serves, and what its last proof expects.
async fn begin() -> (Trial, InstancesAnswer, AnsweringInstancesInput, LoadBalancerRef) {
    let trial = Trial::plain().await;
    let balancer = trial.load_balancer().await;
    let first = trial.target_group("target-group-1").await;
    let second = trial.target_group("target-group-2").await;
    let listener = trial.listener(&balancer, [&first, &second]).await;
    trial.rule(&listener, 1, &first).await;
    trial.rule(&listener, 2, &second).await;
    let template = trial.launch_template("lab1-template-1").await;
    trial.group("group1", &template, &first).await;
    trial.group("group2", &template, &second).await;
    trial.clock.advance_s(600);
    let group = |path: &str, name: &str, target_group| AnsweringGroup {
        path: path.to_owned(),
        target_group,
        instance_ids: instances_of(&trial, name),
        desired: 2,
    };
    let input = AnsweringInstancesInput {
        dns_name: balancer.dns_name.clone(),
        port: 80,
        groups: vec![group("/cluster1", "group1", first), group("/cluster2", "group2", second)],
    };
    trial.take_calls();
    let look = InstancesAnswer::new(&trial.aws);
    (trial, look, input, balancer)
}

fn instances_of(trial: &Trial, group: &str) -> BTreeSet<String> {
    let instances = trial.made("instance").into_iter();
    instances.filter(|one| one.tags["Name"] == group).map(|one| one.id).collect()
}

#[tokio::test]
async fn a_stack_in_which_everybody_answers_is_proven_without_a_call() {
    let (trial, look, input, balancer) = begin().await;
    let answers = look.look(&context(OUR_RUN, "instances-answer"), &input).await;
    let url = format!("http://{}", balancer.dns_name);
    assert_eq!(answers, Ok(Progress::Done(AnsweringInstances { url, answered: 4 })));
    assert_eq!(trial.take_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_does_not_resolve_is_waited_for() {
    let (_trial, look, mut input, _) = begin().await;
    input.dns_name = "elsewhere.invalid".to_owned();
    let reason = waits(look.look(&context(OUR_RUN, "instances-answer"), &input).await);
    assert_eq!(reason, "no load balancer has this address");
}

#[tokio::test]
async fn an_instance_that_was_replaced_does_not_hold_the_proof_up() {
    let (trial, look, input, _) = begin().await;
    let context = context(OUR_RUN, "instances-answer");
    let replaced = input.groups[0].instance_ids.first().unwrap().clone();
    trial.aws.ec2().terminate_instances().instance_ids(&replaced).send().await.unwrap();
    trial.clock.advance_s(20);
    let reason = waits(look.look(&context, &input).await);
    assert!(reason.starts_with("instances answered 3/4"), "{reason}");
    let answers = trial.until_done(async || look.look(&context, &input).await).await;
    assert_eq!(answers.answered, 4);
    assert!(!instances_of(&trial, "group1").contains(&replaced));
}

#[tokio::test]
async fn a_path_that_leads_to_strangers_proves_nothing() {
    let (_trial, look, mut input, _) = begin().await;
    let context = context(OUR_RUN, "instances-answer");
    // Both paths are taken for the first group's; the second one is answered by the second group.
    input.groups[1].instance_ids = input.groups[0].instance_ids.clone();
    input.groups[1].target_group = input.groups[0].target_group.clone();
    let reason = waits(look.look(&context, &input).await);
    assert!(reason.contains("/cluster2 is answered by"), "{reason}");
}

#[tokio::test]
async fn an_instance_that_is_no_target_any_more_is_missed() {
    let (trial, look, input, _) = begin().await;
    let context = context(OUR_RUN, "instances-answer");
    let missing = input.groups[1].instance_ids.first().unwrap().clone();
    let request = trial.aws.load_balancing().deregister_targets();
    let request = request.target_group_arn(&input.groups[1].target_group.arn);
    let target = TargetDescription::builder().id(&missing).build();
    request.targets(target).send().await.unwrap();
    let reason = waits(look.look(&context, &input).await);
    assert!(reason.starts_with("instances answered 3/4"), "{reason}");
}

#[tokio::test]
async fn a_path_that_lost_its_rule_proves_nothing() {
    let (trial, look, input, balancer) = begin().await;
    let listeners = trial.aws.load_balancing().describe_listeners();
    let listeners = listeners.load_balancer_arn(&balancer.arn).send().await.unwrap();
    let listener = listeners.listeners()[0].listener_arn().unwrap().to_owned();
    for rule in rules_of(&trial.aws, &listener).await.unwrap() {
        let request = trial.aws.load_balancing().delete_rule();
        request.rule_arn(rule.rule_arn().unwrap()).send().await.unwrap();
    }
    // Now the default action answers, for all instances of both groups.
    let reason = waits(look.look(&context(OUR_RUN, "instances-answer"), &input).await);
    assert!(reason.contains("is answered by"), "{reason}");
}

/// The trial's connection with visits that fail for want of descriptors from this request on.
fn short_after(trial: &Trial, good: usize) -> Aws {
    let (sent, rest) = (AtomicUsize::new(0), trial.aws.probe().clone());
    let probe = Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
        let Probe::Function(rest) = &rest else { unreachable!("a trial has no sockets") };
        if sent.fetch_add(1, Ordering::Relaxed) < good {
            return rest(request);
        }
        Box::pin(std::future::ready(Err(Errno::MFILE.into())))
    }));
    trial.aws.clone().with_probe(probe)
}

#[tokio::test]
async fn a_shortage_of_this_machine_suspends_and_blames_no_stack() {
    let (trial, _, input, _) = begin().await;
    let context = context(OUR_RUN, "instances-answer");
    // At the greeting, and among the visits.
    for good in [0, 2] {
        let look = InstancesAnswer::new(&short_after(&trial, good));
        let error = look.look(&context, &input).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Unreachable, "{error}");
        assert_eq!(error.code(), None, "it is tried again before the run suspends");
        assert!(error.to_string().contains("Too many open files"), "{error}");
        assert!(error.failure().advice.as_ref().unwrap().contains("ulimit -n"), "{error}");
    }
}
