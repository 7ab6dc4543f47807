//! The VPC, its two subnets, and their way to the internet.

use aws_sdk_ec2::types::{Filter, InternetGateway, Subnet, Vpc};
use lab1_flow_workflow::ActionError;
use serde::{Deserialize, Serialize};

use super::SubnetRef;
use super::checks::Checks;
use crate::connection::{Aws, Call, Service};
use crate::ec2::filter;
use crate::memory::Known;
use crate::pages::{Page, all_pages};
use crate::shell::shell_command;
use crate::spec::StackSpec;

/// How many free addresses a balancer needs in each of its subnets.
const BALANCER_ADDRESSES: u32 = 8;

/// What is known of the place before it is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceWanted {
    pub(crate) zones: [String; 2],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vpc_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet_ids: Option<[String; 2]>,
    /// The most instances in each subnet.
    pub(crate) instances_max: [u32; 2],
}

impl PlaceWanted {
    /// Whether another one is about the same zones and subnets, whatever room it needs there.
    pub(crate) fn is_where(&self, other: &Self) -> bool {
        self.zones == other.zones
            && self.vpc_id == other.vpc_id
            && self.subnet_ids == other.subnet_ids
    }

    pub(super) fn new(spec: &StackSpec) -> Self {
        Self {
            zones: spec.network.zones.clone(),
            vpc_id: spec.network.vpc_id.clone(),
            subnet_ids: spec.network.subnet_ids.clone(),
            instances_max: spec.groups.each_ref().map(|group| group.max),
        }
    }

    /// Whether it is the default VPC, which comes with a gateway. Should somebody have taken that away, the
    /// balancer is refused with a clear word.
    fn is_default_vpc(&self) -> bool {
        self.vpc_id.is_none() && self.subnet_ids.is_none()
    }

    /// Which VPC it is; the default one when neither it nor subnets are given.
    fn vpc_filters(&self) -> Vec<Filter> {
        match &self.vpc_id {
            Some(id) => vec![filter("vpc-id", [id.as_str()])],
            None if self.subnet_ids.is_some() => Vec::new(),
            None => vec![filter("is-default", ["true"])],
        }
    }

    fn subnet_filters(&self) -> Vec<Filter> {
        if let Some(ids) = &self.subnet_ids {
            return vec![filter("subnet-id", ids.iter().map(String::as_str))];
        }
        let zones = filter("availability-zone", self.zones.iter().map(String::as_str));
        match &self.vpc_id {
            Some(id) => vec![zones, filter("vpc-id", [id.as_str()])],
            None => vec![zones, filter("default-for-az", ["true"])],
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct PlaceFound {
    vpcs: Result<Vec<Vpc>, ActionError>,
    subnets: Result<Vec<Subnet>, ActionError>,
    gateways: Result<Vec<InternetGateway>, ActionError>,
}

/// The answers so far.
#[derive(Debug, Default)]
pub(super) struct PlaceAnswers {
    vpcs: Known<Vec<Vpc>>,
    subnets: Known<Vec<Subnet>>,
    gateways: Known<Vec<InternetGateway>>,
}

pub(super) async fn look(aws: &Aws, wanted: &PlaceWanted, known: &PlaceAnswers) -> PlaceFound {
    let (vpcs, subnets, gateways) = tokio::join!(
        known.vpcs.or_ask(vpcs(aws, wanted)),
        known.subnets.or_ask(subnets(aws, wanted)),
        known.gateways.or_ask(gateways(aws, wanted)),
    );
    PlaceFound { vpcs, subnets, gateways }
}

async fn vpcs(aws: &Aws, wanted: &PlaceWanted) -> Result<Vec<Vpc>, ActionError> {
    let filters = wanted.vpc_filters();
    if filters.is_empty() {
        return Ok(Vec::new());
    }
    let request = aws.ec2().describe_vpcs().set_filters(Some(filters));
    let call = Call::reading(Service::Ec2, "DescribeVpcs", "the VPC of the stack");
    Ok(aws.call(call, request.send()).await?.vpcs.unwrap_or_default())
}

async fn subnets(aws: &Aws, wanted: &PlaceWanted) -> Result<Vec<Subnet>, ActionError> {
    all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_subnets().set_next_token(next);
        let request = request.set_filters(Some(wanted.subnet_filters()));
        let call = Call::reading(Service::Ec2, "DescribeSubnets", "the subnets of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.subnets, answer.next_token))
    })
    .await
}

/// Lists all gateways: the VPC is not known yet, and an account has few.
async fn gateways(aws: &Aws, wanted: &PlaceWanted) -> Result<Vec<InternetGateway>, ActionError> {
    if wanted.is_default_vpc() {
        return Ok(Vec::new());
    }
    all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_internet_gateways().set_next_token(next);
        let call = Call::reading(Service::Ec2, "DescribeInternetGateways", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.internet_gateways, answer.next_token))
    })
    .await
}

/// What was found, once all of it was answered.
struct Answered {
    vpcs: Vec<Vpc>,
    subnets: Vec<Subnet>,
    gateways: Vec<InternetGateway>,
}

