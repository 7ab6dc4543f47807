//! Instances: launched by groups, booting, answering, terminated, and listed for an hour after.
//!
//! Nothing about an instance is ever updated by the passing of time. It carries the moments of its
//! life, and its state is what those moments say about now.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::ec2::applications::Application;
use crate::ec2::instance_types::InstanceType;
use crate::ec2::launch_template_data::MetadataOptions;
use crate::ec2::tags::write_tags;
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context, Region, Tags};
use crate::time::iso8601;
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// How long a terminated instance stays in lists: about an hour.
const LISTED_AFTER_END_MS: i64 = 3_600_000;

/// How long a terminated instance keeps its tags: "a short while", says the EC2 user guide.
const TAGGED_AFTER_END_MS: i64 = 5_000;

static NO_TAGS: Tags = Tags::new();

/// An instance and the moments of its life.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) reservation_id: String,
    pub(crate) image_id: String,
    pub(crate) kind: String,
    pub(crate) key_name: Option<String>,
    pub(crate) vpc_id: String,
    pub(crate) subnet_id: String,
    pub(crate) zone: String,
    pub(crate) private_address: String,
    pub(crate) public_address: Option<String>,
    pub(crate) security_groups: Vec<String>,
    /// In base64, as the launch template has it.
    pub(crate) user_data: Option<String>,
    pub(crate) metadata: MetadataOptions,
    pub(crate) monitoring: bool,
    pub(crate) interface_id: String,
    pub(crate) volume_id: String,
    pub(crate) volume_gib: u32,
    pub(crate) tags: Tags,
    pub(crate) volume_tags: Tags,
    pub(crate) interface_tags: Tags,
    pub(crate) launched_ms: i64,
    pub(crate) running_ms: i64,
    /// When user data has had its time; never, when there is none that could start anything.
    pub(crate) answers_ms: Option<i64>,
    #[serde(default)]
    pub(crate) application: Application,
    pub(crate) end: Option<End>,
}

/// How an instance came to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) asked_ms: i64,
    pub(crate) terminated_ms: i64,
    reason: String,
}

/// The states of an instance, with the codes of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstanceState {
    Pending = 0,
    Running = 16,
    ShuttingDown = 32,
    Terminated = 48,
}

impl InstanceState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    pub(super) fn write(self, xml: &mut Xml, name: &str) {
        xml.element(name, |state| {
            state.text("code", self as u16).text("name", self.as_str());
        });
    }
}

impl Instance {
    pub(crate) fn state(&self, now_ms: i64) -> InstanceState {
        match &self.end {
            Some(end) if end.terminated_ms <= now_ms => InstanceState::Terminated,
            Some(_) => InstanceState::ShuttingDown,
            None if self.running_ms <= now_ms => InstanceState::Running,
            None => InstanceState::Pending,
        }
    }

    /// Tells whether it counts against quotas: it is pending or running.
    pub(crate) fn is_up(&self) -> bool {
        self.end.is_none()
    }

    /// Tells whether it holds its network interface and its volume.
    pub(crate) fn has_interface(&self, now_ms: i64) -> bool {
        self.state(now_ms) != InstanceState::Terminated
    }

    /// Gives the tags that are still visible: a terminated instance loses them long before it leaves the lists.
    pub(crate) fn shown_tags(&self, now_ms: i64) -> &Tags {
        match &self.end {
            Some(end) if end.terminated_ms + TAGGED_AFTER_END_MS <= now_ms => &NO_TAGS,
            _ => &self.tags,
        }
    }

    /// Tells when lists stop to show it; `None` while it lives.
    pub(crate) fn unlisted_ms(&self) -> Option<i64> {
        self.end.as_ref().map(|end| end.terminated_ms + LISTED_AFTER_END_MS)
    }

    /// Gives the span of time in which something listens on its port, as far as is known now.
    pub(crate) fn answering_span(&self) -> Option<(i64, i64)> {
        let until_ms = self.end.as_ref().map_or(i64::MAX, |end| end.asked_ms);
        self.application.port()?;
        self.answers_ms.map(|from_ms| (from_ms.max(self.application.changed_ms()), until_ms))
    }

    pub(crate) fn answers(&self, now_ms: i64) -> bool {
        self.answering_span().is_some_and(|(from, until)| (from..until).contains(&now_ms))
    }

