//! What a group's launch template and places must be: checked when a group uses them, and again at
//! every launch.

use crate::autoscaling::settings::{GivenTemplate, TemplateChoice};
use crate::ec2::launch_templates::{LaunchTemplate, TemplateVersion};
use crate::ec2::launching;
use crate::state::Context;
use crate::wire::refusal::Refusal;

/// Finds the template that a request names, and checks what it would launch.
pub(crate) fn choose_template(
    cx: &Context<'_>,
    given: &GivenTemplate,
) -> Result<TemplateChoice, Refusal> {
    let templates = &cx.region.launch_templates;
    let found = match (&given.id, &given.name) {
        (Some(id), None) => templates.usable(id, cx.now_ms).ok_or_else(|| {
            malformed(&format!(
                "The specified launch template, with template ID {id}, does not exist."
            ))
        })?,
        (None, Some(name)) => templates
            .live()
            .find(|it| it.name == *name && templates.usable(&it.id, cx.now_ms).is_some())
            .ok_or_else(|| {
                malformed(&format!(
                    "The specified launch template, with template name {name}, does not exist."
                ))
            })?,
        _ => {
            let message = "Valid requests must contain either LaunchTemplateId or \
                           LaunchTemplateName";
            return Err(Refusal::new("ValidationError", message));
        }
    };
    let version = given.version.clone().unwrap_or_else(|| "$Default".to_owned());
    let choice = TemplateChoice { id: found.id.clone(), name: found.name.clone(), version };
    let version = found.version(&choice.version).ok_or_else(|| {
        malformed(&format!("Could not find launch template version {}.", choice.version))
    })?;
    launching::check_data(cx, &version.data).map_err(|refusal| malformed(&refusal.message))?;
    Ok(choice)
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(
        "ValidationError",
        format!("You must use a valid fully-formed launch template. {why}"),
    )
}

/// Finds template and version at the moment of a launch.
pub(crate) fn resolve<'a>(
    cx: &'a Context<'_>,
    choice: &TemplateChoice,
) -> Result<(&'a LaunchTemplate, &'a TemplateVersion), String> {
    let template = cx.region.launch_templates.live_get(&choice.id).ok_or_else(|| {
        format!("The specified launch template, with template ID {}, does not exist.", choice.id)
    })?;
    let version = template
        .version(&choice.version)
        .ok_or_else(|| format!("Could not find launch template version {}.", choice.version))?;
    Ok((template, version))
}

/// Finds subnets and zones of a group: the subnets that are named, or the default one of each zone.
pub(crate) fn choose_places(
    cx: &Context<'_>,
    subnets: Option<&[String]>,
    zones: &[String],
) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let network = &cx.region.network;
    let refuse = |message: String| Err(Refusal::new("ValidationError", message));
    let mut chosen = Vec::new();
    if let Some(ids) = subnets {
        for id in ids {
            match network.subnet(id) {
                Some(subnet) => chosen.push(subnet),
                None => return refuse(format!("The subnet ID '{id}' does not exist")),
            }
        }
        if let Some(zone) = zones.iter().find(|zone| !chosen.iter().any(|it| it.zone == **zone)) {
            return refuse(format!(
                "The availability zones of the specified subnets and the Auto Scaling group do not \
                 match: {zone}"
            ));
        }
    } else {
        for zone in zones {
            match network.subnets.iter().find(|subnet| subnet.zone == *zone) {
                Some(subnet) => chosen.push(subnet),
                None => return refuse(format!("Invalid availability zone: [{zone}]")),
            }
        }
        if chosen.is_empty() {
            return refuse("At least one Availability Zone or VPC Subnet is required.".to_owned());
        }
    }
    let mut zones: Vec<String> = chosen.iter().map(|subnet| subnet.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    Ok((chosen.into_iter().map(|subnet| subnet.id.clone()).collect(), zones))
}

/// Refuses target groups that cannot be seen.
pub(crate) fn check_target_groups(cx: &Context<'_>, arns: &[String]) -> Result<(), Refusal> {
    if arns.iter().any(|arn| cx.region.target_groups.usable(arn, cx.now_ms).is_none()) {
        let message =
            "Provided Target Groups may not be valid. Please ensure they exist and try again.";
        return Err(Refusal::new("ValidationError", message));
    }
    Ok(())
}
