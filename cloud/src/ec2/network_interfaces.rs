//! Network interfaces: those of instances, and those that load balancers leave behind for a while.

use serde::{Deserialize, Serialize};

use crate::ec2::instances::{Instance, write_groups};
use crate::ec2::tags::write_tags;
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context, Region, Tags};
use crate::time::iso8601;
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A network interface of a balancer. Nobody but the balancer can delete it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BalancerInterface {
    pub(crate) id: String,
    pub(crate) balancer_arn: String,
    pub(crate) subnet_id: String,
    pub(crate) zone: String,
    pub(crate) vpc_id: String,
    pub(crate) private_address: String,
    pub(crate) public_address: String,
    pub(crate) description: String,
    pub(crate) security_groups: Vec<String>,
    pub(crate) created_ms: i64,
    /// Set when the balancer was deleted: some time later the interface goes too.
    pub(crate) gone_ms: Option<i64>,
}

impl BalancerInterface {
    pub(crate) fn exists(&self, now_ms: i64) -> bool {
        self.gone_ms.is_none_or(|gone| now_ms < gone)
    }
}

/// An interface as it is shown, whoever owns it.
struct Shown<'a> {
    id: &'a str,
    subnet_id: &'a str,
    zone: &'a str,
    vpc_id: &'a str,
    private_address: &'a str,
    public_address: Option<&'a str>,
    description: String,
    groups: &'a [String],
    tags: Option<&'a Tags>,
    created_ms: i64,
    /// The instance that it belongs to; otherwise a load balancer.
    instance_id: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of_instance(instance: &'a Instance) -> Self {
        Self {
            id: &instance.interface_id,
            subnet_id: &instance.subnet_id,
            zone: &instance.zone,
            vpc_id: &instance.vpc_id,
            private_address: &instance.private_address,
            public_address: instance.public_address.as_deref(),
            description: String::new(),
            groups: &instance.security_groups,
            tags: Some(&instance.interface_tags),
            created_ms: instance.launched_ms,
            instance_id: Some(&instance.id),
        }
    }

    fn of_balancer(interface: &'a BalancerInterface) -> Self {
        Self {
            id: &interface.id,
            subnet_id: &interface.subnet_id,
            zone: &interface.zone,
            vpc_id: &interface.vpc_id,
            private_address: &interface.private_address,
            public_address: Some(&interface.public_address),
            description: interface.description.clone(),
            groups: &interface.security_groups,
            tags: None,
            created_ms: interface.created_ms,
            instance_id: None,
        }
    }

    fn owner(&self) -> &'static str {
        if self.instance_id.is_some() { ACCOUNT_ID } else { "amazon-elb" }
    }

    fn offers(&self, filter: &str, region: &Region) -> Vec<String> {
        match filter {
            "network-interface-id" => single_value(self.id),
            "subnet-id" => single_value(self.subnet_id),
            "vpc-id" => single_value(self.vpc_id),
            "availability-zone" => single_value(self.zone),
            "description" => single_value(&self.description),
            "status" => single_value("in-use"),
            "interface-type" => single_value("interface"),
            "private-ip-address" | "addresses.private-ip-address" => {
                single_value(self.private_address)
            }
            "association.public-ip" => self.public_address.map(str::to_owned).into_iter().collect(),
            "attachment.status" => single_value("attached"),
            "owner-id" => single_value(ACCOUNT_ID),
            "group-id" => self.groups.to_vec(),
            "group-name" => self
                .groups
                .iter()
                .filter_map(|id| region.security_groups.live_get(id))
                .map(|group| group.name.clone())
                .collect(),
            "attachment.instance-id" => self.instance_id.map(str::to_owned).into_iter().collect(),
            "attachment.instance-owner-id" | "requester-id" => single_value(self.owner()),
            _ => vec![self.instance_id.is_none().to_string()],
        }
    }

    fn write(&self, region: &Region, item: &mut Xml) {
        item.text("networkInterfaceId", self.id)
            .text("subnetId", self.subnet_id)
            .text("vpcId", self.vpc_id)
            .text("availabilityZone", self.zone)
            .text("description", &self.description)
            .text("ownerId", ACCOUNT_ID)
            .text("requesterId", self.owner())
            .text("requesterManaged", self.instance_id.is_none())
            .text("status", "in-use")
            .text("interfaceType", "interface")
            .text("privateIpAddress", self.private_address)
            .text("sourceDestCheck", true);
        write_groups(region, self.groups, item);
        item.element("attachment", |attachment| {
            attachment
                .text("attachmentId", format!("{}-{}", self.id.replace("eni", "eni-attach"), 0))
                .optional("instanceId", self.instance_id)
                .text("instanceOwnerId", self.owner())
                .text("deviceIndex", 0)
                .text("status", "attached")
                .text("attachTime", iso8601(self.created_ms))
                .text("deleteOnTermination", self.instance_id.is_some());
        });
        if let Some(address) = self.public_address {
            item.element("association", |association| {
                association.text("publicIp", address).text("ipOwnerId", "amazon");
            });
        }
        if let Some(tags) = self.tags {
            write_tags(item, tags);
        }
    }
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("NetworkInterfaceId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    filters.check(input, &KNOWN_FILTERS)?;
    input.end()?;
    let region = &*cx.region;
    let instances = region.instances.values().filter(|it| it.has_interface(cx.now_ms));
    let balancers = region.balancer_interfaces.values().filter(|it| it.exists(cx.now_ms));
    let mut all: Vec<Shown<'_>> =
        instances.map(Shown::of_instance).chain(balancers.map(Shown::of_balancer)).collect();
    if let Some(id) = ids.iter().find(|id| !all.iter().any(|shown| shown.id == **id)) {
        let message = format!("The networkInterface ID '{id}' does not exist");
        return Err(Refusal::new("InvalidNetworkInterfaceID.NotFound", message));
    }
    let none = Tags::new();
    all.retain(|shown| {
        (ids.is_empty() || ids.contains(&shown.id))
            && filters.pass(shown.tags.unwrap_or(&none), |name| shown.offers(name, region))
    });
    all.sort_by(|a, b| a.id.cmp(b.id));
    let (page, next) = page.cut(all, |shown| shown.id.to_owned());
    let mut xml = Xml::new();
    xml.items("networkInterfaceSet", page, |item, shown| shown.write(region, item));
    xml.optional("nextToken", next);
    Ok(xml)
}

const KNOWN_FILTERS: [&str; 19] = [
    "network-interface-id",
    "subnet-id",
    "vpc-id",
    "availability-zone",
    "description",
    "status",
    "interface-type",
    "private-ip-address",
    "addresses.private-ip-address",
    "association.public-ip",
    "owner-id",
    "group-id",
    "group-name",
    "attachment.instance-id",
    "attachment.status",
    "attachment.instance-owner-id",
    "requester-id",
    "requester-managed",
    "tag",
];
