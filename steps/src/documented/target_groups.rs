//! Step 2: the target groups.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::preflight::Network;
use crate::security_group::SecurityGroupRef;
use crate::spec::{HealthCheckSpec, StackName, StackSpec};
use crate::target_group::{
    CreateTargetGroup, SetTargetGroupAttributes, TargetGroupAttributesInput, TargetGroupInput,
    TargetGroupRef,
};

/// One target group for each group of instances, with its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetGroupsStep {
    stack: StackName,
    pub(crate) names: [String; 2],
    pub(crate) port: u16,
    deregistration_delay_s: u32,
    health_check: HealthCheckSpec,
}

/// What the step is built on.
#[derive(Debug)]
pub(crate) struct TargetGroupsNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
    pub(crate) claim: Handle<SecurityGroupRef>,
}

impl TargetGroupsStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            names: spec.groups.each_ref().map(|group| spec.full_name(&group.target_group_name)),
            port: spec.targets.port,
            deregistration_delay_s: spec.targets.deregistration_delay_s,
            health_check: spec.targets.health_check.clone(),
        }
    }
}

impl Step for TargetGroupsStep {
    const NAME: &'static str = "target-groups";
    const VERSION: u32 = 1;
    type Needs = TargetGroupsNeeds;
    type Offers = [Handle<TargetGroupRef>; 2];

    fn title(&self) -> String {
        format!("Target groups: {}", self.names.join(" and "))
    }

    fn define(
        &self,
        needs: TargetGroupsNeeds,
        actions: &mut Actions<'_>,
    ) -> [Handle<TargetGroupRef>; 2] {
        [0, 1].map(|place| {
            let (name, port) = (self.names[place].clone(), self.port);
            let health_check = self.health_check.clone();
            let group = actions.change(
                ["target-group-1", "target-group-2"][place],
                format!("{name}: HTTP on port {port}"),
                CreateTargetGroup::new(&needs.aws, &self.stack),
                (needs.network, needs.claim),
                move |(network, _claim)| TargetGroupInput {
                    name: name.clone(),
                    vpc_id: network.vpc_id,
                    port,
                    health_check: health_check.clone(),
                },
            );
            let deregistration_delay_s = self.deregistration_delay_s;
            actions.part(
                group,
                ["target-group-1-attributes", "target-group-2-attributes"][place],
                format!("deregistration delay {deregistration_delay_s} s"),
                SetTargetGroupAttributes::new(&needs.aws),
                group,
                move |group| TargetGroupAttributesInput {
                    target_group: group,
                    deregistration_delay_s,
                },
            );
            group
        })
    }
}
