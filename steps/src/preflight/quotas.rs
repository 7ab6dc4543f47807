//! What the account may hold, as far as the services of the stack tell.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancer, LoadBalancerTypeEnum};
use futures_util::FutureExt;
use lab1_flow_workflow::ActionError;

use super::checks::{Check, Checks, Verdict};
use crate::connection::{Aws, Call, Service};
use crate::inventory;
use crate::pages::{Page, all_pages};
use crate::spec::StackSpec;

/// The quotas of load balancing that one stack counts against, with what it needs.
const BALANCERS: &str = "application-load-balancers";
const TARGET_GROUPS: &str = "target-groups";
const LISTENERS: &str = "listeners-per-application-load-balancer";
const RULES: &str = "rules-per-application-load-balancer";
const TARGETS: &str = "targets-per-application-load-balancer";

/// What was found, each answer by itself.
#[derive(Debug)]
pub(super) struct QuotasFound {
    /// The limits of load balancing by name.
    balancing: Result<BTreeMap<String, usize>, ActionError>,
    load_balancers: Result<usize, ActionError>,
    target_groups: Result<usize, ActionError>,
    /// How many Auto Scaling groups there may be, and are.
    groups: Result<(usize, usize), ActionError>,
    /// The vCPUs of an instance, by type.
    vcpus: Result<BTreeMap<String, u32>, ActionError>,
    living: Result<usize, ActionError>,
}

pub(super) async fn look(aws: &Aws, spec: &StackSpec) -> QuotasFound {
    let (balancing, load_balancers, target_groups, groups, vcpus, living) = tokio::join!(
        balancing(aws).boxed(),
        load_balancers(aws).boxed(),
        target_groups(aws).boxed(),
        groups(aws).boxed(),
        vcpus(aws, spec).boxed(),
        inventory::living_instances(aws, &[]).boxed(),
    );
    let living = living.map(|instances| instances.len());
    QuotasFound { balancing, load_balancers, target_groups, groups, vcpus, living }
}

async fn balancing(aws: &Aws) -> Result<BTreeMap<String, usize>, ActionError> {
    let limits = all_pages(async |marker: Option<String>| {
        let request = aws.load_balancing().describe_account_limits().set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeAccountLimits", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.limits, answer.next_marker))
    })
    .await?;
    let limit = |limit: &aws_sdk_elasticloadbalancingv2::types::Limit| {
        Some((limit.name()?.to_owned(), limit.max()?.parse().ok()?))
    };
    Ok(limits.iter().filter_map(limit).collect())
}

async fn load_balancers(aws: &Aws) -> Result<usize, ActionError> {
    let all = all_pages(async |marker: Option<String>| {
        let request = aws.load_balancing().describe_load_balancers().set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeLoadBalancers", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.load_balancers, answer.next_marker))
    })
    .await?;
    Ok(count_applications(&all))
}

