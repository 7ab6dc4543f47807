//! Rules of security groups: authorized all or none, revoked, and listed one by one.

use crate::ec2::permissions::{self, Peer, Permission};
use crate::ec2::security_groups::{SecurityGroup, not_found, unknown_id};
use crate::ec2::tags::{read_specifications, write_tags};
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Rules that a group may have in one direction: the published default.
const RULES_MAX: usize = 60;

pub(crate) fn authorize_ingress(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    authorize(cx, input, false)
}

pub(crate) fn authorize_egress(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    authorize(cx, input, true)
}

pub(crate) fn revoke_ingress(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    revoke(cx, input, false)
}

pub(crate) fn revoke_egress(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    revoke(cx, input, true)
}

/// Adds rules: all of them, or none when any is there already.
fn authorize(cx: &mut Context<'_>, input: &Fields<'_>, egress: bool) -> Answer {
    let group_id = read_group_id(cx, input)?;
    let tags = read_specifications(input, "TagSpecification", "security-group-rule")?;
    let mut added = permissions::read(input, egress)?;
    input.end()?;
    let group = usable(cx, &group_id)?;
    for (index, rule) in added.iter().enumerate() {
        let there = group.rules.iter().chain(&added[..index]).any(|old| old.same_rule(rule));
        if there {
            return Err(Refusal::new("InvalidPermission.Duplicate", duplicate_text(rule)));
        }
        if let Peer::Group(peer) = &rule.peer {
            usable(cx, peer)?;
        }
    }
    let there = group.rules.iter().filter(|rule| rule.egress == egress).count();
    if there + added.len() > RULES_MAX {
        let message = "The maximum number of rules per security group has been reached.";
        return Err(Refusal::new("RulesPerSecurityGroupLimitExceeded", message));
    }
    for rule in &mut added {
        rule.id = cx.region.ids.prefixed("sgr");
        rule.tags.clone_from(&tags);
    }
    let mut xml = Xml::new();
    xml.text("return", true).items("securityGroupRuleSet", &added, |item, rule| {
        write_rule(item, &group_id, rule);
    });
    if let Some(group) = cx.region.security_groups.live_mut(&group_id) {
        group.rules.append(&mut added);
    }
    cx.region.rules_changed_ms = cx.now_ms;
    Ok(xml)
}

fn duplicate_text(rule: &Permission) -> String {
    let protocol = rule.scope.protocol.to_uppercase();
    let ports = match rule.scope.ports {
        Some((from, to)) => format!("from port: {from}, to port: {to}"),
        None => "ALL".to_owned(),
    };
    format!("the specified rule \"peer: {}, {protocol}, {ports}, ALLOW\" already exists", rule.peer)
}

/// Removes rules. Those that are not there are named in the answer, as for a default VPC.
fn revoke(cx: &mut Context<'_>, input: &Fields<'_>, egress: bool) -> Answer {
    let group_id = read_group_id(cx, input)?;
    let rule_ids = input.texts("SecurityGroupRuleId");
    let unwanted = if rule_ids.is_empty() { permissions::read(input, egress)? } else { Vec::new() };
    input.end()?;
    let group = usable(cx, &group_id)?;
    let is_named = |rule: &Permission| rule.egress == egress && rule_ids.contains(&&*rule.id);
    if let Some(id) =
        rule_ids.iter().find(|id| !group.rules.iter().any(|rule| is_named(rule) && rule.id == **id))
    {
        let message = format!("The security group rule ID '{id}' does not exist");
        return Err(Refusal::new("InvalidSecurityGroupRuleId.NotFound", message));
    }
    let is_unwanted =
        |rule: &Permission| is_named(rule) || unwanted.iter().any(|it| it.same_rule(rule));
    let unknown: Vec<&Permission> = unwanted
        .iter()
        .filter(|wanted| !group.rules.iter().any(|rule| rule.same_rule(wanted)))
        .collect();
    let mut xml = Xml::new();
    xml.text("return", true);
    permissions::write(&mut xml, "unknownIpPermissionSet", unknown);
    if let Some(group) = cx.region.security_groups.live_mut(&group_id) {
        group.rules.retain(|rule| !is_unwanted(rule));
    }
    cx.region.rules_changed_ms = cx.now_ms;
    Ok(xml)
}

/// Reads which group is meant: by id, or by a name in the default VPC.
fn read_group_id(cx: &Context<'_>, input: &Fields<'_>) -> Result<String, Refusal> {
    match (input.text("GroupId"), input.text("GroupName")) {
        (Some(id), _) => Ok(id.to_owned()),
        (None, Some(name)) => cx
            .region
            .security_groups
            .seen(cx.now_ms)
            .find(|group| group.name.eq_ignore_ascii_case(name))
            .map(|group| group.id.clone())
            .ok_or_else(|| not_found(name)),
        (None, None) => Err(Refusal::missing(input.service(), "GroupId")),
    }
}

fn usable<'a>(cx: &'a Context<'_>, id: &str) -> Result<&'a SecurityGroup, Refusal> {
    cx.region.security_groups.usable(id, cx.now_ms).ok_or_else(|| unknown_id(id))
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("SecurityGroupRuleId");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    filters.check(input, &["group-id", "security-group-rule-id", "tag"])?;
    input.end()?;
    let mut rules: Vec<(&str, &Permission)> = cx
        .region
        .security_groups
        .seen(cx.now_ms)
        .flat_map(|group| group.rules.iter().map(|rule| (&*group.id, rule)))
        .collect();
    if let Some(id) = ids.iter().find(|id| !rules.iter().any(|(_, rule)| rule.id == **id)) {
        let message = format!("The security group rule ID '{id}' does not exist");
        return Err(Refusal::new("InvalidSecurityGroupRuleId.NotFound", message));
    }
    rules.retain(|(group_id, rule)| {
        (ids.is_empty() || ids.contains(&rule.id.as_str()))
            && filters.pass(&rule.tags, |name| {
                single_value(if name == "group-id" { group_id } else { &rule.id })
            })
    });
    rules.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    let (rules, next) = page.cut(rules, |(_, rule)| rule.id.clone());
    let mut xml = Xml::new();
    xml.items("securityGroupRuleSet", rules, |item, (group_id, rule)| {
        write_rule(item, group_id, rule);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

fn write_rule(item: &mut Xml, group_id: &str, rule: &Permission) {
    let (from, to) = rule.scope.ports.unwrap_or((-1, -1));
    item.text("securityGroupRuleId", &rule.id)
        .text("groupId", group_id)
        .text("groupOwnerId", ACCOUNT_ID)
        .text("isEgress", rule.egress)
        .text("ipProtocol", &rule.scope.protocol)
        .text("fromPort", from)
        .text("toPort", to);
    match &rule.peer {
        Peer::Ipv4(cidr) => item.text("cidrIpv4", cidr),
        Peer::Ipv6(cidr) => item.text("cidrIpv6", cidr),
        Peer::Group(id) => item.element("referencedGroupInfo", |group| {
            group.text("groupId", id).text("userId", ACCOUNT_ID);
        }),
    };
    item.optional("description", rule.description.as_ref());
    write_tags(item, &rule.tags);
}
