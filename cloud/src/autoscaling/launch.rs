//! The launch of an instance by a group: what can go wrong, and what is made when nothing does.

use crate::autoscaling::activities::{self, Status, Subject};
use crate::autoscaling::model::{Group, Lifecycle, Member};
use crate::autoscaling::validation;
use crate::durations::Event;
use crate::ec2::instance_types::InstanceType;
use crate::ec2::instances::Instance;
use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::network::Subnet;
use crate::state::{Context, Tags};

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
        template_id: group.settings.template.id.clone(),
        template_name: group.settings.template.name.clone(),
        template_version: plan.version,
        lifecycle: Lifecycle::Pending { in_service_ms },
        healthy: true,
        protected: group.settings.protect_new,
        activity,
    });
    make_instance(cx, group, &subnet, plan, instance_id, in_service_ms);
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
    validation::check_data(cx, &data)?;
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
    check_quotas(cx, vcpus)?;
    Ok(Plan { data, version: version.number, kind })
}

fn check_quotas(cx: &Context<'_>, vcpus: u32) -> Result<(), String> {
    let up = || cx.region.instances.values().filter(|instance| instance.is_up());
    let limits = &cx.options.limits;
    if let Some(max) = limits.instances_max
        && up().count() >= max as usize
    {
        return Err(format!(
            "You have requested more instances ({}) than your current instance limit of {max} \
             allows for the specified instance type.",
            up().count() + 1
        ));
    }
    if let Some(max) = limits.vcpus_max
        && up().map(Instance::vcpus).sum::<u32>() + vcpus > max
    {
        return Err(format!(
            "You have requested more vCPU capacity than your current vCPU limit of {max} allows \
             for the instance bucket that the specified instance type belongs to."
        ));
    }
    Ok(())
}

fn make_instance(
    cx: &mut Context<'_>,
    group: &Group,
    subnet: &Subnet,
    plan: Plan,
    id: String,
    in_service_ms: i64,
) {
    let data = plan.data;
    let security_groups = worn_groups(cx, &data, &subnet.vpc_id);
    let number = cx.region.ids.number();
    // The group learns of a running instance a little after it runs.
    let running_ms = cx.now_ms + (in_service_ms - cx.now_ms) * 4 / 5;
    let user_data_ms = cx.duration_ms(Event::UserDataDone, &id);
    let mut tags: Tags = data.instance_tags.clone();
    tags.extend(group.instance_tags());
    let public = format!("198.51.100.{}", number % 254 + 1);
    let volume = data.volumes.first();
    let instance = Instance {
        reservation_id: cx.region.ids.prefixed("r"),
        interface_id: cx.region.ids.prefixed("eni"),
        volume_id: cx.region.ids.prefixed("vol"),
        volume_gib: volume.and_then(|volume| volume.size_gib).unwrap_or(8),
        image_id: data.image_id.clone().unwrap_or_default(),
        kind: plan.kind,
        key_name: data.key_name.clone(),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        private_address: subnet.address(number),
        public_address: data.wants_public_address().then_some(public),
        security_groups,
        answers_ms: data.user_data.as_ref().map(|_| running_ms + user_data_ms),
        user_data: data.user_data,
        metadata: data.metadata.unwrap_or_default(),
        monitoring: data.monitoring.unwrap_or(false),
        tags,
        volume_tags: data.volume_tags,
        interface_tags: data.interface_tags,
        launched_ms: cx.now_ms,
        running_ms,
        end: None,
        id: id.clone(),
    };
    cx.region.instances.insert(id, instance);
}

/// Gives the security groups that the instance wears: named by id or by name, or the default one.
fn worn_groups(cx: &Context<'_>, data: &LaunchTemplateData, vpc_id: &str) -> Vec<String> {
    let in_vpc = || cx.region.security_groups.live().filter(|group| group.vpc_id == vpc_id);
    let mut worn = data.effective_group_ids().to_vec();
    for name in &data.security_group_names {
        worn.extend(in_vpc().find(|group| group.name == *name).map(|group| group.id.clone()));
    }
    if worn.is_empty() {
        worn.extend(in_vpc().find(|group| group.name == "default").map(|group| group.id.clone()));
    }
    worn
}
