//! What was asked for against what was seen.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerState, LoadBalancerStateEnum, Rule};

use super::ages::Ages;
use super::doubts::unsettled;
use super::instances::{in_service, replaced, strange_instances};
use super::records::{ACTIVE, HEALTHY, Made, PREFLIGHT, Records};
use super::sight::Sight;
use super::strangers::strange;
use super::{Condition, Finding, Verification, VerifyOptions};
use crate::adoption::Difference;
use crate::auto_scaling_group::{self, AutoScalingGroupInput, AutoScalingGroupRef, tags_of};
use crate::ec2::pairs;
use crate::ownership::{Mark, Ownership};
use crate::{launch_template, listener, load_balancer, rule, security_group, target_group};

/// All that is judged by.
pub(super) struct Case<'a> {
    pub(super) records: &'a Records,
    pub(super) sight: &'a Sight,
    pub(super) ages: &'a Ages,
    /// Another process works on the run.
    pub(super) live: bool,
}

/// How a thing differs that was seen.
#[derive(Debug, Default)]
struct Seen {
    /// From what was asked for. While its record is young it may not be seen whole yet.
    own: Vec<Difference>,
    /// By what others have done, or by a record of another action that is not young any more.
    certain: Vec<Difference>,
    /// By a record of another action that is young.
    late: Vec<Difference>,
}

impl Seen {
    fn new(own: Vec<Difference>) -> Self {
        Self { own, ..Self::default() }
    }

    fn own(mut self, more: impl IntoIterator<Item = Difference>) -> Self {
        self.own.extend(more);
        self
    }

    fn certain(mut self, more: impl IntoIterator<Item = Difference>) -> Self {
        self.certain.extend(more);
        self
    }

    /// Adds what differs from the record of this action.
    fn against_record(
        mut self,
        ages: &Ages,
        action: &str,
        more: impl IntoIterator<Item = Difference>,
    ) -> Self {
        let list = if ages.may_be_unseen(action) { &mut self.late } else { &mut self.certain };
        list.extend(more);
        self
    }

    fn judge(mut self, young: bool) -> (Condition, Vec<Difference>) {
        let own = if young { &mut self.late } else { &mut self.certain };
        self.own.append(own);
        *own = self.own;
        if !self.certain.is_empty() {
            (Condition::Changed, self.certain)
        } else if !self.late.is_empty() {
            (Condition::NotVisibleYet, self.late)
        } else {
            (Condition::Present, Vec::new())
        }
    }
}

/// Compares all of it.
pub(super) fn judge(
    records: &Records,
    sight: &Sight,
    ages: &Ages,
    options: VerifyOptions,
) -> Verification {
    let case = Case { records, sight, ages, live: options.live };
    let mut findings = Vec::new();
    network(&case, &mut findings);
    balancing(&case, &mut findings);
    findings.extend(records.groups.iter().map(|made| scaling_group(&case, made)));
    findings.extend(crowd(records, sight));
    findings.extend(unsettled(&case, options.live && !records.rolling_back));
    let place =
        |finding: &Finding| records.order.iter().position(|name| name.as_str() == finding.action);
    findings.sort_by_key(place);
    let notes = replaced(records, sight);
    Verification { findings, notes, serving: None, rolling_back: records.rolling_back }
}

/// A finding of something that was made: it differs in these fields, or it is gone.
fn of<I, O>(
    case: &Case<'_>,
    made: &Made<I, O>,
    (kind, name, id): (&str, &str, &str),
    seen: Option<Seen>,
) -> Finding {
    let young = case.ages.may_be_unseen(made.action.as_str());
    let (condition, differences) = match seen {
        None if young => (Condition::NotVisibleYet, Vec::new()),
        None => (Condition::Gone, Vec::new()),
        Some(seen) => seen.judge(young),
    };
    Finding {
        action: made.action.to_string(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
        condition,
        differences,
        seen: Vec::new(),
    }
}

/// A mark that is not this action's any more: a rollback would not touch the thing.
fn owner<'a>(mark: &Mark, tags: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Difference> {
    match mark.judge(tags) {
        Ownership::Ours => None,
        Ownership::Foreign { owner } => Some(Difference::new("owner", "this run", owner)),
    }
}

/// Security groups with their rules, and launch templates.
fn network(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let (records, sight) = (case.records, case.sight);
    let group = |id: &str| sight.security_groups.iter().find(|one| one.group_id() == Some(id));
    for made in &records.security_groups {
        let seen = group(&made.output.id).map(|group| {
            let differences = security_group::differences(&made.input, group);
            Seen::new(differences).own(owner(&made.mark, pairs(group.tags())))
        });
        let what = ("security group", made.output.name.as_str(), made.output.id.as_str());
        findings.push(of(case, made, what, seen));
    }
    for made in &records.ingress {
        let id = made.output.group_id.as_str();
        let seen = group(id);
        let seen =
            seen.map(|it| Seen::new(security_group::rule_differences(&made.input.rules, it)));
        let what = ("rules of security group", made.input.group.name.as_str(), id);
        findings.push(of(case, made, what, seen));
    }
    for (made, version) in records.launch_templates.iter().zip(&sight.versions) {
        let id = made.output.id.as_str();
        let mut templates = sight.launch_templates.iter();
        let template = templates.find(|one| one.launch_template_id() == Some(id));
        let seen = template.map(|template| {
            let differences = match version {
                Some(data) => launch_template::differences(&made.input, data),
                None => vec![Difference::new("version", made.output.version.to_string(), "none")],
            };
            Seen::new(differences).own(owner(&made.mark, pairs(template.tags())))
        });
        findings.push(of(case, made, ("launch template", &made.output.name, id), seen));
    }
}