    /// Tells what the checks of its system say; they come out well as soon as it runs.
    pub(super) fn status(&self, now_ms: i64) -> &'static str {
        if self.state(now_ms) == InstanceState::Running { "ok" } else { "not-applicable" }
    }

    pub(crate) fn vcpus(&self) -> u32 {
        InstanceType::find(&self.kind).map_or(0, |kind| kind.vcpus)
    }

    pub(crate) fn private_dns(&self) -> String {
        format!("ip-{}.ec2.internal", self.private_address.replace('.', "-"))
    }

    fn public_dns(&self) -> Option<String> {
        let address = self.public_address.as_ref()?;
        Some(format!("ec2-{}.compute-1.amazonaws.com", address.replace('.', "-")))
    }

    pub(super) fn offers(&self, filter: &str, region: &Region, now_ms: i64) -> Vec<String> {
        // What an instance loses with its end, no filter finds any more.
        let alive = self.has_interface(now_ms);
        let while_alive = |value: Option<String>| value.filter(|_| alive).into_iter().collect();
        match filter {
            "ip-address" => while_alive(self.public_address.clone()),
            "dns-name" => while_alive(self.public_dns()),
            "private-dns-name" => while_alive(Some(self.private_dns())),
            "network-interface.network-interface-id" => {
                while_alive(Some(self.interface_id.clone()))
            }
            "block-device-mapping.volume-id" => while_alive(Some(self.volume_id.clone())),
            "launch-time" => single_value(&iso8601(self.launched_ms)),
            "architecture" => single_value(ARCHITECTURE),
            "owner-id" => single_value(ACCOUNT_ID),
            "instance-status.status" | "system-status.status" => single_value(self.status(now_ms)),
            "instance-id" => single_value(&self.id),
            "instance-state-name" => single_value(self.state(now_ms).as_str()),
            "instance-state-code" => vec![(self.state(now_ms) as u16).to_string()],
            "instance-type" => single_value(&self.kind),
            "image-id" => single_value(&self.image_id),
            "key-name" => self.key_name.clone().into_iter().collect(),
            "vpc-id" => single_value(&self.vpc_id),
            "subnet-id" => single_value(&self.subnet_id),
            "availability-zone" => single_value(&self.zone),
            "private-ip-address" => single_value(&self.private_address),
            "reservation-id" => single_value(&self.reservation_id),
            "instance.group-name" => self
                .security_groups
                .iter()
                .filter_map(|id| region.security_groups.live_get(id))
                .map(|group| group.name.clone())
                .collect(),
            _ => self.security_groups.clone(),
        }
    }

    pub(super) fn write(&self, region: &Region, now_ms: i64, item: &mut Xml) {
        let state = self.state(now_ms);
        item.text("instanceId", &self.id).text("imageId", &self.image_id);
        state.write(item, "instanceState");
        let alive = state != InstanceState::Terminated;
        let public = self.public_address.as_ref().filter(|_| alive);
        let dns = self.public_dns().filter(|_| alive);
        item.text("privateDnsName", if alive { self.private_dns() } else { String::new() })
            .text("dnsName", dns.unwrap_or_default())
            .text("reason", self.end.as_ref().map_or("", |end| &end.reason))
            .optional("keyName", self.key_name.as_ref())
            .text("amiLaunchIndex", 0)
            .text("instanceType", &self.kind)
            .text("launchTime", iso8601(self.launched_ms))
            .element("placement", |placement| {
                placement.text("availabilityZone", &self.zone).text("tenancy", "default");
            })
            .element("monitoring", |monitoring| {
                monitoring.text("state", if self.monitoring { "enabled" } else { "disabled" });
            });
        if alive {
            item.text("subnetId", &self.subnet_id)
                .text("vpcId", &self.vpc_id)
                .text("privateIpAddress", &self.private_address)
                .optional("ipAddress", public);
        }
        item.text("architecture", ARCHITECTURE)
            .text("rootDeviceType", "ebs")
            .text("rootDeviceName", "/dev/sda1")
            .text("virtualizationType", "hvm")
            .text("hypervisor", "xen")
            .text("ebsOptimized", false)
            .text("enaSupport", true);
        if alive {
            self.write_attachments(region, item);
        }
        if let Some(end) = &self.end {
            item.element("stateReason", |reason| {
                reason.text("code", "Client.UserInitiatedShutdown").text("message", &end.reason);
            });
        }
        item.element("metadataOptions", |options| self.metadata.write(options));
        write_tags(item, self.shown_tags(now_ms));
    }

    fn write_attachments(&self, region: &Region, item: &mut Xml) {
        item.items("blockDeviceMapping", [self], |mapping, it| {
            mapping.text("deviceName", "/dev/sda1").element("ebs", |ebs| {
                ebs.text("volumeId", &it.volume_id)
                    .text("status", "attached")
                    .text("attachTime", iso8601(it.launched_ms))
                    .text("deleteOnTermination", true);
            });
        });
        write_groups(region, &self.security_groups, item);
        item.items("networkInterfaceSet", [self], |interface, it| {
            interface
                .text("networkInterfaceId", &it.interface_id)
                .text("subnetId", &it.subnet_id)
                .text("vpcId", &it.vpc_id)
                .text("ownerId", ACCOUNT_ID)
                .text("status", "in-use")
                .text("privateIpAddress", &it.private_address)
                .text("interfaceType", "interface");
            write_groups(region, &it.security_groups, interface);
        });
    }
}

