//! The instances of a group: whose they are, and what is left of them when the group is gone.

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance as Member};
use aws_sdk_ec2::types::{Filter, Instance, InstanceState, InstanceStateName};
use lab1_flow_workflow::{ActionContext, ActionError, Progress};

use super::ids_of;
use crate::connection::{Aws, Call, Service};
use crate::ec2::{filter, marked_by, pairs};
use crate::ownership::{Mark, RUN_ID_TAG, owner_of};
use crate::pages::{Page, all_pages};
use crate::removal::still_there;

/// The states of an instance that is not terminated.
const LIVING: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// The reserved tag that names the Auto Scaling group of an instance. Only AWS can set it.
pub(crate) const GROUP_OF_INSTANCE: &str = "aws:autoscaling:groupName";
/// The reserved tag that names the launch template of an instance. Only AWS can set it.
const TEMPLATE_OF_INSTANCE: &str = "aws:ec2launchtemplate:id";

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
/// The group passes the mark on to the instances that it launches: an instance without the mark was attached by hand.
/// So was a member without a launch template; its tags are copies. An instance that is shutting down or terminated is
/// ignored: AWS may have removed its tags already, and the deletion of the group does it no harm.
pub(super) async fn membership(
    aws: &Aws,
    mark: &Mark,
    group: &AutoScalingGroup,
) -> Result<Membership, ActionError> {
    let members = group.instances();
    let ids: Vec<&str> = ids_of(members).collect();
    if ids.is_empty() {
        return Ok(Membership::Ours);
    }
    let name = group.auto_scaling_group_name().unwrap_or_default();
    let seen = instances(aws, name, &[filter("instance-id", ids.iter().copied())]).await?;
    Ok(judge(mark, members, &seen))
}

fn judge(mark: &Mark, members: &[Member], seen: &[Instance]) -> Membership {
    let was_attached = |id: &str| {
        let mut members = members.iter().filter(|member| member.instance_id() == Some(id));
        members.any(|member| member.launch_template().is_none())
    };
    let living = || seen.iter().filter(|instance| !is_ending(instance));
    let strangers: Vec<String> = living()
        .filter_map(|instance| {
            let id = id_of(instance);
            if !mark.is_of_run(pairs(instance.tags())) {
                Some(format!("{id} ({})", owner_of(pairs(instance.tags()))))
            } else if was_attached(id) {
                Some(format!("{id} (attached by hand; its tags are a copy of ours)"))
            } else {
                None
            }
        })
        .collect();
    if !strangers.is_empty() {
        return Membership::Foreign { evidence: strangers.join(", ") };
    }
    let unseen = |id: &&str| !seen.iter().any(|instance| id_of(instance) == *id);
    let ids: Vec<String> = ids_of(members).filter(unseen).map(str::to_owned).collect();
    if ids.is_empty() { Membership::Ours } else { Membership::Unknown { ids } }
}

/// Waits for the instances of a group that is gone, and ends those that nobody ends any more.
///
/// Our tags do not prove that an instance is ours: consoles copy them. An instance is terminated only if the reserved
/// tags of EC2 prove that the group launched it. `standing` are other groups that use the name now; their members are
/// not touched.
///
/// # Errors
/// Permanent with a list of the instances that carry our mark and were not launched by the group.
pub(super) async fn remove_stragglers(
    aws: &Aws,
    context: &ActionContext,
    group: &str,
    standing: &[AutoScalingGroup],
) -> Result<Progress<()>, ActionError> {
    let living = filter("instance-state-name", LIVING);
    let filters: Vec<Filter> = marked_by(context).into_iter().chain([living]).collect();
    let mut left = instances(aws, group, &filters).await?;
    let is_theirs = |instance: &Instance| {
        let mut members = standing.iter().flat_map(|group| ids_of(group.instances()));
        members.any(|id| id == id_of(instance))
    };
    left.retain(|instance| !is_theirs(instance));
    if left.is_empty() {
        return Ok(Progress::Done(()));
    }
    let (ours, copies): (Vec<&Instance>, Vec<&Instance>) =
        left.iter().partition(|instance| is_ending(instance) || was_started_by(group, instance));
    for instance in ours.iter().filter(|instance| !is_ending(instance)) {
        terminate(aws, id_of(instance)).await?;
    }
    if !copies.is_empty() {
        return Err(not_started_by(group, &copies));
    }
    let ids: Vec<&str> = ours.into_iter().map(id_of).collect();
    let why = format!("is gone, {} not terminated yet: {}", ids.len(), ids.join(", "));
    Ok(still_there(&format!("group {group}"), &why))
}

