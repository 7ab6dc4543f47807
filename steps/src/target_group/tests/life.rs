use lab1_flow_cloud::{CloudOptions, DeleteAbsent, Durations, Lag};
use lab1_flow_workflow::journal::FailureClass;

use super::super::*;
use crate::trial::{
    OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails, is_foreign_of_another_run, waits,
};

const ACTION: &str = "target-group-1";

async fn input(trial: &Trial) -> TargetGroupInput {
    TargetGroupInput {
        name: ACTION.to_owned(),
        vpc_id: trial.network().await.vpc_id,
        port: 80,
        health_check: HealthCheckSpec::default(),
    }
}

async fn begin() -> (Trial, CreateTargetGroup, TargetGroupInput) {
    begin_with(CloudOptions::plain()).await
}

async fn begin_with(options: CloudOptions) -> (Trial, CreateTargetGroup, TargetGroupInput) {
    let trial = Trial::with(options).await;
    let input = input(&trial).await;
    trial.take_calls();
    let action = CreateTargetGroup::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

#[tokio::test]
async fn a_group_is_made_with_its_mark_and_proven_in_two_calls() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateTargetGroup", "DescribeTags"]);
    let [group] = &trial.made("target-group")[..] else { panic!("one group") };
    assert_eq!(group.id, made.arn);
    assert_eq!(group.tags["lab1-flow:run-id"], OUR_RUN);
    assert_eq!(group.tags["lab1-flow:action"], ACTION);
    assert_eq!(group.tags["lab1-flow:stack"], "default");
    assert_eq!(group.tags["lab1-flow:managed-by"], "lab1-flow");
}

#[tokio::test]
async fn a_group_whose_reply_is_lost_is_found_in_two_reads() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &context, &input, "CreateTargetGroup").await;
    assert_eq!(reads, ["DescribeTargetGroups", "DescribeTags"]);
    assert_eq!(trial.made("target-group")[0].id, found.arn);
    // Asked for once more all the same, the service answers with the one that is there.
    assert_eq!(action.execute(&context, &input).await, Ok(found));
    assert_eq!(trial.made("target-group").len(), 1);
}

#[tokio::test]
async fn a_group_whose_mark_cannot_be_read_is_in_doubt() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    trial.order("DescribeTags", WireFault::Refuse(400, "Throttling"));
    let error = fails(action.execute(&context, &input).await, FailureClass::Ambiguous);
    assert_eq!(error.code(), Some("Throttling"));
    assert!(matches!(action.reconcile(&context, &input).await, Ok(Reconciled::Adopted(_))));
}

#[tokio::test]
async fn an_equal_group_of_another_run_is_foreign_whether_or_not_tags_are_compared() {
    for content_compares_tags in [true, false] {
        let options = CloudOptions { content_compares_tags, ..CloudOptions::plain() };
        let (trial, action, input) = begin_with(options).await;
        is_foreign_of_another_run(&action, ACTION, &input).await;
        assert_eq!(trial.made("target-group")[0].tags["lab1-flow:run-id"], OTHER_RUN);
    }
}

#[tokio::test]
async fn a_group_without_tags_is_nobodys() {
    let (trial, action, input) = begin().await;
    let request = trial.aws.load_balancing().create_target_group().name(&input.name);
    let request = request.protocol(ProtocolEnum::Http).port(80).vpc_id(&input.vpc_id);
    request.send().await.unwrap();
    let ours = context(OUR_RUN, ACTION);
    fails(action.execute(&ours, &input).await, FailureClass::Contended);
    let Ok(Reconciled::Foreign { evidence, .. }) = action.reconcile(&ours, &input).await else {
        panic!("it is not ours");
    };
    assert_eq!(evidence, "target group target-group-1 belongs to no mark of lab1-flow");
}

