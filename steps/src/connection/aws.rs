//! The clients of the four services, made in one place.

use std::fmt;
use std::sync::Arc;

use aws_config::Region;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancer;
use lab1_flow_workflow::Pacer;

use super::batch::{Batch, LookupCounts};
use super::call::CallObserver;
use super::redact::Secrets;
use super::settings::{ConnectError, settings};
use super::target::{DEFAULT_REGION, Target};
use super::transport::Transport;
use crate::probe::Probe;
use crate::tags::Tagged;

/// The connection to one cloud: cheap to clone, shared by all actions of a run.
#[derive(Clone)]
pub struct Aws {
    clients: Arc<Clients>,
    pacer: Option<Arc<Pacer>>,
    observer: Option<CallObserver>,
    probe: Probe,
}

/// What fits into one page of `DescribeAutoScalingGroups`.
const GROUPS_MAX: usize = 50;
/// How many ARNs `DescribeLoadBalancers` takes.
const BALANCERS_MAX: usize = 20;
/// How many ARNs `DescribeTags` of Elastic Load Balancing takes.
pub(crate) const TAGGED_MAX: usize = 20;

struct Clients {
    ec2: aws_sdk_ec2::Client,
    load_balancing: aws_sdk_elasticloadbalancingv2::Client,
    auto_scaling: aws_sdk_autoscaling::Client,
    sts: aws_sdk_sts::Client,
    target: Target,
    region: String,
    secrets: Secrets,
    groups: Batch<AutoScalingGroup>,
    balancers: Batch<LoadBalancer>,
    tags: Batch<Tagged>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("target", &self.clients.target)
            .field("region", &self.clients.region)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// Sets up the clients. Sends nothing, and asks for credentials only when the first call needs them.
    ///
    /// # Errors
    /// [`ConnectError`] when the target or the environment contradicts itself.
    pub async fn connect(target: &Target, transport: Transport) -> Result<Self, ConnectError> {
        let (config, secrets) = settings(target, transport).await?;
        let region = config.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
        let clients = Clients {
            ec2: aws_sdk_ec2::Client::new(&config),
            load_balancing: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            auto_scaling: aws_sdk_autoscaling::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            target: target.clone(),
            region,
            secrets,
            groups: Batch::of_at_most(GROUPS_MAX),
            balancers: Batch::of_at_most(BALANCERS_MAX),
            tags: Batch::of_at_most(TAGGED_MAX),
        };
        let clients = Arc::new(clients);
        Ok(Self { clients, pacer: None, observer: None, probe: Probe::Network })
    }

    /// The same connection, with every call waiting for its turn. Runs that share an account and a region
    /// should share the pacer.
    #[must_use]
    pub fn with_pacer(mut self, pacer: Arc<Pacer>) -> Self {
        self.pacer = Some(pacer);
        self
    }

    /// The same connection, with an observer that is told of every call when it has ended.
    #[must_use]
    pub fn with_observer(mut self, observer: CallObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same connection, with another way for the visits of the last step.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Self {
        self.probe = probe;
        self
    }

    /// The target as it was given.
    pub fn target(&self) -> &Target {
        &self.clients.target
    }

    /// The region that the chain of settings ended at.
    pub fn region(&self) -> &str {
        &self.clients.region
    }

    /// The lookups of all runs that share this connection, by the API action that answers many of them at once.
    pub fn lookups(&self) -> [(&'static str, LookupCounts); 3] {
        [
            ("DescribeAutoScalingGroups", self.groups().counts()),
            ("DescribeLoadBalancers", self.balancers().counts()),
            ("DescribeTags", self.tags().counts()),
        ]
    }

    pub(crate) fn ec2(&self) -> &aws_sdk_ec2::Client {
        &self.clients.ec2
    }

    pub(crate) fn load_balancing(&self) -> &aws_sdk_elasticloadbalancingv2::Client {
        &self.clients.load_balancing
    }

    pub(crate) fn auto_scaling(&self) -> &aws_sdk_autoscaling::Client {
        &self.clients.auto_scaling
    }

    pub(crate) fn sts(&self) -> &aws_sdk_sts::Client {
        &self.clients.sts
    }

    /// The lookups of Auto Scaling groups that may be joined now.
    pub(crate) fn groups(&self) -> &Batch<AutoScalingGroup> {
        &self.clients.groups
    }

    /// The lookups of load balancers that may be joined now.
    pub(crate) fn balancers(&self) -> &Batch<LoadBalancer> {
        &self.clients.balancers
    }

    /// The lookups of tags in Elastic Load Balancing that may be joined now.
    pub(crate) fn tags(&self) -> &Batch<Tagged> {
        &self.clients.tags
    }

    /// The pacer that every call takes its turn from; an engine that shares it writes no intent before its turn.
    pub fn pacer(&self) -> Option<&Arc<Pacer>> {
        self.pacer.as_ref()
    }

    /// What must not be told of any call.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.clients.secrets
    }

    pub(crate) fn probe(&self) -> &Probe {
        &self.probe
    }

    pub(crate) fn observer(&self) -> Option<&CallObserver> {
        self.observer.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cloud_over_the_network_needs_an_address() {
        let local = Aws::connect(&Target::local(None), Transport::Network).await;
        assert_eq!(local.map(|_| ()), Err(ConnectError::EndpointMissing));
    }
}
