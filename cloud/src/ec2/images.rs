//! Machine images: the one that the stack uses, public and deprecated as on AWS.

use serde::{Deserialize, Serialize};

use crate::ec2::tags::write_tags;
use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A machine image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: String,
    name: String,
    owner: String,
    description: String,
    created: String,
    /// Hidden from lists that do not name it or ask for deprecated images, yet still launchable.
    deprecated: Option<String>,
    pub(crate) tags: Tags,
}

impl Image {
    /// The Ubuntu image of the report.
    pub(crate) fn ubuntu() -> Self {
        Self {
            id: "ami-08c40ec9ead489470".to_owned(),
            name: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20220912".to_owned(),
            owner: "099720109477".to_owned(),
            description: "Canonical, Ubuntu, 22.04 LTS, amd64 jammy image build on 2022-09-12"
                .to_owned(),
            created: "2022-09-13T02:21:50.000Z".to_owned(),
            deprecated: Some("2024-09-13T02:21:50.000Z".to_owned()),
            tags: Tags::new(),
        }
    }

    fn offers(&self, filter: &str) -> Vec<String> {
        single_value(match filter {
            "image-id" => &self.id,
            "name" => &self.name,
            "description" => &self.description,
            "creation-date" => &self.created,
            "root-device-name" => "/dev/sda1",
            "hypervisor" => "xen",
            "owner-id" => &self.owner,
            "architecture" => "x86_64",
            "state" => "available",
            "root-device-type" => "ebs",
            "virtualization-type" => "hvm",
            "image-type" => "machine",
            _ => "true",
        })
    }

    fn write(&self, item: &mut Xml) {
        item.text("imageId", &self.id)
            .text("imageLocation", format!("{}/{}", self.owner, self.name))
            .text("imageState", "available")
            .text("imageOwnerId", &self.owner)
            .text("isPublic", true)
            .text("architecture", "x86_64")
            .text("imageType", "machine")
            .text("name", &self.name)
            .text("description", &self.description)
            .text("creationDate", &self.created)
            .optional("deprecationTime", self.deprecated.as_ref())
            .text("rootDeviceType", "ebs")
            .text("rootDeviceName", "/dev/sda1")
            .text("virtualizationType", "hvm")
            .text("hypervisor", "xen")
            .text("enaSupport", true)
            .items("blockDeviceMapping", ["/dev/sda1"], |mapping, device| {
                mapping.text("deviceName", device).element("ebs", |ebs| {
                    ebs.text("deleteOnTermination", true)
                        .text("volumeSize", 8)
                        .text("volumeType", "gp2")
                        .text("encrypted", false);
                });
            });
        write_tags(item, &self.tags);
    }
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("ImageId");
    let owners = input.texts("Owner");
    let include_deprecated = input.flag("IncludeDeprecated")?.unwrap_or(false);
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "image-id",
        "name",
        "description",
        "creation-date",
        "owner-id",
        "architecture",
        "state",
        "root-device-type",
        "root-device-name",
        "hypervisor",
        "virtualization-type",
        "image-type",
        "is-public",
        "tag",
    ];
    filters.check(input, &known)?;
    input.end()?;
    for id in &ids {
        if !id.starts_with("ami-") {
            let message = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
            return Err(Refusal::new("InvalidAMIID.Malformed", message));
        }
        if !cx.region.images.iter().any(|image| image.id == **id) {
            let message = format!("The image id '[{id}]' does not exist");
            return Err(Refusal::new("InvalidAMIID.NotFound", message));
        }
    }
    let images = cx.region.images.iter().filter(|image| {
        let named = ids.contains(&image.id.as_str());
        let listed = ids.is_empty() && (include_deprecated || image.deprecated.is_none());
        (named || listed)
            && (owners.is_empty() || owners.contains(&image.owner.as_str()))
            && filters.pass(&image.tags, |name| image.offers(name))
    });
    let (images, next) = page.cut(images, |image| image.id.clone());
    let mut xml = Xml::new();
    xml.items("imagesSet", images, |item, image| image.write(item));
    xml.optional("nextToken", next);
    Ok(xml)
}
