//! Target groups of a group: attached, detached, and in which state.

use crate::autoscaling::groups::{ATTACHMENTS_MAX, new_attachment};
use crate::autoscaling::members::put_back;
use crate::autoscaling::model::{Group, Lifecycle, changeable, find, not_found};
use crate::autoscaling::validation;
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Target groups that one call may name.
const PER_CALL_MAX: usize = 10;

/// Attaches target groups and registers all members that are in service.
pub(crate) fn attach(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (mut group, arns) = read(cx, input)?;
    validation::check_target_groups(cx, &arns)?;
    for arn in arns {
        if group.attachments.iter().any(|it| it.target_group_arn == arn) {
            continue;
        }
        if group.attachments.len() >= ATTACHMENTS_MAX {
            return Err(Refusal::new("LimitExceeded", "Too many target groups"));
        }
        group.attachments.push(new_attachment(cx, arn.clone()));
        let now_ms = cx.now_ms;
        if let Some(target_group) = cx.region.target_groups.live_mut(&arn) {
            for id in in_service(&group) {
                target_group.register(id, None, now_ms);
            }
        }
    }
    put_back(cx, group);
    Ok(Xml::new())
}

/// Detaches target groups and deregisters all members.
pub(crate) fn detach(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (mut group, arns) = read(cx, input)?;
    let attached = group.target_group_arns();
    if let Some(arn) = arns.iter().find(|arn| !attached.contains(arn)) {
        let message =
            format!("Trying to remove Target Groups that are not part of the group: {arn}");
        return Err(Refusal::new("ValidationError", message));
    }
    let now_ms = cx.now_ms;
    for arn in &arns {
        if let Some(target_group) = cx.region.target_groups.live_mut(arn) {
            for id in in_service(&group) {
                target_group.deregister(id, None, now_ms);
            }
        }
    }
    group.attachments.retain(|it| !arns.contains(&it.target_group_arn));
    put_back(cx, group);
    Ok(Xml::new())
}

fn in_service(group: &Group) -> impl Iterator<Item = &str> {
    let members = group.members.iter();
    members
        .filter(|member| matches!(member.lifecycle, Lifecycle::InService { .. }))
        .map(|member| member.instance_id.as_str())
}

/// Reads group and target groups; gives a copy of the group, to be changed and put back.
fn read(cx: &Context<'_>, input: &Fields<'_>) -> Result<(Group, Vec<String>), Refusal> {
    let name = input.required("AutoScalingGroupName")?;
    let arns: Vec<String> = input.texts("TargetGroupARNs").into_iter().map(str::to_owned).collect();
    input.end()?;
    if arns.is_empty() {
        return Err(Refusal::missing(input.service(), "targetGroupARNs"));
    }
    if arns.len() > PER_CALL_MAX {
        return Err(input.invalid("TargetGroupARNs", "at most 10 in one call"));
    }
    let arn = changeable(cx, name)?;
    let group = cx.region.groups.live_get(&arn).cloned().ok_or_else(|| not_found(name))?;
    Ok((group, arns))
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    let page = PageRequest::read(input, pages::AUTO_SCALING)?;
    input.end()?;
    let group = find(cx, name)?;
    let mut attachments: Vec<_> = group.attachments.iter().collect();
    attachments.sort_by(|a, b| a.target_group_arn.cmp(&b.target_group_arn));
    let (attachments, next) = page.cut(attachments, |it| it.target_group_arn.clone());
    let mut xml = Xml::new();
    xml.members("LoadBalancerTargetGroups", attachments, |item, attachment| {
        let state = if attachment.in_service { "InService" } else { "Added" };
        item.text("LoadBalancerTargetGroupARN", &attachment.target_group_arn).text("State", state);
    });
    xml.optional("NextToken", next);
    Ok(xml)
}
