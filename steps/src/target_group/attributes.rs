//! The attributes of a target group: how long a target that leaves may finish its requests.

use aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute;
use lab1_flow_workflow::{Action, ActionContext, ActionError, Lane, Limits, Reconciled};
use serde::{Deserialize, Serialize};

use super::{TargetGroupRef, limits_with_young_target_group};
use crate::adoption::{Comparison, Difference};
use crate::connection::{Aws, Call, Service};
use crate::tags::found;

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// What a target group is told after its creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetGroupAttributesInput {
    /// The group. Its mark was read when it was made, so that this changes no stranger's.
    pub(crate) target_group: TargetGroupRef,
    /// How long a target that is taken out may finish its requests, in seconds.
    pub(crate) deregistration_delay_s: u32,
}

/// The attributes of a target group, known to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupAttributesRef {
    /// The group's ARN.
    pub target_group_arn: String,
}

/// Sets the attributes of a target group. They go with it.
///
/// The change says the same however often it is made, so a doubt costs nothing but the look.
#[derive(Debug, Clone)]
pub(crate) struct SetTargetGroupAttributes {
    aws: Aws,
}

/// The attributes of a group; `None` when it is not there.
pub(crate) async fn attributes_of(
    aws: &Aws,
    group: &TargetGroupRef,
) -> Result<Option<Vec<TargetGroupAttribute>>, ActionError> {
    let request = aws.load_balancing().describe_target_group_attributes();
    let request = request.target_group_arn(&group.arn);
    let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroupAttributes", &group.name);
    let answer = found(aws.call(call, request.send()).await)?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

/// What differs between a group's attributes and what was asked for.
pub(crate) fn differences(
    input: &TargetGroupAttributesInput,
    attributes: &[TargetGroupAttribute],
) -> Vec<Difference> {
    let delay = attributes.iter().find(|one| one.key() == Some(DEREGISTRATION_DELAY));
    let delay = delay.and_then(TargetGroupAttribute::value).unwrap_or("unknown");
    let mut comparison = Comparison::default();
    let wanted = input.deregistration_delay_s.to_string();
    comparison.field("deregistration delay", wanted.as_str(), Some(delay));
    comparison.differences()
}

impl SetTargetGroupAttributes {
    const CALL: &'static str = "ModifyTargetGroupAttributes";

    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone() }
    }
}

impl Action for SetTargetGroupAttributes {
    type Input = TargetGroupAttributesInput;
    type Output = TargetGroupAttributesRef;

    /// Dies here: the attributes may be set; they are read back.
    async fn execute(
        &self,
        _context: &ActionContext,
        input: &TargetGroupAttributesInput,
    ) -> Result<TargetGroupAttributesRef, ActionError> {
        let attribute = TargetGroupAttribute::builder()
            .key(DEREGISTRATION_DELAY)
            .value(input.deregistration_delay_s.to_string())
            .build();
        let request = self
            .aws
            .load_balancing()
            .modify_target_group_attributes()
            .target_group_arn(&input.target_group.arn)
            .attributes(attribute);
        let subject = &input.target_group.name;
        let call = Call::changing(Service::LoadBalancing, Self::CALL, subject);
        self.aws.call(call, request.send()).await?;
        Ok(TargetGroupAttributesRef { target_group_arn: input.target_group.arn.clone() })
    }

    async fn reconcile(
        &self,
        _context: &ActionContext,
        input: &TargetGroupAttributesInput,
    ) -> Result<Reconciled<TargetGroupAttributesRef>, ActionError> {
        let arn = &input.target_group.arn;
        let stands = attributes_of(&self.aws, &input.target_group).await?;
        let stands = stands.is_some_and(|attributes| differences(input, &attributes).is_empty());
        Ok(if stands {
            Reconciled::Adopted(TargetGroupAttributesRef { target_group_arn: arn.clone() })
        } else {
            Reconciled::Absent
        })
    }

    fn limits(&self) -> Limits {
        limits_with_young_target_group()
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::LoadBalancing.lane(Self::CALL))
    }
}
