//! Security groups and their rules.
//!
//! Made by `CreateSecurityGroup`, which refuses a name that is taken and so proves itself. The rules are a
//! change of their own: a crash between the two must not leave a group with other rules than it should
//! have. Taken back by `DeleteSecurityGroup`, which is refused for as long as a network interface is in the
//! group: those of instances and of the balancer outlive them by up to some minutes.

mod rules;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ResourceType, SecurityGroup};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Lane, Limits, Progress, Reconciled,
};
use serde::{Deserialize, Serialize};

pub use rules::SecurityGroupRulesRef;
pub(crate) use rules::{
    AuthorizeIngress, IngressRule, SecurityGroupRulesInput, differences as rule_differences,
};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Service};
use crate::ec2::{self, filter};
use crate::ownership::{Mark, Ownership, owner_of};
use crate::removal::{is_denied, not_ours, still_there};
use crate::spec::StackName;

/// How long the interfaces of a balancer may hold its group: 200 s at the 95th percentile, and other tools
/// have met more than ten minutes.
const HELD_AT_MOST: std::time::Duration = std::time::Duration::from_mins(20);

/// The limits of what names a security group that was made a moment ago, and may not be seen for the usual window
/// of 120 s: with the shortest delays that jitter gives, this many tries last as long.
pub(crate) fn limits_with_young_security_group() -> Limits {
    Limits { tries_max: 18, ..Limits::default() }
}

/// All that a security group is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroupInput {
    /// Its name, unique in the VPC without regard to case.
    pub(crate) name: String,
    /// What it is for; AWS never lets it be changed.
    pub(crate) description: String,
    /// The VPC that it belongs to.
    pub(crate) vpc_id: String,
}

/// A security group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Creates a security group without rules for what comes in; everything may go out.
#[derive(Debug, Clone)]
pub(crate) struct CreateSecurityGroup {
    aws: Aws,
    stack: StackName,
}

impl CreateSecurityGroup {
    const CALL: &'static str = "CreateSecurityGroup";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    async fn delete(&self, group: &SecurityGroupRef) -> Result<(), ActionError> {
        let request = self.aws.ec2().delete_security_group().group_id(&group.id);
        let call = Call::changing(Service::Ec2, "DeleteSecurityGroup", &group.name);
        self.aws.call(call, request.send()).await.map(drop)
    }
}

impl Action for CreateSecurityGroup {
    type Input = SecurityGroupInput;
    type Output = SecurityGroupRef;

    /// Dies here: the group may stand; it is found again by its name and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &SecurityGroupInput,
    ) -> Result<SecurityGroupRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let request = self
            .aws
            .ec2()
            .create_security_group()
            .group_name(&input.name)
            .description(&input.description)
            .vpc_id(&input.vpc_id)
            .tag_specifications(ec2::tagged(ResourceType::SecurityGroup, &mark, &input.name));
        let call = Call::changing(Service::Ec2, Self::CALL, &input.name);
        let answer = self.aws.call(call, request.send()).await?;
        let id = answer.group_id.ok_or_else(|| {
            ActionError::ambiguous(format!("the answer to {} names no group", Self::CALL))
        })?;
        Ok(SecurityGroupRef { id, name: input.name.clone() })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &SecurityGroupInput,
    ) -> Result<Reconciled<SecurityGroupRef>, ActionError> {
        let filters = [filter("vpc-id", [&*input.vpc_id]), filter("group-name", [&*input.name])];
        let found = describe(&self.aws, &input.name, &filters).await?;
        let Some(group) = found.first() else { return Ok(Reconciled::Absent) };
        let thing = Found {
            what: format!("security group {}", input.name),
            differences: differences(input, group),
            output: SecurityGroupRef {
                id: group.group_id().unwrap_or_default().to_owned(),
                name: input.name.clone(),
            },
        };
        Ok(thing.judge(Mark::new(context, &self.stack).judge(ec2::pairs(group.tags()))))
    }

    fn limits(&self) -> Limits {
        Limits::waiting_at_most(HELD_AT_MOST)
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::Ec2.lane(Self::CALL))
    }
}

impl CreateSecurityGroup {
    /// Takes back what this action made; all that it needs is known from the account.
    pub(crate) async fn take_back(
        &self,
        context: &ActionContext,
        group: &SecurityGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        let what = format!("security group {}", group.name);
        let Some(seen) = find(&self.aws, group).await? else { return Ok(Progress::Done(())) };
        let mark = Mark::new(context, &self.stack);
        let group = &match mark.judge(ec2::pairs(seen.tags())) {
            Ownership::Ours => group.clone(),
            Ownership::Foreign { owner } => match self.find_by_mark(context, &group.name).await? {
                Some(own) => own,
                // The name of a group never changes, so a group of another name was never ours: the answer was wrong.
                None if !is_named(&seen, group) => return Ok(Progress::Done(())),
                None => return Err(not_ours(&what, &owner)),
            },
        };
        match self.delete(group).await {
            Ok(()) => Ok(still_there(&what, "is being deleted")),
            Err(error) if error.code() == Some("InvalidGroup.NotFound") => {
                Ok(still_there(&what, "is being deleted"))
            }
            Err(error) if is_held(&error) => {
                let holders = holders(&self.aws, group).await?;
                Ok(still_there(&what, &holders))
            }
            // A right that depends on tags is denied for what has none, so also for what is gone.
            Err(error) if is_denied(&error) && find(&self.aws, group).await?.is_none() => {
                Ok(Progress::Done(()))
            }
            Err(error) => Err(error),
        }
    }
}

