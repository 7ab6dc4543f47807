//! Step 7: the Auto Scaling groups.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::auto_scaling_group::{
    AutoScalingGroupInput, AutoScalingGroupRef, CreateAutoScalingGroup,
};
use crate::connection::Aws;
use crate::launch_template::LaunchTemplateRef;
use crate::preflight::Network;
use crate::security_group::SecurityGroupRulesRef;
use crate::spec::{ScalingSpec, StackName, StackSpec};
use crate::target_group::TargetGroupRef;

/// Two groups of instances, each in its own subnet and behind its own target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoScalingGroupsStep {
    stack: StackName,
    pub(crate) groups: [Sizes; 2],
    scaling: ScalingSpec,
}

/// The name and the sizes of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sizes {
    pub(crate) name: String,
    pub(crate) instance_type: String,
    pub(crate) min: u32,
    pub(crate) desired: u32,
    pub(crate) max: u32,
}

/// What the groups are built on.
#[derive(Debug)]
pub(crate) struct AutoScalingGroupsNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
    pub(crate) launch_templates: [Handle<LaunchTemplateRef>; 2],
    /// An instance must not start before its security group has its rules.
    pub(crate) instance_rules: Handle<SecurityGroupRulesRef>,
    pub(crate) target_groups: [Handle<TargetGroupRef>; 2],
}

impl AutoScalingGroupsStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        let groups = spec.groups.each_ref().map(|group| Sizes {
            name: spec.full_name(&group.name),
            instance_type: group.instance_type.clone(),
            min: group.min,
            desired: group.desired,
            max: group.max,
        });
        Self { stack: spec.stack.clone(), groups, scaling: spec.scaling.clone() }
    }
}

impl Step for AutoScalingGroupsStep {
    const NAME: &'static str = "auto-scaling-groups";
    const VERSION: u32 = 1;
    type Needs = AutoScalingGroupsNeeds;
    type Offers = [Handle<AutoScalingGroupRef>; 2];

    fn title(&self) -> String {
        let texts = self
            .groups
            .each_ref()
            .map(|group| format!("{} ({} {})", group.name, group.desired, group.instance_type));
        format!("Auto Scaling groups: {}", texts.join(" and "))
    }

    fn define(
        &self,
        needs: AutoScalingGroupsNeeds,
        actions: &mut Actions<'_>,
    ) -> [Handle<AutoScalingGroupRef>; 2] {
        [0, 1].map(|place| {
            let sizes = self.groups[place].clone();
            let scaling = self.scaling.clone();
            actions.change(
                ["auto-scaling-group-1", "auto-scaling-group-2"][place],
                format!("{}: {} {}", sizes.name, sizes.desired, sizes.instance_type),
                CreateAutoScalingGroup::new(&needs.aws, &self.stack),
                (
                    needs.network,
                    needs.launch_templates[place],
                    needs.instance_rules,
                    needs.target_groups[place],
                ),
                move |(network, launch_template, _rules, target_group)| AutoScalingGroupInput {
                    name: sizes.name.clone(),
                    min: sizes.min,
                    desired: sizes.desired,
                    max: sizes.max,
                    launch_template,
                    subnet_id: network.subnets[place].id.clone(),
                    target_group,
                    scaling: scaling.clone(),
                },
            )
        })
    }
}
