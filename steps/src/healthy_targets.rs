//! The wait for every instance to be a healthy target.
//!
//! It is over when, for each group, the healthy targets are exactly the instances in service, and as many as
//! are desired. It fails at once when the group says that its launches can never work.

mod census;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;
use futures_util::future::try_join_all;
use lab1_flow_workflow::{ActionContext, ActionError, Limits, Look, Progress, Wait};
use serde::{Deserialize, Serialize};

use crate::activities::{FailedLaunch, Outlook, failed_launches};
use crate::auto_scaling_group::{AutoScalingGroupRef, groups_named};
use crate::connection::{Aws, Call, Service};
use crate::target_group::{TargetGroupRef, limits_with_young_target_group};
use census::{Census, summary};

/// While instances boot there is little to see; when all are there, the end may come any moment.
const LOOK_AGAIN_LAUNCHING: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Launch, boot, user data and checks take seven minutes, at the 95th percentile twelve.
const WAITED_MAX: Duration = Duration::from_mins(30);

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthyTargetsInput {
    /// The groups, in their order.
    pub(crate) groups: Vec<ExpectedTargets>,
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
}

impl TargetsHealthy {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone() }
    }

    /// The failed launches of a group that has fewer instances than it should.
    async fn failures(
        &self,
        census: &Census,
        group: &AutoScalingGroup,
    ) -> Result<Vec<FailedLaunch>, ActionError> {
        if census.is_complete() {
            return Ok(Vec::new());
        }
        failed_launches(&self.aws, &census.group, group.created_time().copied()).await
    }
}

impl Look for TargetsHealthy {
    type Input = HealthyTargetsInput;
    type Output = HealthyTargets;

    async fn look(
        &self,
        _context: &ActionContext,
        input: &HealthyTargetsInput,
    ) -> Result<Progress<HealthyTargets>, ActionError> {
        let names: Vec<&str> =
            input.groups.iter().map(|expected| expected.group.name.as_str()).collect();
        let healths = try_join_all(
            input.groups.iter().map(|expected| target_health(&self.aws, &expected.target_group)),
        );
        let (groups, healths) =
            futures_util::future::try_join(groups_named(&self.aws, &names), healths).await?;

        let mut censuses = Vec::new();
        for (expected, health) in input.groups.iter().zip(&healths) {
            let group = living_group(&groups, &expected.group.name)?;
            let mut census = Census::take(expected, group, health);
            let failures = self.failures(&census, group).await?;
            refuse_hopeless(&census.group, &failures)?;
            census.note_failures(&failures);
            censuses.push(census);
        }
        if censuses.iter().all(Census::is_healthy) {
            let instance_ids = censuses.into_iter().map(Census::into_healthy_ids).collect();
            return Ok(Progress::Done(HealthyTargets { instance_ids }));
        }
        let launching = censuses.iter().any(|census| !census.is_complete());
        let look_again = if launching { LOOK_AGAIN_LAUNCHING } else { LOOK_AGAIN };
        Ok(Progress::Waiting(Wait::new(summary(&censuses)).check_after(look_again)))
    }

    fn limits(&self) -> Limits {
        Limits { waited_max: WAITED_MAX, ..limits_with_young_target_group() }
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

fn living_group<'a>(
    groups: &'a [AutoScalingGroup],
    name: &str,
) -> Result<&'a AutoScalingGroup, ActionError> {
    let group = groups.iter().find(|group| group.auto_scaling_group_name() == Some(name));
    let group = group
        .ok_or_else(|| ActionError::transient(format!("group {name} was made and is not there")))?;
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