/// Chooses the VPC and the subnets, or says why there are none.
pub(super) fn judge(
    wanted: &PlaceWanted,
    region: &str,
    found: PlaceFound,
    checks: &mut Checks,
) -> Option<(String, [SubnetRef; 2])> {
    let vpcs = checks.settle("VPC", found.vpcs);
    let subnets = checks.settle("subnets", found.subnets);
    let gateways = checks.settle("internet gateway", found.gateways);
    for zone in &wanted.zones {
        if !zone.starts_with(region) {
            let reason = format!("zone {zone} is not in region {region}");
            let advice = "set network.zones to zones of the region, or choose their region";
            checks.problem("zones", reason, advice);
            return None;
        }
    }
    let found = Answered { vpcs: vpcs?, subnets: subnets?, gateways: gateways? };
    let vpc_id = vpc_of(wanted, region, &found, checks)?;
    // A default VPC is born with a gateway, and emulators that leave it out mean it all the same.
    let is_default = |vpc: &Vpc| vpc.vpc_id() == Some(&*vpc_id) && vpc.is_default() == Some(true);
    let is_default = found.vpcs.iter().any(is_default);
    let kind = if is_default { "the default VPC" } else { "VPC" };
    checks.ok("VPC", format!("{kind} {vpc_id}"));
    let [first, second] = [0, 1].map(|place| subnet_of(wanted, place, &vpc_id, &found, checks));
    let attached = |gateway: &InternetGateway| {
        gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(&*vpc_id))
    };
    if !is_default && !found.gateways.iter().any(attached) {
        checks.problem(
            "internet gateway",
            format!("VPC {vpc_id} has no internet gateway"),
            "attach one: an internet-facing balancer and the instances' packages need it",
        );
    }
    Some((vpc_id, [first?, second?]))
}

fn vpc_of(
    wanted: &PlaceWanted,
    region: &str,
    found: &Answered,
    checks: &mut Checks,
) -> Option<String> {
    let of_subnets = || wanted.subnet_ids.as_ref().and_then(|_| found.subnets.first()?.vpc_id());
    let id = match &wanted.vpc_id {
        None => found.vpcs.first().and_then(Vpc::vpc_id).or_else(of_subnets),
        Some(id) => found.vpcs.iter().filter_map(Vpc::vpc_id).find(|found| found == id),
    };
    if id.is_none() {
        let (reason, advice) = match (&wanted.vpc_id, &wanted.subnet_ids) {
            (Some(id), _) => {
                (format!("VPC {id} is not in region {region}"), "correct network.vpc_id".to_owned())
            }
            (None, Some(_)) => {
                let advice = "correct network.subnet_ids".to_owned();
                ("none of network.subnet_ids exists".to_owned(), advice)
            }
            (None, None) => {
                (format!("region {region} has no default VPC"), without_default_vpc(region))
            }
        };
        checks.problem("VPC", reason, advice);
    }
    id.map(str::to_owned)
}

fn without_default_vpc(region: &str) -> String {
    let make = shell_command(["aws", "ec2", "create-default-vpc", "--region", region]);
    format!(
        "make one with `{make}`, or put [network] with \
         subnet_ids = [\"subnet-...\", \"subnet-...\"] into a file, one in each zone of another VPC, \
         and add --config FILE"
    )
}

fn subnet_of(
    wanted: &PlaceWanted,
    place: usize,
    vpc_id: &str,
    found: &Answered,
    checks: &mut Checks,
) -> Option<SubnetRef> {
    let zone = &wanted.zones[place];
    let subject = format!("subnet {zone}");
    let in_vpc = |subnet: &&Subnet| {
        subnet.vpc_id() == Some(vpc_id) && subnet.availability_zone() == Some(zone)
    };
    let candidates: Vec<&Subnet> = match &wanted.subnet_ids {
        Some(ids) => found
            .subnets
            .iter()
            .filter(|subnet| subnet.subnet_id() == Some(&*ids[place]))
            .filter(in_vpc)
            .collect(),
        None => found.subnets.iter().filter(in_vpc).collect(),
    };
    let [subnet] = candidates[..] else {
        checks.problem(
            &subject,
            match (&wanted.subnet_ids, candidates.len()) {
                (Some(ids), _) => {
                    format!("subnet {} is not in zone {zone} of VPC {vpc_id}", ids[place])
                }
                (None, 0) => format!("VPC {vpc_id} has no subnet of its own in zone {zone}"),
                (None, count) => format!("VPC {vpc_id} has {count} subnets in zone {zone}"),
            },
            "name one subnet for each zone in network.subnet_ids",
        );
        return None;
    };
    let id = subnet.subnet_id().unwrap_or_default().to_owned();
    let needed = wanted.instances_max[place].saturating_add(BALANCER_ADDRESSES);
    let free = subnet.available_ip_address_count().unwrap_or(i32::MAX);
    let has_room = u32::try_from(free).unwrap_or(0) >= needed;
    let is_public = subnet.map_public_ip_on_launch() != Some(false);
    if !has_room {
        checks.problem(
            &subject,
            format!("subnet {id} has {free} free addresses, and {needed} are needed"),
            "choose a larger subnet in network.subnet_ids",
        );
    }
    if !is_public {
        checks.problem(
            &subject,
            format!("subnet {id} gives its instances no public address"),
            "switch on auto-assignment of public IPv4 addresses: instances fetch packages at boot",
        );
    }
    if has_room && is_public {
        checks.ok(&subject, format!("{id}, {free} free addresses, {needed} needed"));
    }
    Some(SubnetRef { zone: zone.clone(), id })
}
