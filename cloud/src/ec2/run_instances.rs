//! Instances that a person starts by hand, from a launch template.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::ec2::instance_types::InstanceType;
use crate::ec2::instances::Instance;
use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::launch_templates::{read_template_id, version_not_found};
use crate::ec2::launching::{self, Order};
use crate::ec2::network::Subnet;
use crate::ec2::tags::read_specifications;
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context, Tags};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// What a client token stood for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunToken {
    fingerprint: String,
    reservation_id: String,
    pub(crate) expires_ms: i64,
}

/// Instances that one call may start.
const COUNT_MAX: usize = 100;

/// Starts as many instances as the call wants at most, or none.
pub(crate) fn run(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let min: usize = input.required_number("MinCount", 1..=COUNT_MAX)?;
    let count: usize = input.required_number("MaxCount", min..=COUNT_MAX)?;
    let subnet_id = input.text("SubnetId");
    let token = input.text("ClientToken").filter(|token| !token.is_empty());
    let tags = read_specifications(input, "TagSpecification", "instance")?;
    let template = input.child("LaunchTemplate").ok_or_else(|| {
        Refusal::not_modelled(input.service(), "Starting instances without a launch template")
    })?;
    let version = template.text("Version").unwrap_or("$Default");
    let template_id = read_template_id(cx, &template, true)?;
    input.end()?;
    let fingerprint = input.fingerprint(&["ClientToken"]);
    if let Some(known) = token.and_then(|token| cx.region.run_tokens.get(token)) {
        if known.fingerprint != fingerprint {
            let message = "The client token was used before, with other parameters.";
            return Err(Refusal::new("IdempotentParameterMismatch", message));
        }
        return Ok(reservation(cx, &known.reservation_id));
    }
    let version = cx
        .region
        .launch_templates
        .live_get(&template_id)
        .and_then(|template| template.version(version))
        .ok_or_else(|| version_not_found(version))?;
    let (data, template) = (version.data.clone(), (template_id, version.number));
    launching::check_data(cx, &data)?;
    let network = &cx.region.network;
    let subnet = match subnet_id {
        Some(id) => network.subnet(id),
        None => network.subnets.first(),
    };
    let subnet = subnet.cloned().ok_or_else(|| {
        let message = format!("The subnet ID '{}' does not exist", subnet_id.unwrap_or_default());
        Refusal::new("InvalidSubnetID.NotFound", message)
    })?;
    let kind = data.instance_type.as_deref().and_then(InstanceType::find);
    let vcpus = match kind {
        Some(kind) if kind.is_offered_in(&subnet.zone) => kind.vcpus,
        _ => {
            let message = "Your requested instance type is not supported in your requested \
                           Availability Zone.";
            return Err(Refusal::new("Unsupported", message));
        }
    };
    let total = u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(vcpus);
    launching::check_quotas(cx, count, total)?;
    let reservation_id = start(cx, count, &data, &subnet, (&template, &tags));
    if let Some(token) = token {
        let expires_ms = cx.now_ms + i64::from(cx.options.client_token_lifetime_s) * 1000;
        let known = RunToken { fingerprint, reservation_id: reservation_id.clone(), expires_ms };
        cx.region.run_tokens.insert(token.to_owned(), known);
    }
    Ok(reservation(cx, &reservation_id))
}

/// Makes the instances of one reservation, and gives its id.
fn start(
    cx: &mut Context<'_>,
    count: usize,
    data: &LaunchTemplateData,
    subnet: &Subnet,
    (template, tags): (&(String, u64), &Tags),
) -> String {
    let reservation_id = cx.region.ids.prefixed("r");
    for _ in 0..count {
        let id = cx.region.ids.prefixed("i");
        let in_service_ms = cx.duration_ms(Event::InstanceInService, &id);
        let order = Order {
            id,
            reservation_id: reservation_id.clone(),
            data: data.clone(),
            subnet,
            template: template.clone(),
            tags: tags.clone(),
            running_ms: cx.now_ms + in_service_ms * 4 / 5,
        };
        launching::make_instance(cx, order);
    }
    reservation_id
}

fn reservation(cx: &Context<'_>, id: &str) -> Xml {
    let is_of = |instance: &&Instance| instance.reservation_id == id;
    let mut xml = Xml::new();
    xml.text("reservationId", id).text("ownerId", ACCOUNT_ID).items(
        "instancesSet",
        cx.region.instances.values().filter(is_of),
        |item, instance| instance.write(cx.region, cx.now_ms, item),
    );
    xml
}
