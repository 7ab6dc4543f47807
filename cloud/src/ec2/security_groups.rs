//! Security groups: unique by name and VPC whatever the letter case, and hard to delete.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::ec2::permissions::{self, Peer, Permission, Scope};
use crate::ec2::tags::{read_specifications, write_tags};
use crate::handler::Answer;
use crate::ids::IdSource;
use crate::state::{ACCOUNT_ID, Context, Region, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A security group with its rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    description: String,
    pub(crate) vpc_id: String,
    pub(crate) rules: Vec<Permission>,
    pub(crate) tags: Tags,
}

/// Groups that one region may hold: the published default.
const GROUPS_MAX: usize = 2500;

impl SecurityGroup {
    /// The group that every VPC has, and that cannot be deleted.
    pub(crate) fn default_of(vpc_id: &str, ids: &mut IdSource) -> Self {
        let id = ids.prefixed("sg");
        let all = Scope { protocol: "-1".to_owned(), ports: None };
        let among_members = Permission {
            id: ids.prefixed("sgr"),
            egress: false,
            scope: all,
            peer: Peer::Group(id.clone()),
            description: None,
            tags: Tags::new(),
        };
        Self {
            id,
            name: "default".to_owned(),
            description: "default VPC security group".to_owned(),
            vpc_id: vpc_id.to_owned(),
            rules: vec![among_members, allow_all_egress(ids)],
            tags: Tags::new(),
        }
    }

    /// Tells whether TCP to `port` is admitted from everywhere.
    pub(crate) fn admits_tcp_from_anywhere(&self, port: u16) -> bool {
        self.rules.iter().any(|rule| rule.admits_tcp_from_anywhere(port))
    }

    /// Tells whether TCP to `port` is admitted from members of one of `groups`, or from everywhere.
    pub(crate) fn admits_tcp_from_groups(&self, port: u16, groups: &[String]) -> bool {
        self.rules.iter().any(|rule| match &rule.peer {
            Peer::Group(id) => !rule.egress && groups.contains(id) && rule.scope.has_tcp(port),
            Peer::Ipv4(_) | Peer::Ipv6(_) => rule.admits_tcp_from_anywhere(port),
        })
    }

    fn refers_to(&self, group_id: &str) -> bool {
        self.id != group_id
            && self.rules.iter().any(|rule| rule.peer == Peer::Group(group_id.to_owned()))
    }

    fn offers(&self, filter: &str) -> Vec<String> {
        match filter {
            "group-id" => single_value(&self.id),
            "group-name" => single_value(&self.name),
            "description" => single_value(&self.description),
            "vpc-id" => single_value(&self.vpc_id),
            "owner-id" => single_value(ACCOUNT_ID),
            _ => {
                let ingress = self.rules.iter().filter(|rule| !rule.egress);
                match filter {
                    "ip-permission.cidr" | "ip-permission.group-id" => {
                        ingress.map(|rule| rule.peer.to_string()).collect()
                    }
                    "ip-permission.protocol" => {
                        ingress.map(|rule| rule.scope.protocol.clone()).collect()
                    }
                    "ip-permission.from-port" => {
                        ingress.filter_map(|it| Some(it.scope.ports?.0.to_string())).collect()
                    }
                    _ => ingress.filter_map(|it| Some(it.scope.ports?.1.to_string())).collect(),
                }
            }
        }
    }

    fn write(&self, region: &Region, item: &mut Xml) {
        item.text("ownerId", ACCOUNT_ID)
            .text("groupId", &self.id)
            .text("securityGroupArn", region.arn("ec2", &format!("security-group/{}", self.id)))
            .text("groupName", &self.name)
            .text("groupDescription", &self.description)
            .text("vpcId", &self.vpc_id);
        let (egress, ingress): (Vec<_>, Vec<_>) = self.rules.iter().partition(|rule| rule.egress);
        permissions::write(item, "ipPermissions", ingress);
        permissions::write(item, "ipPermissionsEgress", egress);
        write_tags(item, &self.tags);
    }
}