/// Counts the balancers that the quota is about: network and gateway load balancers have quotas of their own.
fn count_applications(balancers: &[LoadBalancer]) -> usize {
    let applications = balancers
        .iter()
        .filter(|balancer| balancer.r#type() == Some(&LoadBalancerTypeEnum::Application));
    applications.count()
}

async fn target_groups(aws: &Aws) -> Result<usize, ActionError> {
    let all = all_pages(async |marker: Option<String>| {
        let request = aws.load_balancing().describe_target_groups().set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroups", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.target_groups, answer.next_marker))
    })
    .await?;
    Ok(all.len())
}

async fn groups(aws: &Aws) -> Result<(usize, usize), ActionError> {
    let request = aws.auto_scaling().describe_account_limits();
    let call = Call::reading(Service::AutoScaling, "DescribeAccountLimits", "all");
    let answer = aws.call(call, request.send()).await?;
    let number = |number: Option<i32>| number.and_then(|number| usize::try_from(number).ok());
    let (max, used) =
        (answer.max_number_of_auto_scaling_groups, answer.number_of_auto_scaling_groups);
    Ok((number(max).unwrap_or(usize::MAX), number(used).unwrap_or_default()))
}

async fn vcpus(aws: &Aws, spec: &StackSpec) -> Result<BTreeMap<String, u32>, ActionError> {
    let mut types: Vec<InstanceType> =
        spec.groups.iter().map(|group| group.instance_type.as_str().into()).collect();
    types.dedup();
    let request = aws.ec2().describe_instance_types().set_instance_types(Some(types));
    let call = Call::reading(Service::Ec2, "DescribeInstanceTypes", "types of the stack");
    let answer = aws.call(call, request.send()).await?;
    let one = |info: &InstanceTypeInfo| {
        let count = info.v_cpu_info()?.default_v_cpus()?;
        Some((info.instance_type()?.as_str().to_owned(), u32::try_from(count).ok()?))
    };
    Ok(answer.instance_types().iter().filter_map(one).collect())
}

pub(super) fn judge(spec: &StackSpec, found: QuotasFound, checks: &mut Checks) {
    let limits = checks.settle("quotas of load balancing", found.balancing);
    let load_balancers = checks.settle("quota of load balancers", found.load_balancers);
    let target_groups = checks.settle("quota of target groups", found.target_groups);
    if let Some(limits) = limits {
        let of = |name: &str| limits.get(name).copied();
        if let (Some(max), Some(used)) = (of(BALANCERS), load_balancers) {
            checks.add(room("quota of load balancers", max, used, 1));
        }
        if let (Some(max), Some(used)) = (of(TARGET_GROUPS), target_groups) {
            checks.add(room("quota of target groups", max, used, 2));
        }
        let desired = spec.groups.iter().map(|group| group.desired).sum::<u32>();
        let desired = usize::try_from(desired).unwrap_or(usize::MAX);
        // Of a new balancer nothing is in use.
        let parts = [(LISTENERS, 1), (RULES, 2), (TARGETS, desired)];
        let parts = parts.into_iter().filter_map(|(name, needed)| Some((name, of(name)?, needed)));
        for (name, max, needed) in parts.filter(|(_, max, needed)| needed > max) {
            checks.add(room(&format!("quota {name}"), max, 0, needed));
        }
    }
    if let Some((max, used)) = checks.settle("quota of Auto Scaling groups", found.groups) {
        checks.add(room("quota of Auto Scaling groups", max, used, 2));
    }
    let living = checks.settle("instances", found.living);
    if let (Some(vcpus), Some(living)) = (checks.settle("quota of vCPUs", found.vcpus), living) {
        checks.add(judge_vcpus(spec, &vcpus, living));
    }
}

/// Whether so many more fit.
fn room(subject: &str, max: usize, used: usize, needed: usize) -> Check {
    let text = format!("{used} of {max} in use, {needed} more needed");
    if used.saturating_add(needed) <= max {
        return Check::new(subject, Verdict::Ok, text);
    }
    let advice = "remove what is not needed, or ask for a higher quota in Service Quotas";
    Check::new(subject, Verdict::Problem, text).advice(advice)
}

/// EC2 does not tell this quota; the service that does is not asked, since the stack needs it for nothing else.
fn judge_vcpus(spec: &StackSpec, vcpus: &BTreeMap<String, u32>, living: usize) -> Check {
    let groups = spec.groups.iter();
    let needed: Option<u32> =
        groups.map(|group| Some(vcpus.get(&group.instance_type)? * group.desired)).sum();
    let needed = needed.map_or_else(|| "an unknown number".to_owned(), |needed| needed.to_string());
    let text = format!(
        "{needed} vCPUs are needed, and {living} instances run already; how many vCPUs the account may have cannot be told from here"
    );
    Check::new("quota of vCPUs", Verdict::Unknown, text).advice(
        "look at Running On-Demand Standard instances (L-1216C47A) in Service Quotas: a fresh account may have 5",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balancers_of_other_kinds_do_not_count_against_the_quota() {
        use LoadBalancerTypeEnum::{Application, Gateway, Network};
        let of = |kind| LoadBalancer::builder().r#type(kind).build();
        let balancers = [Network, Application, Gateway, Application].map(of);
        assert_eq!(count_applications(&balancers), 2);
    }

    #[test]
    fn what_fits_exactly_fits() {
        assert_eq!(room("q", 5, 3, 2).verdict, Verdict::Ok);
        let full = room("q", 5, 4, 2);
        assert_eq!(
            (full.verdict, full.text.as_str()),
            (Verdict::Problem, "4 of 5 in use, 2 more needed")
        );
        assert!(full.advice.is_some());
    }
}
