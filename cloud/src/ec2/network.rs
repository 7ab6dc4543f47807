//! The VPC, its subnets and its internet gateway: seeded, and never changed but for tags.

use serde::{Deserialize, Serialize};

use crate::ec2::tags::write_tags;
use crate::handler::Answer;
use crate::ids::IdSource;
use crate::options::{Inventory, VpcKind};
use crate::state::{ACCOUNT_ID, Context, Region, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// The network of a region.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) vpcs: Vec<Vpc>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) gateways: Vec<Gateway>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) cidr: String,
    /// A VPC that was stored before there were others is the default one.
    #[serde(default = "yes")]
    pub(crate) is_default: bool,
    pub(crate) tags: Tags,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    /// The third octet of its first address: 172.31.N.0/20.
    pub(crate) third_octet: u8,
    pub(crate) tags: Tags,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) tags: Tags,
}

/// Addresses of a /20 that can be given out: AWS keeps five of each subnet.
const SUBNET_ADDRESSES: usize = 4096 - 5;

impl Network {
    pub(crate) fn furnished(region: &str, ids: &mut IdSource, inventory: Inventory) -> Self {
        let is_default = match inventory.vpc {
            VpcKind::Default => true,
            VpcKind::Own => false,
            VpcKind::None => return Self::default(),
        };
        let (id, cidr) = (ids.prefixed("vpc"), "172.31.0.0/16".to_owned());
        let vpc = Vpc { id, cidr, is_default, tags: Tags::new() };
        let letters = if region == "us-east-1" { "abcdef" } else { "abc" };
        let subnets = letters
            .chars()
            .zip(1_u8..)
            .map(|(letter, number)| Subnet {
                id: ids.prefixed("subnet"),
                vpc_id: vpc.id.clone(),
                zone: format!("{region}{letter}"),
                zone_id: format!("{}-az{number}", short_region(region)),
                third_octet: 16 * (number - 1),
                tags: Tags::new(),
            })
            .collect();
        let gateway =
            Gateway { id: ids.prefixed("igw"), vpc_id: vpc.id.clone(), tags: Tags::new() };
        Self { vpcs: vec![vpc], subnets, gateways: vec![gateway] }
    }

    /// Gives the default VPC, if the account has one.
    pub(crate) fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs.iter().find(|vpc| vpc.is_default)
    }

    pub(crate) fn has_vpc(&self, id: &str) -> bool {
        self.vpcs.iter().any(|vpc| vpc.id == id)
    }

    /// Tells whether a subnet is the one of its zone where nothing else is said: those of the default VPC are.
    fn is_default_for_zone(&self, subnet: &Subnet) -> bool {
        self.default_vpc().is_some_and(|vpc| vpc.id == subnet.vpc_id)
    }

    pub(crate) fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.id == id)
    }

    pub(crate) fn has_gateway(&self, vpc_id: &str) -> bool {
        self.gateways.iter().any(|gateway| gateway.vpc_id == vpc_id)
    }
}

impl Subnet {
    pub(crate) fn cidr(&self) -> String {
        format!("172.31.{}.0/20", self.third_octet)
    }

    /// Gives the n-th private address of the subnet; numbers beyond its size start again.
    pub(crate) fn address(&self, number: u64) -> String {
        let host = 4 + number % SUBNET_ADDRESSES as u64;
        format!("172.31.{}.{}", u64::from(self.third_octet) + host / 256, host % 256)
    }

    fn free_addresses(&self, region: &Region, now_ms: i64) -> usize {
        let instances = region
            .instances
            .values()
            .filter(|instance| instance.subnet_id == self.id && instance.has_interface(now_ms))
            .count();
        let balancers = region
            .balancer_interfaces
            .values()
            .filter(|interface| interface.subnet_id == self.id)
            .count();
        SUBNET_ADDRESSES - (instances + balancers).min(SUBNET_ADDRESSES)
    }
}

