//! The rules of a security group for what may come in.

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_ec2::types::{IpPermission, IpRange, SecurityGroup};
use lab1_flow_workflow::{Action, ActionContext, ActionError, Lane, Limits, Reconciled, Wait};
use serde::{Deserialize, Serialize};

use super::{SecurityGroupRef, find, limits_with_young_security_group, prove};
use crate::adoption::Difference;
use crate::connection::{Aws, Call, Service};
use crate::ec2;
use crate::ownership::{Mark, foreign, owner_of};
use crate::spec::StackName;

/// Opens a range of TCP ports to a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IngressRule {
    /// The first port.
    pub(crate) from_port: u16,
    /// The last port.
    pub(crate) to_port: u16,
    /// Who may connect, as an IPv4 range.
    pub(crate) from: String,
}

impl fmt::Display for IngressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rule_text(
            "tcp",
            i32::from(self.from_port),
            i32::from(self.to_port),
            &self.from,
        ))
    }
}

/// The group and all the rules that it is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroupRulesInput {
    /// The group. Its mark is read before it is opened.
    pub(crate) group: SecurityGroupRef,
    /// Its rules for what comes in; no others are accepted.
    pub(crate) rules: Vec<IngressRule>,
}

/// The rules of a security group, known to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRulesRef {
    /// The group's id.
    pub group_id: String,
}

/// Gives a security group all its rules for what comes in, in one call that is all or nothing.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizeIngress {
    aws: Aws,
    stack: StackName,
}

impl AuthorizeIngress {
    const CALL: &'static str = "AuthorizeSecurityGroupIngress";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }
}

impl Action for AuthorizeIngress {
    type Input = SecurityGroupRulesInput;
    type Output = SecurityGroupRulesRef;

    /// Dies here: all rules stand or none; the rules that are read back say which.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &SecurityGroupRulesInput,
    ) -> Result<SecurityGroupRulesRef, ActionError> {
        prove(&self.aws, &Mark::new(context, &self.stack), &input.group).await?;
        let request = self
            .aws
            .ec2()
            .authorize_security_group_ingress()
            .group_id(&input.group.id)
            .set_ip_permissions(Some(input.rules.iter().map(permission).collect()));
        let call = Call::changing(Service::Ec2, Self::CALL, &input.group.name);
        self.aws.call(call, request.send()).await?;
        Ok(SecurityGroupRulesRef { group_id: input.group.id.clone() })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &SecurityGroupRulesInput,
    ) -> Result<Reconciled<SecurityGroupRulesRef>, ActionError> {
        let Some(group) = find(&self.aws, &input.group).await? else {
            return Ok(Reconciled::Absent);
        };
        let what = format!("security group {}", input.group.name);
        if !Mark::new(context, &self.stack).is_of_run(ec2::pairs(group.tags())) {
            let owner = owner_of(ec2::pairs(group.tags()));
            return Ok(foreign(&what, &owner));
        }
        let output = SecurityGroupRulesRef { group_id: input.group.id.clone() };
        Ok(judge(&what, &input.rules, &group, output))
    }

    fn limits(&self) -> Limits {
        limits_with_young_security_group()
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::Ec2.lane(Self::CALL))
    }
}

/// Compares the rules of a group that is ours with those that it is to have.
fn judge<T>(what: &str, rules: &[IngressRule], group: &SecurityGroup, output: T) -> Reconciled<T> {
    let opened = Opened::compare(rules, group);
    if !opened.extra.is_empty() {
        let difference = format!("somebody opened {what} further: {}", opened.extra.join(", "));
        return Reconciled::Altered { output, difference };
    }
    if !opened.goes_out {
        let difference = format!("somebody closed {what} for what goes out");
        return Reconciled::Altered { output, difference };
    }
    match (opened.missing.len(), opened.wanted) {
        (0, _) => Reconciled::Adopted(output),
        (missing, wanted) if missing == wanted => Reconciled::Absent,
        // One call made them all, so the others are on their way into view, or were taken out by hand.
        (missing, wanted) => Reconciled::Unclear(Wait::new(format!(
            "{what} shows {} of its {wanted} rules",
            wanted - missing
        ))),
    }
}

/// What differs between the rules of a group and those that it is to have.
pub(crate) fn differences(rules: &[IngressRule], group: &SecurityGroup) -> Vec<Difference> {
    let opened = Opened::compare(rules, group);
    let missing = opened.missing.iter().map(|rule| (format!("ingress {rule}"), "open", "closed"));
    let extra = opened.extra.iter().map(|rule| (format!("ingress {rule}"), "closed", "open"));
    let closed =
        (!opened.goes_out).then(|| (format!("egress {EVERYTHING_GOES_OUT}"), "open", "closed"));
    let all = missing.chain(extra).chain(closed);
    all.map(|(field, expected, found)| Difference::new(field, expected, found)).collect()
}

