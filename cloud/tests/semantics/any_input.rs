//! Whatever comes in: an answer goes out.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use lab1_flow_cloud::modelled_actions;
use proptest::prelude::*;

use crate::stack::Stack;
use crate::support::Caller;

const VERSIONS: [(&str, &str); 4] = [
    ("ec2", "2016-11-15"),
    ("elasticloadbalancing", "2015-12-01"),
    ("autoscaling", "2011-01-01"),
    ("sts", "2011-06-15"),
];

/// Names that the handlers read, and some that they do not.
const NAMES: [&str; 30] = [
    "GroupId",
    "GroupName",
    "VpcId",
    "Filter.1.Name",
    "Filter.1.Value.1",
    "MaxResults",
    "NextToken",
    "InstanceId.1",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "LaunchTemplateData.UserData",
    "IpPermissions.1.IpProtocol",
    "IpPermissions.1.IpRanges.1.CidrIp",
    "Tag.1.Key",
    "ResourceId.1",
    "TargetGroupArn",
    "LoadBalancerArn",
    "ListenerArn",
    "RuleArn",
    "Name",
    "Names.member.1",
    "Port",
    "Priority",
    "Conditions.member.1.Field",
    "DefaultActions.member.1.Type",
    "MinSize",
    "AutoScalingGroupName",
    "DesiredCapacity",
    "Tags.member.99999999999999999999.Key",
    "..",
];

fn form(stack: &Stack) -> impl Strategy<Value = String> + use<> {
    let values = vec![
        stack.instance_group.clone(),
        stack.balancer.clone(),
        stack.listener.clone(),
        stack.rules[0].clone(),
        stack.target_groups[0].clone(),
        stack.templates[0].clone(),
        "group1".to_owned(),
        "-1".to_owned(),
        "0".to_owned(),
        "99999999999999999999".to_owned(),
        "true".to_owned(),
        "tcp".to_owned(),
        "forward".to_owned(),
        "0.0.0.0/0".to_owned(),
        "::/129".to_owned(),
        String::new(),
    ];
    let value = prop_oneof![proptest::sample::select(values), ".{0,12}"];
    let pair = (proptest::sample::select(NAMES.to_vec()), value);
    proptest::collection::vec(pair, 0..6).prop_map(|pairs| {
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        serializer.extend_pairs(pairs).finish()
    })
}

/// Every action with any parameters: an answer that is well-formed, with a documented status, and never
/// a panic. A refused call leaves the account as it was.
#[test]
fn any_form_gets_an_answer_and_a_refusal_changes_nothing() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let kept = caller.cloud.snapshot();
    let actions: Vec<_> = modelled_actions().collect();
    let statuses = std::cell::RefCell::new(BTreeSet::new());
    let action = proptest::sample::select(actions);
    let config = ProptestConfig::with_cases(500);
    proptest!(config, |((service, action) in action, form in form(&stack))| {
        let version = VERSIONS.iter().find(|(name, _)| *name == service).map(|(_, it)| *it).unwrap();
        let body = format!("Action={action}&Version={version}&{form}");
        let before = caller.cloud.account();
        let reply = caller.send(Request::post("/").body(Bytes::from(body)).unwrap());
        prop_assert!([200, 400].contains(&reply.status), "{}", reply.body);
        if reply.status != 200 {
            prop_assert_eq!(caller.cloud.account(), before);
        }
        statuses.borrow_mut().insert(reply.status);
        caller.cloud.restore(&kept);
    });
    assert_eq!(statuses.into_inner().len(), 2, "some succeed and some are refused");
}

proptest! {
    #[test]
    fn any_body_gets_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let caller = Caller::plain();
        let reply = caller.send(Request::post("/").body(Bytes::from(body)).unwrap());
        prop_assert_eq!(reply.status, 400);
    }
}
