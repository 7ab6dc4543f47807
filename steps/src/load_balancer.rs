//! The load balancer.
//!
//! Made by `CreateLoadBalancer`, which answers a repeated request with the balancer that is there: the mark
//! is read back before it counts as ours. Taken back by `DeleteLoadBalancer`, which takes listeners and
//! rules along; so the compensation first makes sure that all of those are this run's.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    AvailabilityZone, IpAddressType, LoadBalancer, LoadBalancerSchemeEnum, LoadBalancerTypeEnum,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Lane, Limits, Progress, Reconciled,
};
use serde::{Deserialize, Serialize};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Names, Service, together_or_each};
use crate::listener::listeners_of;
use crate::ownership::{Mark, Ownership};
use crate::removal::{is_denied, not_ours, still_there};
use crate::rule::rules_of;
use crate::security_group::limits_with_young_security_group;
use crate::spec::StackName;
use crate::tags::{Tags, elb_tags, found, is_not_found, judge_found, prove_created};

/// All that the load balancer is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadBalancerInput {
    /// Its name, unique in the account and region.
    pub(crate) name: String,
    /// Its subnets, each in another zone.
    pub(crate) subnet_ids: [String; 2],
    /// Its security group.
    pub(crate) security_group_id: String,
}

/// A load balancer that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerRef {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its public address.
    pub dns_name: String,
}

/// Creates an application load balancer that faces the internet, with IPv4.
#[derive(Debug, Clone)]
pub(crate) struct CreateLoadBalancer {
    aws: Aws,
    stack: StackName,
}

/// The balancer of this name; `None` when there is none.
async fn find_by_name(aws: &Aws, name: &str) -> Result<Option<LoadBalancer>, ActionError> {
    let request = aws.load_balancing().describe_load_balancers().names(name);
    let call = Call::reading(Service::LoadBalancing, "DescribeLoadBalancers", name);
    let answer = found(aws.call(call, request.send()).await)?;
    let mut balancers = answer.and_then(|answer| answer.load_balancers).unwrap_or_default();
    balancers.retain(|balancer| balancer.load_balancer_name() == Some(name));
    Ok(balancers.pop())
}

/// The balancer as it stands; `None` when it is gone. Lookups at the same time share a call.
pub(crate) async fn describe(
    aws: &Aws,
    balancer: &LoadBalancerRef,
) -> Result<Option<LoadBalancer>, ActionError> {
    let asking = aws.clone();
    let subject = balancer.name.clone();
    let arn = [balancer.arn.as_str()];
    let found = aws.balancers().ask(&arn, |arns| describe_all(asking, arns, subject)).await?;
    // A read that is served from an old copy has been seen to answer with another one.
    let ours = |found: &&LoadBalancer| found.load_balancer_arn() == Some(balancer.arn.as_str());
    Ok(found.iter().find(ours).cloned())
}

/// Those of these balancers that exist.
async fn describe_all(
    aws: Aws,
    arns: Names,
    subject: String,
) -> Result<Vec<LoadBalancer>, ActionError> {
    let ask = |subject: String, arns: Names| {
        let aws = &aws;
        async move {
            let call = Call::reading(Service::LoadBalancing, "DescribeLoadBalancers", &subject);
            let request = aws.load_balancing().describe_load_balancers();
            // The names are closed when the turn of the call has come.
            let sent =
                async { request.set_load_balancer_arns(Some(arns.close().await)).send().await };
            Ok(aws.call(call, sent).await?.load_balancers.unwrap_or_default())
        }
    };
    Ok(together_or_each(&subject, arns, is_not_found, ask).await?.found)
}

impl CreateLoadBalancer {
    const CALL: &'static str = "CreateLoadBalancer";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    /// Proves that the balancer and all that would go with it are this run's.
    ///
    /// # Errors
    /// Permanent with a list of what is not ours; a not-found code when something went meanwhile.
    async fn prove_all_ours(
        &self,
        mark: &Mark,
        balancer: &LoadBalancerRef,
    ) -> Result<(), ActionError> {
        let mut parts = Vec::new();
        for listener in listeners_of(&self.aws, &balancer.arn).await? {
            let arn = listener.listener_arn().unwrap_or_default();
            for rule in rules_of(&self.aws, arn).await? {
                let priority = rule.priority().unwrap_or_default();
                let what = format!("rule {priority} ({})", rule.rule_arn().unwrap_or_default());
                parts.push((rule.rule_arn().unwrap_or_default().to_owned(), what));
            }
            let port = listener.port().unwrap_or_default();
            parts.push((arn.to_owned(), format!("the listener on port {port} ({arn})")));
        }
        let arns: BTreeSet<&str> =
            parts.iter().map(|(arn, _)| arn.as_str()).chain([balancer.arn.as_str()]).collect();
        let arns: Vec<&str> = arns.into_iter().collect();
        let tags = Tags::read(&self.aws, &arns).await?;
        if let Ownership::Foreign { owner } = tags.judge(mark, &balancer.arn) {
            return Err(not_ours(&format!("load balancer {}", balancer.name), &owner));
        }
        let strangers: Vec<String> = parts
            .iter()
            .filter_map(|(arn, what)| Some((what, tags.stranger(mark, arn)?)))
            .map(|(what, owner)| format!("{what} belongs to {owner}"))
            .collect();
        if strangers.is_empty() { Ok(()) } else { Err(strangers_on(balancer, &strangers)) }
    }

