use lab1_flow_workflow::journal::FailureClass;

use super::*;
use crate::trial::{
    OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails, is_foreign_of_another_run,
};

const ACTION: &str = "launch-template-1";

async fn begin() -> (Trial, CreateLaunchTemplate, LaunchTemplateInput) {
    let trial = Trial::plain().await;
    let input = LaunchTemplateInput {
        name: "lab1-template-1".to_owned(),
        image_id: "ami-08c40ec9ead489470".to_owned(),
        instance_type: "m4.large".to_owned(),
        key_name: Some("vockey".to_owned()),
        security_group_id: "sg-0123456789abcdef0".to_owned(),
        user_data: "#!/bin/bash\ntrue\n".to_owned(),
    };
    let action = CreateLaunchTemplate::new(&trial.aws, &trial.stack);
    (trial, action, input)
}

#[tokio::test]
async fn a_template_is_made_with_its_mark_in_one_call() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    assert_eq!(trial.take_calls(), ["CreateLaunchTemplate"]);
    assert_eq!(made.version, 1);
    let [template] = &trial.made("launch-template")[..] else { panic!("one template") };
    assert_eq!((&template.id, &template.name), (&made.id, &made.name));
    assert_eq!(template.tags["lab1-flow:run-id"], OUR_RUN);
}

#[tokio::test]
async fn a_version_marks_volumes_and_interfaces_and_not_instances() {
    let (trial, action, input) = begin().await;
    let made = action.execute(&context(OUR_RUN, ACTION), &input).await.unwrap();
    let data = version_data(&trial.aws, &made.name, &made.id).await.unwrap().unwrap();
    let kinds: Vec<&str> = data
        .tag_specifications()
        .iter()
        .filter_map(|specification| Some(specification.resource_type()?.as_str()))
        .collect();
    assert_eq!(kinds, ["volume", "network-interface"]);
    for specification in data.tag_specifications() {
        let run = ("lab1-flow:run-id", OUR_RUN);
        assert!(ec2::pairs(specification.tags()).any(|tag| tag == run));
    }
    let options = data.metadata_options().unwrap();
    assert!(options.http_tokens().is_some_and(|tokens| tokens.as_str() == "required"));
    assert_eq!(options.http_put_response_hop_limit(), Some(1));
    let script = STANDARD.decode(data.user_data().unwrap()).unwrap();
    assert_eq!(script, input.user_data.as_bytes());
    assert!(trial.take_calls().contains(&"DescribeLaunchTemplateVersions".to_owned()));
}

#[tokio::test]
async fn a_template_whose_reply_is_lost_is_found_in_two_reads() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let (found, reads) =
        trial.adopts_without_reply(&action, &ours, &input, "CreateLaunchTemplate").await;
    assert_eq!(reads, ["DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"]);
    // Sent again with the same token, it is the same template.
    assert_eq!(action.execute(&ours, &input).await, Ok(found));
    assert_eq!(trial.made("launch-template").len(), 1);
}

#[tokio::test]
async fn the_same_token_with_other_content_is_refused_for_good() {
    let (_trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    action.execute(&ours, &input).await.unwrap();
    let other = LaunchTemplateInput { instance_type: "t2.large".to_owned(), ..input };
    let error = fails(action.execute(&ours, &other).await, FailureClass::Permanent);
    assert_eq!(error.code(), Some("IdempotentParameterMismatch"));
}

#[tokio::test]
async fn a_template_of_another_run_is_foreign_and_is_not_deleted() {
    let (trial, action, input) = begin().await;
    let made = is_foreign_of_another_run(&action, ACTION, &input).await;
    let refused = action.compensate(&context(OUR_RUN, ACTION), &input, &made).await;
    fails(refused, FailureClass::Permanent);
    assert_eq!(trial.made("launch-template").len(), 1);
}

#[tokio::test]
async fn a_template_of_ours_with_other_content_is_altered_field_by_field() {
    let (_trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    action.execute(&ours, &input).await.unwrap();
    let other = LaunchTemplateInput {
        image_id: "ami-00000000".to_owned(),
        key_name: None,
        user_data: "#!/bin/sh\n".to_owned(),
        ..input
    };
    let found = action.reconcile(&ours, &other).await;
    let Ok(Reconciled::Altered { difference, .. }) = found else { panic!("{found:?}") };
    for word in ["image is ami-08c40ec9ead489470", "key pair is vockey instead of none", "script"] {
        assert!(difference.contains(word), "{difference}");
    }
    assert!(!difference.contains("instance type"), "{difference}");
}

#[tokio::test]
async fn a_template_is_taken_back_twice_and_a_later_one_of_its_name_is_left_alone() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    trial.until_done(async || action.compensate(&ours, &input, &made).await).await;
    assert_eq!(trial.made("launch-template").len(), 0);
    action.execute(&context(OTHER_RUN, ACTION), &input).await.unwrap();
    assert_eq!(action.compensate(&ours, &input, &made).await, Ok(Progress::Done(())));
    assert_eq!(trial.made("launch-template").len(), 1);
}

#[tokio::test]
async fn a_template_is_deleted_by_its_mark_and_not_by_the_id_in_an_answer() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    let named = LaunchTemplateInput { name: "theirs".to_owned(), ..input.clone() };
    let theirs = action.execute(&context(OTHER_RUN, ACTION), &named).await.unwrap();
    let lie = LaunchTemplateRef { id: theirs.id.clone(), ..made };
    trial.until_done(async || action.compensate(&ours, &input, &lie).await).await;
    let left = trial.made("launch-template");
    assert_eq!(left.iter().map(|it| &it.id).collect::<Vec<_>>(), [&theirs.id]);
}

#[tokio::test]
async fn a_missing_right_is_only_reported_when_the_template_is_still_there() {
    let (trial, action, input) = begin().await;
    let ours = context(OUR_RUN, ACTION);
    let made = action.execute(&ours, &input).await.unwrap();
    trial.order("DeleteLaunchTemplate", WireFault::Refuse(403, "UnauthorizedOperation"));
    fails(action.compensate(&ours, &input, &made).await, FailureClass::Permanent);
    trial.order("DeleteLaunchTemplate", WireFault::RefuseAfter(403, "UnauthorizedOperation"));
    assert_eq!(action.compensate(&ours, &input, &made).await, Ok(Progress::Done(())));
}
