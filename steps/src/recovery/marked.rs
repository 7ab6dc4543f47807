//! One change of a lost run: found by its mark alone, and taken back by the action that once made it.

use aws_sdk_ec2::types::Filter;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Consistency, Progress, Reconciled,
};
use serde::{Deserialize, Serialize};

use crate::auto_scaling_group::{AutoScalingGroupRef, CreateAutoScalingGroup, GROUP_OF_INSTANCE};
use crate::connection::Aws;
use crate::ec2::marked_by;
use crate::inventory::{self, Thing};
use crate::launch_template::{CreateLaunchTemplate, LaunchTemplateRef};
use crate::load_balancer::{CreateLoadBalancer, LoadBalancerRef};
use crate::ownership::{Mark, Ownership, RUN_ID_TAG};
use crate::security_group::{CreateSecurityGroup, SecurityGroupRef};
use crate::spec::StackName;
use crate::target_group::{CreateTargetGroup, TargetGroupRef};

/// What a change has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SecurityGroup,
    LaunchTemplate,
    TargetGroup,
    LoadBalancer,
    AutoScalingGroup,
}

/// Takes back what carries an action's mark.
#[derive(Debug, Clone)]
pub(super) struct TakeBackMarked {
    aws: Aws,
    stack: StackName,
    kind: Kind,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    /// Its id or ARN; empty when only instances of an Auto Scaling group are left.
    id: String,
    name: String,
}

impl TakeBackMarked {
    pub(super) fn new(aws: &Aws, stack: &StackName, kind: Kind) -> Self {
        Self { aws: aws.clone(), stack: stack.clone(), kind }
    }

    async fn find(&self, context: &ActionContext) -> Result<Option<Found>, ActionError> {
        let (aws, marked) = (&self.aws, marked_by(context));
        let things = match self.kind {
            Kind::SecurityGroup => inventory::security_groups(aws, &marked).await?,
            Kind::LaunchTemplate => inventory::launch_templates(aws, &marked).await?,
            Kind::TargetGroup => inventory::all_target_groups(aws).await?,
            Kind::LoadBalancer => inventory::all_load_balancers(aws).await?,
            Kind::AutoScalingGroup => self.groups_and_instances(context, &marked).await?,
        };
        let mark = Mark::new(context, &self.stack);
        let ours = |thing: &&Thing| mark.judge(thing.tags()) == Ownership::Ours;
        Ok(things.iter().find(ours).map(|thing| self.found(thing)))
    }

    /// Instances outlive their group when that was deleted by hand, or half-way.
    async fn groups_and_instances(
        &self,
        context: &ActionContext,
        marked: &[Filter],
    ) -> Result<Vec<Thing>, ActionError> {
        let run = context.run().as_str();
        let tag = format!("tag:{RUN_ID_TAG}");
        let mut things = inventory::auto_scaling_groups_tagged(&self.aws, &tag, run).await?;
        things.extend(inventory::living_instances(&self.aws, marked).await?);
        Ok(things)
    }

    fn found(&self, thing: &Thing) -> Found {
        let name = match thing.kind {
            "instance" => thing.tag(GROUP_OF_INSTANCE).or(thing.tag("Name")).unwrap_or_default(),
            _ => &thing.name,
        };
        let id = match self.kind {
            Kind::AutoScalingGroup => thing.arn.as_deref().unwrap_or_default(),
            _ => &thing.detail,
        };
        Found { id: id.to_owned(), name: name.to_owned() }
    }
}

impl Action for TakeBackMarked {
    type Input = ();
    type Output = Found;

    /// Never called: such a run is on its way back from its first record.
    async fn execute(&self, _: &ActionContext, (): &()) -> Result<Found, ActionError> {
        Err(ActionError::permanent("a run whose journal was lost is only taken back"))
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        (): &(),
    ) -> Result<Reconciled<Found>, ActionError> {
        let found = self.find(context).await?;
        Ok(found.map_or(Reconciled::Absent, Reconciled::Adopted))
    }

    fn consistency(&self) -> Consistency {
        match self.kind {
            Kind::TargetGroup => Consistency::Slow,
            _ => Consistency::Usual,
        }
    }
}

impl Compensate for TakeBackMarked {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        (): &(),
        found: &Found,
    ) -> Result<Progress<()>, ActionError> {
        let (aws, stack) = (&self.aws, &self.stack);
        let Found { id, name } = found.clone();
        match self.kind {
            Kind::SecurityGroup => {
                let group = SecurityGroupRef { id, name };
                CreateSecurityGroup::new(aws, stack).take_back(context, &group).await
            }
            Kind::LaunchTemplate => {
                let template = LaunchTemplateRef { id, name, version: 1 };
                CreateLaunchTemplate::new(aws, stack).take_back(context, &template).await
            }
            Kind::TargetGroup => {
                let group = TargetGroupRef { arn: id, name };
                CreateTargetGroup::new(aws, stack).take_back(context, &group).await
            }
            Kind::LoadBalancer => {
                let balancer = LoadBalancerRef { arn: id, name, dns_name: String::new() };
                CreateLoadBalancer::new(aws, stack).take_back(context, &balancer).await
            }
            Kind::AutoScalingGroup if id.is_empty() => {
                CreateAutoScalingGroup::new(aws, stack).take_back_instances(context, &name).await
            }
            Kind::AutoScalingGroup => {
                // Earlier versions stored the name as the id.
                let arn = Some(id).filter(|id| *id != name);
                let group = AutoScalingGroupRef { name, arn };
                CreateAutoScalingGroup::new(aws, stack).take_back(context, &group).await
            }
        }
    }
}
