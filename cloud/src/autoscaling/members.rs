//! The way of a member through its group: into service, out of it, and gone.

use crate::autoscaling::activities::{self, Status, Subject};
use crate::autoscaling::model::{Group, Lifecycle, Member, changeable};
use crate::autoscaling::settings::HealthCheckKind;
use crate::autoscaling::{capacity, replacement};
use crate::durations::Event;
use crate::ec2::instances;
use crate::handler::Answer;
use crate::route_table::TargetState;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// What happens to a member next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberEvent {
    EntersService,
    /// Its instance was found to be ending although the group did not ask for it.
    FailsStatusCheck,
    /// Its target was found unhealthy.
    FailsTargetCheck,
    /// Its targets have drained, so that its instance can end.
    Drained,
    Leaves,
}

/// Tells what happens to a member next, and when; `None` if nothing does by itself.
pub(crate) fn next_event(
    cx: &Context<'_>,
    group: &Group,
    member: &Member,
) -> Option<(i64, MemberEvent)> {
    let id = &member.instance_id;
    // What is due at once is due since the last call that changed something, not since somebody looks.
    let at_once = cx.region.advanced_ms;
    let Some(instance) = cx.region.instances.get(id) else {
        return Some((at_once, MemberEvent::Leaves));
    };
    let noticed_ms = cx.duration_ms(Event::InstanceFailureNoticed, id);
    match (member.lifecycle, &instance.end) {
        (Lifecycle::Pending { .. } | Lifecycle::InService { .. }, Some(end)) => {
            Some((end.asked_ms + noticed_ms, MemberEvent::FailsStatusCheck))
        }
        (Lifecycle::Pending { in_service_ms }, None) => {
            Some((in_service_ms, MemberEvent::EntersService))
        }
        // It has failed, and serves on until its successor does.
        (Lifecycle::InService { .. }, None) if !member.healthy => None,
        (Lifecycle::InService { since_ms }, None) => {
            let unhealthy_ms = unhealthy_since(cx, group, id)?;
            let grace_ms = since_ms + i64::from(group.settings.grace_s) * 1000;
            Some((unhealthy_ms.max(grace_ms) + noticed_ms, MemberEvent::FailsTargetCheck))
        }
        (Lifecycle::Draining, _) => {
            Some((drained_ms(cx, group, id).unwrap_or(at_once), MemberEvent::Drained))
        }
        (Lifecycle::Ending, Some(end)) => Some((end.terminated_ms, MemberEvent::Leaves)),
        (Lifecycle::Ending, None) => Some((at_once, MemberEvent::Drained)),
    }
}

/// Tells since when a target group finds the instance unhealthy, where the group cares.
fn unhealthy_since(cx: &Context<'_>, group: &Group, instance_id: &str) -> Option<i64> {
    if group.settings.health_check != HealthCheckKind::Elb {
        return None;
    }
    let counted = group.attachments.iter().filter(|attachment| attachment.in_service);
    counted
        .filter_map(|it| cx.region.target_groups.live_get(&it.target_group_arn))
        .filter(|target_group| target_group.used_by.is_some())
        .flat_map(|target_group| &target_group.targets)
        .filter(|it| it.instance_id == instance_id && it.health == TargetState::Unhealthy)
        .map(|target| target.since_ms)
        .min()
}

/// Tells when the last of the instance's targets has drained; `None` if none drains.
fn drained_ms(cx: &Context<'_>, group: &Group, instance_id: &str) -> Option<i64> {
    let attached = group.attachments.iter();
    attached
        .filter_map(|it| cx.region.target_groups.live_get(&it.target_group_arn))
        .flat_map(|target_group| &target_group.targets)
        .filter(|target| target.instance_id == instance_id)
        .filter_map(|target| target.drained_ms)
        .max()
}

/// Lets an event happen to a member of `group`.
pub(crate) fn happen(cx: &mut Context<'_>, group: &mut Group, id: &str, event: MemberEvent) {
    match event {
        MemberEvent::EntersService => enter_service(cx, group, id),
        MemberEvent::FailsStatusCheck => {
            let why = "an instance was taken out of service in response to an EC2 health check \
                       indicating it has been terminated or stopped.";
            replacement::replace(cx, group, id, &capacity::at(cx, why));
        }
        MemberEvent::FailsTargetCheck => {
            let why = "an instance was taken out of service in response to an ELB system health \
                       check failure.";
            replacement::replace(cx, group, id, &capacity::at(cx, why));
        }
        MemberEvent::Drained => {
            instances::end(cx, id, "User initiated");
            if let Some(member) = group.member_mut(id) {
                member.lifecycle = Lifecycle::Ending;
                activities::set_status(cx, member.activity, Status::InProgress, None);
            }
        }
        MemberEvent::Leaves => {
            if let Some(member) = group.member_mut(id) {
                activities::set_status(cx, member.activity, Status::Successful, None);
            }
            group.members.retain(|member| member.instance_id != id);
        }
    }
}

