//! Instances that a person puts into a group, or takes out of it alive.

use crate::autoscaling::activities::{self, Status, Subject};
use crate::autoscaling::capacity;
use crate::autoscaling::members::put_back;
use crate::autoscaling::model::{Group, Lifecycle, Member, changeable, not_found};
use crate::ec2::instances::InstanceState;
use crate::handler::Answer;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// The tag by which an instance tells its group.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Instances that one call may name.
const PER_CALL_MAX: usize = 20;

/// Attaches running instances: the group wants as many more, and registers them as its own. They do
/// not inherit its tags.
pub(crate) fn attach(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (mut group, ids) = read(cx, input)?;
    input.end()?;
    for id in &ids {
        check_attachable(cx, id)?;
    }
    let desired = group.settings.desired + u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if desired > group.settings.max {
        let message = format!(
            "AutoScalingGroup '{}' has max-size={}, current-size={}. Attaching {} instance(s) would \
             exceed its maximum.",
            group.name,
            group.settings.max,
            group.settings.desired,
            ids.len()
        );
        return Err(Refusal::new("ValidationError", message));
    }
    group.settings.desired = desired;
    for id in &ids {
        let number = begin(cx, &group, id, "Attaching an existing EC2 instance");
        activities::set_status(cx, number, Status::Successful, None);
        for arn in group.target_group_arns() {
            if let Some(target_group) = cx.region.target_groups.live_mut(&arn) {
                target_group.register(id, None, cx.now_ms);
            }
        }
        if let Some(instance) = cx.region.instances.get_mut(*id) {
            instance.tags.insert(GROUP_TAG.to_owned(), group.name.clone());
            group.members.push(Member {
                instance_id: instance.id.clone(),
                instance_type: instance.kind.clone(),
                zone: instance.zone.clone(),
                template: None,
                lifecycle: Lifecycle::InService { since_ms: cx.now_ms },
                healthy: true,
                protected: group.settings.protect_new,
                activity: number,
            });
        }
    }
    put_back(cx, group);
    Ok(Xml::new())
}

fn check_attachable(cx: &Context<'_>, id: &str) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new("ValidationError", message));
    match cx.region.instances.get(id) {
        None => return refuse(format!("Invalid Instance ID(s): [{id}]")),
        Some(instance) if instance.state(cx.now_ms) != InstanceState::Running => {
            return refuse(format!(
                "Instance {id} is not in correct state. Instance(s) must be in \
                                   'running' state."
            ));
        }
        Some(_) => {}
    }
    let is_member = |group: &Group| group.members.iter().any(|member| member.instance_id == id);
    match cx.region.groups.live().find(|group| is_member(group)) {
        Some(group) => {
            refuse(format!("Instance {id} is already part of AutoScalingGroup:{}", group.name))
        }
        None => Ok(()),
    }
}

/// Detaches members: they run on, without their group.
pub(crate) fn detach(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (mut group, ids) = read(cx, input)?;
    let shrink = input
        .flag("ShouldDecrementDesiredCapacity")?
        .ok_or_else(|| Refusal::missing(input.service(), "shouldDecrementDesiredCapacity"))?;
    input.end()?;
    let is_staying = |member: &Member| !member.lifecycle.is_leaving();
    for id in &ids {
        if !group.members.iter().any(|it| it.instance_id == **id && is_staying(it)) {
            let message =
                format!("The instance {id} is not part of Auto Scaling group {}.", group.name);
            return Err(Refusal::new("ValidationError", message));
        }
    }
    let fewer = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if shrink && group.settings.desired < group.settings.min.saturating_add(fewer) {
        let message =
            format!("Detaching would violate the group's min size ({}).", group.settings.min);
        return Err(Refusal::new("ValidationError", message));
    }
    let mut numbers = Vec::new();
    for id in &ids {
        let number = begin(cx, &group, id, "Detaching EC2 instance");
        activities::set_status(cx, number, Status::Successful, None);
        numbers.push(number);
        for arn in group.target_group_arns() {
            if let Some(target_group) = cx.region.target_groups.live_mut(&arn) {
                target_group.deregister(id, None, cx.now_ms);
            }
        }
        if let Some(instance) = cx.region.instances.get_mut(*id) {
            instance.tags.remove(GROUP_TAG);
        }
        group.members.retain(|member| member.instance_id != **id);
    }
    if shrink {
        group.settings.desired -= fewer;
    } else {
        capacity::look_again(cx, &mut group, String::new());
    }
    put_back(cx, group);
    let mut xml = Xml::new();
    let found = numbers.iter().filter_map(|number| activities::find(cx.region, *number));
    xml.members("Activities", found, |item, activity| activity.write(false, item));
    Ok(xml)
}

fn begin(cx: &mut Context<'_>, group: &Group, id: &str, what: &str) -> u64 {
    let instance = cx.region.instances.get(id);
    let (subnet_id, zone) =
        instance.map(|it| (it.subnet_id.clone(), it.zone.clone())).unwrap_or_default();
    let subject = Subject {
        group_arn: &group.arn,
        group_name: &group.name,
        subnet_id: &subnet_id,
        zone: &zone,
    };
    let cause = format!("At {} a user request named instance {id}.", iso8601(cx.now_ms));
    activities::begin(cx, &subject, format!("{what}: {id}"), cause, Status::InProgress)
}

/// Reads group and instances; gives a copy of the group, to be changed and put back.
fn read<'a>(cx: &Context<'_>, input: &Fields<'a>) -> Result<(Group, Vec<&'a str>), Refusal> {
    let name = input.required("AutoScalingGroupName")?;
    let mut ids = input.texts("InstanceIds");
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > PER_CALL_MAX {
        return Err(input.invalid("InstanceIds", "from 1 to 20 instances in one call"));
    }
    let arn = changeable(cx, name)?;
    let group = cx.region.groups.live_get(&arn).cloned().ok_or_else(|| not_found(name))?;
    Ok((group, ids))
}
