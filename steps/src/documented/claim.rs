//! Before the first step: the claim of the stack's names.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::preflight::Network;
use crate::security_group::{CreateSecurityGroup, SecurityGroupInput, SecurityGroupRef};
use crate::spec::{StackName, StackSpec};

/// The load balancer's security group, created first and alone.
///
/// AWS refuses a second group of its name. So of two runs that race for the same names exactly one goes on, and
/// the other has created nothing: everything else needs this group's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimStep {
    stack: StackName,
    security_group_name: String,
}

/// What the claim is made on.
#[derive(Debug)]
pub(crate) struct ClaimNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
}

impl ClaimStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            security_group_name: spec.full_name(&spec.load_balancer.security_group_name),
        }
    }
}

impl Step for ClaimStep {
    const NAME: &'static str = "claim";
    const VERSION: u32 = 1;
    type Needs = ClaimNeeds;
    type Offers = Handle<SecurityGroupRef>;

    fn title(&self) -> String {
        format!("Claim of the stack's names: security group {}", self.security_group_name)
    }

    fn define(&self, needs: ClaimNeeds, actions: &mut Actions<'_>) -> Handle<SecurityGroupRef> {
        let (name, stack) = (self.security_group_name.clone(), self.stack.clone());
        actions.change(
            "balancer-security-group",
            format!("security group {name}"),
            CreateSecurityGroup::new(&needs.aws, &self.stack),
            needs.network,
            move |network| SecurityGroupInput {
                name: name.clone(),
                description: format!("lab1-flow: load balancer of stack {stack}"),
                vpc_id: network.vpc_id,
            },
        )
    }
}
