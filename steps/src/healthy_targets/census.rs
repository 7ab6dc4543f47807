//! One group and its targets, counted at one moment.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState};
use aws_sdk_elasticloadbalancingv2::types::{
    TargetHealth, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
};

use super::ExpectedTargets;
use crate::activities::FailedLaunch;

/// What one look saw of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) group: String,
    desired: usize,
    /// How many instances the group has, in whatever state.
    instances: usize,
    in_service: BTreeSet<String>,
    healthy: BTreeSet<String>,
    /// How many targets are in another state: `initial`, or `unhealthy (Target.Timeout)`.
    others: BTreeMap<String, usize>,
    /// Why the newest failed launch failed, when another may succeed.
    trouble: Option<String>,
}

impl Census {
    pub(super) fn take(
        expected: &ExpectedTargets,
        group: &AutoScalingGroup,
        health: &[TargetHealthDescription],
        failures: &[FailedLaunch],
    ) -> Self {
        let in_service = group
            .instances()
            .iter()
            .filter(|one| one.lifecycle_state() == Some(&LifecycleState::InService))
            .filter_map(|one| one.instance_id().map(str::to_owned))
            .collect();
        let mut healthy = BTreeSet::new();
        let mut others = BTreeMap::new();
        for description in health {
            let health = description.target_health();
            match health.and_then(TargetHealth::state) {
                Some(TargetHealthStateEnum::Healthy) => {
                    healthy
                        .extend(description.target().and_then(|one| one.id()).map(str::to_owned));
                }
                state => *others.entry(state_text(state, health)).or_default() += 1,
            }
        }
        Self {
            group: expected.group.name.clone(),
            desired: usize::try_from(expected.desired).unwrap_or(usize::MAX),
            instances: group.instances().len(),
            in_service,
            healthy,
            others,
            trouble: failures.first().map(FailedLaunch::words),
        }
    }

    /// Whether all instances are in service, healthy behind the balancer or not.
    pub(super) fn is_in_service(&self) -> bool {
        self.in_service.len() >= self.desired
    }

    /// Whether all instances have been started.
    fn is_complete(&self) -> bool {
        self.instances >= self.desired
    }

    /// Whether the healthy targets are exactly the instances in service, and enough.
    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.len() >= self.desired && self.healthy == self.in_service
    }

    pub(super) fn into_healthy_ids(self) -> BTreeSet<String> {
        self.healthy
    }

    /// How many of the desired instances are there and healthy.
    fn healthy_count(&self) -> usize {
        self.healthy.intersection(&self.in_service).count().min(self.desired)
    }

    /// What else is to say about this group.
    fn notes(&self) -> impl Iterator<Item = String> {
        let missing = (!self.is_complete()).then(|| {
            format!("{} has {} of {} instances", self.group, self.instances, self.desired)
        });
        let trouble = self
            .trouble
            .as_ref()
            .map(|trouble| format!("a launch of {} failed: {trouble}", self.group));
        let strays: Vec<&str> =
            self.healthy.difference(&self.in_service).map(String::as_str).collect();
        let strays = (!strays.is_empty()).then(|| {
            format!("healthy but not in service in {}: {}", self.group, strays.join(", "))
        });
        [missing, trouble, strays].into_iter().flatten()
    }
}

/// One line for people: `targets healthy 6/9, 3 initial`.
pub(super) fn summary(censuses: &[Census]) -> String {
    let healthy: usize = censuses.iter().map(Census::healthy_count).sum();
    let desired: usize = censuses.iter().map(|census| census.desired).sum();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for (state, count) in censuses.iter().flat_map(|census| &census.others) {
        *others.entry(state).or_default() += count;
    }
    let others = others.into_iter().map(|(state, count)| format!("{count} {state}"));
    let counts: Vec<String> =
        [format!("targets healthy {healthy}/{desired}")].into_iter().chain(others).collect();
    let notes = censuses.iter().flat_map(Census::notes);
    [counts.join(", ")].into_iter().chain(notes).collect::<Vec<_>>().join("; ")
}

/// A state, with its reason where the reason tells what is wrong.
fn state_text(state: Option<&TargetHealthStateEnum>, health: Option<&TargetHealth>) -> String {
    let text = state.map_or("unknown", TargetHealthStateEnum::as_str);
    let reason = health.and_then(TargetHealth::reason).map(TargetHealthReasonEnum::as_str);
    match (state, reason) {
        (Some(TargetHealthStateEnum::Unhealthy | TargetHealthStateEnum::Unused), Some(reason)) => {
            format!("{text} ({reason})")
        }
        _ => text.to_owned(),
    }
}