/// Whether the reserved tags of EC2 prove that the group launched the instance from a template.
fn was_started_by(group: &str, instance: &Instance) -> bool {
    let tag =
        |key: &str| pairs(instance.tags()).find(|(name, _)| *name == key).map(|(_, value)| value);
    tag(GROUP_OF_INSTANCE) == Some(group) && tag(TEMPLATE_OF_INSTANCE).is_some()
}

fn not_started_by(group: &str, copies: &[&Instance]) -> ActionError {
    let ids: Vec<&str> = copies.iter().map(|instance| id_of(instance)).collect();
    let ids = ids.join(", ");
    ActionError::permanent(format!(
        "group {group} is gone; these instances carry its tags, but it did not start them, so they were not terminated: {ids}"
    ))
    .with_advice(format!(
        "remove the tag {RUN_ID_TAG} from the instances, or terminate them; then run the command again"
    ))
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
    use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
    use aws_sdk_ec2::types::Tag;

    use super::*;

    fn tagged(id: &str, tags: &[(&str, &str)]) -> Instance {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
        let tags = tags.iter().map(tag).collect();
        Instance::builder().instance_id(id).set_tags(Some(tags)).build()
    }

    fn instance(id: &str, run: Option<&str>) -> Instance {
        let tags: Vec<_> = run.map(|run| (RUN_ID_TAG, run)).into_iter().collect();
        tagged(id, &tags)
    }

    fn ending(mut instance: Instance, state: InstanceStateName) -> Instance {
        instance.state = Some(InstanceState::builder().name(state).build());
        instance
    }

    fn members<const COUNT: usize>(ids: [&str; COUNT]) -> [Member; COUNT] {
        let template = LaunchTemplateSpecification::builder().launch_template_id("lt-1").build();
        ids.map(|id| Member::builder().instance_id(id).launch_template(template.clone()).build())
    }

    fn mark() -> Mark {
        Mark::for_test("run-1", "auto-scaling-group-1")
    }

    #[test]
    fn instances_with_the_runs_mark_are_ours() {
        let seen = [instance("i-1", Some("run-1")), instance("i-2", Some("run-1"))];
        assert_eq!(judge(&mark(), &members(["i-1", "i-2"]), &seen), Membership::Ours);
    }

    #[test]
    fn an_instance_that_was_attached_by_hand_is_named() {
        let seen = [instance("i-1", Some("run-1")), instance("i-2", None)];
        let evidence = "i-2 (no mark of lab1-flow)".to_owned();
        let judged = judge(&mark(), &members(["i-1", "i-2"]), &seen);
        assert_eq!(judged, Membership::Foreign { evidence });
    }

    #[test]
    fn an_attached_copy_is_foreign() {
        let seen = [instance("i-1", Some("run-1")), instance("i-2", Some("run-1"))];
        let [first, mut second] = members(["i-1", "i-2"]);
        second.launch_template = None;
        let Membership::Foreign { evidence } = judge(&mark(), &[first, second], &seen) else {
            panic!("the group did not start it");
        };
        assert!(evidence.starts_with("i-2 ("), "{evidence}");
    }

    #[test]
    fn a_terminating_member_without_tags_is_ignored() {
        for state in [InstanceStateName::ShuttingDown, InstanceStateName::Terminated] {
            let seen = [instance("i-1", Some("run-1")), ending(instance("i-2", None), state)];
            assert_eq!(judge(&mark(), &members(["i-1", "i-2"]), &seen), Membership::Ours);
        }
    }

    #[test]
    fn an_instance_that_cannot_be_seen_is_nobodys_yet() {
        let seen = [instance("i-1", Some("run-1"))];
        let ids = vec!["i-2".to_owned()];
        let judged = judge(&mark(), &members(["i-1", "i-2"]), &seen);
        assert_eq!(judged, Membership::Unknown { ids });
    }

    #[test]
    fn only_reserved_tags_prove_that_the_group_started_an_instance() {
        let (group, template) = ((GROUP_OF_INSTANCE, "group1"), (TEMPLATE_OF_INSTANCE, "lt-1"));
        let was_started = |tags: &[(&str, &str)]| was_started_by("group1", &tagged("i-1", tags));
        assert!(was_started(&[group, template]));
        for copied in [&[][..], &[group], &[template], &[(GROUP_OF_INSTANCE, "other"), template]] {
            assert!(!was_started(copied), "{copied:?}");
        }
    }
}
