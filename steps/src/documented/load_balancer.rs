//! Step 4: the load balancer.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::load_balancer::{CreateLoadBalancer, LoadBalancerInput, LoadBalancerRef};
use crate::preflight::Network;
use crate::security_group::SecurityGroupRef;
use crate::spec::{StackName, StackSpec};

/// An application load balancer in both zones that faces the internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadBalancerStep {
    stack: StackName,
    pub(crate) name: String,
}

/// What the balancer is built on.
#[derive(Debug)]
pub(crate) struct LoadBalancerNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
    /// Its security group; the rules may follow while it is being provisioned.
    pub(crate) claim: Handle<SecurityGroupRef>,
}

impl LoadBalancerStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self { stack: spec.stack.clone(), name: spec.full_name(&spec.load_balancer.name) }
    }
}

impl Step for LoadBalancerStep {
    const NAME: &'static str = "load-balancer";
    const VERSION: u32 = 1;
    type Needs = LoadBalancerNeeds;
    type Offers = Handle<LoadBalancerRef>;

    fn title(&self) -> String {
        format!("Load balancer {}: internet-facing, IPv4", self.name)
    }

    fn define(
        &self,
        needs: LoadBalancerNeeds,
        actions: &mut Actions<'_>,
    ) -> Handle<LoadBalancerRef> {
        let name = self.name.clone();
        actions.change(
            "load-balancer",
            format!("load balancer {name}"),
            CreateLoadBalancer::new(&needs.aws, &self.stack),
            (needs.network, needs.claim),
            move |(network, group)| LoadBalancerInput {
                name: name.clone(),
                subnet_ids: network.subnets.map(|subnet| subnet.id),
                security_group_id: group.id,
            },
        )
    }
}
