//! Step 3: the rules of the load balancer's security group.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::security_group::{
    AuthorizeIngress, IngressRule, SecurityGroupRef, SecurityGroupRulesInput, SecurityGroupRulesRef,
};
use crate::spec::{StackName, StackSpec};

/// TCP from anywhere to the load balancer; a new group lets everything out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalancerSecurityGroupStep {
    stack: StackName,
    name: String,
    open_to: String,
}

/// What the step is built on.
#[derive(Debug)]
pub(crate) struct BalancerSecurityGroupNeeds {
    pub(crate) aws: Aws,
    pub(crate) claim: Handle<SecurityGroupRef>,
}

impl BalancerSecurityGroupStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            name: spec.full_name(&spec.load_balancer.security_group_name),
            open_to: spec.load_balancer.open_to.clone(),
        }
    }
}

impl Step for BalancerSecurityGroupStep {
    const NAME: &'static str = "balancer-security-group";
    const VERSION: u32 = 1;
    type Needs = BalancerSecurityGroupNeeds;
    type Offers = Handle<SecurityGroupRulesRef>;

    fn title(&self) -> String {
        format!("Security group of the load balancer: {}, TCP from {}", self.name, self.open_to)
    }

    fn define(
        &self,
        needs: BalancerSecurityGroupNeeds,
        actions: &mut Actions<'_>,
    ) -> Handle<SecurityGroupRulesRef> {
        let rules = vec![IngressRule { from_port: 0, to_port: 65_535, from: self.open_to.clone() }];
        actions.part(
            needs.claim,
            "balancer-security-group-rules",
            format!("all TCP from {}", self.open_to),
            AuthorizeIngress::new(&needs.aws, &self.stack),
            needs.claim,
            move |group| SecurityGroupRulesInput { group, rules: rules.clone() },
        )
    }
}
