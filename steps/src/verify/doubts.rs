//! Actions whose outcome the records do not know, and things with the run's mark that they do not name.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::Case;
use super::records::Doubt;
use super::{Condition, Finding};
use crate::inventory::Thing;
use crate::ownership::ACTION_TAG;
use crate::{security_group, target_group};

/// One for each action in doubt, seen or not; one for each other thing that should not be there.
pub(super) fn unsettled(case: &Case<'_>, under_way: bool) -> Vec<Finding> {
    let standing = case.records.standing();
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut doubts: Vec<Doubt> = case.records.doubts.clone();
    for thing in case.sight.marked.iter().chain(&case.sight.marked_parts) {
        let action = thing.tag(ACTION_TAG).unwrap_or("unknown");
        if standing.contains(action) {
            continue;
        }
        let known = doubts.iter().any(|doubt| doubt.action == action);
        if known || under_way {
            if !known {
                doubts.push(Doubt::of_thing(action, thing));
            }
            seen.entry(action.to_owned()).or_default().push(thing.line());
        } else {
            let lingers = case.ages.may_linger(action);
            let condition = if lingers { Condition::StillVisible } else { Condition::Left };
            findings.push(unrecorded(action, thing, condition));
        }
    }
    for (action, line) in parts_seen(case) {
        seen.entry(action).or_default().push(line);
    }
    findings.extend(doubts.into_iter().map(|doubt| {
        let seen = seen.remove(&doubt.action).unwrap_or_default();
        doubtful(doubt, seen)
    }));
    findings
}

fn unrecorded(action: &str, thing: &Thing, condition: Condition) -> Finding {
    Finding {
        action: action.to_owned(),
        kind: thing.kind.to_owned(),
        name: thing.name.clone(),
        id: thing.detail.clone(),
        condition,
        differences: Vec::new(),
        seen: Vec::new(),
    }
}

fn doubtful(doubt: Doubt, seen: Vec<String>) -> Finding {
    let Doubt { action, kind, name } = doubt;
    let id = String::new();
    Finding { action, kind, name, id, condition: Condition::InDoubt, differences: Vec::new(), seen }
}

/// What has no mark of its own shows its effect by the content of its whole, or by its place on it.
fn parts_seen(case: &Case<'_>) -> Vec<(String, String)> {
    const AS_ASKED: &str = "it is as it was asked for";
    let (records, sight) = (case.records, case.sight);
    let mut seen = Vec::new();
    for (action, input) in &records.doubted_ingress {
        let mut groups = sight.security_groups.iter();
        let group = groups.find(|group| group.group_id() == Some(input.group.id.as_str()));
        if group.is_some_and(|it| security_group::rule_differences(&input.rules, it).is_empty()) {
            seen.push((action.to_string(), AS_ASKED.to_owned()));
        }
    }
    for ((action, input), found) in records.doubted_attributes.iter().zip(&sight.doubted_attributes)
    {
        let differences = found.as_ref().map(|all| target_group::attribute_differences(input, all));
        if differences.is_some_and(|differences| differences.is_empty()) {
            seen.push((action.to_string(), AS_ASKED.to_owned()));
        }
    }
    let doubted: BTreeSet<&str> = records.doubts.iter().map(|it| it.action.as_str()).collect();
    for stranger in &sight.strangers {
        let action = records.action_at(&stranger.place);
        if let Some(action) = action.filter(|action| doubted.contains(action))
            && stranger.tags.is_empty()
        {
            let line = format!("{}, whose mark is not seen", stranger.place);
            seen.push((action.to_owned(), line));
        }
    }
    seen
}