/// Registers an instance with the target groups, and only then counts it as in service.
fn enter_service(cx: &mut Context<'_>, group: &mut Group, id: &str) {
    let now_ms = cx.now_ms;
    for arn in group.target_group_arns() {
        if let Some(target_group) = cx.region.target_groups.live_mut(&arn) {
            target_group.register(id, None, now_ms);
        }
    }
    if let Some(member) = group.member_mut(id) {
        member.lifecycle = Lifecycle::InService { since_ms: now_ms };
        activities::set_status(cx, member.activity, Status::Successful, None);
    }
    replacement::release(cx, group);
}

/// Begins the end of a member: out of its target groups, and then, when they have drained, terminated.
pub(crate) fn retire(cx: &mut Context<'_>, group: &mut Group, id: &str, cause: &str) {
    let now_ms = cx.now_ms;
    for arn in group.target_group_arns() {
        if let Some(target_group) = cx.region.target_groups.live_mut(&arn) {
            target_group.deregister(id, None, now_ms);
        }
    }
    let waits = drained_ms(cx, group, id).is_some_and(|drained| drained > now_ms);
    let (arn, name) = (group.arn.clone(), group.name.clone());
    let subnet_id = cx.region.instances.get(id).map(|it| it.subnet_id.clone()).unwrap_or_default();
    let Some(member) = group.member_mut(id) else { return };
    if matches!(member.lifecycle, Lifecycle::Pending { .. }) {
        activities::set_status(cx, member.activity, Status::Cancelled, None);
    }
    let subject =
        Subject { group_arn: &arn, group_name: &name, subnet_id: &subnet_id, zone: &member.zone };
    let status = if waits { Status::WaitingForConnectionDraining } else { Status::InProgress };
    let description = format!("Terminating EC2 instance: {id}");
    member.activity = activities::begin(cx, &subject, description, cause.to_owned(), status);
    member.lifecycle = Lifecycle::Draining;
}

/// Terminates one member by name; the group replaces it unless it shall want one less.
pub(crate) fn terminate(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = input.required("InstanceId")?;
    let shrink = input
        .flag("ShouldDecrementDesiredCapacity")?
        .ok_or_else(|| Refusal::missing(input.service(), "shouldDecrementDesiredCapacity"))?;
    input.end()?;
    let is_staying = |it: &Member| it.instance_id == id && !it.lifecycle.is_leaving();
    let found = cx.region.groups.live().find(|group| group.members.iter().any(is_staying));
    let Some(found) = found else {
        let message =
            format!("Instance Id not found - No managed instance found for instance ID: {id}");
        return Err(Refusal::new("ValidationError", message));
    };
    let name = found.name.clone();
    changeable(cx, &name)?;
    let mut group = found.clone();
    if shrink && group.settings.desired <= group.settings.min {
        let message = format!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement \
             will violate group's min size constraint. Either set shouldDecrementDesiredCapacity \
             flag to false or lower group's min size.",
            group.settings.min
        );
        return Err(Refusal::new("ValidationError", message));
    }
    let time = iso8601(cx.now_ms);
    let cause =
        format!("At {time} instance {id} was taken out of service in response to a user request.");
    retire(cx, &mut group, id, &cause);
    if shrink {
        group.settings.desired -= 1;
    } else {
        capacity::look_again(cx, &mut group, String::new());
    }
    let number = group.member_mut(id).map(|member| member.activity);
    let mut xml = Xml::new();
    if let Some(activity) = number.and_then(|number| activities::find(cx.region, number)) {
        xml.element("Activity", |item| activity.write(false, item));
    }
    put_back(cx, group);
    Ok(xml)
}

/// Stores a group that was taken out of its table as a copy, to be changed.
pub(crate) fn put_back(cx: &mut Context<'_>, group: Group) {
    if let Some(place) = cx.region.groups.live_mut(&group.arn) {
        *place = group;
    }
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("InstanceIds");
    let page = PageRequest::read(input, pages::AUTO_SCALING)?;
    input.end()?;
    let mut rows: Vec<(&str, &Member)> = cx
        .region
        .groups
        .seen(cx.now_ms)
        .flat_map(|group| group.members.iter().map(|member| (group.name.as_str(), member)))
        .filter(|(_, member)| ids.is_empty() || ids.contains(&member.instance_id.as_str()))
        .collect();
    rows.sort_by(|a, b| a.1.instance_id.cmp(&b.1.instance_id));
    let (rows, next) = page.cut(rows, |(_, member)| member.instance_id.clone());
    let mut xml = Xml::new();
    xml.members("AutoScalingInstances", rows, |item, (name, member)| {
        item.text("AutoScalingGroupName", name);
        write(member, &member.healthy_text().to_uppercase(), item);
    });
    xml.optional("NextToken", next);
    Ok(xml)
}

impl Member {
    /// Words the health as a group shows it.
    pub(crate) fn healthy_text(&self) -> &'static str {
        if self.healthy { "Healthy" } else { "Unhealthy" }
    }
}

/// Writes a member. The letter case of its health differs from call to call, as on AWS.
pub(crate) fn write(member: &Member, health: &str, item: &mut Xml) {
    item.text("InstanceId", &member.instance_id)
        .text("InstanceType", &member.instance_type)
        .text("AvailabilityZone", &member.zone)
        .text("LifecycleState", member.lifecycle.as_str())
        .text("HealthStatus", health)
        .text("ProtectedFromScaleIn", member.protected);
    if let Some(template) = &member.template {
        item.element("LaunchTemplate", |xml| template.write(xml));
    }
}
