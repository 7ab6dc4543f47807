use aws_sdk_ec2::types::{
    LaunchTemplateSpecification, ResourceType, Tag as Ec2Tag, TagSpecification,
};
use lab1_flow_workflow::journal::FailureClass;

use super::super::{
    Action, ActionContext, ActionError, AutoScalingGroupInput, AutoScalingGroupRef, Compensate,
    CreateAutoScalingGroup, Progress, Tag,
};
use crate::trial::{OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails, waits};

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

    /// Starts an instance from the group's template, with all tags that a console copies from one of its own.
    async fn copy_one(&self) -> String {
        let [ours, ..] = &self.trial.made("instance")[..] else { panic!("two instances run") };
        let copied = ours.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        let tags = copied.map(|(key, value)| Ec2Tag::builder().key(key).value(value).build());
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(tags.collect()))
            .build();
        let template = LaunchTemplateSpecification::builder()
            .launch_template_id(&self.input.launch_template.id)
            .build();
        let request = self.trial.aws.ec2().run_instances().min_count(1).max_count(1);
        let request = request.launch_template(template).tag_specifications(tags);
        let started = request.send().await.unwrap();
        self.trial.clock.advance_s(120);
        started.instances()[0].instance_id().unwrap().to_owned()
    }

    /// Removes the group by hand, and waits until its instances are terminated.
    async fn remove_by_hand(&self) {
        let request = self.trial.aws.auto_scaling().delete_auto_scaling_group();
        request.auto_scaling_group_name("group1").force_delete(true).send().await.unwrap();
        self.trial.clock.advance_s(600);
        self.trial.aws.ec2().describe_vpcs().send().await.unwrap();
        assert!(self.trial.made("auto-scaling-group").is_empty());
    }

    fn count_of(&self, call: &str) -> usize {
        self.trial.take_calls().iter().filter(|made| *made == call).count()
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
    running.trial.order("DescribeAutoScalingGroups", WireFault::ShowNothing);
    let reason = waits(running.compensate().await);
    assert!(reason.starts_with("group group1 is gone, 2 not terminated yet"), "{reason}");
    assert_eq!(running.count_of("TerminateInstances"), 2);
}

#[tokio::test]
async fn a_copied_instance_is_not_terminated_and_is_named() {
    let running = Running::start().await;
    let copy = running.copy_one().await;
    running.remove_by_hand().await;
    running.trial.take_calls();
    let error = fails(running.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains(&copy), "{error}");
    assert_eq!(running.count_of("TerminateInstances"), 0);
    assert_eq!(running.trial.made("instance").len(), 1);
}

#[tokio::test]
async fn an_attached_copy_blocks_the_deletion_and_is_named() {
    let running = Running::start().await;
    let copy = running.copy_one().await;
    let request = running.trial.aws.auto_scaling().attach_instances();
    request.auto_scaling_group_name("group1").instance_ids(&copy).send().await.unwrap();
    let error = fails(running.compensate().await, FailureClass::Permanent);
    assert!(error.to_string().contains(&copy), "{error}");
    assert_eq!(running.trial.made("instance").len(), 3);
}

#[tokio::test]
async fn a_group_with_our_name_and_another_arn_is_not_ours() {
    for other in [context(OTHER_RUN, ACTION), context(OUR_RUN, ACTION)] {
        let running = Running::start().await;
        running.remove_by_hand().await;
        let theirs = running.action.execute(&other, &running.input).await.unwrap();
        running.trial.clock.advance_s(300);
        assert_ne!(theirs, running.group);
        assert_eq!(running.compensate().await, Ok(Progress::Done(())));
        assert_eq!(running.trial.made("instance").len(), 2);
        assert_eq!(running.trial.made("auto-scaling-group").len(), 1);
        // A record of an earlier version has no ARN: there the mark decides.
        let old = AutoScalingGroupRef { arn: None, ..running.group.clone() };
        let judged = running.action.compensate(&running.context, &running.input, &old).await;
        assert_eq!(judged.is_err(), other.run().as_str() == OTHER_RUN, "{judged:?}");
    }
}

#[tokio::test]
async fn a_terminating_member_without_tags_does_not_block_the_deletion() {
    let running = Running::start().await;
    let instance = running.trial.made("instance")[0].id.clone();
    let request = running.trial.aws.ec2().terminate_instances();
    request.instance_ids(&instance).send().await.unwrap();
    running.unmark(&instance).await;
    let reason = waits(running.compensate().await);
    assert_eq!(reason, "group group1 is being deleted, 2 instances left");
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
