//! The last proof: every instance has answered over HTTP, through the load balancer, on its own path.
//!
//! A balancer whose targets are all unhealthy sends them traffic all the same, and a rule may lead to the
//! wrong group; so neither healthy targets nor one good answer are enough.

mod visit;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{TargetHealth, TargetHealthStateEnum};
use lab1_flow_workflow::{ActionContext, ActionError, Limits, Look, Progress, Wait};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::healthy_targets::target_health;
use crate::probe::Trouble;
use crate::target_group::TargetGroupRef;
use visit::ROUNDS_MAX;
pub(crate) use visit::{Visit, authority, greet, short_of, visit};

/// The address of a new balancer takes up to three minutes to be known everywhere.
const WAITED_MAX: Duration = Duration::from_mins(10);

/// Who must answer, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweringInstancesInput {
    /// The balancer's public address.
    pub(crate) dns_name: String,
    /// The port of its listener.
    pub(crate) port: u16,
    /// The groups, in their order.
    pub(crate) groups: Vec<AnsweringGroup>,
}

/// One group of instances behind its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweringGroup {
    /// The path of its rule.
    pub(crate) path: String,
    /// The target group behind it.
    pub(crate) target_group: TargetGroupRef,
    /// The instances that were healthy.
    pub(crate) instance_ids: BTreeSet<String>,
    /// How many instances there must be at least, should these have been replaced meanwhile.
    pub(crate) desired: u32,
}

/// The stack answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweringInstances {
    /// Where: `http://...`, without a path.
    pub url: String,
    /// How many instances have answered.
    pub answered: u32,
}

/// Waits until every instance has answered over HTTP through the load balancer.
#[derive(Debug, Clone)]
pub(crate) struct InstancesAnswer {
    aws: Aws,
}

impl InstancesAnswer {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone() }
    }

    /// Whether the instances that are healthy now have all answered: those of the input may have been
    /// replaced since. An answer from an instance of no such group shows that the path leads astray.
    async fn suffices(&self, group: &AnsweringGroup, visit: &Visit) -> Result<bool, ActionError> {
        let answered = visit.instances();
        if answered == group.instance_ids {
            return Ok(true);
        }
        let enough = usize::try_from(group.desired).unwrap_or(usize::MAX);
        if answered.len() < enough {
            return Ok(false);
        }
        let healthy: BTreeSet<String> = target_health(&self.aws, &group.target_group)
            .await?
            .iter()
            .filter(|one| {
                one.target_health().and_then(TargetHealth::state)
                    == Some(&TargetHealthStateEnum::Healthy)
            })
            .filter_map(|one| one.target()?.id().map(str::to_owned))
            .collect();
        let known = |id: &String| healthy.contains(id) || group.instance_ids.contains(id);
        Ok(healthy.len() >= enough && answered.is_superset(&healthy) && answered.iter().all(known))
    }
}

impl Look for InstancesAnswer {
    type Input = AnsweringInstancesInput;
    type Output = AnsweringInstances;

    async fn look(
        &self,
        _context: &ActionContext,
        input: &AnsweringInstancesInput,
    ) -> Result<Progress<AnsweringInstances>, ActionError> {
        let probe = self.aws.probe();
        let authority = authority(&input.dns_name, input.port);
        match greet(probe, &authority).await {
            Ok(()) => {}
            Err(Trouble::OfTheStack(words)) => return Ok(waiting(words)),
            Err(Trouble::OfThisMachine(words)) => return Err(short_of(&words)),
        }
        let visits = input
            .groups
            .iter()
            .map(|group| visit(probe, &authority, &group.path, &group.instance_ids, ROUNDS_MAX));
        let visits = futures_util::future::join_all(visits).await;
        let mut all_answer = true;
        for (group, visit) in input.groups.iter().zip(&visits) {
            all_answer = all_answer && self.suffices(group, visit).await?;
        }
        if !all_answer {
            if let Some(words) = visits.iter().find_map(|visit| visit.shortage.as_deref()) {
                return Err(short_of(words));
            }
            return Ok(waiting(summary(&input.groups, &visits)));
        }
        let answered: usize = visits.iter().map(|visit| visit.answered.len()).sum();
        let answered = u32::try_from(answered).unwrap_or(u32::MAX);
        Ok(Progress::Done(AnsweringInstances { url: format!("http://{authority}"), answered }))
    }

    fn limits(&self) -> Limits {
        Limits::waiting_at_most(WAITED_MAX)
    }
}

fn waiting(reason: String) -> Progress<AnsweringInstances> {
    Progress::Waiting(Wait::new(reason))
}

/// One line for people: `instances answered 7/9; /cluster2 answers 503`.
fn summary(groups: &[AnsweringGroup], visits: &[Visit]) -> String {
    let expected: usize = groups.iter().map(|group| group.instance_ids.len()).sum();
    let answered: usize = groups
        .iter()
        .zip(visits)
        .map(|(group, visit)| group.instance_ids.intersection(&visit.instances()).count())
        .sum();
    let mut parts = vec![format!("instances answered {answered}/{expected}")];
    for (group, visit) in groups.iter().zip(visits) {
        parts.extend(visit.troubles.keys().cloned());
        let others: Vec<String> =
            visit.instances().difference(&group.instance_ids).cloned().collect();
        if !others.is_empty() {
            parts.push(format!("{} is answered by {} as well", group.path, others.join(", ")));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests;
