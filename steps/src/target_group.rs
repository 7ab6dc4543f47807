//! Target groups and their attributes.
//!
//! Made by `CreateTargetGroup`, which answers a repeated request with the group that is there: the mark is
//! read back before the group counts as ours. The attributes are a change of their own, because a crash
//! between the two must not leave a group with the wrong ones. Taken back by `DeleteTargetGroup` once no
//! listener or rule refers to the group any more.

mod attributes;

use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetGroup, TargetGroupIpAddressTypeEnum, TargetTypeEnum,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Consistency, Lane, Limits, Progress, Reconciled,
};
use serde::{Deserialize, Serialize};

pub use attributes::TargetGroupAttributesRef;
pub(crate) use attributes::{
    SetTargetGroupAttributes, TargetGroupAttributesInput, attributes_of,
    differences as attribute_differences,
};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Service};
use crate::ownership::Mark;
use crate::removal::{is_denied, still_there};
use crate::spec::{HealthCheckSpec, StackName};
use crate::tags::{elb_tags, found, judge_found, prove_before_deletion, prove_created};

/// All that a target group is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetGroupInput {
    /// Its name, unique in the account and region.
    pub(crate) name: String,
    /// The VPC of its targets.
    pub(crate) vpc_id: String,
    /// The port of the application on every target.
    pub(crate) port: u16,
    /// When a target counts as healthy.
    pub(crate) health_check: HealthCheckSpec,
}

/// A target group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupRef {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// The limits of what names a target group that was made a moment ago.
///
/// Others have met five minutes until every part of the service knew a new target group; with the longest
/// delay of 20 s that jitter may halve, this many tries last as long.
pub(crate) fn limits_with_young_target_group() -> Limits {
    Limits { tries_max: 36, ..Limits::default() }
}

/// Creates a target group for instances: HTTP, IPv4.
#[derive(Debug, Clone)]
pub(crate) struct CreateTargetGroup {
    aws: Aws,
    stack: StackName,
}

/// These groups as they stand; `None` when one of them is not there: the service then answers for none.
pub(crate) async fn describe(
    aws: &Aws,
    groups: &[&TargetGroupRef],
) -> Result<Option<Vec<TargetGroup>>, ActionError> {
    let arns = groups.iter().map(|group| group.arn.clone()).collect();
    let request = aws.load_balancing().describe_target_groups().set_target_group_arns(Some(arns));
    let subject = groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(" ");
    let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroups", &subject);
    let answer = found(aws.call(call, request.send()).await)?;
    let found = answer.map(|answer| answer.target_groups.unwrap_or_default());
    Ok(found.filter(|found| !found.is_empty()))
}

impl CreateTargetGroup {
    const CALL: &'static str = "CreateTargetGroup";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    async fn find_by_name(&self, name: &str) -> Result<Option<TargetGroup>, ActionError> {
        let request = self.aws.load_balancing().describe_target_groups().names(name);
        let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroups", name);
        let answer = found(self.aws.call(call, request.send()).await)?;
        let mut groups = answer.and_then(|answer| answer.target_groups).unwrap_or_default();
        groups.retain(|group| group.target_group_name() == Some(name));
        Ok(groups.pop())
    }

    /// Asks for the deletion; nothing when the group is not there, which AWS may also call a success.
    async fn delete(&self, group: &TargetGroupRef) -> Result<Option<()>, ActionError> {
        let request = self.aws.load_balancing().delete_target_group().target_group_arn(&group.arn);
        let call = Call::changing(Service::LoadBalancing, "DeleteTargetGroup", &group.name);
        found(self.aws.call(call, request.send()).await.map(drop))
    }
}

impl Action for CreateTargetGroup {
    type Input = TargetGroupInput;
    type Output = TargetGroupRef;

