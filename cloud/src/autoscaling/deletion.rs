//! The deletion of a group: at once in word, some minutes later in fact.

use crate::autoscaling::members::{put_back, retire};
use crate::autoscaling::model::{Deletion, Group, find};
use crate::autoscaling::settings::DeletionProtection;
use crate::durations::Event;
use crate::handler::Answer;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Deletes a group. With force its instances are terminated; the group lingers until they have gone.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    let force = input.flag("ForceDelete")?.unwrap_or(false);
    input.end()?;
    let mut group = find(cx, name)?.clone();
    check_protection(&group, force)?;
    if group.deletion.is_some() {
        return Ok(Xml::new());
    }
    if !force && !group.members.is_empty() {
        let message = "You cannot delete an AutoScalingGroup while there are instances or pending \
                       Spot instance request(s) still in the group.";
        return Err(Refusal::new("ResourceInUse", message));
    }
    if !force && group.is_busy() {
        let message = "You cannot delete an AutoScalingGroup while there are scaling activities in \
                       progress for that group.";
        return Err(Refusal::new("ScalingActivityInProgress", message));
    }
    let time = iso8601(cx.now_ms);
    let cause = format!(
        "At {time} a user request force deleted AutoScalingGroup changing the desired capacity from \
         {} to 0.  At {time} an instance was taken out of service in response to a difference \
         between desired and actual capacity, shrinking the capacity from {} to 0.",
        group.settings.desired,
        group.capacity()
    );
    group.deletion = Some(Deletion { gone_ms: None });
    group.evaluate_ms = None;
    group.settings.min = 0;
    group.settings.max = 0;
    group.settings.desired = 0;
    let staying = group.members.iter().filter(|member| !member.lifecycle.is_leaving());
    let staying: Vec<String> = staying.map(|member| member.instance_id.clone()).collect();
    for id in staying {
        retire(cx, &mut group, &id, &cause);
    }
    fade(cx, &mut group);
    put_back(cx, group);
    Ok(Xml::new())
}

fn check_protection(group: &Group, force: bool) -> Result<(), Refusal> {
    let refused = match group.settings.deletion_protection {
        DeletionProtection::None => false,
        DeletionProtection::Forced => force,
        DeletionProtection::All => true,
    };
    if refused {
        let message = "The AutoScalingGroup is protected from this deletion.";
        return Err(Refusal::new("ResourceInUse", message));
    }
    Ok(())
}

/// Sets when a group that is being deleted goes itself, as soon as its last member has gone.
pub(crate) fn fade(cx: &Context<'_>, group: &mut Group) {
    let gone_ms = cx.after(Event::GroupGone, &group.arn);
    if group.members.is_empty()
        && let Some(deletion) = &mut group.deletion
    {
        deletion.gone_ms.get_or_insert(gone_ms);
    }
}
