//! Whose the things are that a change names, as the provider itself knows it. A client that takes a wrong answer
//! for a proof, or asks for none, shows here.

use lab1_flow_cloud::{Cloud, ResourceView};
use lab1_flow_workflow::journal::RunId;

/// The things of others that this change would delete, alter or build on. What a fresh account holds is everybody's.
pub(super) fn changed_by(cloud: &Cloud, run: &RunId, action: &str, form: &[u8]) -> Vec<String> {
    let pairs: Vec<_> = form_urlencoded::parse(form).collect();
    if ["Describe", "Get"].iter().any(|verb| action.starts_with(verb))
        || pairs.contains(&("DryRun".into(), "true".into()))
        || !pairs.iter().any(|(key, value)| is_group_name(key) || is_id(value))
    {
        return Vec::new();
    }
    let is_named = |thing: &&ResourceView| {
        pairs.iter().any(|(key, value)| {
            *value == thing.id
                || (action != "CreateAutoScalingGroup"
                    && thing.kind == "auto-scaling-group"
                    && is_group_name(key)
                    && *value == thing.name)
        })
    };
    let account = cloud.account();
    let owner = |thing: &ResourceView| thing.tags.get("lab1-flow:run-id").cloned();
    account
        .made()
        .filter(is_named)
        .filter(|thing| owner(thing).as_deref() != Some(run.as_str()))
        .map(|thing| format!("{} {} {} of {:?}", thing.kind, thing.name, thing.id, owner(thing)))
        .collect()
}

fn is_group_name(key: &str) -> bool {
    key == "AutoScalingGroupName"
}

fn is_id(value: &str) -> bool {
    ["sg-", "lt-", "i-", "arn:"].iter().any(|prefix| value.starts_with(prefix))
}
