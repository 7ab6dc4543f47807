use lab1_flow_cloud::{CloudOptions, Inventory, VpcKind};
use lab1_flow_workflow::Profile;
use lab1_flow_workflow::journal::{FailureClass, RunId};

use super::*;
use crate::connection::Target;
use crate::spec::StackSpec;
use crate::stack::Stack;
use crate::trial::{OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails};

async fn look(trial: &Trial, spec: &StackSpec) -> Result<Progress<Network>, ActionError> {
    let input = PreflightInput::new(spec, None);
    PreflightLook::new(&trial.aws).look(&context(OUR_RUN, "preflight"), &input).await
}

/// The reasons of a refusal, one text.
async fn reasons(trial: &Trial, spec: &StackSpec) -> String {
    let error = fails(look(trial, spec).await, FailureClass::Permanent);
    assert_eq!(error.code(), Some(PREFLIGHT_REFUSED));
    assert!(error.failure().advice.is_some(), "{error}");
    error.to_string()
}

fn spec(text: &str) -> StackSpec {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn the_default_network_is_found_in_at_most_14_calls() {
    let trial = Trial::plain().await;
    let expected = trial.network().await;
    trial.take_calls();
    let Ok(Progress::Done(network)) = look(&trial, &StackSpec::default()).await else {
        panic!("nothing stands in the way")
    };
    let calls = trial.take_calls();
    assert!(calls.len() <= 14, "{calls:?}");
    assert_eq!(network.vpc_id, expected.vpc_id);
    assert_eq!(network.subnets, expected.subnets);
    assert_eq!(network.region, "us-east-1");
    assert_eq!(network.account, trial.cloud.account().account_id);
}

#[tokio::test]
async fn what_is_missing_is_told_all_at_once() {
    let options = CloudOptions {
        inventory: Inventory { image: false, key_pair: false, ..Inventory::default() },
        ..CloudOptions::plain()
    };
    let trial = Trial::with(options).await;
    let text = reasons(&trial, &spec(r#"{"groups": [{"instance_type": "m4.tiny"}]}"#)).await;
    for reason in [
        "image ami-08c40ec9ead489470 cannot be seen in region us-east-1",
        "there is no key pair vockey in region us-east-1",
        "instances of type m4.tiny are not offered in zone us-east-1a",
    ] {
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn no_key_pair_is_asked_for_when_none_is_wanted() {
    let inventory = Inventory { key_pair: false, ..Inventory::default() };
    let trial = Trial::with(CloudOptions { inventory, ..CloudOptions::plain() }).await;
    let answer = look(&trial, &spec(r#"{"instances": {"key_name": ""}}"#)).await;
    assert!(matches!(answer, Ok(Progress::Done(_))), "{answer:?}");
}

#[tokio::test]
async fn an_account_without_a_default_vpc_is_told_what_to_do() {
    let inventory = Inventory { vpc: VpcKind::None, ..Inventory::default() };
    let trial = Trial::with(CloudOptions { inventory, ..CloudOptions::plain() }).await;
    let error = look(&trial, &StackSpec::default()).await.unwrap_err();
    assert!(error.to_string().contains("region us-east-1 has no default VPC"), "{error}");
    assert!(error.failure().advice.as_ref().unwrap().contains("create-default-vpc"));
}

#[tokio::test]
async fn zones_of_another_region_are_refused() {
    let trial = Trial::plain().await;
    let elsewhere = spec(r#"{"network": {"zones": ["eu-west-1a", "eu-west-1b"]}}"#);
    let text = reasons(&trial, &elsewhere).await;
    assert!(text.contains("zone eu-west-1a is not in region us-east-1"), "{text}");
}

#[tokio::test]
async fn given_subnets_are_taken_and_wrong_ones_refused() {
    let trial = Trial::plain().await;
    let mut spec = StackSpec::default();
    let [first, second] = trial.network().await.subnets.map(|subnet| subnet.id);
    spec.network.subnet_ids = Some([first.clone(), second.clone()]);
    let Ok(Progress::Done(network)) = look(&trial, &spec).await else { panic!("they are right") };
    assert_eq!(network.subnets.map(|subnet| subnet.id), [first.clone(), second.clone()]);

    spec.network.subnet_ids = Some([second, first]);
    assert!(reasons(&trial, &spec).await.contains("is not in zone us-east-1a of VPC"));
    spec.network.subnet_ids = Some(["subnet-00000000", "subnet-00000001"].map(str::to_owned));
    assert!(reasons(&trial, &spec).await.contains("none of network.subnet_ids exists"));
    spec.network.subnet_ids = None;
    spec.network.vpc_id = Some("vpc-00000000".to_owned());
    assert!(reasons(&trial, &spec).await.contains("VPC vpc-00000000 is not in region us-east-1"));
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_with_its_owner_for_every_kind() {
    let trial = Trial::plain().await;
    let network = trial.network().await;
    let (ec2, elb) = (trial.aws.ec2(), trial.aws.load_balancing());
    ec2.create_security_group()
        .group_name("lab1-instances")
        .description("x")
        .vpc_id(&network.vpc_id)
        .send()
        .await
        .unwrap();
    elb.create_target_group()
        .name("target-group-2")
        .protocol("HTTP".into())
        .port(80)
        .vpc_id(&network.vpc_id)
        .tags(elb_tag("lab1-flow:run-id", OTHER_RUN))
        .send()
        .await
        .unwrap();
    let [first, second] = network.subnets.map(|subnet| subnet.id);
    let balancer = elb.create_load_balancer().name("lab1-load-balancer");
    balancer.subnets(first).subnets(second).send().await.unwrap();
    let text = reasons(&trial, &StackSpec::default()).await;
    for reason in [
        "2 of the names exist already, no mark of lab1-flow: \
         security group lab1-instances, load balancer lab1-load-balancer",
        "the target group target-group-2 exists already: run run-other of lab1-flow",
    ] {
        assert!(text.contains(reason), "{text}");
    }
    let other = spec(r#"{"stack": "blue"}"#);
    assert!(matches!(look(&trial, &other).await, Ok(Progress::Done(_))));
}

fn elb_tag(key: &str, value: &str) -> aws_sdk_elasticloadbalancingv2::types::Tag {
    aws_sdk_elasticloadbalancingv2::types::Tag::builder().key(key).value(value).build()
}

#[tokio::test]
async fn another_account_than_the_pinned_one_is_refused() {
    let trial = Trial::plain().await;
    let input = PreflightInput::new(&StackSpec::default(), Some("999999999999".to_owned()));
    let look = PreflightLook::new(&trial.aws);
    let error = look.look(&context(OUR_RUN, "preflight"), &input).await.unwrap_err();
    assert!(error.to_string().contains("and not to 999999999999"), "{error}");
}

#[tokio::test]
async fn a_missing_right_is_a_refusal_and_a_throttled_call_is_not() {
    let trial = Trial::plain().await;
    trial.order("DescribeKeyPairs", WireFault::Refuse(403, "UnauthorizedOperation"));
    assert!(reasons(&trial, &StackSpec::default()).await.contains("UnauthorizedOperation"));
    trial.order("DescribeKeyPairs", WireFault::Refuse(503, "RequestLimitExceeded"));
    fails(look(&trial, &StackSpec::default()).await, FailureClass::Throttled);
    assert!(matches!(look(&trial, &StackSpec::default()).await, Ok(Progress::Done(_))));
}

#[tokio::test]
async fn only_what_was_refused_is_asked_again() {
    let trial = Trial::plain().await;
    let input = PreflightInput::new(&StackSpec::default(), None);
    let (look, ours) = (PreflightLook::new(&trial.aws), context(OUR_RUN, "preflight"));
    trial.take_calls();
    let refused = ["DescribeImages", "DescribeLoadBalancers"];
    for action in refused {
        trial.order(action, WireFault::Refuse(400, "Throttling"));
    }
    fails(look.look(&ours, &input).await, FailureClass::Throttled);
    trial.take_calls();
    assert!(matches!(look.look(&ours, &input).await, Ok(Progress::Done(_))));
    let mut again = trial.take_calls();
    again.sort_unstable();
    assert_eq!(again, refused);
}

fn stack(spec: &StackSpec) -> Stack {
    Stack::new(spec, &Target::local(None))
}

fn verdict(found: &Examination, subject: &str) -> Verdict {
    let check = found.checks.iter().find(|check| check.subject == subject);
    check.unwrap_or_else(|| panic!("{subject} in {found:#?}")).verdict
}

#[tokio::test]
async fn a_plan_asks_no_more_than_a_run_waits_as_a_run_and_is_told_all_of_it() {
    let (trial, spec, profile) =
        (Trial::plain().await, StackSpec::default(), Profile::scaled(1_000.0));
    let found = stack(&spec).examine(&trial.aws, &profile).await.unwrap();
    let calls = trial.take_calls();
    assert!(calls.len() <= 14, "{calls:?}");
    assert!(!found.refuses(), "{found:#?}");
    assert_eq!(found.volume, Some(RootVolume { gib: 8, kind: "gp2".to_owned() }));
    assert_eq!(found.network.unwrap().region, "us-east-1");

    trial.order("DescribeImages", WireFault::Refuse(503, "RequestLimitExceeded"));
    assert!(!stack(&spec).examine(&trial.aws, &profile).await.unwrap().refuses());

    trial.target_group("target-group-1").await;
    let found = stack(&spec).examine(&trial.aws, &profile).await.unwrap();
    assert!(found.refuses());
    let [standing] = &found.standing[..] else { panic!("{found:#?}") };
    assert_eq!(standing.name, "target-group-1");
    assert_eq!(standing.run_id.as_deref(), Some(OUR_RUN));
    assert_eq!(verdict(&found, "image"), Verdict::Ok);
}

#[tokio::test]
async fn a_diagnosis_asks_each_question_once_and_a_failure_hides_no_other_answer() {
    let (trial, spec) = (Trial::plain().await, StackSpec::default());
    let asker = RunId::new("asker").unwrap();
    trial.order("DescribeImages", WireFault::Refuse(403, "UnauthorizedOperation"));
    // Of the two services that have this call, load balancing is asked first.
    trial.order("DescribeAccountLimits", WireFault::Refuse(400, "Throttling"));
    let found = stack(&spec).diagnose(&trial.aws, &spec, &asker).await;
    assert_eq!(verdict(&found, "image"), Verdict::Problem);
    assert_eq!(verdict(&found, "quotas of load balancing"), Verdict::Unknown);
    assert_eq!(verdict(&found, "quota of Auto Scaling groups"), Verdict::Ok);
    assert_eq!(verdict(&found, "key pair"), Verdict::Ok);
    // In this process no answer has a date.
    assert_eq!(verdict(&found, "clock"), Verdict::Unknown);
    let calls = trial.take_calls();
    assert!(calls.iter().all(|call| call.starts_with("Describe") || call.starts_with("Get")));
    assert!(calls.len() <= 26, "{} calls: {calls:?}", calls.len());

    trial.order("GetCallerIdentity", WireFault::LoseReply);
    let found = stack(&spec).diagnose(&trial.aws, &spec, &asker).await;
    assert_ne!(verdict(&found, "account"), Verdict::Ok);
}
