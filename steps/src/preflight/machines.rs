//! The image, the key pair, the instance types, and room for the instances.

use aws_sdk_ec2::types::{
    EbsBlockDevice, Image, ImageState, InstanceType, InstanceTypeOffering, LocationType, VolumeType,
};
use lab1_flow_workflow::ActionError;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use crate::connection::{Aws, Call, Service};
use crate::ec2::filter;
use crate::inventory;
use crate::memory::Known;
use crate::pages::{Page, all_pages};
use crate::shell::shell_command;
use crate::spec::StackSpec;

/// What the instances need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MachinesWanted {
    pub(crate) image_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_name: Option<String>,
    /// The types in the order of the zones.
    pub(crate) instance_types: [String; 2],
    /// How many instances there will be.
    pub(crate) desired: u32,
    /// How many may run in the account at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_max: Option<u32>,
}

impl MachinesWanted {
    pub(super) fn new(spec: &StackSpec) -> Self {
        let key_name = &spec.instances.key_name;
        Self {
            image_id: spec.instances.image_id.clone(),
            key_name: (!key_name.is_empty()).then(|| key_name.clone()),
            instance_types: spec.groups.each_ref().map(|group| group.instance_type.clone()),
            desired: spec.groups.iter().map(|group| group.desired).sum(),
            account_max: spec.instances.account_max,
        }
    }
}

/// The volume that an image boots from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootVolume {
    /// Its size.
    pub gib: u32,
    /// Its type, such as `gp2`.
    pub kind: String,
}

/// What was found.
#[derive(Debug)]
pub(super) struct MachinesFound {
    /// The image; `None` when there is no such one.
    image: Result<Option<Image>, ActionError>,
    key_exists: Result<bool, ActionError>,
    offerings: Result<Vec<InstanceTypeOffering>, ActionError>,
    /// Instances that are not terminated, where it was asked.
    living: Result<Option<usize>, ActionError>,
}

impl MachinesFound {
    /// The volume that the image boots from, as far as it is known.
    pub(super) fn root_volume(&self) -> Option<RootVolume> {
        let image = self.image.as_ref().ok()?.as_ref()?;
        let root = image.root_device_name()?;
        let mut devices = image.block_device_mappings().iter();
        let volume = devices.find(|device| device.device_name() == Some(root))?.ebs()?;
        let gib = u32::try_from(volume.volume_size()?).ok()?;
        let kind = EbsBlockDevice::volume_type(volume).map(VolumeType::as_str)?.to_owned();
        Some(RootVolume { gib, kind })
    }
}

/// The answers so far.
#[derive(Debug, Default)]
pub(super) struct MachinesAnswers {
    image: Known<Option<Image>>,
    key_exists: Known<bool>,
    offerings: Known<Vec<InstanceTypeOffering>>,
    living: Known<Option<usize>>,
}

pub(super) async fn look(
    aws: &Aws,
    zones: &[String; 2],
    wanted: &MachinesWanted,
    known: &MachinesAnswers,
) -> MachinesFound {
    let (image, key_exists, offerings, living) = tokio::join!(
        known.image.or_ask(image(aws, &wanted.image_id)),
        known.key_exists.or_ask(key_exists(aws, wanted.key_name.as_deref())),
        known.offerings.or_ask(offerings(aws, zones, wanted)),
        known.living.or_ask(living(aws, wanted)),
    );
    MachinesFound { image, key_exists, offerings, living }
}

/// Finds the image by its id: one that is deprecated is hidden from every other list, and still boots.
async fn image(aws: &Aws, id: &str) -> Result<Option<Image>, ActionError> {
    let request = aws.ec2().describe_images().image_ids(id);
    let call = Call::reading(Service::Ec2, "DescribeImages", id);
    match aws.call(call, request.send()).await {
        Ok(answer) => Ok(answer.images.unwrap_or_default().into_iter().next()),
        Err(error) if error.code().is_some_and(|code| code.starts_with("InvalidAMIID")) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn key_exists(aws: &Aws, name: Option<&str>) -> Result<bool, ActionError> {
    let Some(name) = name else { return Ok(true) };
    let request = aws.ec2().describe_key_pairs().filters(filter("key-name", [name]));
    let call = Call::reading(Service::Ec2, "DescribeKeyPairs", name);
    let answer = aws.call(call, request.send()).await?;
    Ok(answer.key_pairs().iter().any(|pair| pair.key_name() == Some(name)))
}

async fn offerings(
    aws: &Aws,
    zones: &[String; 2],
    wanted: &MachinesWanted,
) -> Result<Vec<InstanceTypeOffering>, ActionError> {
    let mut types: Vec<&str> = wanted.instance_types.iter().map(String::as_str).collect();
    types.dedup();
    let filters = vec![
        filter("instance-type", types.iter().copied()),
        filter("location", zones.iter().map(String::as_str)),
    ];
    all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_instance_type_offerings().set_next_token(next);
        let request = request
            .location_type(LocationType::AvailabilityZone)
            .set_filters(Some(filters.clone()));
        let call = Call::reading(Service::Ec2, "DescribeInstanceTypeOfferings", "both zones");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.instance_type_offerings, answer.next_token))
    })
    .await
}