    async fn delete(&self, balancer: &LoadBalancerRef) -> Result<(), ActionError> {
        let request =
            self.aws.load_balancing().delete_load_balancer().load_balancer_arn(&balancer.arn);
        let call = Call::changing(Service::LoadBalancing, "DeleteLoadBalancer", &balancer.name);
        found(self.aws.call(call, request.send()).await).map(drop)
    }
}

fn strangers_on(balancer: &LoadBalancerRef, strangers: &[String]) -> ActionError {
    ActionError::permanent(format!(
        "load balancer {} carries what is not ours, and it was not touched: {}",
        balancer.name,
        strangers.join("; ")
    ))
    .with_advice("remove these from the balancer, or skip it if it is to stay; then ask again")
}

impl Action for CreateLoadBalancer {
    type Input = LoadBalancerInput;
    type Output = LoadBalancerRef;

    /// Dies here: the balancer may stand; it is found again by its name and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &LoadBalancerInput,
    ) -> Result<LoadBalancerRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let request = self
            .aws
            .load_balancing()
            .create_load_balancer()
            .name(&input.name)
            .set_subnets(Some(input.subnet_ids.to_vec()))
            .security_groups(&input.security_group_id)
            .scheme(LoadBalancerSchemeEnum::InternetFacing)
            .r#type(LoadBalancerTypeEnum::Application)
            .ip_address_type(IpAddressType::Ipv4)
            .set_tags(Some(elb_tags(&mark, &input.name)));
        let call = Call::changing(Service::LoadBalancing, Self::CALL, &input.name);
        let answer = self.aws.call(call, request.send()).await?;
        let made = answer.load_balancers().first().and_then(|made| reference(&input.name, made));
        let made = made.ok_or_else(|| {
            ActionError::ambiguous(format!(
                "the answer to CreateLoadBalancer ({}) names no balancer",
                input.name
            ))
        })?;
        prove_created(&self.aws, &mark, &made.arn).await?;
        Ok(made)
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &LoadBalancerInput,
    ) -> Result<Reconciled<LoadBalancerRef>, ActionError> {
        let Some(balancer) = find_by_name(&self.aws, &input.name).await? else {
            return Ok(Reconciled::Absent);
        };
        let output = reference(&input.name, &balancer).ok_or_else(|| {
            ActionError::transient(format!("load balancer {} has no address", input.name))
        })?;
        let arn = output.arn.clone();
        let thing = Found {
            what: format!("load balancer {}", input.name),
            differences: differences(input, &balancer),
            output,
        };
        judge_found(&self.aws, &Mark::new(context, &self.stack), &arn, thing).await
    }

    fn limits(&self) -> Limits {
        limits_with_young_security_group()
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::LoadBalancing.lane(Self::CALL))
    }
}

impl CreateLoadBalancer {
    /// Takes back what this action made; all that it needs is known from the account.
    pub(crate) async fn take_back(
        &self,
        context: &ActionContext,
        balancer: &LoadBalancerRef,
    ) -> Result<Progress<()>, ActionError> {
        if describe(&self.aws, balancer).await?.is_none() {
            return Ok(Progress::Done(()));
        }
        let what = format!("load balancer {}", balancer.name);
        let mark = Mark::new(context, &self.stack);
        match self.prove_all_ours(&mark, balancer).await {
            Err(error) if is_not_found(&error) => return Ok(still_there(&what, "is going")),
            proven => proven?,
        }
        match self.delete(balancer).await {
            Ok(()) => Ok(still_there(&what, "is being deleted")),
            Err(error) if error.code() == Some("ResourceInUse") => {
                Ok(still_there(&what, &format!("is still in use: {error}")))
            }
            // A right that depends on tags is denied for what has none, so also for what is gone.
            Err(error) if is_denied(&error) && describe(&self.aws, balancer).await?.is_none() => {
                Ok(Progress::Done(()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Compensate for CreateLoadBalancer {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        _input: &LoadBalancerInput,
        balancer: &LoadBalancerRef,
    ) -> Result<Progress<()>, ActionError> {
        self.take_back(context, balancer).await
    }
}

fn reference(name: &str, balancer: &LoadBalancer) -> Option<LoadBalancerRef> {
    Some(LoadBalancerRef {
        arn: balancer.load_balancer_arn()?.to_owned(),
        name: name.to_owned(),
        dns_name: balancer.dns_name()?.to_owned(),
    })
}

/// What differs between a balancer and what was asked for.
pub(crate) fn differences(input: &LoadBalancerInput, balancer: &LoadBalancer) -> Vec<Difference> {
    let scheme = balancer.scheme().map(LoadBalancerSchemeEnum::as_str);
    let kind = balancer.r#type().map(LoadBalancerTypeEnum::as_str);
    let address_type = balancer.ip_address_type().map(IpAddressType::as_str);
    let subnets = balancer.availability_zones().iter().filter_map(AvailabilityZone::subnet_id);
    let security_groups = balancer.security_groups().iter().map(String::as_str);
    let mut comparison = Comparison::default();
    comparison.field("scheme", "internet-facing", scheme);
    comparison.field("type", "application", kind);
    comparison.field("address type", "ipv4", address_type);
    comparison.set("subnets", input.subnet_ids.iter().map(String::as_str), subnets);
    comparison.set("security groups", [input.security_group_id.as_str()], security_groups);
    comparison.differences()
}

#[cfg(test)]
mod tests;
