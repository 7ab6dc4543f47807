//! The critical path of a run that has ended, from its records and from what really happened.

use std::collections::BTreeMap;
use std::time::Duration;

use lab1_flow_workflow::journal::{ActionName, Entry, History, Timestamp};

use crate::truth::{Moments, Waits};

/// What one direction of a run came to.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) makespan_s: f64,
    pub(crate) length_s: f64,
    pub(crate) binding: String,
}

/// When an action began, when it was done, and how long it was put off after failures.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    begun: Option<Timestamp>,
    done: Option<Timestamp>,
    put_off: Duration,
}

/// Measures the way forward or the rollback.
pub(crate) fn measure(history: &History, back: bool, moments: &Moments, waits: &Waits) -> Path {
    let needs = needs_of(history);
    let (start, end) = bounds(history, back);
    let spans = spans(history, start);
    let own: BTreeMap<&ActionName, Duration> = spans
        .iter()
        .map(|(action, span)| (*action, own_duration(action, span, moments, waits)))
        .collect();
    let mut ideal: BTreeMap<&ActionName, (Duration, &ActionName)> = BTreeMap::new();
    for action in in_order(&needs, back) {
        let Some(duration) = own.get(action) else { continue };
        let before = needs.keys().filter(|other| follows(&needs, action, other, back));
        let latest = before.filter_map(|other| ideal.get(other)).max().copied();
        let (ready, longest) = latest.unwrap_or((Duration::ZERO, action));
        let longest =
            if own.get(longest).is_none_or(|other| other < duration) { action } else { longest };
        ideal.insert(action, (ready + *duration, longest));
    }
    let (path, binding) = ideal.values().max().copied().expect("something was done");
    let last_done = spans.values().filter_map(|span| span.done).max().expect("something is done");
    let tail = end.since(last_done);
    Path {
        makespan_s: end.since(start).as_secs_f64(),
        length_s: (path + tail).as_secs_f64(),
        binding: binding.to_string(),
    }
}

/// What each action needs, as the run's header stores it.
type Needs<'a> = BTreeMap<&'a ActionName, &'a [ActionName]>;

fn needs_of(history: &History) -> Needs<'_> {
    let actions = history.header.steps.iter().flat_map(|step| &step.actions);
    actions.map(|action| (&action.name, action.needs.as_slice())).collect()
}

/// All actions, each after those that it has to wait for.
fn in_order<'a>(needs: &Needs<'a>, back: bool) -> Vec<&'a ActionName> {
    let mut order: Vec<&ActionName> = Vec::new();
    while order.len() < needs.len() {
        let placed = order.len();
        let free = |action: &&&ActionName| {
            !order.contains(*action)
                && needs
                    .keys()
                    .all(|other| !follows(needs, action, other, back) || order.contains(other))
        };
        let next: Vec<&ActionName> = needs.keys().filter(free).copied().collect();
        order.extend(next);
        assert!(order.len() > placed, "the needs have no circle");
    }
    order
}

/// Whether `action` can only go on when `other` is done.
fn follows(needs: &Needs<'_>, action: &ActionName, other: &ActionName, back: bool) -> bool {
    let (needing, needed) = if back { (other, action) } else { (action, other) };
    needs.get(needing).is_some_and(|needs| needs.contains(needed))
}

fn bounds(history: &History, back: bool) -> (Timestamp, Timestamp) {
    let end = history.records.last().expect("a run that ended").at;
    let turned =
        history.records.iter().find(|one| matches!(one.entry, Entry::RollbackStarted { .. }));
    match turned {
        Some(record) if back => (record.at, end),
        _ => (history.header.created_at, end),
    }
}

/// The spans of all actions that were worked on since `start`.
fn spans(history: &History, start: Timestamp) -> BTreeMap<&ActionName, Span> {
    let mut spans: BTreeMap<&ActionName, Span> = BTreeMap::new();
    for record in history.records.iter().filter(|record| record.at >= start) {
        match &record.entry {
            Entry::AttemptStarted { action, .. } | Entry::CompensationStarted { action } => {
                spans.entry(action).or_default().begun.get_or_insert(record.at);
            }
            Entry::AttemptFailed { action, retry, .. }
            | Entry::CompensationFailed { action, retry, .. } => {
                spans.entry(action).or_default().put_off += Duration::from_millis(retry.delay_ms);
            }
            Entry::ActionCompleted { action, .. }
            | Entry::CompensationCompleted { action, with: None } => {
                spans.entry(action).or_default().done = Some(record.at);
            }
            _ => {}
        }
    }
    spans.retain(|_, span| span.done.is_some());
    spans
}

/// What the action itself took: without the delays that the engine chose, but up to the moment at which the cloud
/// was ready.
fn own_duration(action: &ActionName, span: &Span, moments: &Moments, waits: &Waits) -> Duration {
    let (Some(begun), Some(done)) = (span.begun, span.done) else { return Duration::ZERO };
    let busy = done.since(begun).saturating_sub(waits.of(action)).saturating_sub(span.put_off);
    let ready = moments.get(action.as_str()).map_or(Duration::ZERO, |at| at.since(begun));
    busy.min(done.since(begun)).max(ready)
}
