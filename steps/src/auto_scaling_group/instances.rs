//! The instances of a group: whose they are, and what is left of them when the group is gone.

use aws_sdk_autoscaling::types::Instance as Member;
use aws_sdk_ec2::types::{Filter, Instance, InstanceState, InstanceStateName};
use lab1_flow_workflow::{ActionContext, ActionError, Progress};

use super::ids_of;
use crate::connection::{Aws, Call, Service};
use crate::ec2::{filter, pairs};
use crate::ownership::{ACTION_TAG, Mark, RUN_ID_TAG, owner_of};
use crate::pages::{Page, all_pages};
use crate::removal::still_there;

/// The states of an instance that is not terminated.
const LIVING: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// Whose the instances in a group are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// All carry the run's mark.
    Ours,
    /// Some cannot be seen yet.
    Unknown {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Some were put there by someone else.
    Foreign {
        /// Which, and whose they are.
        evidence: String,
    },
}

/// Tells whose the instances of a group are.
///
/// The group hands the mark on to what it launches, and only to that: an instance without it was attached
/// by hand.
pub(super) async fn membership(
    aws: &Aws,
    mark: &Mark,
    group: &str,
    members: &[Member],
) -> Result<Membership, ActionError> {
    let ids: Vec<&str> = ids_of(members).collect();
    if ids.is_empty() {
        return Ok(Membership::Ours);
    }
    let seen = instances(aws, group, &[filter("instance-id", ids.iter().copied())]).await?;
    Ok(judge(mark, &ids, &seen))
}

fn judge(mark: &Mark, ids: &[&str], seen: &[Instance]) -> Membership {
    let strangers: Vec<String> = seen
        .iter()
        .filter(|instance| !mark.is_of_run(pairs(instance.tags())))
        .map(|instance| format!("{} ({})", id_of(instance), owner_of(pairs(instance.tags()))))
        .collect();
    if !strangers.is_empty() {
        return Membership::Foreign { evidence: strangers.join(", ") };
    }
    let unseen = ids.iter().filter(|id| !seen.iter().any(|instance| id_of(instance) == **id));
    let ids: Vec<String> = unseen.map(|id| (*id).to_owned()).collect();
    if ids.is_empty() { Membership::Ours } else { Membership::Unknown { ids } }
}

/// Waits for the instances of a group that is gone, and ends those that nobody ends any more.
///
/// An instance that was detached from its group outlives it. It carries this action's mark, which only the
/// group hands out, so it is ours to end.
pub(super) async fn remove_stragglers(
    aws: &Aws,
    context: &ActionContext,
    group: &str,
) -> Result<Progress<()>, ActionError> {
    let filters = [
        filter(&format!("tag:{RUN_ID_TAG}"), [context.run().as_str()]),
        filter(&format!("tag:{ACTION_TAG}"), [context.action().as_str()]),
        filter("instance-state-name", LIVING),
    ];
    let left = instances(aws, group, &filters).await?;
    if left.is_empty() {
        return Ok(Progress::Done(()));
    }
    for instance in left.iter().filter(|instance| !is_ending(instance)) {
        terminate(aws, id_of(instance)).await?;
    }
    let ids: Vec<&str> = left.iter().map(id_of).collect();
    let why = format!("is gone, {} not terminated yet: {}", left.len(), ids.join(", "));
    Ok(still_there(&format!("group {group}"), &why))
}

/// Ends one instance. One at a time, because an unknown id among many would spare them all.
async fn terminate(aws: &Aws, id: &str) -> Result<(), ActionError> {
    let request = aws.ec2().terminate_instances().instance_ids(id);
    let call = Call::changing(Service::Ec2, "TerminateInstances", id);
    match aws.call(call, request.send()).await {
        Err(error) if error.code() == Some("InvalidInstanceID.NotFound") => Ok(()),
        answer => answer.map(drop),
    }
}

/// The instances that these filters leave.
pub(crate) async fn instances(
    aws: &Aws,
    group: &str,
    filters: &[Filter],
) -> Result<Vec<Instance>, ActionError> {
    let reservations = all_pages(|token| async move {
        let request = aws.ec2().describe_instances();
        let request = request.set_filters(Some(filters.to_vec())).set_next_token(token);
        let call = Call::reading(Service::Ec2, "DescribeInstances", group);
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.reservations, answer.next_token))
    })
    .await?;
    Ok(reservations.into_iter().flat_map(|one| one.instances.unwrap_or_default()).collect())
}

fn id_of(instance: &Instance) -> &str {
    instance.instance_id().unwrap_or("an instance without an id")
}

fn is_ending(instance: &Instance) -> bool {
    let state = instance.state().and_then(InstanceState::name);
    matches!(state, Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    fn instance(id: &str, run: Option<&str>) -> Instance {
        let tags = run.map(|run| vec![Tag::builder().key(RUN_ID_TAG).value(run).build()]);
        Instance::builder().instance_id(id).set_tags(tags).build()
    }

    fn mark() -> Mark {
        Mark::for_test("run-1", "auto-scaling-group-1")
    }

    #[test]
    fn instances_with_the_runs_mark_are_ours() {
        let seen = [instance("i-1", Some("run-1")), instance("i-2", Some("run-1"))];
        assert_eq!(judge(&mark(), &["i-1", "i-2"], &seen), Membership::Ours);
    }

    #[test]
    fn an_instance_that_was_attached_by_hand_is_named() {
        let seen = [instance("i-1", Some("run-1")), instance("i-2", None)];
        let evidence = "i-2 (no mark of lab1-flow)".to_owned();
        assert_eq!(judge(&mark(), &["i-1", "i-2"], &seen), Membership::Foreign { evidence });
    }

    #[test]
    fn an_instance_that_cannot_be_seen_is_nobodys_yet() {
        let seen = [instance("i-1", Some("run-1"))];
        let ids = vec!["i-2".to_owned()];
        assert_eq!(judge(&mark(), &["i-1", "i-2"], &seen), Membership::Unknown { ids });
    }
}
