//! Step 3: the load balancer's security group, which is also the claim of the stack's names.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::preflight::Network;
use crate::security_group::{
    AuthorizeIngress, CreateSecurityGroup, IngressRule, SecurityGroupInput, SecurityGroupRef,
    SecurityGroupRulesInput,
};
use crate::spec::{StackName, StackSpec};

/// TCP from anywhere to the load balancer; a new group lets everything out.
///
/// The group is created first and alone. AWS refuses a second group of its name. So of two runs that race for the
/// same names exactly one goes on, and the other has created nothing: everything else needs this group's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalancerSecurityGroupStep {
    stack: StackName,
    pub(crate) name: String,
    pub(crate) open_to: String,
}

/// What the step is built on.
#[derive(Debug)]
pub(crate) struct BalancerSecurityGroupNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
}

impl BalancerSecurityGroupStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            name: spec.full_name(&spec.load_balancer.security_group_name),
            open_to: spec.load_balancer.open_to.clone(),
        }
    }

    /// The name of the stack.
    pub(crate) fn stack(&self) -> &StackName {
        &self.stack
    }
}

impl Step for BalancerSecurityGroupStep {
    const NAME: &'static str = "balancer-security-group";
    const VERSION: u32 = 1;
    type Needs = BalancerSecurityGroupNeeds;
    /// The claim.
    type Offers = Handle<SecurityGroupRef>;

    fn title(&self) -> String {
        format!("Security group of the load balancer: {}, TCP from {}", self.name, self.open_to)
    }

    fn define(
        &self,
        needs: BalancerSecurityGroupNeeds,
        actions: &mut Actions<'_>,
    ) -> Handle<SecurityGroupRef> {
        let (name, stack) = (self.name.clone(), self.stack.clone());
        let claim = actions.change(
            "balancer-security-group",
            format!("security group {name}"),
            CreateSecurityGroup::new(&needs.aws, &self.stack),
            needs.network,
            move |network| SecurityGroupInput {
                name: name.clone(),
                description: format!("lab1-flow: load balancer of stack {stack}"),
                vpc_id: network.vpc_id,
            },
        );
        let rules = vec![IngressRule { from_port: 0, to_port: 65_535, from: self.open_to.clone() }];
        actions.part(
            claim,
            "balancer-security-group-rules",
            format!("all TCP from {}", self.open_to),
            AuthorizeIngress::new(&needs.aws, &self.stack),
            claim,
            move |group| SecurityGroupRulesInput { group, rules: rules.clone() },
        );
        claim
    }
}
