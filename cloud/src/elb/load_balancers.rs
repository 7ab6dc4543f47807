//! Load balancers: slow to come, quick to go, and their network interfaces slow to follow.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::ec2::network_interfaces::BalancerInterface;
use crate::ec2::security_groups::GROUPS_PER_INTERFACE_MAX;
use crate::elb::arns::Kind;
use crate::elb::tags::read_tags;
use crate::elb::{target_groups, usage};
use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::time::iso8601;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// An application load balancer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LoadBalancer {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) scheme: String,
    pub(crate) vpc_id: String,
    /// Zone and subnet, in the order of zones.
    pub(crate) zones: Vec<(String, String)>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) host: String,
    pub(crate) created_ms: i64,
    pub(crate) active_ms: i64,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

/// The hosted zone of all balancers of us-east-1.
const HOSTED_ZONE: &str = "Z35SXDOTRQ7X7K";

impl LoadBalancer {
    pub(crate) fn is_active(&self, now_ms: i64) -> bool {
        self.active_ms <= now_ms
    }

    pub(crate) fn has_zone(&self, zone: &str) -> bool {
        self.zones.iter().any(|(name, _)| name == zone)
    }

    fn is_protected(&self) -> bool {
        self.attributes.get("deletion_protection.enabled").is_some_and(|value| value == "true")
    }

    fn write(&self, now_ms: i64, item: &mut Xml) {
        item.text("LoadBalancerArn", &self.arn)
            .text("DNSName", &self.host)
            .text("CanonicalHostedZoneId", HOSTED_ZONE)
            .text("CreatedTime", iso8601(self.created_ms))
            .text("LoadBalancerName", &self.name)
            .text("Scheme", &self.scheme)
            .text("VpcId", &self.vpc_id)
            .element("State", |state| {
                state.text("Code", if self.is_active(now_ms) { "active" } else { "provisioning" });
            })
            .text("Type", "application")
            .members("AvailabilityZones", &self.zones, |item, (zone, subnet)| {
                item.text("ZoneName", zone)
                    .text("SubnetId", subnet)
                    .element("LoadBalancerAddresses", |_| {});
            })
            .texts("SecurityGroups", &self.security_groups)
            .text("IpAddressType", "ipv4");
    }
}

/// What `CreateLoadBalancer` asks for, checked.
struct Wanted {
    name: String,
    scheme: &'static str,
    vpc_id: String,
    zones: Vec<(String, String)>,
    security_groups: Vec<String>,
    tags: Tags,
}

impl Wanted {
    fn equals(&self, balancer: &LoadBalancer, compare_tags: bool) -> bool {
        balancer.scheme == self.scheme
            && balancer.zones == self.zones
            && balancer.security_groups == self.security_groups
            && (!compare_tags || balancer.tags == self.tags)
    }
}

/// Creates a load balancer; one of that name with the same settings is given back instead.
pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let wanted = read_wanted(cx, input)?;
    let name = &wanted.name;
    if let Some(there) = cx.region.load_balancers.live().find(|it| it.name == *name) {
        if wanted.equals(there, cx.options.content_compares_tags) {
            return Ok(list([there], cx.now_ms));
        }
        let message = format!(
            "A load balancer with the same name '{name}' exists, but with different settings"
        );
        return Err(Refusal::new("DuplicateLoadBalancerName", message));
    }
    let quota = cx.options.limits.load_balancers_max;
    if quota.is_some_and(|max| cx.region.load_balancers.live().count() >= max as usize) {
        let message = "The maximum number of load balancers has been reached";
        return Err(Refusal::new("TooManyLoadBalancers", message));
    }
    let id = cx.region.ids.hex();
    let arn = cx.region.arn("elasticloadbalancing", &format!("loadbalancer/app/{name}/{id}"));
    let host = cx.frontends.open(&arn, name).map_err(Refusal::internal)?;
    add_interfaces(cx, &wanted, &arn, &format!("ELB app/{name}/{id}"));
    let balancer = LoadBalancer {
        name: wanted.name,
        scheme: wanted.scheme.to_owned(),
        vpc_id: wanted.vpc_id,
        zones: wanted.zones,
        security_groups: wanted.security_groups,
        host,
        created_ms: cx.now_ms,
        active_ms: cx.after(Event::BalancerProvisioned, &arn),
        attributes: BTreeMap::new(),
        tags: wanted.tags,
        arn,
    };
    let answer = list([&balancer], cx.now_ms);
    let lag = cx.options.lag.load_balancers;
    let visible_ms = cx.seen_after(lag, Event::LoadBalancerVisible, &balancer.arn);
    cx.region.load_balancers.forget_ghosts(|ghost| ghost.name == balancer.name);
    cx.region.load_balancers.insert(balancer.arn.clone(), balancer, visible_ms);
    Ok(answer)
}

