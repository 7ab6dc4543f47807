//! Rate limits: token buckets, refilled in cloud time, with the categories that AWS publishes.

use std::collections::HashMap;

use crate::wire::dialect::Service;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;

/// The buckets of one account. They are not stored: after a restart they are full.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    buckets: HashMap<(String, String), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled_ms: i64,
}

/// The size of a bucket, and how many tokens come back in a second.
#[derive(Debug, Clone, Copy)]
struct Rate {
    size: f64,
    per_s: f64,
}

const fn rate(size: f64, per_s: f64) -> Rate {
    Rate { size, per_s }
}

impl Buckets {
    /// Takes a token from every bucket that the call needs, or refuses the call and takes none.
    pub(crate) fn take(
        &mut self,
        region: &str,
        action: &str,
        input: &Fields<'_>,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let needed = needs(input.service(), action, input);
        let key = |name: &str| (region.to_owned(), name.to_owned());
        for (name, rate) in &needed {
            let bucket = self
                .buckets
                .entry(key(name))
                .or_insert(Bucket { tokens: rate.size, filled_ms: now_ms });
            bucket.fill(*rate, now_ms);
            if bucket.tokens < 1.0 {
                return Err(throttled(input.service()));
            }
        }
        for (name, _) in &needed {
            if let Some(bucket) = self.buckets.get_mut(&key(name)) {
                bucket.tokens -= 1.0;
            }
        }
        Ok(())
    }
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now_ms: i64) {
        #[expect(clippy::cast_precision_loss, reason = "a pause, far below 2^53 milliseconds")]
        let elapsed_s = now_ms.saturating_sub(self.filled_ms).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + elapsed_s * rate.per_s).min(rate.size);
        self.filled_ms = now_ms;
    }
}

/// Tells the buckets of an action by name, with their rates.
fn needs(service: Service, action: &str, input: &Fields<'_>) -> Vec<(String, Rate)> {
    match service {
        Service::Ec2 => vec![(action.to_owned(), ec2_rate(action, input))],
        Service::Elb => {
            let (category, rate) = elb_category(action);
            vec![("elb".to_owned(), rate_of_elb_account()), (category.to_owned(), rate)]
        }
        // Size and refill are not published; these are a stand-in.
        Service::AutoScaling => vec![("autoscaling".to_owned(), rate(20.0, 5.0))],
        Service::Sts => vec![("sts".to_owned(), rate(600.0, 600.0))],
    }
}

fn rate_of_elb_account() -> Rate {
    rate(40.0, 10.0)
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
        "CreateTags" | "DeleteTags" => rate(100.0, 10.0),
        "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate" | "TerminateInstances" => {
            rate(100.0, 5.0)
        }
        _ if !action.starts_with("Describe") => rate(50.0, 5.0),
        _ if COSTLY_WHEN_WHOLE.contains(&action)
            && !input.has("Filter")
            && !input.has("MaxResults") =>
        {
            rate(50.0, 10.0)
        }
        _ => rate(100.0, 20.0),
    }
}

fn elb_category(action: &str) -> (&'static str, Rate) {
    match action {
        "CreateLoadBalancer" => ("elb resource-intensive", rate(10.0, 0.2)),
        "RegisterTargets" | "DeregisterTargets" => ("elb registration", rate(20.0, 4.0)),
        _ if action.starts_with("Describe") => ("elb non-mutating", rate(40.0, 10.0)),
        _ => ("elb mutating", rate(20.0, 3.0)),
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
