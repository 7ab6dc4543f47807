//! Forward actions: where a listener or a rule sends its requests.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupTuple,
};
use serde::{Deserialize, Serialize};

/// One target group and its share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WeightedTargetGroup {
    /// The group's ARN.
    pub(crate) target_group_arn: String,
    /// Its share among the groups of the same action, 0 to 999.
    pub(crate) weight: u32,
}

/// Forwards to several groups by weight.
pub(crate) fn forward_weighted(groups: &[WeightedTargetGroup]) -> Action {
    let tuple = |group: &WeightedTargetGroup| {
        TargetGroupTuple::builder()
            .target_group_arn(&group.target_group_arn)
            .weight(group.weight.cast_signed())
            .build()
    };
    let tuples = groups.iter().map(tuple).collect();
    let config = ForwardActionConfig::builder().set_target_groups(Some(tuples)).build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build()
}

/// Forwards everything to one group.
pub(crate) fn forward_to(target_group_arn: &str) -> Action {
    Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(target_group_arn).build()
}

/// Says in one line what actions do, so that two spellings of the same thing are equal.
///
/// The service fills both ways to name a single group, and lists groups in any order.
pub(crate) fn describe_actions(actions: &[Action]) -> String {
    let texts: Vec<String> = actions.iter().map(describe_action).collect();
    if texts.is_empty() { "no action".to_owned() } else { texts.join(", then ") }
}

fn describe_action(action: &Action) -> String {
    let kind = action.r#type().map_or("unknown", ActionTypeEnum::as_str);
    if kind != ActionTypeEnum::Forward.as_str() {
        return kind.to_owned();
    }
    let tuples = action.forward_config().map(ForwardActionConfig::target_groups);
    let weights: BTreeMap<&str, i32> = tuples
        .unwrap_or_default()
        .iter()
        .map(|tuple| (tuple.target_group_arn().unwrap_or_default(), tuple.weight().unwrap_or(1)))
        .collect();
    // With one group its weight means nothing.
    let groups: Vec<String> = match (weights.len(), action.target_group_arn()) {
        (0, None) => vec!["nothing".to_owned()],
        (0, Some(only)) => vec![only.to_owned()],
        (1, _) => weights.keys().map(|&only| only.to_owned()).collect(),
        _ => weights.iter().map(|(arn, weight)| format!("{arn} with weight {weight}")).collect(),
    };
    format!("forward to {}", groups.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted(arn: &str, weight: u32) -> WeightedTargetGroup {
        WeightedTargetGroup { target_group_arn: arn.to_owned(), weight }
    }

    #[test]
    fn one_group_named_in_either_way_or_in_both_is_the_same() {
        let plain = forward_to("a");
        let config = forward_weighted(&[weighted("a", 7)]);
        let mut both = config.clone();
        both.target_group_arn = Some("a".to_owned());
        for action in [config, both] {
            assert_eq!(describe_actions(&[action]), describe_actions(std::slice::from_ref(&plain)));
        }
    }

    #[test]
    fn the_order_of_groups_does_not_count_and_their_weights_do() {
        let (a, b) = (weighted("a", 1), weighted("b", 1));
        let one_way = describe_actions(&[forward_weighted(&[a.clone(), b.clone()])]);
        assert_eq!(one_way, describe_actions(&[forward_weighted(&[b, a.clone()])]));
        assert_ne!(one_way, describe_actions(&[forward_weighted(&[a, weighted("b", 2)])]));
    }

    #[test]
    fn other_kinds_of_action_are_told_apart() {
        let fixed = Action::builder().r#type(ActionTypeEnum::FixedResponse).build();
        assert_eq!(describe_actions(&[fixed]), "fixed-response");
        assert_eq!(describe_actions(&[]), "no action");
    }
}
