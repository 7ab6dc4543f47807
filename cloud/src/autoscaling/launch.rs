//! The launch of an instance by a group: what can go wrong, and what is made when nothing does.

use crate::autoscaling::activities::{self, Status, Subject};
use crate::autoscaling::model::{Group, Lifecycle, Member};
use crate::autoscaling::settings::TemplateChoice;
use crate::autoscaling::validation;
use crate::durations::Event;
use crate::ec2::instance_types::InstanceType;
use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::launching::{self, Order};
use crate::ec2::network::Subnet;
use crate::state::Context;

/// Launches one instance for a group. A failure is recorded as an activity, and nowhere else.
///
/// Tells whether the launch succeeded.
pub(crate) fn launch(cx: &mut Context<'_>, group: &mut Group, cause: &str) -> bool {
    let Some(subnet) = choose_subnet(cx, group) else { return false };
    let subject = Subject {
        group_arn: &group.arn,
        group_name: &group.name,
        subnet_id: &subnet.id,
        zone: &subnet.zone,
    };
    let plan = match prepare(cx, group, &subnet) {
        Ok(plan) => plan,
        Err(why) => {
            let message = format!("{why} Launching EC2 instance failed.");
            let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
            let number =
                activities::begin(cx, &subject, description, cause.to_owned(), Status::InProgress);
            activities::set_status(cx, number, Status::Failed, Some(message));
            return false;
        }
    };
    let instance_id = cx.region.ids.prefixed("i");
    let description = format!("Launching a new EC2 instance: {instance_id}");
    let activity =
        activities::begin(cx, &subject, description, cause.to_owned(), Status::PreInService);
    let in_service_ms = cx.after(Event::InstanceInService, &instance_id);
    group.members.push(Member {
        instance_id: instance_id.clone(),
        instance_type: plan.kind.clone(),
        zone: subnet.zone.clone(),
        template: Some(TemplateChoice {
            version: plan.version.to_string(),
            ..group.settings.template.clone()
        }),
        lifecycle: Lifecycle::Pending { in_service_ms },
        healthy: true,
        protected: group.settings.protect_new,
        activity,
    });
    let order = Order {
        id: instance_id,
        reservation_id: cx.region.ids.prefixed("r"),
        data: plan.data,
        subnet: &subnet,
        template: (group.settings.template.id.clone(), plan.version),
        tags: group.instance_tags(),
        // The group learns of a running instance a little after it runs.
        running_ms: cx.now_ms + (in_service_ms - cx.now_ms) * 4 / 5,
    };
    launching::make_instance(cx, order);
    true
}

/// What is known before an instance is made.
struct Plan {
    data: LaunchTemplateData,
    version: u64,
    kind: String,
}

/// Chooses the zone with the fewest members, as a group that spreads itself does.
fn choose_subnet(cx: &Context<'_>, group: &Group) -> Option<Subnet> {
    let subnets = group.settings.subnets.iter();
    let known = subnets.filter_map(|id| cx.region.network.subnet(id));
    let members_in = |zone: &str| {
        let staying = group.members.iter().filter(|it| !it.lifecycle.is_leaving());
        staying.filter(|member| member.zone == zone).count()
    };
    known.min_by_key(|subnet| members_in(&subnet.zone)).cloned()
}

/// Checks everything that can make a launch fail; gives the reason in Amazon's words.
fn prepare(cx: &Context<'_>, group: &Group, subnet: &Subnet) -> Result<Plan, String> {
    let (_, version) = validation::resolve(cx, &group.settings.template)?;
    let data = version.data.clone();
    launching::check_data(cx, &data).map_err(|refusal| refusal.message)?;
    if group
        .attachments
        .iter()
        .any(|it| cx.region.target_groups.live_get(&it.target_group_arn).is_none())
    {
        return Err("One or more target groups not found. Validating load balancer configuration \
                    failed."
            .to_owned());
    }
    let kind = data.instance_type.clone().unwrap_or_default();
    let vcpus = match InstanceType::find(&kind) {
        Some(kind) if kind.is_offered_in(&subnet.zone) => kind.vcpus,
        _ => {
            return Err(format!(
                "Your requested instance type ({kind}) is not supported in your requested \
                 Availability Zone ({}).",
                subnet.zone
            ));
        }
    };
    launching::check_quotas(cx, 1, vcpus).map_err(|refusal| refusal.message)?;
    Ok(Plan { data, version: version.number, kind })
}
