//! Auto Scaling groups and the instances that they start.
//!
//! Made by `CreateAutoScalingGroup`, which refuses a name that is taken and so proves itself. Its ARN, which
//! distinguishes it from a later group of the same name, is read right after the creation. The instances get the run's mark from the group's tags. Taken back by a forced deletion, which ends the instances too;
//! it is done when the group is gone and no instance with the mark is left that is not terminated.

mod identity;
mod instances;

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Instance, InstanceMaintenancePolicy, LaunchTemplateSpecification, Tag,
    TagDescription,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Lane, Limits, Progress, Reconciled, Wait,
};
use serde::{Deserialize, Serialize};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Names, Service};
use crate::launch_template::LaunchTemplateRef;
use crate::ownership::{Mark, Ownership};
use crate::pages::{Page, all_pages};
use crate::removal::{is_denied, not_ours, still_there};
use crate::spec::{HealthCheckKind, ScalingSpec, StackName};
use crate::target_group::{TargetGroupRef, limits_with_young_target_group};
pub use identity::AutoScalingGroupRef;
pub(crate) use identity::impostor;
use identity::prove_made;
pub(crate) use instances::{GROUP_OF_INSTANCE, instances};
use instances::{Membership, membership, remove_stragglers};

/// All that a group is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutoScalingGroupInput {
    /// Its name, unique in the account and region.
    pub(crate) name: String,
    /// The fewest instances.
    pub(crate) min: u32,
    /// How many instances there should be.
    pub(crate) desired: u32,
    /// The most instances.
    pub(crate) max: u32,
    /// What its instances are started from, at the number of one version.
    pub(crate) launch_template: LaunchTemplateRef,
    /// The only subnet of its instances.
    pub(crate) subnet_id: String,
    /// The target group that its instances join.
    pub(crate) target_group: TargetGroupRef,
    /// How it looks after its instances.
    pub(crate) scaling: ScalingSpec,
}

/// Creates an Auto Scaling group.
#[derive(Debug, Clone)]
pub(crate) struct CreateAutoScalingGroup {
    aws: Aws,
    stack: StackName,
}

/// The groups of these names, as far as they exist, with their instances. Lookups at the same time share a call.
pub(crate) async fn groups_named(
    aws: &Aws,
    names: &[&str],
) -> Result<Vec<AutoScalingGroup>, ActionError> {
    let (asking, subject) = (aws.clone(), names.join(" "));
    let found = aws.groups().ask(names, |all| describe_groups(asking, all, subject)).await?;
    Ok(named(&found, names))
}

/// Like [`groups_named`], for groups that were just created: [`groups_watched`] reuses the answer.
async fn groups_made(aws: &Aws, names: &[&str]) -> Result<Vec<AutoScalingGroup>, ActionError> {
    let (asking, subject) = (aws.clone(), names.join(" "));
    let ask = |all| describe_groups(asking, all, subject);
    Ok(named(&aws.groups().ask_and_keep(names, ask).await?, names))
}

/// Like [`groups_named`], but reuses the answer that was read right after the creation of the groups.
pub(crate) async fn groups_watched(
    aws: &Aws,
    names: &[&str],
) -> Result<Vec<AutoScalingGroup>, ActionError> {
    match aws.groups().take_fresh(names) {
        Some(found) => Ok(named(&found, names)),
        None => groups_named(aws, names).await,
    }
}

fn named(found: &[AutoScalingGroup], names: &[&str]) -> Vec<AutoScalingGroup> {
    let wanted = |group: &&AutoScalingGroup| {
        group.auto_scaling_group_name().is_some_and(|name| names.contains(&name))
    };
    found.iter().filter(wanted).cloned().collect()
}

async fn describe_groups(
    aws: Aws,
    names: Names,
    subject: String,
) -> Result<Vec<AutoScalingGroup>, ActionError> {
    let (aws, names, subject) = (&aws, &names, &subject);
    all_pages(|token| async move {
        let request = aws.auto_scaling().describe_auto_scaling_groups().set_next_token(token);
        let call = Call::reading(Service::AutoScaling, "DescribeAutoScalingGroups", subject);
        // The names are closed when the turn of the call has come.
        let sent = async {
            let names = names.close().await;
            request.set_auto_scaling_group_names(Some(names)).send().await
        };
        let answer = aws.call(call, sent).await?;
        Ok(Page::new(answer.auto_scaling_groups, answer.next_token))
    })
    .await
}

