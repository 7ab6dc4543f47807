//! Step 1: the instances' security group and the launch templates.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::launch_template::{CreateLaunchTemplate, LaunchTemplateInput, LaunchTemplateRef};
use crate::preflight::Network;
use crate::security_group::{
    AuthorizeIngress, CreateSecurityGroup, IngressRule, SecurityGroupInput, SecurityGroupRef,
    SecurityGroupRulesInput, SecurityGroupRulesRef,
};
use crate::spec::{StackName, StackSpec};
use crate::user_data::boot_script;

/// The instances' security group with its rules, and one launch template for each group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaunchTemplatesStep {
    stack: StackName,
    pub(crate) security_group_name: String,
    open_ports: Vec<u16>,
    open_to: String,
    pub(crate) image_id: String,
    key_name: Option<String>,
    pub(crate) templates: [Template; 2],
}

/// What the templates differ in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    pub(crate) name: String,
    instance_type: String,
    user_data: String,
}

/// What the step is built on.
#[derive(Debug)]
pub(crate) struct LaunchTemplatesNeeds {
    pub(crate) aws: Aws,
    pub(crate) network: Handle<Network>,
    pub(crate) claim: Handle<SecurityGroupRef>,
}

/// What groups are built on.
#[derive(Debug)]
pub(crate) struct LaunchTemplatesOffers {
    pub(crate) instance_rules: Handle<SecurityGroupRulesRef>,
    pub(crate) launch_templates: [Handle<LaunchTemplateRef>; 2],
}

impl LaunchTemplatesStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        let template = |place: usize| Template {
            name: spec.full_name(&spec.groups[place].launch_template_name),
            instance_type: spec.groups[place].instance_type.clone(),
            user_data: boot_script(spec, place),
        };
        let key_name = &spec.instances.key_name;
        Self {
            stack: spec.stack.clone(),
            security_group_name: spec.full_name(&spec.instances.security_group_name),
            open_ports: spec.instance_ports(),
            open_to: spec.instances.open_to.clone(),
            image_id: spec.instances.image_id.clone(),
            key_name: (!key_name.is_empty()).then(|| key_name.clone()),
            templates: [template(0), template(1)],
        }
    }

    /// Who may connect to what, in words.
    pub(crate) fn admitted(&self) -> String {
        let ports: Vec<String> = self.open_ports.iter().map(ToString::to_string).collect();
        format!("TCP {} from {}", ports.join(", "), self.open_to)
    }

    fn rules(&self) -> Vec<IngressRule> {
        let rule = |port: &u16| IngressRule {
            from_port: *port,
            to_port: *port,
            from: self.open_to.clone(),
        };
        self.open_ports.iter().map(rule).collect()
    }

    fn define_group(
        &self,
        needs: &LaunchTemplatesNeeds,
        actions: &mut Actions<'_>,
    ) -> (Handle<SecurityGroupRef>, Handle<SecurityGroupRulesRef>) {
        let (name, stack) = (self.security_group_name.clone(), self.stack.clone());
        let group = actions.change(
            "instance-security-group",
            format!("security group {name}"),
            CreateSecurityGroup::new(&needs.aws, &self.stack),
            (needs.network, needs.claim),
            move |(network, _claim)| SecurityGroupInput {
                name: name.clone(),
                description: format!("lab1-flow: instances of stack {stack}"),
                vpc_id: network.vpc_id,
            },
        );
        let rules = self.rules();
        let settled = actions.part(
            group,
            "instance-security-group-rules",
            self.admitted(),
            AuthorizeIngress::new(&needs.aws, &self.stack),
            group,
            move |group| SecurityGroupRulesInput { group, rules: rules.clone() },
        );
        (group, settled)
    }
}

impl Step for LaunchTemplatesStep {
    const NAME: &'static str = "launch-templates";
    const VERSION: u32 = 1;
    type Needs = LaunchTemplatesNeeds;
    type Offers = LaunchTemplatesOffers;

    fn title(&self) -> String {
        let texts =
            self.templates.each_ref().map(|one| format!("{} ({})", one.name, one.instance_type));
        format!("Launch templates: {}", texts.join(" and "))
    }

    fn define(
        &self,
        needs: LaunchTemplatesNeeds,
        actions: &mut Actions<'_>,
    ) -> LaunchTemplatesOffers {
        let (group, instance_rules) = self.define_group(&needs, actions);
        let launch_templates = [0, 1].map(|place| {
            let template = self.templates[place].clone();
            let (image_id, key_name) = (self.image_id.clone(), self.key_name.clone());
            actions.change(
                ["launch-template-1", "launch-template-2"][place],
                format!("launch template {}: {}", template.name, template.instance_type),
                CreateLaunchTemplate::new(&needs.aws, &self.stack),
                group,
                move |group| LaunchTemplateInput {
                    name: template.name.clone(),
                    image_id: image_id.clone(),
                    instance_type: template.instance_type.clone(),
                    key_name: key_name.clone(),
                    security_group_id: group.id,
                    user_data: template.user_data.clone(),
                },
            )
        });
        LaunchTemplatesOffers { instance_rules, launch_templates }
    }
}