fn read_wanted(cx: &Context<'_>, input: &Fields<'_>) -> Result<Wanted, Refusal> {
    let name = input.required("Name")?.to_owned();
    target_groups::check_name(input, &name)?;
    if name.starts_with("internal-") {
        return Err(input.invalid("Name", "a name may not start with 'internal-'"));
    }
    let scheme =
        input.one_of("Scheme", &["internet-facing", "internal"])?.unwrap_or("internet-facing");
    input.one_of("Type", &["application"])?;
    input.one_of("IpAddressType", &["ipv4"])?;
    let mut subnets = input.texts("Subnets");
    let mut mapped = Vec::new();
    for mapping in input.items("SubnetMappings") {
        mapped.push(mapping.required("SubnetId")?);
    }
    let groups = input.texts("SecurityGroups");
    let tags = read_tags(input)?;
    input.end()?;
    if !subnets.is_empty() && !mapped.is_empty() {
        let message = "You must specify either subnets or subnet mappings";
        return Err(Refusal::new("ValidationError", message));
    }
    subnets.append(&mut mapped);
    let (vpc_id, zones) = check_subnets(cx, &subnets, scheme)?;
    let security_groups = check_security_groups(cx, &groups, &vpc_id)?;
    Ok(Wanted { name, scheme, vpc_id, zones, security_groups, tags })
}

/// Two zones at least, one subnet in each, all in one VPC that has a way to the internet.
fn check_subnets(
    cx: &Context<'_>,
    ids: &[&str],
    scheme: &str,
) -> Result<(String, Vec<(String, String)>), Refusal> {
    let network = &cx.region.network;
    let mut zones = BTreeMap::new();
    let mut vpcs = BTreeSet::new();
    for id in ids {
        let subnet = network.subnet(id).ok_or_else(|| {
            Refusal::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist"))
        })?;
        vpcs.insert(subnet.vpc_id.clone());
        if zones.insert(subnet.zone.clone(), subnet.id.clone()).is_some() {
            let message = "A load balancer cannot be attached to multiple subnets in the same \
                           Availability Zone";
            return Err(Refusal::new("InvalidConfigurationRequest", message));
        }
    }
    if zones.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(Refusal::new("ValidationError", message));
    }
    let vpc_id = vpcs.pop_first().unwrap_or_default();
    if scheme == "internet-facing" && !network.has_gateway(&vpc_id) {
        let message = format!("VPC {vpc_id} has no internet gateway");
        return Err(Refusal::new("InvalidSubnet", message));
    }
    Ok((vpc_id, zones.into_iter().collect()))
}

/// Without a group the default one of the VPC is worn: nothing from outside gets in.
fn check_security_groups(
    cx: &Context<'_>,
    ids: &[&str],
    vpc_id: &str,
) -> Result<Vec<String>, Refusal> {
    let groups = &cx.region.security_groups;
    if ids.is_empty() {
        let default = groups.live().find(|it| it.vpc_id == vpc_id && it.name == "default");
        return Ok(default.map(|group| group.id.clone()).into_iter().collect());
    }
    let mut worn = BTreeSet::new();
    if ids.len() > GROUPS_PER_INTERFACE_MAX {
        let message = format!(
            "At most {GROUPS_PER_INTERFACE_MAX} security groups may be specified for a load balancer"
        );
        return Err(Refusal::new("InvalidConfigurationRequest", message));
    }
    for id in ids {
        match groups.usable(id, cx.now_ms) {
            Some(group) if group.vpc_id == vpc_id => worn.insert(group.id.clone()),
            _ => {
                let message = format!("One or more security groups are invalid: '{id}'");
                return Err(Refusal::new("InvalidSecurityGroup", message));
            }
        };
    }
    Ok(worn.into_iter().collect())
}

