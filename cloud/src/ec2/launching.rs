//! The making of an instance, whoever asks for it: a group or a person.

use crate::durations::Event;
use crate::ec2::applications::Application;
use crate::ec2::instance_types::InstanceType;
use crate::ec2::instances::Instance;
use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::network::Subnet;
use crate::ec2::security_groups;
use crate::state::{Context, Tags};
use crate::wire::dialect::Service;
use crate::wire::refusal::Refusal;

/// An instance that is to be made.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) id: String,
    pub(crate) reservation_id: String,
    pub(crate) data: LaunchTemplateData,
    pub(crate) subnet: &'a Subnet,
    /// The template's id, and the number of its version.
    pub(crate) template: (String, u64),
    /// Tags beside those of the template, and stronger.
    pub(crate) tags: Tags,
    pub(crate) running_ms: i64,
}

/// Checks that everything that the data refers to is there; otherwise refuses as EC2 does.
pub(crate) fn check_data(cx: &Context<'_>, data: &LaunchTemplateData) -> Result<(), Refusal> {
    let refuse = |code, message: String| Err(Refusal::new(code, message));
    let missing = |name| Refusal::missing(Service::Ec2, name);
    let image = data.image_id.as_ref().ok_or_else(|| missing("ImageId"))?;
    if !cx.region.images.iter().any(|it| it.id == *image) {
        let message = format!("The image id '[{image}]' does not exist");
        return refuse("InvalidAMIID.NotFound", message);
    }
    let kind = data.instance_type.as_ref().ok_or_else(|| missing("InstanceType"))?;
    if InstanceType::find(kind).is_none() {
        let message = format!("Invalid value '{kind}' for InstanceType.");
        return refuse("InvalidParameterValue", message);
    }
    if let Some(key) = &data.key_name
        && !cx.region.key_pairs.contains_key(key)
    {
        return refuse("InvalidKeyPair.NotFound", format!("The key pair '{key}' does not exist"));
    }
    let groups_outside =
        !data.security_group_ids.is_empty() || !data.security_group_names.is_empty();
    if !data.interfaces.is_empty() && groups_outside {
        let message = "When a network interface is provided, the security groups must be a part of \
                       it.";
        return refuse("InvalidParameterCombination", message.to_owned());
    }
    let worn = data.effective_group_ids().len() + data.security_group_names.len();
    if worn > security_groups::GROUPS_PER_INTERFACE_MAX {
        let message = "The maximum number of security groups per interface has been reached.";
        return refuse("SecurityGroupsPerInterfaceLimitExceeded", message.to_owned());
    }
    for id in data.effective_group_ids() {
        if cx.region.security_groups.usable(id, cx.now_ms).is_none() {
            return Err(security_groups::not_found(id));
        }
    }
    for name in &data.security_group_names {
        if !cx.region.security_groups.live().any(|group| group.name == *name) {
            let message = format!("The security group '{name}' does not exist in default VPC");
            return refuse("InvalidGroup.NotFound", message);
        }
    }
    Ok(())
}

/// Refuses what would exceed the quotas of the account. An instance that is shutting down still counts.
pub(crate) fn check_quotas(cx: &Context<'_>, count: usize, vcpus: u32) -> Result<(), Refusal> {
    let counting = || cx.region.instances.values().filter(|it| it.has_interface(cx.now_ms));
    let limits = &cx.options.limits;
    let wanted = counting().count() + count;
    if let Some(max) = limits.instances_max
        && wanted > max as usize
    {
        let message = format!(
            "You have requested more instances ({wanted}) than your current instance limit of \
             {max} allows for the specified instance type."
        );
        return Err(Refusal::new("InstanceLimitExceeded", message));
    }
    if let Some(max) = limits.vcpus_max
        && counting().map(Instance::vcpus).sum::<u32>() + vcpus > max
    {
        let message = format!(
            "You have requested more vCPU capacity than your current vCPU limit of {max} allows \
             for the instance bucket that the specified instance type belongs to."
        );
        return Err(Refusal::new("VcpuLimitExceeded", message));
    }
    Ok(())
}

/// Makes an instance. Everything about it was checked before.
pub(crate) fn make_instance(cx: &mut Context<'_>, order: Order<'_>) {
    let Order { id, reservation_id, data, subnet, template, tags: stronger, running_ms } = order;
    let security_groups = worn_groups(cx, &data, &subnet.vpc_id);
    let number = cx.region.ids.number();
    let user_data_ms = cx.duration_ms(Event::UserDataDone, &id);
    let mut tags: Tags = data.instance_tags.clone();
    tags.extend(stronger);
    let (template_id, version) = template;
    tags.insert("aws:ec2launchtemplate:id".to_owned(), template_id);
    tags.insert("aws:ec2launchtemplate:version".to_owned(), version.to_string());
    let public = format!("198.51.100.{}", number % 254 + 1);
    let volume = data.volumes.first();
    let instance = Instance {
        reservation_id,
        interface_id: cx.region.ids.prefixed("eni"),
        volume_id: cx.region.ids.prefixed("vol"),
        volume_gib: volume.and_then(|volume| volume.size_gib).unwrap_or(8),
        image_id: data.image_id.clone().unwrap_or_default(),
        kind: data.instance_type.clone().unwrap_or_default(),
        key_name: data.key_name.clone(),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        private_address: subnet.address(number),
        public_address: data.wants_public_address().then_some(public),
        security_groups,
        answers_ms: data.user_data.as_ref().map(|_| running_ms + user_data_ms),
        application: Application::of_new_instance(
            cx.options.guests,
            data.user_data.as_ref(),
            cx.now_ms,
        ),
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
