//! Who uses which target group: kept beside the group, brought up to date when a listener changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::route_table::TargetState;
use crate::state::Region;

/// Says that a balancer forwards to a target group, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) balancer_arn: String,
    pub(crate) since_ms: i64,
}

/// Finds the users of all target groups anew, after a listener or a rule came, went or changed.
///
/// Targets of a group that gains a user start their checks from nothing. Targets that were draining
/// are done when the last user goes: there is nobody left to wait for.
pub(crate) fn refresh(region: &mut Region, now_ms: i64) {
    let mut users: BTreeMap<String, String> = BTreeMap::new();
    for listener in region.listeners.live() {
        for (group, _) in listener.action.target_groups() {
            users.insert(group.clone(), listener.balancer_arn.clone());
        }
    }
    for rule in region.rules.live() {
        if let Some(listener) = region.listeners.live_get(&rule.listener_arn) {
            for (group, _) in rule.action.target_groups() {
                users.insert(group.clone(), listener.balancer_arn.clone());
            }
        }
    }
    for group in region.target_groups.live_all_mut() {
        let user = users.remove(&group.arn);
        if group.used_by.as_ref().map(|user| &user.balancer_arn) == user.as_ref() {
            continue;
        }
        group.used_by = user.map(|balancer_arn| Use { balancer_arn, since_ms: now_ms });
        if group.used_by.is_none() {
            group.targets.retain(|target| target.drained_ms.is_none());
        }
        for target in &mut group.targets {
            target.health = TargetState::Initial;
            target.since_ms = now_ms;
        }
    }
}