/// Shortens a region as zone ids do: us-east-1 is use1.
fn short_region(region: &str) -> String {
    let parts: Vec<&str> = region.split('-').collect();
    match parts.as_slice() {
        [area, side, number] => {
            format!("{area}{}{number}", side.chars().next().unwrap_or_default())
        }
        _ => region.replace('-', ""),
    }
}

pub(crate) fn describe_vpcs(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("VpcId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = ["vpc-id", "is-default", "isDefault", "state", "cidr", "owner-id", "tag"];
    filters.check(input, &known)?;
    input.end()?;
    for id in &ids {
        if !cx.region.network.has_vpc(id) {
            let message = format!("The vpc ID '{id}' does not exist");
            return Err(Refusal::new("InvalidVpcID.NotFound", message));
        }
    }
    let vpcs = cx.region.network.vpcs.iter().filter(|vpc| {
        (ids.is_empty() || ids.contains(&vpc.id.as_str()))
            && filters.pass(&vpc.tags, |name| {
                single_value(match name {
                    "vpc-id" => &vpc.id,
                    "is-default" | "isDefault" => word(vpc.is_default),
                    "state" => "available",
                    "cidr" => &vpc.cidr,
                    _ => ACCOUNT_ID,
                })
            })
    });
    let (vpcs, next) = page.cut(vpcs, |vpc| vpc.id.clone());
    let mut xml = Xml::new();
    xml.items("vpcSet", vpcs, |item, vpc| {
        item.text("vpcId", &vpc.id)
            .text("ownerId", ACCOUNT_ID)
            .text("state", "available")
            .text("cidrBlock", &vpc.cidr)
            .text("dhcpOptionsId", "default")
            .text("instanceTenancy", "default")
            .text("isDefault", vpc.is_default);
        write_tags(item, &vpc.tags);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

pub(crate) fn describe_subnets(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("SubnetId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "subnet-id",
        "vpc-id",
        "availability-zone",
        "availabilityZone",
        "availability-zone-id",
        "default-for-az",
        "defaultForAz",
        "map-public-ip-on-launch",
        "state",
        "cidr-block",
        "owner-id",
        "tag",
    ];
    filters.check(input, &known)?;
    input.end()?;
    for id in &ids {
        if cx.region.network.subnet(id).is_none() {
            let message = format!("The subnet ID '{id}' does not exist");
            return Err(Refusal::new("InvalidSubnetID.NotFound", message));
        }
    }
    let subnets = cx.region.network.subnets.iter().filter(|subnet| {
        (ids.is_empty() || ids.contains(&subnet.id.as_str()))
            && filters.pass(&subnet.tags, |name| match name {
                "subnet-id" => single_value(&subnet.id),
                "vpc-id" => single_value(&subnet.vpc_id),
                "availability-zone" | "availabilityZone" => single_value(&subnet.zone),
                "availability-zone-id" => single_value(&subnet.zone_id),
                "state" => single_value("available"),
                "cidr-block" => single_value(&subnet.cidr()),
                "owner-id" => single_value(ACCOUNT_ID),
                "default-for-az" | "defaultForAz" => {
                    single_value(word(cx.region.network.is_default_for_zone(subnet)))
                }
                _ => single_value("true"),
            })
    });
    let (subnets, next) = page.cut(subnets, |subnet| subnet.zone.clone());
    let mut xml = Xml::new();
    xml.items("subnetSet", subnets, |item, subnet| {
        item.text("subnetId", &subnet.id)
            .text("subnetArn", cx.region.arn("ec2", &format!("subnet/{}", subnet.id)))
            .text("ownerId", ACCOUNT_ID)
            .text("state", "available")
            .text("vpcId", &subnet.vpc_id)
            .text("cidrBlock", subnet.cidr())
            .text("availableIpAddressCount", subnet.free_addresses(cx.region, cx.now_ms))
            .text("availabilityZone", &subnet.zone)
            .text("availabilityZoneId", &subnet.zone_id)
            .text("defaultForAz", cx.region.network.is_default_for_zone(subnet))
            .text("mapPublicIpOnLaunch", true)
            .text("assignIpv6AddressOnCreation", false);
        write_tags(item, &subnet.tags);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

pub(crate) fn describe_internet_gateways(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("InternetGatewayId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = ["internet-gateway-id", "attachment.vpc-id", "attachment.state", "owner-id", "tag"];
    filters.check(input, &known)?;
    input.end()?;
    for id in &ids {
        if !cx.region.network.gateways.iter().any(|gateway| gateway.id == **id) {
            let message = format!("The internetGateway ID '{id}' does not exist");
            return Err(Refusal::new("InvalidInternetGatewayID.NotFound", message));
        }
    }
    let gateways = cx.region.network.gateways.iter().filter(|gateway| {
        (ids.is_empty() || ids.contains(&gateway.id.as_str()))
            && filters.pass(&gateway.tags, |name| {
                single_value(match name {
                    "internet-gateway-id" => &gateway.id,
                    "attachment.vpc-id" => &gateway.vpc_id,
                    "attachment.state" => "available",
                    _ => ACCOUNT_ID,
                })
            })
    });
    let (gateways, next) = page.cut(gateways, |gateway| gateway.id.clone());
    let mut xml = Xml::new();
    xml.items("internetGatewaySet", gateways, |item, gateway| {
        item.text("internetGatewayId", &gateway.id).text("ownerId", ACCOUNT_ID).items(
            "attachmentSet",
            [gateway],
            |attachment, gateway| {
                attachment.text("vpcId", &gateway.vpc_id).text("state", "available");
            },
        );
        write_tags(item, &gateway.tags);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

pub(crate) fn describe_availability_zones(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let names = input.texts("ZoneName");
    let filters = Filters::ec2(input)?;
    let known = ["zone-name", "zone-id", "state", "region-name", "zone-type"];
    filters.check(input, &known)?;
    input.end()?;
    let subnets = &cx.region.network.subnets;
    if let Some(name) = names.iter().find(|name| !subnets.iter().any(|it| it.zone == **name)) {
        let message = format!("Invalid availability zone: [{name}]");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    let zones = subnets.iter().filter(|subnet| {
        (names.is_empty() || names.contains(&subnet.zone.as_str()))
            && filters.pass(&Tags::new(), |name| {
                single_value(match name {
                    "zone-name" => &subnet.zone,
                    "zone-id" => &subnet.zone_id,
                    "state" => "available",
                    "zone-type" => "availability-zone",
                    _ => &cx.region.name,
                })
            })
    });
    let mut xml = Xml::new();
    xml.items("availabilityZoneInfo", zones, |item, subnet| {
        item.text("zoneName", &subnet.zone)
            .text("zoneId", &subnet.zone_id)
            .text("zoneState", "available")
            .text("zoneType", "availability-zone")
            .text("regionName", &cx.region.name)
            .text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

pub(crate) fn describe_account_attributes(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let names = input.texts("AttributeName");
    input.end()?;
    let default_vpc = cx.region.network.default_vpc().map_or("none", |vpc| vpc.id.as_str());
    let instances_max = cx.options.limits.instances_max.unwrap_or(1000).to_string();
    let attributes = [
        ("supported-platforms", "VPC"),
        ("default-vpc", default_vpc),
        ("max-instances", &instances_max),
        ("vpc-max-security-groups-per-interface", "5"),
    ];
    for name in &names {
        if !attributes.iter().any(|(known, _)| known == name) {
            return Err(input.invalid("AttributeName", format!("'{name}' is not an attribute")));
        }
    }
    let wanted = attributes.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    let mut xml = Xml::new();
    xml.items("accountAttributeSet", wanted, |item, (name, value)| {
        item.text("attributeName", name).items("attributeValueSet", [value], |item, value| {
            item.text("attributeValue", value);
        });
    });
    Ok(xml)
}

fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}