fn add_interfaces(cx: &mut Context<'_>, wanted: &Wanted, arn: &str, description: &str) {
    for (zone, subnet_id) in &wanted.zones {
        let number = cx.region.ids.number();
        let address = cx.region.network.subnet(subnet_id).map(|subnet| subnet.address(number));
        let id = cx.region.ids.prefixed("eni");
        let interface = BalancerInterface {
            id: id.clone(),
            balancer_arn: arn.to_owned(),
            subnet_id: subnet_id.clone(),
            zone: zone.clone(),
            vpc_id: wanted.vpc_id.clone(),
            private_address: address.unwrap_or_default(),
            public_address: format!("203.0.113.{}", number % 254 + 1),
            description: description.to_owned(),
            security_groups: wanted.security_groups.clone(),
            created_ms: cx.now_ms,
            gone_ms: None,
        };
        cx.region.balancer_interfaces.insert(id, interface);
    }
}

fn list<'a>(balancers: impl IntoIterator<Item = &'a LoadBalancer>, now_ms: i64) -> Xml {
    let mut xml = Xml::new();
    xml.members("LoadBalancers", balancers, |item, balancer| balancer.write(now_ms, item));
    xml
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arns = Kind::LoadBalancer.list(input)?;
    let names = input.texts("Names");
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    if !arns.is_empty() && !names.is_empty() {
        let message = "Load balancer names and ARNs cannot be given together";
        return Err(Refusal::new("ValidationError", message));
    }
    if arns.len() > 20 {
        return Err(input.invalid("LoadBalancerArns", "at most 20 in one call"));
    }
    let balancers = &cx.region.load_balancers;
    for arn in &arns {
        balancers.seen_get(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    }
    for name in &names {
        if !balancers.seen(cx.now_ms).any(|balancer| balancer.name == **name) {
            return Err(not_found(name));
        }
    }
    let found = balancers.seen(cx.now_ms).filter(|balancer| {
        (arns.is_empty() || arns.contains(&balancer.arn.as_str()))
            && (names.is_empty() || names.contains(&balancer.name.as_str()))
    });
    let (found, next) = page.cut(found, |balancer| balancer.arn.clone());
    let mut xml = list(found, cx.now_ms);
    xml.optional("NextMarker", next);
    Ok(xml)
}

/// Deletes a balancer with its listeners and rules; deleting an absent one succeeds. Its interfaces
/// and its claim on target groups outlive it.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::LoadBalancer.required(input)?;
    input.end()?;
    let Some(balancer) = cx.region.load_balancers.live_get(arn) else { return Ok(Xml::new()) };
    if balancer.is_protected() {
        let message = format!(
            "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        );
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    remove_listeners(cx, arn);
    let lag = cx.options.lag.load_balancers;
    let forgotten_ms = cx.seen_after(lag, Event::BalancerGone, arn);
    cx.region.load_balancers.remove(arn, forgotten_ms);
    let held_until_ms = cx.after(Event::TargetGroupReleased, arn);
    for group in cx.region.target_groups.live_all_mut() {
        if group.serves(arn) {
            group.held_until_ms = held_until_ms;
        }
    }
    let interfaces_gone_ms = cx.after(Event::BalancerInterfacesGone, arn);
    for interface in cx.region.balancer_interfaces.values_mut() {
        if interface.balancer_arn == arn {
            interface.gone_ms = Some(interfaces_gone_ms);
        }
    }
    usage::refresh(cx.region, cx.now_ms);
    Ok(Xml::new())
}

fn remove_listeners(cx: &mut Context<'_>, balancer_arn: &str) {
    let listeners = cx.region.listeners.live().filter(|it| it.balancer_arn == balancer_arn);
    let arns: Vec<String> = listeners.map(|listener| listener.arn.clone()).collect();
    for arn in arns {
        super::listeners::remove(cx, &arn);
    }
}

/// Refuses a load balancer that is not there, or cannot be seen yet.
pub(crate) fn not_found(which: &str) -> Refusal {
    Refusal::new("LoadBalancerNotFound", format!("Load balancers '[{which}]' not found"))
}