    /// Dies here: the group may stand; it is found again by its name and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &TargetGroupInput,
    ) -> Result<TargetGroupRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let check = &input.health_check;
        let request = self
            .aws
            .load_balancing()
            .create_target_group()
            .name(&input.name)
            .protocol(ProtocolEnum::Http)
            .port(i32::from(input.port))
            .vpc_id(&input.vpc_id)
            .target_type(TargetTypeEnum::Instance)
            .ip_address_type(TargetGroupIpAddressTypeEnum::Ipv4)
            .health_check_protocol(ProtocolEnum::Http)
            .health_check_path(&check.path)
            .health_check_interval_seconds(check.interval_s.cast_signed())
            .health_check_timeout_seconds(check.timeout_s.cast_signed())
            .healthy_threshold_count(check.healthy_threshold.cast_signed())
            .unhealthy_threshold_count(check.unhealthy_threshold.cast_signed())
            .matcher(Matcher::builder().http_code(&check.success_codes).build())
            .set_tags(Some(elb_tags(&mark, &input.name)));
        let call = Call::changing(Service::LoadBalancing, Self::CALL, &input.name);
        let answer = self.aws.call(call, request.send()).await?;
        let arn = answer.target_groups().first().and_then(TargetGroup::target_group_arn);
        let arn = arn.ok_or_else(|| {
            ActionError::ambiguous(format!(
                "the answer to CreateTargetGroup ({}) names no group",
                input.name
            ))
        })?;
        prove_created(&self.aws, &mark, arn).await?;
        Ok(TargetGroupRef { arn: arn.to_owned(), name: input.name.clone() })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &TargetGroupInput,
    ) -> Result<Reconciled<TargetGroupRef>, ActionError> {
        let Some(group) = self.find_by_name(&input.name).await? else {
            return Ok(Reconciled::Absent);
        };
        let arn = group.target_group_arn().unwrap_or_default();
        let thing = Found {
            what: format!("target group {}", input.name),
            differences: differences(input, &group),
            output: TargetGroupRef { arn: arn.to_owned(), name: input.name.clone() },
        };
        judge_found(&self.aws, &Mark::new(context, &self.stack), arn, thing).await
    }

    /// A new target group may stay invisible for minutes, longer than anything else that we make.
    fn consistency(&self) -> Consistency {
        Consistency::Slow
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::LoadBalancing.lane(Self::CALL))
    }
}

impl CreateTargetGroup {
    /// Takes back what this action made; all that it needs is known from the account.
    pub(crate) async fn take_back(
        &self,
        context: &ActionContext,
        group: &TargetGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        let what = format!("target group {}", group.name);
        let mark = Mark::new(context, &self.stack);
        // What is gone has no tags to read: one call tells whether it is there and whose it is.
        if found(prove_before_deletion(&self.aws, &mark, &what, &group.arn).await)?.is_none() {
            return Ok(Progress::Done(()));
        }
        match self.delete(group).await {
            Ok(Some(())) => Ok(still_there(&what, "is being deleted")),
            // Its tags may be told of for longer than the group is there.
            Ok(None) => Ok(Progress::Done(())),
            Err(error) if error.code() == Some("ResourceInUse") => {
                Ok(still_there(&what, "is still in use by a listener or a rule"))
            }
            // A right that depends on tags is denied for what has none, so also for what is gone.
            Err(error) if is_denied(&error) && describe(&self.aws, &[group]).await?.is_none() => {
                Ok(Progress::Done(()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Compensate for CreateTargetGroup {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        _input: &TargetGroupInput,
        group: &TargetGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        self.take_back(context, group).await
    }
}

/// What differs between a group and what was asked for.
pub(crate) fn differences(input: &TargetGroupInput, group: &TargetGroup) -> Vec<Difference> {
    let check = &input.health_check;
    let matcher = group.matcher().and_then(Matcher::http_code);
    let mut comparison = Comparison::default();
    comparison.field("protocol", "HTTP", group.protocol().map(ProtocolEnum::as_str));
    comparison.field("port", i32::from(input.port), group.port());
    comparison.field("VPC", input.vpc_id.as_str(), group.vpc_id());
    comparison.field("target type", "instance", group.target_type().map(TargetTypeEnum::as_str));
    let address_type = group.ip_address_type().map(TargetGroupIpAddressTypeEnum::as_str);
    comparison.field("address type", "ipv4", address_type);
    let protocol = group.health_check_protocol().map(ProtocolEnum::as_str);
    comparison.field("health check protocol", "HTTP", protocol);
    comparison.field("health check path", check.path.as_str(), group.health_check_path());
    comparison.field("health check codes", check.success_codes.as_str(), matcher);
    for (name, wanted, found) in [
        ("health check interval", check.interval_s, group.health_check_interval_seconds()),
        ("health check timeout", check.timeout_s, group.health_check_timeout_seconds()),
        ("healthy threshold", check.healthy_threshold, group.healthy_threshold_count()),
        ("unhealthy threshold", check.unhealthy_threshold, group.unhealthy_threshold_count()),
    ] {
        comparison.field(name, wanted.cast_signed(), found);
    }
    comparison.differences()
}

#[cfg(test)]
mod tests;
