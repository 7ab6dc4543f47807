//! Groups: created in an instant, filled in their own time.

use crate::autoscaling::capacity;
use crate::autoscaling::members::{self, put_back};
use crate::autoscaling::model::{Attachment, Group, changeable, not_found};
use crate::autoscaling::settings::Given;
use crate::autoscaling::tags::{read_group_tags, write_tags};
use crate::autoscaling::validation;
use crate::durations::Event;
use crate::elb::target_groups::TargetGroup;
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context};
use crate::time::iso8601;
use crate::wire::filters::Filters;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Groups that one region may hold.
const GROUPS_MAX: usize = 500;

/// What an account is told of launch configurations, which nobody can make here.
const LAUNCH_CONFIGURATIONS_MAX: usize = 200;

/// Target groups that one group may be attached to.
pub(super) const ATTACHMENTS_MAX: usize = 50;

/// Creates a group. Success says that the settings were accepted, and nothing of the instances:
/// whether they can be launched shows in the activities alone.
pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    check_name(input, name)?;
    let given = Given::read(input)?;
    let target_groups: Vec<String> =
        input.texts("TargetGroupARNs").into_iter().map(str::to_owned).collect();
    let tags = read_group_tags(input, name)?;
    check_service_role(input)?;
    input.end()?;
    if let Some(there) = cx.region.groups.live().find(|group| group.name == name) {
        return Err(already_exists(there));
    }
    if cx.region.groups.live().count() >= GROUPS_MAX {
        return Err(Refusal::new("LimitExceeded", "The limit of Auto Scaling groups is reached"));
    }
    let template = given.template.as_ref().ok_or_else(|| {
        let message = "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, \
                       InstanceId or MixedInstancesPolicy parameter.";
        Refusal::new("ValidationError", message)
    })?;
    let template = validation::choose_template(cx, template)?;
    let (subnets, zones) = validation::choose_places(cx, given.subnets.as_deref(), &given.zones)?;
    validation::check_target_groups(cx, &target_groups)?;
    if target_groups.len() > ATTACHMENTS_MAX {
        return Err(Refusal::new("LimitExceeded", "Too many target groups"));
    }
    let settings = given.into_settings(template, subnets, zones)?;
    let what = "user request created an AutoScalingGroup";
    let reason = capacity::change_reason(cx, what, 0, settings.desired);
    let id = cx.region.ids.uuid();
    let arn = format!("autoScalingGroup:{id}:autoScalingGroupName/{name}");
    let arn = cx.region.arn("autoscaling", &arn);
    let attachments =
        target_groups.into_iter().map(|target_group_arn| new_attachment(cx, target_group_arn));
    let group = Group {
        attachments: attachments.collect(),
        name: name.to_owned(),
        created_ms: cx.now_ms,
        tags,
        members: Vec::new(),
        evaluate_ms: (settings.desired > 0).then(|| cx.after(Event::FirstLaunch, &arn)),
        settings,
        reason,
        failures: 0,
        deletion: None,
        arn,
    };
    let visible_ms = cx.seen_after(cx.options.lag.groups, Event::GroupVisible, &group.arn);
    cx.region.groups.forget_ghosts(|ghost| ghost.name == group.name);
    cx.region.groups.insert(group.arn.clone(), group, visible_ms);
    Ok(Xml::new())
}

fn check_name(input: &Fields<'_>, name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| ('!'..='~').contains(&c) && c != ':';
    if name.len() > 255 || !name.chars().all(allowed) {
        let why = "1 to 255 printable ASCII characters without spaces and colons";
        return Err(input.invalid("AutoScalingGroupName", why));
    }
    Ok(())
}

fn check_service_role(input: &Fields<'_>) -> Result<(), Refusal> {
    match input.text("ServiceLinkedRoleARN") {
        Some(arn) if arn != service_role() => {
            Err(input.invalid("ServiceLinkedRoleARN", "there is no such role"))
        }
        _ => Ok(()),
    }
}

fn service_role() -> String {
    format!(
        "arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/autoscaling.amazonaws.com/\
         AWSServiceRoleForAutoScaling"
    )
}

