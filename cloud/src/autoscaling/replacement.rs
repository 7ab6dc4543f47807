//! How an unhealthy instance gives way to another: by the maintenance policy of its group.
//!
//! As AWS documents it: without a policy it ends while its successor starts. A policy that keeps all of the
//! wanted number in service, and has room above it, lets the successor come into service first.

use crate::autoscaling::capacity;
use crate::autoscaling::members::retire;
use crate::autoscaling::model::{Group, Lifecycle, Member};
use crate::state::Context;

/// Takes an unhealthy member out, at once or when its successor serves, and lets the group look for the gap.
pub(crate) fn replace(cx: &mut Context<'_>, group: &mut Group, id: &str, cause: &str) {
    if let Some(member) = group.member_mut(id) {
        member.healthy = false;
    }
    // What has ended already cannot serve on.
    let serves = cx.region.instances.get(id).is_some_and(|instance| instance.end.is_none());
    if !serves || group.settings.peak_of_replacement().is_none() {
        retire(cx, group, id, cause);
    }
    group.reason = String::new();
    capacity::evaluate(cx, group);
}

/// Lets those go whose successors have come into service, and the group look on.
pub(crate) fn release(cx: &mut Context<'_>, group: &mut Group) {
    let waiting: Vec<String> = (group.members.iter())
        .filter(|member| member.waits_for_successor())
        .map(|member| member.instance_id.clone())
        .collect();
    let serving = group.members.iter().filter(|member| serves_well(member)).count();
    let wanted = group.settings.desired as usize;
    let superfluous = (serving + waiting.len()).saturating_sub(wanted);
    if superfluous == 0 {
        return;
    }
    for id in waiting.into_iter().take(superfluous) {
        let cause = capacity::at(
            cx,
            "an instance was taken out of service in response to a health check failure.",
        );
        retire(cx, group, &id, &cause);
    }
    capacity::evaluate(cx, group);
}

fn serves_well(member: &Member) -> bool {
    member.healthy && matches!(member.lifecycle, Lifecycle::InService { .. })
}

/// Tells how many instances the group may launch now.
pub(crate) fn room(group: &Group) -> usize {
    let wanted = group.settings.desired as usize;
    let most = group.settings.peak_of_replacement().unwrap_or(wanted).max(wanted);
    most.saturating_sub(group.staying().count())
}