/// How the rules of a group compare with those that it is to have.
struct Opened {
    /// How many rules it is to have.
    wanted: usize,
    missing: Vec<String>,
    extra: Vec<String>,
    goes_out: bool,
}

impl Opened {
    fn compare(rules: &[IngressRule], group: &SecurityGroup) -> Self {
        let wanted: BTreeSet<String> = rules.iter().map(ToString::to_string).collect();
        let found: BTreeSet<String> = group.ip_permissions().iter().flat_map(texts).collect();
        let mut going_out = group.ip_permissions_egress().iter().flat_map(texts);
        Self {
            wanted: wanted.len(),
            missing: wanted.difference(&found).cloned().collect(),
            extra: found.difference(&wanted).cloned().collect(),
            goes_out: going_out.any(|rule| rule == EVERYTHING_GOES_OUT),
        }
    }
}

/// The rule that every new group has: its instances fetch packages, the balancer reaches its targets.
const EVERYTHING_GOES_OUT: &str = "all traffic of 0.0.0.0/0";

fn permission(rule: &IngressRule) -> IpPermission {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(i32::from(rule.from_port))
        .to_port(i32::from(rule.to_port))
        .ip_ranges(IpRange::builder().cidr_ip(&rule.from).build())
        .build()
}

/// One text for each range, group or list that a permission names.
fn texts(permission: &IpPermission) -> Vec<String> {
    let protocol = permission.ip_protocol().unwrap_or_default();
    let (from, to) = (permission.from_port().unwrap_or(-1), permission.to_port().unwrap_or(-1));
    let ranges = permission.ip_ranges().iter().filter_map(|range| range.cidr_ip());
    let ranges_v6 = permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6());
    let groups = permission.user_id_group_pairs().iter().filter_map(|pair| pair.group_id());
    let lists = permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id());
    ranges
        .chain(ranges_v6)
        .chain(groups)
        .chain(lists)
        .map(|of| rule_text(protocol, from, to, of))
        .collect()
}

fn rule_text(protocol: &str, from: i32, to: i32, of: &str) -> String {
    match (protocol, from == to) {
        ("-1", _) => format!("all traffic of {of}"),
        (protocol, true) => format!("{protocol} {from} of {of}"),
        (protocol, false) => format!("{protocol} {from}-{to} of {of}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYWHERE: &str = "0.0.0.0/0";

    fn rule(port: u16) -> IngressRule {
        IngressRule { from_port: port, to_port: port, from: ANYWHERE.to_owned() }
    }

    fn group(ports: &[u16], goes_out: bool) -> SecurityGroup {
        let out = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(IpRange::builder().cidr_ip(ANYWHERE).build())
            .build();
        SecurityGroup::builder()
            .set_ip_permissions(Some(ports.iter().map(|port| permission(&rule(*port))).collect()))
            .set_ip_permissions_egress(Some(goes_out.then_some(out).into_iter().collect()))
            .build()
    }

    fn judged(ports: &[u16], goes_out: bool) -> Reconciled<()> {
        judge("group", &[rule(22), rule(80)], &group(ports, goes_out), ())
    }

    #[test]
    fn exactly_the_rules_are_adopted_and_none_is_absent() {
        assert_eq!(judged(&[80, 22], true), Reconciled::Adopted(()));
        assert_eq!(judged(&[], true), Reconciled::Absent);
    }

    #[test]
    fn a_part_of_the_rules_is_no_answer_yet() {
        let Reconciled::Unclear(wait) = judged(&[22], true) else { panic!("it must be unclear") };
        assert_eq!(wait.reason, "group shows 1 of its 2 rules");
    }

    #[test]
    fn a_rule_more_or_a_closed_way_out_is_a_change_by_somebody() {
        let Reconciled::Altered { difference, .. } = judged(&[22, 80, 3306], true) else {
            panic!("it must be altered");
        };
        assert_eq!(difference, "somebody opened group further: tcp 3306 of 0.0.0.0/0");
        assert!(matches!(judged(&[22, 80], false), Reconciled::Altered { .. }));
    }

    #[test]
    fn each_rule_that_differs_is_a_difference_of_its_own() {
        let wanted = [rule(22), rule(80)];
        assert_eq!(differences(&wanted, &group(&[80, 22], true)), []);
        assert_eq!(
            differences(&wanted, &group(&[80, 3306], false)),
            [
                Difference::new("ingress tcp 22 of 0.0.0.0/0", "open", "closed"),
                Difference::new("ingress tcp 3306 of 0.0.0.0/0", "closed", "open"),
                Difference::new("egress all traffic of 0.0.0.0/0", "open", "closed"),
            ]
        );
    }

    #[test]
    fn every_source_of_a_permission_counts_as_a_rule() {
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(1)
            .to_port(9)
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build())
            .ip_ranges(IpRange::builder().cidr_ip("192.0.2.0/24").build())
            .build();
        assert_eq!(texts(&permission), ["tcp 1-9 of 10.0.0.0/8", "tcp 1-9 of 192.0.2.0/24"]);
    }
}
