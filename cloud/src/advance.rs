//! The passing of time: everything that happens by itself, in the order in which it happens.
//!
//! Nothing runs in the background. Before a call is handled, whatever has become due since the last
//! one happens now, each thing at its own moment. The result depends on the state and the moments
//! alone, not on when somebody looked; so a process that dies freezes nothing and loses nothing.

use crate::autoscaling::members::{self, MemberEvent, put_back};
use crate::autoscaling::{capacity, deletion};
use crate::durations::Event;
use crate::ec2::instances;
use crate::elb::target_health;
use crate::route_table::TargetState;
use crate::state::Context;

/// Something that is going to happen by itself.
#[derive(Debug)]
enum Occurrence {
    TargetChanges { group_arn: String, instance_id: String, port: u16, state: TargetState },
    Member { group_arn: String, instance_id: String, event: MemberEvent },
    GroupEvaluates { group_arn: String },
    GroupGoes { group_arn: String },
    WatchdogActs,
}

/// More occurrences than this in one go cannot be: something would be happening for ever.
const OCCURRENCES_MAX: usize = 1_000_000;

/// The learner lab lets nine instances run, and locks the account at twenty.
const LAB_INSTANCES_MAX: usize = 9;
const LAB_INSTANCES_LOCK: usize = 20;
const WATCHDOG_DELAY_MS: i64 = 30_000;

/// Lets everything happen that is due by the context's time, and tells when the next thing is due.
pub(crate) fn advance(cx: &mut Context<'_>) -> i64 {
    let until_ms = cx.now_ms;
    watch(cx);
    for _ in 0..OCCURRENCES_MAX {
        match next(cx) {
            Some((due_ms, occurrence)) if due_ms <= until_ms => {
                // What was already overdue when a call brought it about happens at that call's time.
                cx.now_ms = due_ms.max(cx.region.advanced_ms);
                cx.region.advanced_ms = cx.now_ms;
                happen(cx, occurrence);
            }
            later => {
                cx.now_ms = until_ms;
                cx.region.advanced_ms = until_ms;
                cx.region.forget(until_ms);
                let next_ms = later.map_or(i64::MAX, |(due_ms, _)| due_ms);
                return next_ms.min(cx.region.next_forgotten_ms());
            }
        }
    }
    tracing::error!(until_ms, "the embedded cloud does not come to rest");
    cx.now_ms = until_ms;
    until_ms
}

/// Finds what happens next. Of things at the same moment the first in this order comes first.
fn next(cx: &Context<'_>) -> Option<(i64, Occurrence)> {
    let mut first: Option<(i64, Occurrence)> = None;
    let mut propose = |due_ms: i64, occurrence: &dyn Fn() -> Occurrence| {
        if first.as_ref().is_none_or(|(earliest, _)| due_ms < *earliest) {
            first = Some((due_ms, occurrence()));
        }
    };
    for group in cx.region.target_groups.live() {
        for target in &group.targets {
            let outlook = target_health::outlook(cx.region, cx.options, group, target);
            if let Some((due_ms, state)) = outlook.and_then(|outlook| outlook.next_change()) {
                propose(due_ms, &|| Occurrence::TargetChanges {
                    group_arn: group.arn.clone(),
                    instance_id: target.instance_id.clone(),
                    port: target.port,
                    state,
                });
            }
        }
    }
    for group in cx.region.groups.live() {
        for member in &group.members {
            if let Some((due_ms, event)) = members::next_event(cx, group, member) {
                propose(due_ms, &|| Occurrence::Member {
                    group_arn: group.arn.clone(),
                    instance_id: member.instance_id.clone(),
                    event,
                });
            }
        }
        if let Some(due_ms) = group.evaluate_ms {
            propose(due_ms, &|| Occurrence::GroupEvaluates { group_arn: group.arn.clone() });
        }
        if let Some(due_ms) = group.deletion.as_ref().and_then(|deletion| deletion.gone_ms) {
            propose(due_ms, &|| Occurrence::GroupGoes { group_arn: group.arn.clone() });
        }
    }
    if let Some(due_ms) = cx.region.watchdog_ms {
        propose(due_ms, &|| Occurrence::WatchdogActs);
    }
    first
}

fn happen(cx: &mut Context<'_>, occurrence: Occurrence) {
    match occurrence {
        Occurrence::TargetChanges { group_arn, instance_id, port, state } => {
            change_target(cx, &group_arn, &instance_id, port, state);
        }
        Occurrence::Member { group_arn, instance_id, event } => {
            if let Some(mut group) = cx.region.groups.live_get(&group_arn).cloned() {
                members::happen(cx, &mut group, &instance_id, event);
                deletion::fade(cx, &mut group);
                put_back(cx, group);
            }
        }
        Occurrence::GroupEvaluates { group_arn } => {
            if let Some(mut group) = cx.region.groups.live_get(&group_arn).cloned() {
                capacity::evaluate(cx, &mut group);
                put_back(cx, group);
            }
        }
        Occurrence::GroupGoes { group_arn } => {
            let lag = cx.options.lag.groups;
            let forgotten_ms = cx.seen_after(lag, Event::StaleAfterDelete, &group_arn);
            cx.region.groups.remove(&group_arn, forgotten_ms);
        }
        Occurrence::WatchdogActs => watchdog_acts(cx),
    }
    watch(cx);
}

fn change_target(
    cx: &mut Context<'_>,
    group_arn: &str,
    instance_id: &str,
    port: u16,
    state: TargetState,
) {
    let now_ms = cx.now_ms;
    let group = cx.region.target_groups.live_mut(group_arn);
    let targets = group.into_iter().flat_map(|group| &mut group.targets);
    for target in targets.filter(|it| it.instance_id == instance_id && it.port == port) {
        target.health = state;
        target.since_ms = now_ms;
    }
    if state == TargetState::Healthy {
        let attachments = cx.region.groups.live_all_mut().flat_map(|group| &mut group.attachments);
        for attachment in attachments.filter(|it| it.target_group_arn == group_arn) {
            attachment.in_service = true;
        }
    }
}

/// Lets the watchdog notice, after whatever may have started instances.
fn watch(cx: &mut Context<'_>) {
    if cx.options.limits.lab_watchdog && cx.region.watchdog_ms.is_none() {
        let up = cx.region.instances.values().filter(|instance| instance.is_up()).count();
        if up > LAB_INSTANCES_MAX {
            cx.region.watchdog_ms = Some(cx.region.advanced_ms + WATCHDOG_DELAY_MS);
        }
    }
}

/// Terminates the youngest instances beyond nine; at twenty it locks the account and takes them all.
fn watchdog_acts(cx: &mut Context<'_>) {
    cx.region.watchdog_ms = None;
    let mut up: Vec<(i64, String)> = cx
        .region
        .instances
        .values()
        .filter(|instance| instance.is_up())
        .map(|instance| (instance.launched_ms, instance.id.clone()))
        .collect();
    up.sort();
    let locks = up.len() >= LAB_INSTANCES_LOCK;
    cx.region.locked |= locks;
    for (_, id) in up.into_iter().skip(if locks { 0 } else { LAB_INSTANCES_MAX }) {
        instances::end(cx, &id, "Terminated by the lab");
    }
}