/// Writes security groups by id and name.
pub(super) fn write_groups(region: &Region, ids: &[String], item: &mut Xml) {
    item.items("groupSet", ids, |group, id| {
        let name = region.security_groups.live_get(id).map_or("", |group| &group.name);
        group.text("groupId", id).text("groupName", name);
    });
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("InstanceId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    filters.check(input, &KNOWN_FILTERS)?;
    input.end()?;
    check_ids(cx.region, &ids)?;
    let found = cx.region.instances.values().filter(|instance| {
        (ids.is_empty() || ids.contains(&instance.id.as_str()))
            && filters.pass(instance.shown_tags(cx.now_ms), |name| {
                instance.offers(name, cx.region, cx.now_ms)
            })
    });
    let (found, next) = page.cut(found, |instance| instance.id.clone());
    let mut xml = Xml::new();
    xml.items("reservationSet", found, |item, instance| {
        item.text("reservationId", &instance.reservation_id).text("ownerId", ACCOUNT_ID).items(
            "instancesSet",
            [instance],
            |item, instance| {
                instance.write(cx.region, cx.now_ms, item);
            },
        );
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

/// The one architecture that there is.
const ARCHITECTURE: &str = "x86_64";

const KNOWN_FILTERS: [&str; 22] = [
    "instance-id",
    "instance-state-name",
    "instance-state-code",
    "instance-type",
    "image-id",
    "key-name",
    "vpc-id",
    "subnet-id",
    "availability-zone",
    "private-ip-address",
    "private-dns-name",
    "ip-address",
    "dns-name",
    "launch-time",
    "architecture",
    "owner-id",
    "network-interface.network-interface-id",
    "block-device-mapping.volume-id",
    "reservation-id",
    "instance.group-id",
    "instance.group-name",
    "tag",
];

/// Terminates instances: all that are named, or none when one is not known. Repeating succeeds.
pub(crate) fn terminate(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("InstanceId");
    input.end()?;
    if ids.is_empty() {
        return Err(Refusal::missing(input.service(), "InstanceId"));
    }
    check_ids(cx.region, &ids)?;
    let mut changes = Vec::new();
    for id in ids {
        let before = cx.region.instances.get(id).map(|instance| instance.state(cx.now_ms));
        end(cx, id, "User initiated");
        let after = cx.region.instances.get(id).map(|instance| instance.state(cx.now_ms));
        changes.extend(before.zip(after).map(|(before, after)| (id, before, after)));
    }
    let mut xml = Xml::new();
    xml.items("instancesSet", changes, |item, (id, before, after)| {
        item.text("instanceId", id);
        after.write(item, "currentState");
        before.write(item, "previousState");
    });
    Ok(xml)
}

/// Begins the end of an instance; one that is ending already goes on as it was.
pub(crate) fn end(cx: &mut Context<'_>, id: &str, by: &str) {
    let terminated_ms = cx.after(Event::InstanceTerminated, id);
    let asked_ms = cx.now_ms;
    if let Some(instance) = cx.region.instances.get_mut(id).filter(|it| it.end.is_none()) {
        let reason = format!("{by} ({})", iso8601(asked_ms));
        instance.end = Some(End { asked_ms, terminated_ms, reason });
    }
}

/// Refuses ids that no instance has: one bad id fails the whole call.
pub(super) fn check_ids(region: &Region, ids: &[&str]) -> Result<(), Refusal> {
    for id in ids {
        if !id.starts_with("i-") {
            let message = format!("Invalid id: \"{id}\"");
            return Err(Refusal::new("InvalidInstanceID.Malformed", message));
        }
        if !region.instances.contains_key(*id) {
            let message = format!("The instance ID '{id}' does not exist");
            return Err(Refusal::new("InvalidInstanceID.NotFound", message));
        }
    }
    Ok(())
}
