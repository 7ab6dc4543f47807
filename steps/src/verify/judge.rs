//! What was asked for against what was seen.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerState, LoadBalancerStateEnum, Rule};

use super::instances::{in_service, replaced, strange_instances};
use super::records::{Made, Records};
use super::sight::Sight;
use super::{Condition, Finding, Verification, VerifyOptions};
use crate::adoption::Difference;
use crate::auto_scaling_group::{self, AutoScalingGroupInput, AutoScalingGroupRef, tags_of};
use crate::ec2::pairs;
use crate::inventory::Thing;
use crate::ownership::{ACTION_TAG, Mark, Ownership};
use crate::{launch_template, listener, load_balancer, rule, security_group, target_group};

/// The action that has counted the account's instances.
const PREFLIGHT: &str = "preflight";

/// Compares all of it. `is_fresh` says of an action that a look may not see its effect yet.
pub(super) fn judge(
    records: &Records,
    sight: &Sight,
    options: VerifyOptions,
    is_fresh: impl Fn(&str) -> bool,
) -> Verification {
    let mut findings = Vec::new();
    network(records, sight, &mut findings);
    balancing(records, sight, &mut findings);
    let groups = records.groups.iter();
    findings.extend(groups.map(|made| scaling_group(records, sight, made)));
    findings.extend(crowd(records, sight));
    let under_way = options.live && !records.rolling_back;
    findings.extend(unrecorded(records, sight, under_way));
    if options.live {
        for finding in &mut findings {
            doubt(finding, &is_fresh);
        }
    }
    let place =
        |finding: &Finding| records.order.iter().position(|name| name.as_str() == finding.action);
    findings.sort_by_key(place);
    let notes = replaced(records, sight);
    Verification { findings, notes, serving: None, rolling_back: records.rolling_back }
}

/// What is missing, or not as it was made, is in doubt as long as it is fresh.
fn doubt(finding: &mut Finding, is_fresh: impl Fn(&str) -> bool) {
    if matches!(finding.condition, Condition::Gone | Condition::Changed)
        && is_fresh(&finding.action)
    {
        finding.condition = Condition::InDoubt;
    }
}