async fn living(aws: &Aws, wanted: &MachinesWanted) -> Result<Option<usize>, ActionError> {
    if wanted.account_max.is_none() {
        return Ok(None);
    }
    Ok(Some(inventory::living_instances(aws, &[]).await?.len()))
}

/// Says what is there and what is missing.
pub(super) fn judge(
    zones: &[String; 2],
    wanted: &MachinesWanted,
    region: &str,
    found: MachinesFound,
    checks: &mut Checks,
) {
    if let Some(image) = checks.settle("image", found.image) {
        judge_image(&wanted.image_id, region, image.as_ref(), checks);
    }
    if let (Some(exists), Some(name)) =
        (checks.settle("key pair", found.key_exists), &wanted.key_name)
    {
        judge_key(name, region, exists, checks);
    }
    if let Some(offerings) = checks.settle("instance types", found.offerings) {
        judge_offerings(zones, wanted, &offerings, checks);
    }
    if let (Some(Some(living)), Some(account_max)) =
        (checks.settle("room for instances", found.living), wanted.account_max)
    {
        judge_room(living, account_max, wanted.desired, checks);
    }
}

/// The name under which Canonical publishes the id of its current image, of the kind that the stack uses.
const UBUNTU: &str =
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id";

fn judge_image(id: &str, region: &str, image: Option<&Image>, checks: &mut Checks) {
    match image.map(|image| image.state().map(ImageState::as_str)) {
        None => checks.problem(
            "image",
            format!("image {id} cannot be seen in region {region}"),
            format!(
                "it is of another region, withdrawn or private, or not among the account's Allowed AMIs: set \
                 instances.image_id to one of this region, such as Ubuntu 22.04 as `aws ssm get-parameters --region \
                 {region} --names {UBUNTU}` names it"
            ),
        ),
        Some(Some("available") | None) => checks.ok("image", format!("{id} is available")),
        Some(Some(state)) => checks.problem(
            "image",
            format!("image {id} is {state}"),
            "set instances.image_id to an image that is available",
        ),
    }
}

fn judge_key(name: &str, region: &str, exists: bool, checks: &mut Checks) {
    if exists {
        checks.ok("key pair", format!("{name} is there"));
        return;
    }
    let make = shell_command(["aws", "ec2", "create-key-pair", "--key-name", name]);
    let advice = format!("make it with `{make}`, or set instances.key_name (empty for none)");
    checks.problem("key pair", format!("there is no key pair {name} in region {region}"), advice);
}

fn judge_offerings(
    zones: &[String; 2],
    wanted: &MachinesWanted,
    offerings: &[InstanceTypeOffering],
    checks: &mut Checks,
) {
    for (zone, kind) in zones.iter().zip(&wanted.instance_types) {
        let subject = format!("type {kind}");
        let offered = offerings.iter().any(|offering| {
            offering.location() == Some(zone)
                && offering.instance_type().map(InstanceType::as_str) == Some(kind)
        });
        if offered {
            checks.ok(&subject, format!("offered in {zone}"));
        } else {
            checks.problem(
                &subject,
                format!("instances of type {kind} are not offered in zone {zone}"),
                "choose another type for the group, or another zone in network.zones",
            );
        }
    }
}

fn judge_room(living: usize, account_max: u32, desired: u32, checks: &mut Checks) {
    let living = u32::try_from(living).unwrap_or(u32::MAX);
    let text = format!(
        "{living} instances run already, {desired} more are wanted, and the account may have {account_max}"
    );
    if living.saturating_add(desired) > account_max {
        let advice = "end instances that are not needed, or lower the groups' sizes";
        checks.problem("room for instances", text, advice);
    } else {
        checks.ok("room for instances", text);
    }
}