impl CreateAutoScalingGroup {
    const CALL: &'static str = "CreateAutoScalingGroup";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    async fn delete(&self, name: &str) -> Result<(), ActionError> {
        let request = self.aws.auto_scaling().delete_auto_scaling_group();
        // Forced: one call sets the sizes to zero, forbids replacements and ends the instances.
        let request = request.auto_scaling_group_name(name).force_delete(true);
        let call = Call::changing(Service::AutoScaling, "DeleteAutoScalingGroup", name);
        self.aws.call(call, request.send()).await.map(drop)
    }

    /// Deletes a group that was found and proven ours, unless somebody else's instance is in it.
    async fn remove(
        &self,
        mark: &Mark,
        output: &AutoScalingGroupRef,
        group: &AutoScalingGroup,
    ) -> Result<Progress<()>, ActionError> {
        let name = &output.name;
        let what = format!("group {name}");
        match membership(&self.aws, mark, group).await? {
            Membership::Ours => {}
            Membership::Unknown { ids } => {
                let why = format!("waits until the tags of {} can be read", ids.join(", "));
                return Ok(still_there(&what, &why));
            }
            Membership::Foreign { evidence } => return Err(strangers_in(name, &evidence)),
        }
        match self.delete(name).await {
            Ok(()) => {
                let left = count(group.instances().len());
                Ok(still_there(&what, &format!("is being deleted, {left}")))
            }
            Err(error) if is_going(&error) => {
                Ok(still_there(&what, &format!("is not deleted yet: {error}")))
            }
            // A right that depends on tags is denied for what has none, so also for what is gone.
            Err(error) if is_denied(&error) => {
                let standing = groups_named(&self.aws, &[name]).await?;
                if standing.iter().any(|group| output.is(group)) {
                    return Err(error);
                }
                Ok(still_there(&what, "is gone, its instances are looked for"))
            }
            Err(error) => Err(error),
        }
    }
}

impl Action for CreateAutoScalingGroup {
    type Input = AutoScalingGroupInput;
    type Output = AutoScalingGroupRef;

    /// Dies here: the group may stand; it is found again by its name and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &AutoScalingGroupInput,
    ) -> Result<AutoScalingGroupRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let scaling = &input.scaling;
        let by_balancer = scaling.health_check == HealthCheckKind::Elb;
        let maintenance = InstanceMaintenancePolicy::builder()
            .min_healthy_percentage(scaling.healthy_percentage_min.cast_signed())
            .max_healthy_percentage(scaling.healthy_percentage_max.cast_signed())
            .build();
        let request = self
            .aws
            .auto_scaling()
            .create_auto_scaling_group()
            .auto_scaling_group_name(&input.name)
            .min_size(input.min.cast_signed())
            .max_size(input.max.cast_signed())
            .desired_capacity(input.desired.cast_signed())
            .launch_template(pinned(&input.launch_template))
            .vpc_zone_identifier(&input.subnet_id)
            .target_group_arns(&input.target_group.arn)
            .health_check_type(health_check_type(scaling.health_check))
            .set_health_check_grace_period(by_balancer.then(|| scaling.grace_s.cast_signed()))
            .instance_maintenance_policy(maintenance)
            .set_tags(Some(propagated_tags(&mark, &input.name)));
        let call = Call::changing(Service::AutoScaling, Self::CALL, &input.name);
        self.aws.call(call, request.send()).await?;
        prove_made(&self.aws, &mark, &input.name).await
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &AutoScalingGroupInput,
    ) -> Result<Reconciled<AutoScalingGroupRef>, ActionError> {
        let standing = groups_named(&self.aws, &[&input.name]).await?;
        let Some(group) = standing.into_iter().next() else { return Ok(Reconciled::Absent) };
        let what = format!("group {}", input.name);
        if let Some(status) = group.status() {
            // Whoever's it is, it is going, and the name will be free.
            return Ok(Reconciled::Unclear(Wait::new(format!("an earlier {what}: {status}"))));
        }
        let mark = Mark::new(context, &self.stack);
        let ownership = mark.judge(tags_of(&group));
        let output = AutoScalingGroupRef::of(&input.name, &group);
        Ok(Found { what, differences: differences(input, &group), output }.judge(ownership))
    }

    fn limits(&self) -> Limits {
        limits_with_young_target_group()
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::AutoScaling.lane(Self::CALL))
    }
}

impl CreateAutoScalingGroup {
    /// Takes back what this action made; all that it needs is known from the account.
    pub(crate) async fn take_back(
        &self,
        context: &ActionContext,
        output: &AutoScalingGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let name = &output.name;
        let standing = groups_named(&self.aws, &[name]).await?;
        let Some(group) = standing.iter().find(|group| output.is(group)) else {
            // Another group may use the name now; ours is gone.
            return remove_stragglers(&self.aws, context, name, &standing).await;
        };
        if let Ownership::Foreign { owner } = mark.judge(tags_of(group)) {
            return Err(not_ours(&format!("group {name}"), &owner));
        }
        match group.status() {
            Some(_) => {
                let left = count(group.instances().len());
                Ok(still_there(&format!("group {name}"), &format!("is being deleted, {left}")))
            }
            None => self.remove(&mark, output, group).await,
        }
    }
}

