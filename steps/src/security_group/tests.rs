use lab1_flow_workflow::journal::FailureClass;

use super::*;
use crate::trial::{
    OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails, is_foreign_of_another_run, waits,
};

const ACTION: &str = "instance-security-group";

async fn begin() -> (Trial, CreateSecurityGroup, SecurityGroupInput) {
    let trial = Trial::plain().await;
    let input = SecurityGroupInput {
        name: "lab1-instances".to_owned(),
        description: "lab1-flow: instances of stack default".to_owned(),
        vpc_id: trial.network().await.vpc_id,
    };
    trial.take_calls();
    let action = CreateSecurityGroup::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

fn rules_of(group: &SecurityGroupRef) -> SecurityGroupRulesInput {
    let rule = |port| IngressRule { from_port: port, to_port: port, from: "0.0.0.0/0".to_owned() };
    SecurityGroupRulesInput { group: group.clone(), rules: [22, 80, 443].map(rule).into() }
}

#[tokio::test]
async fn a_group_is_made_with_its_mark_in_one_call() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateSecurityGroup"]);
    let [group] = &trial.made("security-group")[..] else { panic!("one group") };
    assert_eq!((&group.id, &group.name), (&made.id, &made.name));
    assert_eq!(group.tags["lab1-flow:run-id"], OUR_RUN);
    assert_eq!(group.tags["lab1-flow:action"], ACTION);
    assert_eq!(group.tags["Name"], "lab1-instances");
}

#[tokio::test]
async fn a_group_whose_reply_is_lost_is_found_in_one_read_and_not_made_twice() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &ours, &input, "CreateSecurityGroup").await;
    assert_eq!(reads, ["DescribeSecurityGroups"]);
    assert_eq!(trial.made("security-group")[0].id, found.id);
    let again = fails(action.execute(&ours, &input).await, FailureClass::Contended);
    assert_eq!(again.code(), Some("InvalidGroup.Duplicate"));
    assert_eq!(trial.made("security-group").len(), 1);
}

#[tokio::test]
async fn a_group_of_another_run_is_foreign_and_is_not_deleted() {
    let (trial, action, input) = begin().await;
    let made = is_foreign_of_another_run(&action, ACTION, &input).await;
    let refused = action.compensate(&context(OUR_RUN, ACTION), &input, &made).await;
    fails(refused, FailureClass::Permanent);
    assert_eq!(trial.made("security-group").len(), 1);
}

#[tokio::test]
async fn a_group_of_another_action_of_this_run_is_foreign() {
    let (_trial, action, input) = begin().await;
    action.execute(&context(OUR_RUN, "balancer-security-group"), &input).await.unwrap();
    let found = action.reconcile(&context(OUR_RUN, ACTION), &input).await;
    assert!(matches!(found, Ok(Reconciled::Foreign { .. })), "{found:?}");
}

#[tokio::test]
async fn a_group_of_ours_with_another_description_is_altered() {
    let (_trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    let other = SecurityGroupInput { description: "another".to_owned(), ..input };
    let found = action.reconcile(&ours, &other).await;
    let Ok(Reconciled::Altered { output, difference }) = found else { panic!("{found:?}") };
    assert_eq!(output, made);
    assert!(difference.contains("description is"), "{difference}");
}

#[tokio::test]
async fn a_group_is_taken_back_twice_and_gone_behind_our_back_is_gone() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    trial.until_done(async || action.compensate(&ours, &input, &made).await).await;
    assert_eq!(trial.made("security-group").len(), 0);
    trial.take_calls();
    assert_eq!(action.compensate(&ours, &input, &made).await, Ok(Progress::Done(())));
    assert_eq!(trial.take_calls(), ["DescribeSecurityGroups"]);
}

#[tokio::test]
async fn a_group_that_something_holds_is_waited_for_with_the_number_of_holders() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    let network = trial.network().await;
    let [first, second] = network.subnets.map(|subnet| subnet.id);
    let request = trial.aws.load_balancing().create_load_balancer().name("holder");
    request.subnets(first).subnets(second).security_groups(&made.id).send().await.unwrap();
    let reason = waits(action.compensate(&ours, &input, &made).await);
    assert_eq!(reason, "security group lab1-instances is still held by 2 network interfaces");
    assert_eq!(trial.made("security-group").len(), 1);
}

