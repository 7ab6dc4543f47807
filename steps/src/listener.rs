//! The listener of the load balancer.
//!
//! Made by `CreateListener`, which answers a repeated request with the listener that is there, and has been
//! seen to do so for other content too: mark and content are read back. It goes with its balancer.

use aws_sdk_elasticloadbalancingv2::types::{Listener, ProtocolEnum};
use lab1_flow_workflow::{Action, ActionContext, ActionError, Lane, Limits, Reconciled};
use serde::{Deserialize, Serialize};

use crate::adoption::{Comparison, Difference, Found, in_one_line};
use crate::connection::{Aws, Call, Service};
use crate::forwarding::{WeightedTargetGroup, describe_actions, forward_weighted};
use crate::load_balancer::LoadBalancerRef;
use crate::ownership::Mark;
use crate::pages::{Page, all_pages};
use crate::spec::StackName;
use crate::tags::{elb_tags, found, judge_found, prove_created};
use crate::target_group::limits_with_young_target_group;

/// All that the listener is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListenerInput {
    /// The balancer that it belongs to, proven ours.
    pub(crate) load_balancer: LoadBalancerRef,
    /// The port that it listens on.
    pub(crate) port: u16,
    /// Where requests go that fit no rule.
    pub(crate) target_groups: [WeightedTargetGroup; 2],
}

/// A listener that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerRef {
    /// Its ARN.
    pub arn: String,
    /// The port that it listens on.
    pub port: u16,
}

/// Creates an HTTP listener whose default action forwards to both target groups by weight.
#[derive(Debug, Clone)]
pub(crate) struct CreateListener {
    aws: Aws,
    stack: StackName,
}

/// All listeners of a balancer.
///
/// # Errors
/// A not-found code when the balancer is not there.
pub(crate) async fn listeners_of(
    aws: &Aws,
    load_balancer_arn: &str,
) -> Result<Vec<Listener>, ActionError> {
    all_pages(|marker| async move {
        let request = aws.load_balancing().describe_listeners();
        let request = request.load_balancer_arn(load_balancer_arn).set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeListeners", load_balancer_arn);
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.listeners, answer.next_marker))
    })
    .await
}

impl CreateListener {
    const CALL: &'static str = "CreateListener";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    /// The name of the listener for people; listeners have none in the service.
    fn name(input: &ListenerInput) -> String {
        format!("{}:{}", input.load_balancer.name, input.port)
    }
}

impl Action for CreateListener {
    type Input = ListenerInput;
    type Output = ListenerRef;

    /// Dies here: the listener may stand; it is found again by its port and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &ListenerInput,
    ) -> Result<ListenerRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let name = Self::name(input);
        let request = self
            .aws
            .load_balancing()
            .create_listener()
            .load_balancer_arn(&input.load_balancer.arn)
            .protocol(ProtocolEnum::Http)
            .port(i32::from(input.port))
            .default_actions(forward_weighted(&input.target_groups))
            .set_tags(Some(elb_tags(&mark, &name)));
        let call = Call::changing(Service::LoadBalancing, Self::CALL, &name);
        let answer = self.aws.call(call, request.send()).await?;
        let Some((listener, arn)) =
            answer.listeners().first().and_then(|made| Some((made, made.listener_arn()?)))
        else {
            let message = format!("the answer to CreateListener ({name}) names no listener");
            return Err(ActionError::ambiguous(message));
        };
        let differences = differences(input, listener);
        if !differences.is_empty() {
            let message =
                format!("another listener stands at {name}: {}", in_one_line(&differences));
            return Err(ActionError::contended(message));
        }
        prove_created(&self.aws, &mark, arn).await?;
        Ok(ListenerRef { arn: arn.to_owned(), port: input.port })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &ListenerInput,
    ) -> Result<Reconciled<ListenerRef>, ActionError> {
        let listeners = listeners_of(&self.aws, &input.load_balancer.arn).await;
        let on_port = |listener: &Listener| listener.port() == Some(i32::from(input.port));
        let Some(listener) = found(listeners)?.into_iter().flatten().find(on_port) else {
            return Ok(Reconciled::Absent);
        };
        let arn = listener.listener_arn().unwrap_or_default();
        let thing = Found {
            what: format!("the listener {}", Self::name(input)),
            differences: differences(input, &listener),
            output: ListenerRef { arn: arn.to_owned(), port: input.port },
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

/// What differs between a listener and what was asked for.
pub(crate) fn differences(input: &ListenerInput, listener: &Listener) -> Vec<Difference> {
    let wanted = describe_actions(&[forward_weighted(&input.target_groups)]);
    let mut comparison = Comparison::default();
    comparison.field("protocol", "HTTP", listener.protocol().map(ProtocolEnum::as_str));
    comparison.field("default action", wanted, Some(describe_actions(listener.default_actions())));
    comparison.differences()
}

#[cfg(test)]
mod tests;
