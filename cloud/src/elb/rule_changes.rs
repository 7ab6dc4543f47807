//! Changes to rules that exist: their content, their order, their end.

use std::collections::{BTreeMap, BTreeSet};

use crate::durations::Event;
use crate::elb::actions::Action;
use crate::elb::arns::Kind;
use crate::elb::conditions::Condition;
use crate::elb::rules::{PRIORITY_MAX, Rule, list, not_found, priority_in_use};
use crate::elb::usage;
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

pub(crate) fn modify(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::Rule.required(input)?;
    let conditions = Condition::read_all(input)?;
    let action = Action::read(input, "Actions")?;
    input.end()?;
    let old = cx.region.rules.usable(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    refuse_default(old, "modified")?;
    if let Some(action) = &action {
        let listener = cx.region.listeners.live_get(&old.listener_arn);
        let balancer_arn = listener.map(|it| it.balancer_arn.clone()).unwrap_or_default();
        action.check_target_groups(cx, &balancer_arn)?;
    }
    let rule = cx.region.rules.live_mut(arn).ok_or_else(|| not_found(arn))?;
    if !conditions.is_empty() {
        rule.conditions = conditions;
    }
    if let Some(action) = action {
        rule.action = action;
    }
    let answer = list([&*rule]);
    usage::refresh(cx.region, cx.now_ms);
    Ok(answer)
}

/// Gives rules new priorities, all at once: they may change places.
pub(crate) fn set_priorities(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let mut wanted = BTreeMap::new();
    for item in input.items("RulePriorities") {
        let arn = Kind::Rule.required(&item)?;
        wanted.insert(arn, item.required_number("Priority", 1..=PRIORITY_MAX)?);
    }
    if wanted.is_empty() {
        return Err(Refusal::missing(input.service(), "RulePriorities"));
    }
    input.end()?;
    let mut listeners = BTreeSet::new();
    for arn in wanted.keys() {
        let rule = cx.region.rules.usable(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
        refuse_default(rule, "reordered")?;
        listeners.insert(rule.listener_arn.clone());
    }
    let mut taken = BTreeSet::new();
    for rule in cx.region.rules.live().filter(|rule| listeners.contains(&rule.listener_arn)) {
        let priority = wanted.get(rule.arn.as_str()).copied().or(rule.priority);
        if let Some(priority) = priority
            && !taken.insert((&rule.listener_arn, priority))
        {
            return Err(priority_in_use(priority));
        }
    }
    for rule in cx.region.rules.live_all_mut() {
        if let Some(priority) = wanted.get(rule.arn.as_str()) {
            rule.priority = Some(*priority);
        }
    }
    let changed = cx.region.rules.live().filter(|rule| wanted.contains_key(rule.arn.as_str()));
    Ok(list(changed))
}

pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::Rule.required(input)?;
    input.end()?;
    let rule = cx.region.rules.live_get(arn).ok_or_else(|| not_found(arn))?;
    refuse_default(rule, "deleted")?;
    let forgotten_ms = cx.seen_after(cx.options.lag.listeners, Event::StaleAfterDelete, arn);
    cx.region.rules.remove(arn, forgotten_ms);
    usage::refresh(cx.region, cx.now_ms);
    Ok(Xml::new())
}

fn refuse_default(rule: &Rule, what: &str) -> Result<(), Refusal> {
    if rule.priority.is_none() {
        let message = format!("Default rule '{}' cannot be {what}", rule.arn);
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    Ok(())
}