/// A finding of something that was made: it differs in these fields, or it is gone.
fn of<I, O>(
    made: &Made<I, O>,
    (kind, name, id): (&str, &str, &str),
    seen: Option<Vec<Difference>>,
) -> Finding {
    let (condition, differences) = match seen {
        None => (Condition::Gone, Vec::new()),
        Some(differences) if differences.is_empty() => (Condition::Present, differences),
        Some(differences) => (Condition::Changed, differences),
    };
    Finding {
        action: made.action.to_string(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
        condition,
        differences,
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
fn network(records: &Records, sight: &Sight, findings: &mut Vec<Finding>) {
    let group = |id: &str| sight.security_groups.iter().find(|one| one.group_id() == Some(id));
    for made in &records.security_groups {
        let seen = group(&made.output.id).map(|group| {
            let mut differences = security_group::differences(&made.input, group);
            differences.extend(owner(&made.mark, pairs(group.tags())));
            differences
        });
        let what = ("security group", made.output.name.as_str(), made.output.id.as_str());
        findings.push(of(made, what, seen));
    }
    for made in &records.ingress {
        let id = made.output.group_id.as_str();
        let seen = group(id).map(|it| security_group::rule_differences(&made.input.rules, it));
        findings.push(of(made, ("rules of security group", &made.input.group.name, id), seen));
    }
    for (made, version) in records.launch_templates.iter().zip(&sight.versions) {
        let id = made.output.id.as_str();
        let mut templates = sight.launch_templates.iter();
        let template = templates.find(|one| one.launch_template_id() == Some(id));
        let seen = template.map(|template| {
            let mut differences = match version {
                Some(data) => launch_template::differences(&made.input, data),
                None => vec![Difference::new("version", made.output.version.to_string(), "none")],
            };
            differences.extend(owner(&made.mark, pairs(template.tags())));
            differences
        });
        findings.push(of(made, ("launch template", &made.output.name, id), seen));
    }
}

/// Target groups, the balancer, its listener and rules.
fn balancing(records: &Records, sight: &Sight, findings: &mut Vec<Finding>) {
    let tags = |mark: &Mark, arn: &str| owner(mark, sight.tags.of(arn));
    for made in &records.target_groups {
        let arn = made.output.arn.as_str();
        let mut groups = sight.target_groups.iter();
        let seen = groups.find(|one| one.target_group_arn() == Some(arn)).map(|group| {
            let mut differences = target_group::differences(&made.input, group);
            differences.extend(tags(&made.mark, arn));
            differences
        });
        findings.push(of(made, ("target group", &made.output.name, arn), seen));
    }
    for (made, attributes) in records.attributes.iter().zip(&sight.attributes) {
        let group = &made.input.target_group;
        let seen = attributes.as_ref();
        let seen = seen.map(|all| target_group::attribute_differences(&made.input, all));
        findings.push(of(made, ("attributes of target group", &group.name, &group.arn), seen));
    }
    if let Some(made) = &records.load_balancer {
        let arn = made.output.arn.as_str();
        let seen = sight.load_balancer.as_ref().map(|balancer| {
            let mut differences = load_balancer::differences(&made.input, balancer);
            differences.extend(activity(records, balancer.state()));
            differences.extend(strange_listeners(records, sight));
            differences.extend(tags(&made.mark, arn));
            differences
        });
        findings.push(of(made, ("load balancer", &made.output.name, arn), seen));
    }
    if let Some(made) = &records.listener {
        let arn = made.output.arn.as_str();
        let mut listeners = sight.listeners.iter();
        let seen = listeners.find(|one| one.listener_arn() == Some(arn)).map(|listener| {
            let mut differences = listener::differences(&made.input, listener);
            differences.extend(strange_rules(records, sight));
            differences.extend(tags(&made.mark, arn));
            differences
        });
        let name = format!("{}:{}", made.input.load_balancer.name, made.output.port);
        findings.push(of(made, ("listener", &name, arn), seen));
    }
    for made in &records.rules {
        let arn = made.output.arn.as_str();
        let seen = sight.rules.iter().find(|one| one.rule_arn() == Some(arn)).map(|found| {
            let mut differences = rule::differences(&made.input, found);
            differences.extend(priority(made.input.priority, found));
            differences.extend(tags(&made.mark, arn));
            differences
        });
        findings.push(of(made, ("rule", &made.output.path, arn), seen));
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

/// Listeners on the balancer that the run did not make. They stop its rollback.
fn strange_listeners(records: &Records, sight: &Sight) -> Option<Difference> {
    let ours = records.listener.as_ref().map(|made| made.output.arn.as_str());
    let others = sight.listeners.iter().filter(|one| one.listener_arn() != ours);
    others_found("other listeners", others.map(|one| format!("port {}", one.port().unwrap_or(0))))
}

/// Rules on the listener that the run did not make.
fn strange_rules(records: &Records, sight: &Sight) -> Option<Difference> {
    let ours = |rule: &Rule| {
        records.rules.iter().any(|made| rule.rule_arn() == Some(made.output.arn.as_str()))
    };
    let others = sight.rules.iter().filter(|rule| !ours(rule));
    let name = |rule: &Rule| format!("priority {}", rule.priority().unwrap_or("unknown"));
    others_found("other rules", others.map(name))
}

pub(super) fn others_found(field: &str, names: impl Iterator<Item = String>) -> Option<Difference> {
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| Difference::new(field, "none", names.join(", ")))
}

fn scaling_group(
    records: &Records,
    sight: &Sight,
    made: &Made<AutoScalingGroupInput, AutoScalingGroupRef>,
) -> Finding {
    let name = made.output.name.as_str();
    let seen = group_named(sight, name).map(|group| {
        let mut differences = auto_scaling_group::differences(&made.input, group);
        let status = group.status().map(|status| Difference::new("status", "none", status));
        differences.extend(status);
        differences.extend(owner(&made.mark, tags_of(group)));
        // Before the end of the deployment instances may be missing, or boot.
        if records.healthy.is_some() {
            differences.extend(in_service(made.input.desired, sight, group));
        }
        differences.extend(strange_instances(sight, made, group));
        differences
    });
    of(made, ("Auto Scaling group", name, name), seen)
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
    })
}

/// Things with the run's mark that its records do not name as standing.
fn unrecorded(records: &Records, sight: &Sight, under_way: bool) -> Vec<Finding> {
    let standing = records.standing();
    let finding = |thing: &Thing| {
        let mut tags = thing.tags();
        let action = tags.find(|(key, _)| *key == ACTION_TAG).map_or("unknown", |(_, value)| value);
        let in_doubt = records.in_doubt.iter().any(|name| name.as_str() == action);
        let condition = if under_way || in_doubt { Condition::InDoubt } else { Condition::Left };
        (!standing.contains(action)).then(|| Finding {
            action: action.to_owned(),
            kind: thing.kind.to_owned(),
            name: thing.name.clone(),
            id: thing.detail.clone(),
            condition,
            differences: Vec::new(),
        })
    };
    sight.marked.iter().filter_map(finding).collect()
}