fn allow_all_egress(ids: &mut IdSource) -> Permission {
    Permission {
        id: ids.prefixed("sgr"),
        egress: true,
        scope: Scope { protocol: "-1".to_owned(), ports: None },
        peer: Peer::Ipv4("0.0.0.0/0".to_owned()),
        description: None,
        tags: Tags::new(),
    }
}

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("GroupName")?;
    let description = input.required("GroupDescription")?;
    let vpc_id = input.text("VpcId").map(str::to_owned);
    let tags = read_specifications(input, "TagSpecification", "security-group")?;
    check_text(input, "GroupName", name)?;
    check_text(input, "GroupDescription", description)?;
    if name.to_ascii_lowercase().starts_with("sg-") {
        return Err(input.invalid("GroupName", "a name may not start with 'sg-'"));
    }
    input.end()?;
    let vpc_id = match vpc_id {
        Some(id) if cx.region.network.has_vpc(&id) => id,
        Some(id) => {
            let message = format!("The vpc ID '{id}' does not exist");
            return Err(Refusal::new("InvalidVpcID.NotFound", message));
        }
        None => cx
            .region
            .network
            .default_vpc()
            .map(|vpc| vpc.id.clone())
            .ok_or_else(|| Refusal::new("VPCIdNotSpecified", "No default VPC for this user"))?,
    };
    if name.eq_ignore_ascii_case("default") {
        let message = "Cannot use reserved security group name: default";
        return Err(Refusal::new("InvalidGroup.Reserved", message));
    }
    if cx.region.security_groups.live().any(|it| is_named(it, &vpc_id, name)) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    if cx.region.security_groups.live().count() >= GROUPS_MAX {
        let message = "The maximum number of security groups has been reached.";
        return Err(Refusal::new("SecurityGroupLimitExceeded", message));
    }
    let group = SecurityGroup {
        id: cx.region.ids.prefixed("sg"),
        name: name.to_owned(),
        description: description.to_owned(),
        vpc_id: vpc_id.clone(),
        rules: vec![allow_all_egress(&mut cx.region.ids)],
        tags,
    };
    let mut xml = Xml::new();
    xml.text("groupId", &group.id)
        .text("securityGroupArn", cx.region.arn("ec2", &format!("security-group/{}", group.id)));
    write_tags(&mut xml, &group.tags);
    let lag = cx.options.lag.security_groups;
    let visible_ms = cx.seen_after(lag, Event::SecurityGroupVisible, &group.id);
    cx.region.security_groups.forget_ghosts(|it| is_named(it, &vpc_id, name));
    cx.region.security_groups.insert(group.id.clone(), group, visible_ms);
    Ok(xml)
}

fn is_named(group: &SecurityGroup, vpc_id: &str, name: &str) -> bool {
    group.vpc_id == vpc_id && group.name.eq_ignore_ascii_case(name)
}

fn check_text(input: &Fields<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.len() > 255 || !text.chars().all(allowed) {
        let why = "at most 255 of a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*";
        return Err(input.invalid(name, why));
    }
    Ok(())
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("GroupId");
    let names = input.texts("GroupName");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "group-id",
        "group-name",
        "description",
        "vpc-id",
        "owner-id",
        "ip-permission.cidr",
        "ip-permission.group-id",
        "ip-permission.protocol",
        "ip-permission.from-port",
        "ip-permission.to-port",
        "tag",
    ];
    filters.check(input, &known)?;
    input.end()?;
    let groups = &cx.region.security_groups;
    for id in &ids {
        if groups.seen_get(id, cx.now_ms).is_none() {
            return Err(unknown_id(id));
        }
    }
    for name in &names {
        if !groups.seen(cx.now_ms).any(|group| group.name == **name) {
            return Err(not_found(name));
        }
    }
    let found = groups.seen(cx.now_ms).filter(|group| {
        (ids.is_empty() || ids.contains(&group.id.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
            && filters.pass(&group.tags, |name| group.offers(name))
    });
    let (found, next) = page.cut(found, |group| group.id.clone());
    let mut xml = Xml::new();
    xml.items("securityGroupInfo", found, |item, group| group.write(cx.region, item));
    xml.optional("nextToken", next);
    Ok(xml)
}

pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (id, name) = (input.text("GroupId"), input.text("GroupName"));
    input.end()?;
    let groups = &cx.region.security_groups;
    let group = match (id, name) {
        (Some(id), _) => groups.live_get(id).ok_or_else(|| unknown_id(id))?,
        (None, Some(name)) => groups
            .live()
            .find(|group| group.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| not_found(name))?,
        (None, None) => return Err(Refusal::missing(input.service(), "GroupId")),
    };
    let id = group.id.clone();
    if group.name == "default" {
        let message =
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Refusal::new("CannotDelete", message));
    }
    if is_in_use(cx.region, &id, cx.now_ms) {
        let message = format!("resource {id} has a dependent object");
        return Err(Refusal::new("DependencyViolation", message));
    }
    let lag = cx.options.lag.security_groups;
    let forgotten_ms = cx.seen_after(lag, Event::StaleAfterDelete, &id);
    cx.region.security_groups.remove(&id, forgotten_ms);
    let mut xml = Xml::new();
    xml.text("return", true).text("groupId", id);
    Ok(xml)
}

/// Security groups that one network interface may wear.
pub(crate) const GROUPS_PER_INTERFACE_MAX: usize = 5;

/// Tells whether a network interface wears the group, or another group's rule refers to it.
fn is_in_use(region: &Region, id: &str, now_ms: i64) -> bool {
    let on_instance = region
        .instances
        .values()
        .any(|it| it.has_interface(now_ms) && it.security_groups.iter().any(|group| group == id));
    let on_balancer = region
        .balancer_interfaces
        .values()
        .any(|it| it.exists(now_ms) && it.security_groups.iter().any(|group| group == id));
    on_instance || on_balancer || region.security_groups.live().any(|group| group.refers_to(id))
}

/// Refuses an id that no group has, or that is no id of a group.
pub(crate) fn unknown_id(id: &str) -> Refusal {
    if id.starts_with("sg-") {
        return not_found(id);
    }
    let message = format!("Invalid id: \"{id}\" (expecting \"sg-...\")");
    Refusal::new("InvalidGroupId.Malformed", message)
}

/// Refuses an id or a name that no group has, or none that can be seen yet.
pub(crate) fn not_found(id: &str) -> Refusal {
    Refusal::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
}
