//! Volumes: the root volume of each instance, which lives and dies with it.

use crate::ec2::instances::Instance;
use crate::ec2::tags::write_tags;
use crate::handler::Answer;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("VolumeId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "volume-id",
        "status",
        "availability-zone",
        "attachment.instance-id",
        "attachment.status",
        "attachment.device",
        "volume-type",
        "size",
        "create-time",
        "encrypted",
        "tag",
    ];
    filters.check(input, &known)?;
    input.end()?;
    let mut holders: Vec<&Instance> =
        cx.region.instances.values().filter(|it| it.has_interface(cx.now_ms)).collect();
    if let Some(id) = ids.iter().find(|id| !holders.iter().any(|it| it.volume_id == **id)) {
        let message = format!("The volume '{id}' does not exist.");
        return Err(Refusal::new("InvalidVolume.NotFound", message));
    }
    holders.retain(|instance| {
        (ids.is_empty() || ids.contains(&instance.volume_id.as_str()))
            && filters.pass(&instance.volume_tags, |name| {
                single_value(match name {
                    "volume-id" => &instance.volume_id,
                    "status" => "in-use",
                    "availability-zone" => &instance.zone,
                    "attachment.instance-id" => &instance.id,
                    "attachment.status" => "attached",
                    "attachment.device" => "/dev/sda1",
                    "size" => return vec![instance.volume_gib.to_string()],
                    "create-time" => return vec![iso8601(instance.launched_ms)],
                    "encrypted" => "false",
                    _ => "gp2",
                })
            })
    });
    holders.sort_by(|a, b| a.volume_id.cmp(&b.volume_id));
    let (page, next) = page.cut(holders, |instance| instance.volume_id.clone());
    let mut xml = Xml::new();
    xml.items("volumeSet", page, |item, instance| write(instance, item));
    xml.optional("nextToken", next);
    Ok(xml)
}

fn write(instance: &Instance, item: &mut Xml) {
    item.text("volumeId", &instance.volume_id)
        .text("size", instance.volume_gib)
        .text("availabilityZone", &instance.zone)
        .text("status", "in-use")
        .text("createTime", iso8601(instance.launched_ms))
        .text("volumeType", "gp2")
        .text("encrypted", false)
        .items("attachmentSet", [instance], |attachment, instance| {
            attachment
                .text("volumeId", &instance.volume_id)
                .text("instanceId", &instance.id)
                .text("device", "/dev/sda1")
                .text("status", "attached")
                .text("attachTime", iso8601(instance.launched_ms))
                .text("deleteOnTermination", true);
        });
    write_tags(item, &instance.volume_tags);
}
