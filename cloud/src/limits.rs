//! Rate limits: token buckets, refilled in cloud time, with the categories that AWS publishes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::dialect::Service;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;

/// The buckets of one account, by region and name.
///
/// Of a bucket only the moment is kept at which it will be full again: each token that is taken puts
/// that moment off by the time in which a token comes back.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Buckets {
    full_us: BTreeMap<String, BTreeMap<String, i64>>,
}

/// The size of a bucket, and how long a token takes to come back.
#[derive(Debug, Clone, Copy)]
struct Rate {
    size: i64,
    token_us: i64,
}

const fn rate(size: i64, per_s: f64) -> Rate {
    #[expect(clippy::cast_possible_truncation, reason = "at most some seconds in microseconds")]
    Rate { size, token_us: (1_000_000.0 / per_s) as i64 }
}

impl Buckets {
    /// Takes the tokens that the call needs from every bucket, or refuses the call and takes none.
    pub(crate) fn take(
        &mut self,
        region: &str,
        action: &str,
        input: &Fields<'_>,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let present_us = now_ms.saturating_mul(1000);
        let known = self.full_us.get(region);
        let mut taken = Vec::new();
        for (name, rate, tokens) in needs(input.service(), action, input) {
            let full_us =
                known.and_then(|buckets| buckets.get(name)).copied().unwrap_or(present_us);
            let full_us = full_us.max(present_us).saturating_add(rate.token_us * tokens);
            if full_us - present_us > rate.size * rate.token_us {
                return Err(throttled(input.service()));
            }
            taken.push((name, full_us));
        }
        let buckets = self.full_us.entry(region.to_owned()).or_default();
        buckets.retain(|_, full_us| *full_us > present_us);
        buckets.extend(taken.into_iter().map(|(name, full_us)| (name.to_owned(), full_us)));
        Ok(())
    }
}

/// Tells the buckets of an action by name, with their rates and the tokens that are needed.
fn needs<'a>(service: Service, action: &'a str, input: &Fields<'_>) -> Vec<(&'a str, Rate, i64)> {
    match service {
        Service::Ec2 => {
            let request = (action, ec2_rate(action, input), 1);
            std::iter::once(request).chain(ec2_resources(action, input)).collect()
        }
        Service::Elb => {
            let (category, rate_of_category) = elb_category(action);
            vec![("elb", rate(40, 10.0), 1), (category, rate_of_category, 1)]
        }
        // Size and refill are not published; these are a stand-in.
        Service::AutoScaling => vec![("autoscaling", rate(20, 5.0), 1)],
        Service::Sts => vec![("sts", rate(600, 600.0), 1)],
    }
}

/// Launching and terminating cost a token for each instance beside the one of the request.
fn ec2_resources(action: &str, input: &Fields<'_>) -> Option<(&'static str, Rate, i64)> {
    let (name, rate, count) = match action {
        "RunInstances" => {
            let count = input.text("MaxCount").and_then(|count| count.parse::<u16>().ok());
            ("RunInstances resources", rate(1000, 2.0), count.map_or(0, i64::from))
        }
        "TerminateInstances" => {
            let count = i64::try_from(input.texts("InstanceId").len()).unwrap_or(i64::MAX);
            ("TerminateInstances resources", rate(1000, 20.0), count)
        }
        _ => return None,
    };
    Some((name, rate, count))
}

/// Each action of EC2 has its own bucket; its category gives the size.
fn ec2_rate(action: &str, input: &Fields<'_>) -> Rate {
    const COSTLY_WHEN_WHOLE: [&str; 5] = [
        "DescribeInstances",
        "DescribeSecurityGroups",
        "DescribeNetworkInterfaces",
        "DescribeVolumes",
        "DescribeInstanceStatus",
    ];
    match action {
        "CreateTags" | "DeleteTags" => rate(100, 10.0),
        "RunInstances" => rate(5, 2.0),
        "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate" | "TerminateInstances" => {
            rate(100, 5.0)
        }
        _ if !action.starts_with("Describe") => rate(50, 5.0),
        _ if COSTLY_WHEN_WHOLE.contains(&action)
            && !input.has("Filter")
            && !input.has("MaxResults") =>
        {
            rate(50, 10.0)
        }
        _ => rate(100, 20.0),
    }
}

fn elb_category(action: &str) -> (&'static str, Rate) {
    match action {
        "CreateLoadBalancer" => ("elb resource-intensive", rate(10, 0.2)),
        "RegisterTargets" | "DeregisterTargets" => ("elb registration", rate(20, 4.0)),
        _ if action.starts_with("Describe") => ("elb non-mutating", rate(40, 10.0)),
        _ => ("elb mutating", rate(20, 3.0)),
    }
}

fn throttled(service: Service) -> Refusal {
    match service {
        Service::Ec2 => {
            Refusal::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503)
        }
        Service::Elb | Service::AutoScaling | Service::Sts => {
            Refusal::new("Throttling", "Rate exceeded")
        }
    }
}
