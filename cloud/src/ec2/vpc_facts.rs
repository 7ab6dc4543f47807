//! What tools of other people read of a VPC before they build on it: its DNS settings and its route tables.

use crate::ec2::network::{Gateway, Network, Vpc};
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// The attributes of a VPC, by parameter and by element, as a default VPC has them.
const VPC_ATTRIBUTES: [(&str, bool); 3] = [
    ("enableDnsSupport", true),
    ("enableDnsHostnames", true),
    ("enableNetworkAddressUsageMetrics", false),
];

pub(crate) fn describe_vpc_attribute(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = input.required("VpcId")?;
    let attribute = input.required("Attribute")?;
    input.end()?;
    if !cx.region.network.has_vpc(id) {
        let message = format!("The vpc ID '{id}' does not exist");
        return Err(Refusal::new("InvalidVpcID.NotFound", message));
    }
    let known = VPC_ATTRIBUTES.iter().find(|(name, _)| *name == attribute);
    let Some((name, value)) = known else {
        return Err(input.invalid("Attribute", format!("'{attribute}' is not an attribute")));
    };
    let mut xml = Xml::new();
    xml.text("vpcId", id).element(name, |element| {
        element.text("value", value);
    });
    Ok(xml)
}

/// The main route table of a VPC, with the way to itself and the one through its gateway.
///
/// It is derived from the VPC: routes cannot be changed here, and no other table can be made.
struct MainTable<'a> {
    vpc: &'a Vpc,
    gateway: Option<&'a Gateway>,
}

impl<'a> MainTable<'a> {
    fn of(network: &'a Network, vpc: &'a Vpc) -> Self {
        Self { vpc, gateway: network.gateways.iter().find(|gateway| gateway.vpc_id == vpc.id) }
    }

    fn id(&self) -> String {
        self.vpc.id.replacen("vpc-", "rtb-", 1)
    }

    fn association(&self) -> String {
        self.vpc.id.replacen("vpc-", "rtbassoc-", 1)
    }

    fn offer(&self, filter: &str) -> Vec<String> {
        match filter {
            "route-table-id" | "association.route-table-id" => vec![self.id()],
            "association.route-table-association-id" => vec![self.association()],
            "association.main" => single_value("true"),
            // Subnets without a table of their own use the main one, and are not named in it.
            "association.subnet-id" => Vec::new(),
            "vpc-id" => single_value(&self.vpc.id),
            "route.gateway-id" => {
                let gateway = self.gateway.map(|gateway| gateway.id.clone());
                std::iter::once("local".to_owned()).chain(gateway).collect()
            }
            _ => single_value(ACCOUNT_ID),
        }
    }

    fn write(&self, item: &mut Xml) {
        item.text("routeTableId", self.id())
            .text("vpcId", &self.vpc.id)
            .text("ownerId", ACCOUNT_ID);
        let ways = std::iter::once((self.vpc.cidr.as_str(), "local", "CreateRouteTable"));
        let out = self.gateway.map(|gateway| ("0.0.0.0/0", gateway.id.as_str(), "CreateRoute"));
        item.items("routeSet", ways.chain(out), |route, (to, through, origin)| {
            route
                .text("destinationCidrBlock", to)
                .text("gatewayId", through)
                .text("state", "active")
                .text("origin", origin);
        });
        item.items("associationSet", [self], |association, table| {
            association
                .text("routeTableAssociationId", table.association())
                .text("routeTableId", table.id())
                .text("main", true)
                .element("associationState", |state| {
                    state.text("state", "associated");
                });
        });
        item.element("propagatingVgwSet", |_| ()).element("tagSet", |_| ());
    }
}

pub(crate) fn describe_route_tables(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("RouteTableId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "route-table-id",
        "vpc-id",
        "owner-id",
        "association.main",
        "association.route-table-id",
        "association.route-table-association-id",
        "association.subnet-id",
        "route.gateway-id",
        "tag",
    ];
    filters.check(input, &known)?;
    input.end()?;
    let network = &cx.region.network;
    let tables: Vec<_> = network.vpcs.iter().map(|vpc| MainTable::of(network, vpc)).collect();
    for id in &ids {
        if !tables.iter().any(|table| table.id() == **id) {
            let message = format!("The routeTable ID '{id}' does not exist");
            return Err(Refusal::new("InvalidRouteTableID.NotFound", message));
        }
    }
    let tables = tables.iter().filter(|table| {
        (ids.is_empty() || ids.contains(&table.id().as_str()))
            && filters.pass(&Tags::new(), |name| table.offer(name))
    });
    let (tables, next) = page.cut(tables, |table| table.id());
    let mut xml = Xml::new();
    xml.items("routeTableSet", tables, |item, table| table.write(item));
    xml.optional("nextToken", next);
    Ok(xml)
}
