//! The wait for every instance to be a healthy target.
//!
//! It is over when, for each group, the healthy targets are exactly the instances in service, and as many as
//! are desired. It fails at once when the group says that its launches can never work.

mod census;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;
use futures_util::FutureExt;
use lab1_flow_workflow::{ActionContext, ActionError, Limits, Look, Progress, Wait};
use serde::{Deserialize, Serialize};

use crate::activities::{FailedLaunch, Outlook, failed_launches};
use crate::auto_scaling_group::{AutoScalingGroupRef, groups_watched, impostor};
use crate::connection::{Aws, Call, Service};
use crate::memory::{Known, Memory, all_known};
use crate::spec::HealthCheckSpec;
use crate::target_group::{TargetGroupRef, limits_with_young_target_group};
use census::{Census, summary};

/// Before all instances are in service no look can be the last one; from then on the engine decides how often.
const LOOK_AGAIN_LAUNCHING: Duration = Duration::from_secs(10);

/// Launch, boot and user data take seven minutes, at the 95th percentile twelve.
const BOOTED_MAX: Duration = Duration::from_mins(30);

/// How long every target may take to become healthy: its boot, and then the good checks in a row that the
/// configuration asks for. The first of them comes up to an interval after the boot, and its answer up to a
/// time-out later.
pub(crate) fn patience_with(check: &HealthCheckSpec) -> Duration {
    let checks = check.interval_s.saturating_mul(check.healthy_threshold.saturating_add(1));
    BOOTED_MAX + Duration::from_secs(checks.saturating_add(check.timeout_s).into())
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthyTargetsInput {
    /// The groups, in their order.
    pub(crate) groups: [ExpectedTargets; 2],
}

/// One group of instances and where they must become healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExpectedTargets {
    /// The group.
    pub(crate) group: AutoScalingGroupRef,
    /// The target group that its instances join.
    pub(crate) target_group: TargetGroupRef,
    /// How many there must be at least.
    pub(crate) desired: u32,
}

/// The groups as they were when all was healthy, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthyTargets {
    /// The ids of the healthy instances of each group.
    pub instance_ids: Vec<BTreeSet<String>>,
}

/// Waits until every target is healthy.
#[derive(Debug, Clone)]
pub(crate) struct TargetsHealthy {
    aws: Aws,
    patience: Duration,
    memory: Memory<Answers>,
}

/// What one look has been told so far.
#[derive(Debug, Default)]
struct Answers {
    groups: Known<Vec<AutoScalingGroup>>,
    healths: [Known<Vec<TargetHealthDescription>>; 2],
    failures: [Known<Vec<FailedLaunch>>; 2],
}

impl TargetsHealthy {
    /// A wait of at most `patience`, or of the usual one for a run that was stored without it.
    pub(crate) fn new(aws: &Aws, patience: Option<Duration>) -> Self {
        let patience = patience.unwrap_or(BOOTED_MAX);
        Self { aws: aws.clone(), patience, memory: Memory::default() }
    }

    /// Asks for all that one look needs. Failed launches are asked for while instances are missing.
    async fn ask(
        &self,
        known: &Answers,
        input: &HealthyTargetsInput,
    ) -> Result<Vec<Sight>, ActionError> {
        let [first, second] = &input.groups;
        let names = [first.group.name.as_str(), second.group.name.as_str()];
        let healths = [first, second]
            .map(|expected| target_health(&self.aws, &expected.target_group).boxed());
        let (groups, healths) = tokio::join!(
            known.groups.or_ask(groups_watched(&self.aws, &names)),
            all_known(&known.healths, healths),
        );
        let (groups, mut sights) = (groups?, Vec::new());
        for ((expected, health), known) in input.groups.iter().zip(healths?).zip(&known.failures) {
            let group = groups.iter().find(|one| expected.group.is(one));
            let failures = match group.filter(|group| lacks_instances(expected, group)) {
                Some(group) => {
                    let created = group.created_time().copied();
                    known.or_ask(failed_launches(&self.aws, &expected.group, created)).await?
                }
                None => Vec::new(),
            };
            let impostor = impostor(&expected.group, &groups);
            sights.push(Sight { group: group.cloned(), impostor, health, failures });
        }
        Ok(sights)
    }
}

