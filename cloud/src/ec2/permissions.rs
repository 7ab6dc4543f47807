//! Permissions of security groups: how a request writes them, and the rules that they stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::state::{ACCOUNT_ID, Tags};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// One rule: one protocol, one range of ports, one peer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) id: String,
    pub(crate) egress: bool,
    pub(crate) scope: Scope,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

/// What traffic a rule admits: a protocol and its ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub(crate) protocol: String,
    /// Absent where the protocol has no ports.
    pub(crate) ports: Option<(i32, i32)>,
}

/// From where (or to where) traffic is admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Peer {
    Ipv4(String),
    Ipv6(String),
    Group(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(text) | Self::Ipv6(text) | Self::Group(text) => formatter.write_str(text),
        }
    }
}

impl Permission {
    /// Tells whether two rules admit the same; id, description and tags do not count.
    pub(crate) fn same_rule(&self, other: &Self) -> bool {
        self.egress == other.egress && self.scope == other.scope && self.peer == other.peer
    }

    /// Tells whether TCP to `port` is admitted from everywhere.
    pub(crate) fn admits_tcp_from_anywhere(&self, port: u16) -> bool {
        !self.egress && self.peer == Peer::Ipv4("0.0.0.0/0".to_owned()) && self.scope.has_tcp(port)
    }
}

impl Scope {
    pub(crate) fn has_tcp(&self, port: u16) -> bool {
        match self.ports {
            _ if self.protocol == "-1" => true,
            Some((from, to)) => self.protocol == "tcp" && (from..=to).contains(&i32::from(port)),
            None => false,
        }
    }
}

/// Reads all permissions of a request: the list, or the older single form beside it.
pub(crate) fn read(input: &Fields<'_>, egress: bool) -> Result<Vec<Permission>, Refusal> {
    let mut permissions = Vec::new();
    for item in input.items("IpPermissions") {
        read_one(&item, egress, &mut permissions)?;
    }
    if let Some(cidr) = input.text("CidrIp") {
        let peer = Peer::Ipv4(canonical_ipv4(input, "CidrIp", cidr)?);
        permissions.push(new_permission(read_scope(input)?, peer, egress, None));
    }
    if permissions.is_empty() {
        return Err(Refusal::missing(input.service(), "IpPermissions"));
    }
    Ok(permissions)
}

fn read_one(
    item: &Fields<'_>,
    egress: bool,
    permissions: &mut Vec<Permission>,
) -> Result<(), Refusal> {
    let scope = read_scope(item)?;
    let before = permissions.len();
    for range in item.items("IpRanges") {
        let peer = Peer::Ipv4(canonical_ipv4(&range, "CidrIp", range.required("CidrIp")?)?);
        permissions.push(new_permission(scope.clone(), peer, egress, range.text("Description")));
    }
    for range in item.items("Ipv6Ranges") {
        let peer = Peer::Ipv6(canonical_ipv6(&range, range.required("CidrIpv6")?)?);
        permissions.push(new_permission(scope.clone(), peer, egress, range.text("Description")));
    }
    for group in item.items("Groups") {
        let peer = Peer::Group(group.required("GroupId")?.to_owned());
        if group.text("UserId").is_some_and(|user| user != ACCOUNT_ID) {
            return Err(Refusal::not_modelled(item.service(), "A group of another account"));
        }
        permissions.push(new_permission(scope.clone(), peer, egress, group.text("Description")));
    }
    if permissions.len() == before {
        return Err(Refusal::missing(item.service(), &item.full_name("IpRanges")));
    }
    Ok(())
}

fn new_permission(scope: Scope, peer: Peer, egress: bool, description: Option<&str>) -> Permission {
    Permission {
        id: String::new(),
        egress,
        scope,
        peer,
        description: description.map(str::to_owned),
        tags: Tags::new(),
    }
}

fn read_scope(item: &Fields<'_>) -> Result<Scope, Refusal> {
    let protocol = match item.required("IpProtocol")?.to_ascii_lowercase().as_str() {
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "-1" | "all" => "-1",
        other => return Err(item.invalid("IpProtocol", format!("unknown protocol '{other}'"))),
    };
    let from = item.number("FromPort", -1..=65_535)?;
    let to = item.number("ToPort", -1..=65_535)?;
    let ports = match (protocol, from, to) {
        ("-1", _, _) => None,
        (_, Some(from), Some(to)) if protocol == "icmp" || from <= to && from >= 0 => {
            Some((from, to))
        }
        (_, Some(from), Some(to)) => {
            return Err(item.invalid("ToPort", format!("{from} to {to} is no range of ports")));
        }
        _ => {
            return Err(Refusal::new(
                "InvalidParameterValue",
                "Must specify both from and to ports with TCP/UDP.",
            ));
        }
    };
    Ok(Scope { protocol: protocol.to_owned(), ports })
}

/// Clears the host bits, as EC2 does before it compares: 100.68.0.18/18 becomes 100.68.0.0/18.
fn canonical_ipv4(fields: &Fields<'_>, name: &str, cidr: &str) -> Result<String, Refusal> {
    let parsed = cidr.split_once('/').and_then(|(address, length)| {
        let address: Ipv4Addr = address.parse().ok()?;
        let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        Some(format!("{}/{length}", Ipv4Addr::from_bits(address.to_bits() & mask)))
    });
    parsed.ok_or_else(|| fields.invalid(name, format!("CIDR block {cidr} is malformed")))
}

fn canonical_ipv6(fields: &Fields<'_>, cidr: &str) -> Result<String, Refusal> {
    let parsed = cidr.split_once('/').and_then(|(address, length)| {
        let address: Ipv6Addr = address.parse().ok()?;
        let length: u32 = length.parse().ok().filter(|length| *length <= 128)?;
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        Some(format!("{}/{length}", Ipv6Addr::from_bits(address.to_bits() & mask)))
    });
    parsed.ok_or_else(|| fields.invalid("CidrIpv6", format!("CIDR block {cidr} is malformed")))
}

/// Writes rules as permissions: those of one protocol and port range share an item.
pub(crate) fn write<'a>(
    xml: &mut Xml,
    name: &str,
    permissions: impl IntoIterator<Item = &'a Permission>,
) {
    let mut by_scope: BTreeMap<&Scope, Vec<&Permission>> = BTreeMap::new();
    for permission in permissions {
        by_scope.entry(&permission.scope).or_default().push(permission);
    }
    xml.items(name, by_scope, |item, (scope, permissions)| {
        item.text("ipProtocol", &scope.protocol);
        if let Some((from, to)) = scope.ports {
            item.text("fromPort", from).text("toPort", to);
        }
        let of_kind = |wanted: fn(&Peer) -> bool| {
            permissions.iter().filter(move |permission| wanted(&permission.peer))
        };
        item.items("groups", of_kind(|peer| matches!(peer, Peer::Group(_))), |pair, it| {
            pair.text("userId", ACCOUNT_ID)
                .text("groupId", &it.peer)
                .optional("description", it.description.as_ref());
        });
        item.items("ipRanges", of_kind(|peer| matches!(peer, Peer::Ipv4(_))), |range, it| {
            range.text("cidrIp", &it.peer).optional("description", it.description.as_ref());
        });
        item.items("ipv6Ranges", of_kind(|peer| matches!(peer, Peer::Ipv6(_))), |range, it| {
            range.text("cidrIpv6", &it.peer).optional("description", it.description.as_ref());
        });
        item.element("prefixListIds", |_| {});
    });
}
