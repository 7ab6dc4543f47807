use aws_sdk_ec2::types::Tag as Ec2Tag;
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{OUR_RUN, Trial, WireFault, context, fails, waits};

const ACTION: &str = "auto-scaling-group-1";

/// A group whose two instances run.
struct Running {
    trial: Trial,
    action: CreateAutoScalingGroup,
    context: ActionContext,
    input: AutoScalingGroupInput,
    group: AutoScalingGroupRef,
}

impl Running {
    async fn start() -> Self {
        let trial = Trial::plain().await;
        let template = trial.launch_template("lab1-template-1").await;
        let target_group = trial.target_group("target-group-1").await;
        let input = trial.group_input("group1", &template, &target_group).await;
        let action = CreateAutoScalingGroup::new(&trial.aws, &trial.stack);
        let context = context(OUR_RUN, ACTION);
        let group = action.execute(&context, &input).await.unwrap();
        trial.clock.advance_s(300);
        assert_eq!(trial.made("instance").len(), 2);
        trial.take_calls();
        Self { trial, action, context, input, group }
    }

    async fn compensate(&self) -> Result<Progress<()>, ActionError> {
        self.action.compensate(&self.context, &self.input, &self.group).await
    }

    /// Leaves an instance with the group's mark that is in another group, as if it had been detached.
    async fn start_one_with_our_mark_elsewhere(&self) -> String {
        let name = "elsewhere".to_owned();
        let elsewhere =
            AutoScalingGroupInput { name, min: 1, desired: 1, max: 1, ..self.input.clone() };
        let context = context(OUR_RUN, "elsewhere");
        self.action.execute(&context, &elsewhere).await.unwrap();
        self.trial.clock.advance_s(300);
        let instances = self.trial.made("instance");
        let instance = instances.iter().find(|one| one.tags["Name"] == "elsewhere").unwrap();
        let tag = Ec2Tag::builder().key("lab1-flow:action").value(ACTION).build();
        let request = self.trial.aws.ec2().create_tags().resources(&instance.id).tags(tag);
        request.send().await.unwrap();
        instance.id.clone()
    }

    /// Takes our mark off an instance: what is left looks like one that was attached by hand.
    async fn unmark(&self, instance: &str) {
        let request = self.trial.aws.ec2().delete_tags().resources(instance);
        request.tags(Ec2Tag::builder().key("lab1-flow:run-id").build()).send().await.unwrap();
    }
}

#[tokio::test]
async fn the_group_and_its_instances_go_and_stay_gone() {
    let running = Running::start().await;
    let reason = waits(running.compensate().await);
    assert_eq!(reason, "group group1 is being deleted, 2 instances left");
    assert_eq!(
        running.trial.take_calls(),
        ["DescribeAutoScalingGroups", "DescribeInstances", "DeleteAutoScalingGroup"]
    );
    // While it goes it is not asked to go again.
    waits(running.compensate().await);
    assert_eq!(running.trial.take_calls(), ["DescribeAutoScalingGroups"]);
    running.trial.until_done(async || running.compensate().await).await;
    assert!(running.trial.made("auto-scaling-group").is_empty());
    assert!(running.trial.made("instance").is_empty());
    assert_eq!(running.compensate().await, Ok(Progress::Done(())));
}

#[tokio::test]
async fn a_group_that_somebody_deleted_is_done_when_its_instances_are_terminated() {
    let running = Running::start().await;
    let request = running.trial.aws.auto_scaling().delete_auto_scaling_group();
    request.auto_scaling_group_name("group1").force_delete(true).send().await.unwrap();
    running.trial.until_done(async || running.compensate().await).await;
    assert!(running.trial.made("instance").is_empty());
    assert!(!running.trial.take_calls().contains(&"TerminateInstances".to_owned()));
}

#[tokio::test]
async fn an_instance_that_outlives_its_group_is_ended() {
    let running = Running::start().await;
    let outlives = running.start_one_with_our_mark_elsewhere().await;
    running.trial.until_done(async || running.compensate().await).await;
    let calls = running.trial.take_calls();
    assert_eq!(calls.iter().filter(|call| *call == "TerminateInstances").count(), 1, "{calls:?}");
    assert!(running.trial.made("instance").iter().all(|instance| instance.id != outlives));
}

#[tokio::test]
async fn an_instance_of_somebody_else_in_our_group_stops_the_deletion_and_is_named() {
    let running = Running::start().await;
    let instance = running.trial.made("instance")[0].id.clone();
    running.unmark(&instance).await;
    let error = fails(running.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains(&instance), "{error}");
    assert!(error.to_string().contains("no mark of lab1-flow"), "{error}");
    assert!(error.failure().advice.as_deref().is_some_and(|text| text.contains("detach")));
    assert_eq!(running.trial.made("instance").len(), 2);
    assert_eq!(running.trial.made("auto-scaling-group").len(), 1);
}

#[tokio::test]
async fn a_group_whose_mark_was_changed_is_not_deleted() {
    let running = Running::start().await;
    let tag = Tag::builder().resource_type("auto-scaling-group").resource_id("group1");
    let request = running.trial.aws.auto_scaling().delete_tags();
    request.tags(tag.key("lab1-flow:run-id").build()).send().await.unwrap();
    let error = fails(running.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains("group group1 is not ours"), "{error}");
    assert_eq!(running.trial.made("instance").len(), 2);
}

#[tokio::test]
async fn a_deletion_whose_reply_is_lost_is_looked_after() {
    let running = Running::start().await;
    running.trial.order("DeleteAutoScalingGroup", WireFault::LoseReply);
    fails(running.compensate().await, FailureClass::Ambiguous);
    waits(running.compensate().await);
    running.trial.until_done(async || running.compensate().await).await;
}

#[tokio::test]
async fn a_refusal_that_passes_is_waited_for_and_a_denial_is_reported() {
    let running = Running::start().await;
    running
        .trial
        .order("DeleteAutoScalingGroup", WireFault::Refuse(400, "ScalingActivityInProgress"));
    let reason = waits(running.compensate().await);
    assert!(reason.contains("is not deleted yet"), "{reason}");
    running.trial.order("DeleteAutoScalingGroup", WireFault::Refuse(403, "AccessDenied"));
    fails(running.compensate().await, FailureClass::Permanent);
    assert_eq!(running.trial.made("instance").len(), 2);
}