#[tokio::test]
async fn a_missing_right_is_only_reported_when_the_group_is_still_there() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    trial.order("DeleteSecurityGroup", WireFault::Refuse(403, "UnauthorizedOperation"));
    let error = fails(action.compensate(&ours, &input, &made).await, FailureClass::Permanent);
    assert_eq!(error.code(), Some("UnauthorizedOperation"));
    trial.order("DeleteSecurityGroup", WireFault::RefuseAfter(403, "UnauthorizedOperation"));
    assert_eq!(action.compensate(&ours, &input, &made).await, Ok(Progress::Done(())));
}

#[tokio::test]
async fn all_rules_are_made_in_one_call_and_read_back_in_one() {
    let (trial, action, input) = begin().await;
    let group = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    let (rules, ours) = (rules_of(&group), context(OUR_RUN, "instance-security-group-rules"));
    let authorize = AuthorizeIngress::new(&trial.aws, &trial.stack);
    trial.take_calls();
    assert_eq!(authorize.reconcile(&ours, &rules).await, Ok(Reconciled::Absent));
    let made = authorize.execute(&ours, &rules).await.unwrap();
    assert_eq!(authorize.reconcile(&ours, &rules).await, Ok(Reconciled::Adopted(made)));
    let (look, change) = ("DescribeSecurityGroups", "AuthorizeSecurityGroupIngress");
    // Once for the doubt, once for the mark before the change, and once to read back.
    assert_eq!(trial.take_calls(), [look, look, change, look]);
}

#[tokio::test]
async fn rules_whose_reply_is_lost_are_in_doubt_and_asked_for_again_are_contended() {
    let (trial, action, input) = begin().await;
    let group = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    let (rules, ours) = (rules_of(&group), context(OUR_RUN, "instance-security-group-rules"));
    let authorize = AuthorizeIngress::new(&trial.aws, &trial.stack);
    trial.order("AuthorizeSecurityGroupIngress", WireFault::LoseReply);
    fails(authorize.execute(&ours, &rules).await, FailureClass::Ambiguous);
    let again = fails(authorize.execute(&ours, &rules).await, FailureClass::Contended);
    assert_eq!(again.code(), Some("InvalidPermission.Duplicate"));
    let found = authorize.reconcile(&ours, &rules).await;
    assert!(matches!(found, Ok(Reconciled::Adopted(_))), "{found:?}");
}

#[tokio::test]
async fn rules_of_a_group_that_lost_its_mark_are_foreign_and_of_one_that_is_gone_absent() {
    let (trial, action, input) = begin().await;
    let group = action.execute(&context(OTHER_RUN, ACTION), &input).await.unwrap();
    let (rules, ours) = (rules_of(&group), context(OUR_RUN, "instance-security-group-rules"));
    let authorize = AuthorizeIngress::new(&trial.aws, &trial.stack);
    let found = authorize.reconcile(&ours, &rules).await;
    assert!(matches!(found, Ok(Reconciled::Foreign { .. })), "{found:?}");
    trial.aws.ec2().delete_security_group().group_id(&group.id).send().await.unwrap();
    assert_eq!(authorize.reconcile(&ours, &rules).await, Ok(Reconciled::Absent));
    let young = fails(authorize.execute(&ours, &rules).await, FailureClass::Transient);
    assert!(young.to_string().contains("cannot be seen yet"), "{young}");
}

#[tokio::test]
async fn a_group_of_another_run_is_neither_opened_nor_deleted_when_an_answer_names_it() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let named = SecurityGroupInput { name: "theirs".to_owned(), ..input.clone() };
    let theirs = action.execute(&context(OTHER_RUN, ACTION), &named).await.unwrap();
    action.execute(&ours, &input).await.unwrap();
    // What the answer to our creation would have said.
    let lie = SecurityGroupRef { id: theirs.id.clone(), name: input.name.clone() };
    let authorize = AuthorizeIngress::new(&trial.aws, &trial.stack);
    trial.take_calls();
    let rules = context(OUR_RUN, "instance-security-group-rules");
    let refused = authorize.execute(&rules, &rules_of(&lie)).await;
    let error = fails(refused, FailureClass::Permanent);
    assert!(error.to_string().contains("run run-other of lab1-flow"), "{error}");
    assert_eq!(trial.take_calls(), ["DescribeSecurityGroups"]);

    trial.until_done(async || action.compensate(&ours, &input, &lie).await).await;
    let left = trial.made("security-group");
    assert_eq!(left.iter().map(|group| &group.id).collect::<Vec<_>>(), [&theirs.id]);
}