impl CreateSecurityGroup {
    /// Finds the group that carries this action's mark, whatever its id.
    async fn find_by_mark(
        &self,
        context: &ActionContext,
        name: &str,
    ) -> Result<Option<SecurityGroupRef>, ActionError> {
        let filters = ec2::marked_by(context);
        let found = describe(&self.aws, name, &filters).await?;
        let id = found.first().and_then(SecurityGroup::group_id);
        Ok(id.map(|id| SecurityGroupRef { id: id.to_owned(), name: name.to_owned() }))
    }
}

impl Compensate for CreateSecurityGroup {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        _input: &SecurityGroupInput,
        group: &SecurityGroupRef,
    ) -> Result<Progress<()>, ActionError> {
        self.take_back(context, group).await
    }
}

/// Whether this is the group's name. AWS keeps it as it was given.
fn is_named(seen: &SecurityGroup, group: &SecurityGroupRef) -> bool {
    seen.group_name().is_none_or(|name| name == group.name)
}

/// Proves that a group belongs to this run before it is changed. The id in the answer to a create call is no proof.
///
/// # Errors
/// Transient while the group is not visible; permanent when it is not ours.
async fn prove(aws: &Aws, mark: &Mark, group: &SecurityGroupRef) -> Result<(), ActionError> {
    let SecurityGroupRef { id, name } = group;
    let Some(seen) = find(aws, group).await? else {
        let message = format!("security group {name} ({id}) was made and cannot be seen yet");
        return Err(ActionError::transient(message));
    };
    if mark.is_of_run(ec2::pairs(seen.tags())) && is_named(&seen, group) {
        return Ok(());
    }
    let owner = owner_of(ec2::pairs(seen.tags()));
    let called = seen.group_name().unwrap_or("no name");
    Err(ActionError::permanent(format!(
        "the endpoint returned {id} for the new security group {name}, but {id} is called {called} and belongs to {owner}; it was not changed"
    ))
    .with_advice("roll back, and check why the endpoint returned the id of another group"))
}

fn is_held(error: &ActionError) -> bool {
    matches!(error.code(), Some("DependencyViolation" | "InvalidGroup.InUse"))
}

/// Finds a group by its id; `None` when it is gone or cannot be seen.
async fn find(aws: &Aws, group: &SecurityGroupRef) -> Result<Option<SecurityGroup>, ActionError> {
    // By filter: by parameter an absent group would be an error that reads like any other.
    let found = describe(aws, &group.name, &[filter("group-id", [&*group.id])]).await?;
    Ok(found.into_iter().next())
}

/// What differs between a group and what was asked for; its rules are another matter.
pub(crate) fn differences(input: &SecurityGroupInput, group: &SecurityGroup) -> Vec<Difference> {
    let mut comparison = Comparison::default();
    comparison.field("description", input.description.as_str(), group.description());
    comparison.differences()
}

/// The groups that these filters leave.
pub(crate) async fn describe(
    aws: &Aws,
    subject: &str,
    filters: &[aws_sdk_ec2::types::Filter],
) -> Result<Vec<SecurityGroup>, ActionError> {
    let request = aws.ec2().describe_security_groups().set_filters(Some(filters.to_vec()));
    let call = Call::reading(Service::Ec2, "DescribeSecurityGroups", subject);
    // A name in one VPC, or an id, is one group at most: there is no second page.
    Ok(aws.call(call, request.send()).await?.security_groups.unwrap_or_default())
}

/// Says what still holds a group, for people.
async fn holders(aws: &Aws, group: &SecurityGroupRef) -> Result<String, ActionError> {
    let interfaces = ec2::interfaces(aws, &group.name, &[filter("group-id", [&*group.id])]).await?;
    let held = match interfaces.len() {
        0 => return Ok("is still referred to by another one".to_owned()),
        1 => "is still held by 1 network interface".to_owned(),
        count => format!("is still held by {count} network interfaces"),
    };
    // Ours are gone by now: the instances are somebody else's, and that somebody must know which.
    let instances: BTreeSet<&str> =
        interfaces.iter().filter_map(|interface| interface.attachment()?.instance_id()).collect();
    if instances.is_empty() {
        return Ok(held);
    }
    let instances: Vec<&str> = instances.into_iter().collect();
    Ok(format!("{held}, of {}", instances.join(", ")))
}

#[cfg(test)]
mod tests;
