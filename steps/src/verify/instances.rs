//! The instances of the groups: in service, replaced, or strange.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState};
use aws_sdk_ec2::types::{Instance, InstanceState, InstanceStateName};

use super::judge::{group_named, others_found};
use super::records::{Made, Records};
use super::sight::Sight;
use crate::adoption::Difference;
use crate::auto_scaling_group::{AutoScalingGroupInput, AutoScalingGroupRef, ids_of};
use crate::ec2::pairs;
use crate::ownership::ACTION_TAG;

/// The members of a group that are in service and run.
pub(super) fn serving_instances(sight: &Sight, group: &str) -> BTreeSet<String> {
    let members = group_named(sight, group).map(AutoScalingGroup::instances).unwrap_or_default();
    let in_service =
        members.iter().filter(|one| one.lifecycle_state() == Some(&LifecycleState::InService));
    let running = |id: &&str| {
        instance(sight, id).is_none_or(|one| state_of(one) == Some(&InstanceStateName::Running))
    };
    in_service.filter_map(|one| one.instance_id()).filter(running).map(str::to_owned).collect()
}

/// A group that has not as many instances in service as it is to have.
pub(super) fn in_service(
    desired: u32,
    sight: &Sight,
    group: &AutoScalingGroup,
) -> Option<Difference> {
    let name = group.auto_scaling_group_name().unwrap_or_default();
    let serving = serving_instances(sight, name);
    if u32::try_from(serving.len()) == Ok(desired) {
        return None;
    }
    let others = group.instances().iter().filter_map(|member| {
        let id = member.instance_id().filter(|id| !serving.contains(*id))?;
        let lifecycle = member.lifecycle_state().map_or("unknown", LifecycleState::as_str);
        let ended = instance(sight, id)
            .and_then(state_of)
            .filter(|state| **state != InstanceStateName::Running);
        Some(format!("{id} {}", ended.map_or(lifecycle, InstanceStateName::as_str)))
    });
    let others: Vec<String> = others.collect();
    let others =
        if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    let found = format!("{}{others}", serving.len());
    Some(Difference::new("instances in service", desired.to_string(), found))
}

/// Members that the group did not start, and what it started and is no member any more.
pub(super) fn strange_instances(
    sight: &Sight,
    made: &Made<AutoScalingGroupInput, AutoScalingGroupRef>,
    group: &AutoScalingGroup,
) -> Vec<Difference> {
    let members: BTreeSet<&str> = ids_of(group.instances()).collect();
    // A terminating instance may have lost its tags and is ignored.
    let started = |id: &&str| {
        instance(sight, id)
            .is_some_and(|one| !is_alive(one) || made.mark.is_of_run(pairs(one.tags())))
    };
    let young = |id: &str| {
        let mut members = group.instances().iter();
        members.any(|one| {
            one.instance_id() == Some(id) && one.lifecycle_state() == Some(&LifecycleState::Pending)
        })
    };
    let foreign = members.iter().filter(|id| !started(id) && !young(id));
    let foreign = others_found("foreign instances", foreign.map(|id| (*id).to_owned()));
    let outside = sight.instances.iter().filter(|one| {
        let of_action = pairs(one.tags()).any(|tag| tag == (ACTION_TAG, made.action.as_str()));
        of_action && is_alive(one) && one.instance_id().is_some_and(|id| !members.contains(id))
    });
    let outside = outside.filter_map(Instance::instance_id).map(str::to_owned);
    let outside = others_found("instances outside of the group", outside);
    foreign.into_iter().chain(outside).collect()
}

fn instance<'a>(sight: &'a Sight, id: &str) -> Option<&'a Instance> {
    sight.instances.iter().find(|one| one.instance_id() == Some(id))
}

fn state_of(instance: &Instance) -> Option<&InstanceStateName> {
    instance.state().and_then(InstanceState::name)
}

fn is_alive(instance: &Instance) -> bool {
    use InstanceStateName::{ShuttingDown, Terminated};
    !matches!(state_of(instance), Some(ShuttingDown | Terminated))
}

/// Instances that their groups have replaced since the deployment: no difference, the groups are to do so.
pub(super) fn replaced(records: &Records, sight: &Sight) -> Vec<String> {
    let healthy = records.healthy.iter().flat_map(|healthy| &healthy.instance_ids);
    let notes = records.groups.iter().zip(healthy).filter_map(|(made, before)| {
        let now = serving_instances(sight, &made.output.name);
        let new = listed(now.difference(before));
        let lost = listed(before.difference(&now));
        (!new.is_empty()).then(|| {
            format!("{} has replaced {lost} by {new} since the deployment", made.output.name)
        })
    });
    notes.collect()
}

fn listed<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(String::as_str).collect::<Vec<_>>().join(", ")
}