/// Target groups, the balancer, its listener and rules.
fn balancing(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let (records, sight) = (case.records, case.sight);
    let tags = |mark: &Mark, arn: &str| owner(mark, sight.tags.of(arn));
    for made in &records.target_groups {
        let arn = made.output.arn.as_str();
        let mut groups = sight.target_groups.iter();
        let seen = groups.find(|one| one.target_group_arn() == Some(arn)).map(|group| {
            let differences = target_group::differences(&made.input, group);
            Seen::new(differences).own(tags(&made.mark, arn))
        });
        findings.push(of(case, made, ("target group", &made.output.name, arn), seen));
    }
    for (made, attributes) in records.attributes.iter().zip(&sight.attributes) {
        let group = &made.input.target_group;
        let seen = attributes.as_ref();
        let seen = seen.map(|all| Seen::new(target_group::attribute_differences(&made.input, all)));
        let what = ("attributes of target group", group.name.as_str(), group.arn.as_str());
        findings.push(of(case, made, what, seen));
    }
    if let Some(made) = &records.load_balancer {
        let arn = made.output.arn.as_str();
        let seen = sight.load_balancer.as_ref().map(|balancer| {
            let state = activity(records, balancer.state());
            Seen::new(load_balancer::differences(&made.input, balancer))
                .against_record(case.ages, ACTIVE, state)
                .certain(strange(case, "listener"))
                .own(tags(&made.mark, arn))
        });
        findings.push(of(case, made, ("load balancer", &made.output.name, arn), seen));
    }
    if let Some(made) = &records.listener {
        let arn = made.output.arn.as_str();
        let mut listeners = sight.listeners.iter();
        let seen = listeners.find(|one| one.listener_arn() == Some(arn)).map(|listener| {
            Seen::new(listener::differences(&made.input, listener))
                .certain(strange(case, "rule"))
                .own(tags(&made.mark, arn))
        });
        let name = format!("{}:{}", made.input.load_balancer.name, made.output.port);
        findings.push(of(case, made, ("listener", &name, arn), seen));
    }
    for made in &records.rules {
        let arn = made.output.arn.as_str();
        let seen = sight.rules.iter().find(|one| one.rule_arn() == Some(arn)).map(|found| {
            Seen::new(rule::differences(&made.input, found))
                .own(priority(made.input.priority, found))
                .own(tags(&made.mark, arn))
        });
        findings.push(of(case, made, ("rule", &made.output.path, arn), seen));
    }
}

/// A balancer that was active and is not any more.
fn activity(records: &Records, state: Option<&LoadBalancerState>) -> Option<Difference> {
    let code = state.and_then(LoadBalancerState::code);
    let is_active = code == Some(&LoadBalancerStateEnum::Active);
    let found = code.map_or("unknown", LoadBalancerStateEnum::as_str);
    (records.active && !is_active).then(|| Difference::new("state", "active", found))
}

/// A rule keeps its ARN when it is moved.
fn priority(wanted: u32, rule: &Rule) -> Option<Difference> {
    let (wanted, found) = (wanted.to_string(), rule.priority().unwrap_or("none"));
    (found != wanted).then(|| Difference::new("priority", wanted, found))
}

pub(super) fn others_found(field: &str, names: impl Iterator<Item = String>) -> Option<Difference> {
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| Difference::new(field, "none", names.join(", ")))
}

fn scaling_group(
    case: &Case<'_>,
    made: &Made<AutoScalingGroupInput, AutoScalingGroupRef>,
) -> Finding {
    let (records, sight) = (case.records, case.sight);
    let name = made.output.name.as_str();
    let seen = group_named(sight, name).map(|group| {
        let status = group.status().map(|status| Difference::new("status", "none", status));
        // Before the end of the deployment instances may be missing, or boot.
        let ended = records.healthy.as_ref();
        let missing = ended.and_then(|_| in_service(made.input.desired, sight, group));
        Seen::new(auto_scaling_group::differences(&made.input, group))
            .own(status)
            .own(owner(&made.mark, tags_of(group)))
            .against_record(case.ages, HEALTHY, missing)
            .against_record(case.ages, made.action.as_str(), strange_instances(sight, made, group))
    });
    of(case, made, ("Auto Scaling group", name, name), seen)
}

pub(super) fn group_named<'a>(sight: &'a Sight, name: &str) -> Option<&'a AutoScalingGroup> {
    sight.groups.iter().find(|group| group.auto_scaling_group_name() == Some(name))
}

/// More instances than the account may have at once: somebody will end those beyond.
fn crowd(records: &Records, sight: &Sight) -> Option<Finding> {
    let (account, wanted) = (records.account.as_ref()?, records.account_max?);
    let running = sight.running.len();
    (u32::try_from(running).unwrap_or(u32::MAX) > wanted).then(|| Finding {
        action: PREFLIGHT.to_owned(),
        kind: "account".to_owned(),
        name: account.clone(),
        id: account.clone(),
        condition: Condition::Changed,
        differences: vec![Difference::new(
            "instances that run",
            format!("at most {wanted}"),
            format!("{running} ({})", sight.running.join(", ")),
        )],
        seen: Vec::new(),
    })
}
