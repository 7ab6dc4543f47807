//! The rules of the listener: which path leads to which target group.
//!
//! Made by `CreateRule`, which refuses a priority that is taken and so proves itself. They go with the
//! load balancer.

use aws_sdk_elasticloadbalancingv2::types::{PathPatternConditionConfig, Rule, RuleCondition};
use lab1_flow_workflow::{Action, ActionContext, ActionError, Lane, Limits, Reconciled};
use serde::{Deserialize, Serialize};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Service};
use crate::forwarding::{describe_actions, forward_to};
use crate::listener::ListenerRef;
use crate::ownership::Mark;
use crate::pages::{Page, all_pages};
use crate::spec::StackName;
use crate::tags::{elb_tags, found, judge_found};
use crate::target_group::{TargetGroupRef, limits_with_young_target_group};

const PATH_PATTERN: &str = "path-pattern";

/// All that a rule is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleInput {
    /// The listener that it belongs to, proven ours.
    pub(crate) listener: ListenerRef,
    /// Its priority, unique on its listener; the lowest number is tried first.
    pub(crate) priority: u32,
    /// The path that it fits, exactly or by the wildcards `*` and `?`.
    pub(crate) path: String,
    /// Where the requests go.
    pub(crate) target_group: TargetGroupRef,
}

/// A rule that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// Its ARN.
    pub arn: String,
    /// The path that it fits.
    pub path: String,
}

/// Creates a rule that forwards a path to a target group.
#[derive(Debug, Clone)]
pub(crate) struct CreateRule {
    aws: Aws,
    stack: StackName,
}

/// All rules of a listener but the default one, which is a part of the listener itself.
///
/// # Errors
/// A not-found code when the listener is not there.
pub(crate) async fn rules_of(aws: &Aws, listener_arn: &str) -> Result<Vec<Rule>, ActionError> {
    let mut rules = all_pages(|marker| async move {
        let request = aws.load_balancing().describe_rules();
        let request = request.listener_arn(listener_arn).set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeRules", listener_arn);
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.rules, answer.next_marker))
    })
    .await?;
    rules.retain(|rule| rule.is_default() != Some(true));
    Ok(rules)
}

impl CreateRule {
    const CALL: &'static str = "CreateRule";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }
}

impl Action for CreateRule {
    type Input = RuleInput;
    type Output = RuleRef;

    /// Dies here: the rule may stand; it is found again by its priority and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &RuleInput,
    ) -> Result<RuleRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let pattern = PathPatternConditionConfig::builder().values(&input.path).build();
        let condition =
            RuleCondition::builder().field(PATH_PATTERN).path_pattern_config(pattern).build();
        let request = self
            .aws
            .load_balancing()
            .create_rule()
            .listener_arn(&input.listener.arn)
            .priority(input.priority.cast_signed())
            .conditions(condition)
            .actions(forward_to(&input.target_group.arn))
            // Not the path: tags may not hold its wildcards.
            .set_tags(Some(elb_tags(&mark, context.action().as_str())));
        let call = Call::changing(Service::LoadBalancing, Self::CALL, &input.path);
        let answer = self.aws.call(call, request.send()).await?;
        let arn = answer.rules().first().and_then(Rule::rule_arn).ok_or_else(|| {
            ActionError::ambiguous(format!(
                "the answer to CreateRule ({}) names no rule",
                input.path
            ))
        })?;
        Ok(RuleRef { arn: arn.to_owned(), path: input.path.clone() })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &RuleInput,
    ) -> Result<Reconciled<RuleRef>, ActionError> {
        let priority = input.priority.to_string();
        let rules = found(rules_of(&self.aws, &input.listener.arn).await)?;
        let same = |rule: &Rule| rule.priority() == Some(priority.as_str());
        let Some(rule) = rules.into_iter().flatten().find(same) else {
            return Ok(Reconciled::Absent);
        };
        let arn = rule.rule_arn().unwrap_or_default();
        let thing = Found {
            what: format!("the rule of priority {priority} on port {}", input.listener.port),
            differences: differences(input, &rule),
            output: RuleRef { arn: arn.to_owned(), path: input.path.clone() },
        };
        judge_found(&self.aws, &Mark::new(context, &self.stack), arn, thing).await
    }

    fn limits(&self) -> Limits {
        limits_with_young_target_group()
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::LoadBalancing.lane(Self::CALL))
    }
}

/// What differs between a rule and what was asked for.
pub(crate) fn differences(input: &RuleInput, rule: &Rule) -> Vec<Difference> {
    let wanted = describe_actions(&[forward_to(&input.target_group.arn)]);
    let conditions: Vec<String> = rule.conditions().iter().map(describe_condition).collect();
    let mut comparison = Comparison::default();
    comparison.field("condition", format!("path {}", input.path), Some(conditions.join(" and ")));
    comparison.field("action", wanted, Some(describe_actions(rule.actions())));
    comparison.differences()
}

/// Says in one line what a condition asks for. The service fills both fields for the values of a path.
fn describe_condition(condition: &RuleCondition) -> String {
    let field = condition.field().unwrap_or("unknown field");
    if field != PATH_PATTERN {
        return field.to_owned();
    }
    let config = condition.path_pattern_config().map(PathPatternConditionConfig::values);
    let values = config.filter(|values| !values.is_empty()).unwrap_or(condition.values());
    format!("path {}", values.join(" or "))
}

#[cfg(test)]
mod tests;