impl CreateAutoScalingGroup {
    /// Takes back instances when only their marks and the name of their group are known.
    pub(crate) async fn take_back_instances(
        &self,
        context: &ActionContext,
        name: &str,
    ) -> Result<Progress<()>, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let standing = groups_named(&self.aws, &[name]).await?;
        let marked = standing.iter().find(|group| mark.judge(tags_of(group)) == Ownership::Ours);
        match marked {
            Some(group) => self.take_back(context, &AutoScalingGroupRef::of(name, group)).await,
            None => remove_stragglers(&self.aws, context, name, &standing).await,
        }
    }
}

impl Compensate for CreateAutoScalingGroup {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        _input: &AutoScalingGroupInput,
        output: &AutoScalingGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        self.take_back(context, output).await
    }
}

/// Whether the refusal of a deletion says that the group is gone or going.
fn is_going(error: &ActionError) -> bool {
    let text = error.to_string();
    match error.code() {
        Some("ScalingActivityInProgress" | "ResourceInUse") => true,
        Some("ValidationError") => text.contains("not found") || text.contains("pending delete"),
        _ => false,
    }
}

fn strangers_in(name: &str, evidence: &str) -> ActionError {
    ActionError::permanent(format!(
        "group {name} holds what is not ours, and its deletion would end it: {evidence}"
    ))
    .with_advice("detach these instances from the group, then ask again")
}

fn count(instances: usize) -> String {
    match instances {
        1 => "1 instance left".to_owned(),
        many => format!("{many} instances left"),
    }
}

fn health_check_type(kind: HealthCheckKind) -> &'static str {
    match kind {
        HealthCheckKind::Ec2 => "EC2",
        HealthCheckKind::Elb => "ELB",
    }
}

fn pinned(template: &LaunchTemplateRef) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_id(&template.id)
        .version(template.version.to_string())
        .build()
}

/// The mark, handed on to every instance at its launch.
fn propagated_tags(mark: &Mark, name: &str) -> Vec<Tag> {
    let tag = |(key, value): (String, String)| {
        let tag = Tag::builder().resource_type("auto-scaling-group").resource_id(name);
        tag.set_key(Some(key)).value(value).propagate_at_launch(true).build()
    };
    mark.tags(name).into_iter().map(tag).collect()
}

/// The tags of a group, as plain pairs.
pub(crate) fn tags_of(group: &AutoScalingGroup) -> impl Iterator<Item = (&str, &str)> {
    group.tags().iter().filter_map(|tag: &TagDescription| Some((tag.key()?, tag.value()?)))
}

/// The ids of the instances in a group.
pub(crate) fn ids_of(instances: &[Instance]) -> impl Iterator<Item = &str> {
    instances.iter().filter_map(Instance::instance_id)
}

/// What differs between a group and what was asked for.
pub(crate) fn differences(
    input: &AutoScalingGroupInput,
    group: &AutoScalingGroup,
) -> Vec<Difference> {
    let template = group.launch_template();
    let version = template.and_then(LaunchTemplateSpecification::version);
    let health_check = health_check_type(input.scaling.health_check);
    let subnets = group.vpc_zone_identifier().unwrap_or_default().split(',').map(str::trim);
    let target_groups = group.target_group_arns().iter().map(String::as_str);
    let mut comparison = Comparison::default();
    for (name, wanted, found) in [
        ("minimum", input.min, group.min_size()),
        ("maximum", input.max, group.max_size()),
        ("desired capacity", input.desired, group.desired_capacity()),
    ] {
        comparison.field(name, wanted.cast_signed(), found);
    }
    let template_id = template.and_then(LaunchTemplateSpecification::launch_template_id);
    comparison.field("launch template", input.launch_template.id.as_str(), template_id);
    comparison.field("template version", input.launch_template.version.to_string(), version);
    comparison.set("subnets", [input.subnet_id.as_str()], subnets);
    comparison.set("target groups", [input.target_group.arn.as_str()], target_groups);
    comparison.field("health check type", health_check, group.health_check_type());
    if input.scaling.health_check == HealthCheckKind::Elb {
        let grace = group.health_check_grace_period();
        comparison.field("grace period", input.scaling.grace_s.cast_signed(), grace);
    }
    let policy = group.instance_maintenance_policy();
    for (name, wanted, found) in [
        (
            "minimum healthy percentage",
            input.scaling.healthy_percentage_min,
            policy.and_then(InstanceMaintenancePolicy::min_healthy_percentage),
        ),
        (
            "maximum healthy percentage",
            input.scaling.healthy_percentage_max,
            policy.and_then(InstanceMaintenancePolicy::max_healthy_percentage),
        ),
    ] {
        comparison.field(name, wanted.cast_signed(), found);
    }
    comparison.differences()
}

#[cfg(test)]
mod tests;