fn already_exists(there: &Group) -> Refusal {
    let name = &there.name;
    let message = if there.deletion.is_some() {
        format!(
            "AutoScalingGroup by this name already exists and is pending delete. Please wait until \
             Autoscaling completes the deletion process before creating another group with the \
             same name. - {name}"
        )
    } else {
        format!(
            "AutoScalingGroup by this name already exists - A group with the name {name} already \
             exists"
        )
    };
    Refusal::new("AlreadyExists", message)
}

/// Attaches a target group; it counts as in service if any of its targets is healthy already.
pub(super) fn new_attachment(cx: &Context<'_>, target_group_arn: String) -> Attachment {
    let target_group = cx.region.target_groups.live_get(&target_group_arn);
    let in_service = target_group.is_some_and(TargetGroup::has_healthy_target);
    Attachment { target_group_arn, in_service }
}

/// Tells how many groups there may be, and are. Launch configurations are not modelled, so there are none.
pub(crate) fn describe_account_limits(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    input.end()?;
    let mut xml = Xml::new();
    xml.text("MaxNumberOfAutoScalingGroups", GROUPS_MAX)
        .text("MaxNumberOfLaunchConfigurations", LAUNCH_CONFIGURATIONS_MAX)
        .text("NumberOfAutoScalingGroups", cx.region.groups.live().count())
        .text("NumberOfLaunchConfigurations", 0);
    Ok(xml)
}

pub(crate) fn update(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    let given = Given::read(input)?;
    check_service_role(input)?;
    input.end()?;
    let arn = changeable(cx, name)?;
    let mut group = cx.region.groups.live_get(&arn).cloned().ok_or_else(|| not_found(name))?;
    let mut settings = given.apply_to(&group.settings)?;
    if let Some(template) = &given.template {
        settings.template = validation::choose_template(cx, template)?;
    }
    if given.subnets.is_some() || !given.zones.is_empty() {
        (settings.subnets, settings.zones) =
            validation::choose_places(cx, given.subnets.as_deref(), &given.zones)?;
    }
    let (from, to) = (group.settings.desired, settings.desired);
    group.settings = settings;
    if from != to {
        let what = "user request update of AutoScalingGroup constraints";
        let reason = capacity::change_reason(cx, what, from, to);
        capacity::look_again(cx, &mut group, reason);
    }
    put_back(cx, group);
    Ok(Xml::new())
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let names = input.texts("AutoScalingGroupNames");
    let with_instances = input.flag("IncludeInstances")?.unwrap_or(true);
    let filters = Filters::auto_scaling(input)?;
    let page = PageRequest::read(input, pages::AUTO_SCALING)?;
    filters.check(input, &["tag"])?;
    input.end()?;
    let mut found: Vec<&Group> = cx
        .region
        .groups
        .seen(cx.now_ms)
        .filter(|group| {
            (names.is_empty() || names.contains(&group.name.as_str()))
                && filters.pass(&group.tag_map(), |_| Vec::new())
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let (found, next) = page.cut(found, |group| group.name.clone());
    let mut xml = Xml::new();
    xml.members("AutoScalingGroups", found, |item, group| write(group, with_instances, item));
    xml.optional("NextToken", next);
    Ok(xml)
}

fn write(group: &Group, with_instances: bool, item: &mut Xml) {
    item.text("AutoScalingGroupName", &group.name).text("AutoScalingGroupARN", &group.arn);
    group.settings.write(item);
    item.texts("TargetGroupARNs", group.target_group_arns())
        .texts("LoadBalancerNames", Vec::<String>::new())
        .text("CreatedTime", iso8601(group.created_ms))
        .texts("SuspendedProcesses", Vec::<String>::new())
        .texts("EnabledMetrics", Vec::<String>::new())
        .text("ServiceLinkedRoleARN", service_role())
        .members("TrafficSources", &group.attachments, |source, attachment| {
            source.text("Identifier", &attachment.target_group_arn).text("Type", "elbv2");
        });
    if with_instances {
        item.members("Instances", &group.members, |item, member| {
            members::write(member, member.healthy_text(), item);
        });
    }
    write_tags(item, group);
    if group.deletion.is_some() {
        item.text("Status", "Delete in progress");
    }
}
