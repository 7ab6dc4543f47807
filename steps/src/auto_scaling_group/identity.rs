//! The identity of an Auto Scaling group.
//!
//! Every call names a group by its name, and a name is free again when its group is gone. The ARN contains a unique
//! identifier. No create call returns it, so it is read right after the creation.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use lab1_flow_workflow::ActionError;
use serde::{Deserialize, Serialize};

use super::{groups_made, tags_of};
use crate::connection::Aws;
use crate::ownership::{Mark, Ownership, owner_of};
use crate::tags::unproven;

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoScalingGroupRef {
    /// Its name, by which all calls know it.
    pub name: String,
    /// Its ARN, which no other group ever has; `None` in records of earlier versions, for which the mark alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

impl AutoScalingGroupRef {
    pub(super) fn of(name: &str, group: &AutoScalingGroup) -> Self {
        Self { name: name.to_owned(), arn: group.auto_scaling_group_arn().map(str::to_owned) }
    }

    /// Whether this is the group that was made, and not another one of the same name.
    pub(crate) fn is(&self, group: &AutoScalingGroup) -> bool {
        group.auto_scaling_group_name() == Some(self.name.as_str())
            && self.has_arn(group.auto_scaling_group_arn())
    }

    /// Whether this can be the ARN of the group. It cannot be told when either is unknown.
    pub(crate) fn has_arn(&self, found: Option<&str>) -> bool {
        self.arn.as_deref().zip(found).is_none_or(|(arn, found)| arn == found)
    }
}

/// Describes another group that uses the name of the group that was made, for people.
pub(crate) fn impostor(
    made: &AutoScalingGroupRef,
    standing: &[AutoScalingGroup],
) -> Option<String> {
    let named = |group: &&AutoScalingGroup| {
        group.auto_scaling_group_name() == Some(made.name.as_str()) && !made.is(group)
    };
    let other = standing.iter().find(named)?;
    Some(format!("another group uses its name and belongs to {}", owner_of(tags_of(other))))
}

/// Reads the mark and the ARN of a group right after its creation. Simultaneous callers share one request.
///
/// # Errors
/// Contended while the group is not visible or another one is visible in its place, so that the engine reconciles;
/// ambiguous when the read fails, because the create call itself has succeeded.
pub(super) async fn prove_made(
    aws: &Aws,
    mark: &Mark,
    name: &str,
) -> Result<AutoScalingGroupRef, ActionError> {
    let what = format!("group {name}");
    let standing = groups_made(aws, &[name]).await.map_err(|error| unproven(&what, &error))?;
    // An earlier group of this name may still be listed while it is deleted.
    let Some(group) = standing.iter().find(|group| group.status().is_none()) else {
        return Err(ActionError::contended(format!("{what} was made and cannot be seen yet")));
    };
    match mark.judge(tags_of(group)) {
        Ownership::Ours => Ok(AutoScalingGroupRef::of(name, group)),
        Ownership::Foreign { owner } => Err(ActionError::contended(format!(
            "{what} was made, and one that belongs to {owner} is visible in its place"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(arn: &str) -> AutoScalingGroup {
        AutoScalingGroup::builder()
            .auto_scaling_group_name("group1")
            .auto_scaling_group_arn(arn)
            .build()
    }

    fn made(arn: Option<&str>) -> AutoScalingGroupRef {
        AutoScalingGroupRef { name: "group1".to_owned(), arn: arn.map(str::to_owned) }
    }

    #[test]
    fn another_group_of_the_same_name_is_not_ours() {
        assert!(made(Some("arn:1")).is(&group("arn:1")));
        assert!(!made(Some("arn:1")).is(&group("arn:2")));
        assert_eq!(impostor(&made(Some("arn:1")), &[group("arn:1")]), None);
        let words = impostor(&made(Some("arn:1")), &[group("arn:2")]);
        assert!(words.is_some_and(|words| words.contains("no mark of lab1-flow")));
    }

    #[test]
    fn a_record_without_an_arn_can_be_read_and_matches_by_name() {
        let old: AutoScalingGroupRef = serde_json::from_str(r#"{"name":"group1"}"#).unwrap();
        assert_eq!(old, made(None));
        assert!(old.is(&group("arn:2")));
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"name":"group1"}"#);
    }
}