/// What one look was told of a group.
#[derive(Debug)]
struct Sight {
    group: Option<AutoScalingGroup>,
    /// Another group that uses its name, for people.
    impostor: Option<String>,
    health: Vec<TargetHealthDescription>,
    failures: Vec<FailedLaunch>,
}

fn lacks_instances(expected: &ExpectedTargets, group: &AutoScalingGroup) -> bool {
    u32::try_from(group.instances().len()).is_ok_and(|count| count < expected.desired)
}

/// Counts a group, unless it can never become healthy.
fn count(expected: &ExpectedTargets, sight: &Sight) -> Result<Census, ActionError> {
    let name = &expected.group.name;
    let group = living_group(sight, name)?;
    refuse_hopeless(name, &sight.failures)?;
    Ok(Census::take(expected, group, &sight.health, &sight.failures))
}

impl Look for TargetsHealthy {
    type Input = HealthyTargetsInput;
    type Output = HealthyTargets;

    async fn look(
        &self,
        context: &ActionContext,
        input: &HealthyTargetsInput,
    ) -> Result<Progress<HealthyTargets>, ActionError> {
        let sights = self.ask(&self.memory.of(context.run()), input).await?;
        self.memory.forget(context.run());
        let censuses: Vec<Census> = input
            .groups
            .iter()
            .zip(&sights)
            .map(|(expected, sight)| count(expected, sight))
            .collect::<Result<_, _>>()?;
        if censuses.iter().all(Census::is_healthy) {
            let instance_ids = censuses.into_iter().map(Census::into_healthy_ids).collect();
            return Ok(Progress::Done(HealthyTargets { instance_ids }));
        }
        let wait = Wait::new(summary(&censuses));
        let is_launching = censuses.iter().any(|census| !census.is_in_service());
        Ok(Progress::Waiting(if is_launching {
            wait.check_after(LOOK_AGAIN_LAUNCHING)
        } else {
            wait
        }))
    }

    fn limits(&self) -> Limits {
        Limits { waited_max: self.patience, ..limits_with_young_target_group() }
    }
}

/// The health of all targets of a group.
pub(crate) async fn target_health(
    aws: &Aws,
    group: &TargetGroupRef,
) -> Result<Vec<TargetHealthDescription>, ActionError> {
    let request = aws.load_balancing().describe_target_health().target_group_arn(&group.arn);
    let call = Call::reading(Service::LoadBalancing, "DescribeTargetHealth", &group.name);
    let answer = aws.call(call, request.send()).await?;
    Ok(answer.target_health_descriptions.unwrap_or_default())
}

fn living_group<'a>(sight: &'a Sight, name: &str) -> Result<&'a AutoScalingGroup, ActionError> {
    let group = sight.group.as_ref().ok_or_else(|| {
        // Transient also when another group uses the name: a read may be served from an old copy.
        let other = sight.impostor.as_ref().map_or_else(String::new, |it| format!("; {it}"));
        ActionError::transient(format!(
            "the Auto Scaling group {name} was made by this run, and is not seen now{other}"
        ))
        .with_advice("if it was deleted: roll back and run again")
    })?;
    match group.status() {
        None => Ok(group),
        Some(status) => Err(ActionError::permanent(format!(
            "group {name} is being removed by someone else: {status}"
        ))
        .with_advice("roll back and run again")),
    }
}

fn refuse_hopeless(group: &str, failures: &[FailedLaunch]) -> Result<(), ActionError> {
    let Some(failure) = failures.iter().find(|one| one.outlook == Outlook::Hopeless) else {
        return Ok(());
    };
    let message = format!("group {group} cannot start its instances: {}", failure.message);
    let error = ActionError::permanent(message);
    Err(match failure.advice {
        Some(advice) => error.with_advice(advice),
        None => error,
    })
}

#[cfg(test)]
mod tests;