#[tokio::test]
async fn a_group_of_ours_with_other_content_is_altered() {
    let (_trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    let other = TargetGroupInput { port: 8080, ..input };
    let Ok(Reconciled::Altered { output, difference }) = action.reconcile(&context, &other).await
    else {
        panic!("it is ours and differs");
    };
    assert_eq!(output, made);
    assert!(difference.contains("port is 80 instead of 8080"), "{difference}");
}

#[tokio::test]
async fn a_new_group_that_cannot_be_seen_is_waited_for_and_never_made_twice() {
    let lag = Lag { target_groups: true, ..Lag::off() };
    let mut late = 0;
    for seed in 0..20 {
        let durations = Durations::Seeded;
        let options = CloudOptions { lag, seed, durations, ..CloudOptions::plain() };
        let (trial, action, input) = begin_with(options).await;
        let context = context(OUR_RUN, ACTION);
        let mut result = action.execute(&context, &input).await;
        for _ in 0..200 {
            let Err(error) = &result else { break };
            assert_eq!(error.class(), FailureClass::Contended, "{error}");
            late += 1;
            trial.clock.advance_s(2);
            result = match action.reconcile(&context, &input).await.unwrap() {
                Reconciled::Adopted(group) => Ok(group),
                Reconciled::Absent => action.execute(&context, &input).await,
                Reconciled::Unclear(_) => continue,
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(result.unwrap().arn, trial.made("target-group")[0].id);
        assert_eq!(trial.made("target-group").len(), 1);
    }
    assert!(late > 0, "no seed gave a group that is seen late");
}

#[tokio::test]
async fn a_group_is_deleted_once_and_stays_deleted() {
    for delete_absent_target_group in [DeleteAbsent::Succeeds, DeleteAbsent::NotFound] {
        let options = CloudOptions { delete_absent_target_group, ..CloudOptions::plain() };
        let (trial, action, input) = begin_with(options).await;
        let context = context(OUR_RUN, ACTION);
        let made = action.execute(&context, &input).await.unwrap();
        trial.take_calls();
        let reason = waits(action.compensate(&context, &input, &made).await);
        assert_eq!(reason, "target group target-group-1 is being deleted");
        assert_eq!(trial.take_calls(), ["DescribeTags", "DeleteTargetGroup"]);
        assert!(trial.made("target-group").is_empty());
        for _ in 0..2 {
            let gone = action.compensate(&context, &input, &made).await;
            assert_eq!(gone, Ok(Progress::Done(())));
        }
    }
}

#[tokio::test]
async fn a_deletion_whose_reply_is_lost_is_looked_after() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    trial.order("DeleteTargetGroup", WireFault::LoseReply);
    fails(action.compensate(&context, &input, &made).await, FailureClass::Ambiguous);
    assert_eq!(action.compensate(&context, &input, &made).await, Ok(Progress::Done(())));
}

#[tokio::test]
async fn a_group_whose_mark_was_changed_is_not_deleted() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    let request = trial.aws.load_balancing().remove_tags().resource_arns(&made.arn);
    request.tag_keys("lab1-flow:run-id").send().await.unwrap();
    let error = fails(action.compensate(&ours, &input, &made).await, FailureClass::Permanent);
    assert!(error.to_string().contains("is not ours"), "{error}");
    assert_eq!(trial.made("target-group").len(), 1);
}

#[tokio::test]
async fn a_group_that_is_in_use_is_waited_for() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    trial.order("DeleteTargetGroup", WireFault::Refuse(400, "ResourceInUse"));
    let reason = waits(action.compensate(&context, &input, &made).await);
    assert_eq!(reason, "target group target-group-1 is still in use by a listener or a rule");
}

#[tokio::test]
async fn a_denied_deletion_is_reported_unless_the_group_is_gone() {
    let (trial, action, input) = begin().await;
    let context = context(OUR_RUN, ACTION);
    let made = action.execute(&context, &input).await.unwrap();
    trial.order("DeleteTargetGroup", WireFault::Refuse(403, "AccessDenied"));
    fails(action.compensate(&context, &input, &made).await, FailureClass::Permanent);
    trial.order("DeleteTargetGroup", WireFault::RefuseAfter(403, "AccessDenied"));
    assert_eq!(action.compensate(&context, &input, &made).await, Ok(Progress::Done(())));
}
