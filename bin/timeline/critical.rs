//! The critical path: the chain of actions, each of which waited for the one before it, that decided how long the
//! run took.

use std::collections::{BTreeMap, BTreeSet};

use lab1_flow_journal::{ActionName, History, Role};
use serde::Serialize;

use super::{Bar, Row};

/// The critical path of one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Path {
    /// Whether it is that of the way back.
    pub(crate) back: bool,
    /// From the first action to the last.
    pub(crate) actions: Vec<String>,
    /// From the beginning of the first to the end of the last.
    pub(crate) total_ms: u64,
    /// How much of it was waiting, not work of ours or of the provider on a call.
    pub(crate) waited_ms: u64,
}

/// Finds both paths and marks their bars.
pub(super) fn mark(history: &History, rows: &mut [Row]) -> Vec<Path> {
    let needs = needs(history);
    let parts = parts(history);
    let paths = [false, true].into_iter().filter_map(|back| {
        let mut spans = spans(rows, back);
        // On the way back a part is gone when its whole is: it takes no time of its own.
        spans.retain(|action, _| !(back && parts.contains(action)));
        let before = if back { dependents(&needs) } else { needs.clone() };
        let actions = chain(&spans, &before);
        let (first, last) = (spans.get(actions.first()?)?, spans.get(actions.last()?)?);
        let total_ms = last.1.saturating_sub(first.0);
        let mut waited_ms: u64 = 0;
        for bar in bars_of(rows, back, &actions) {
            bar.critical = true;
            waited_ms += if bar.kind.is_wait() { bar.length_ms() } else { 0 };
        }
        Some(Path { back, actions, total_ms, waited_ms })
    });
    paths.collect()
}

/// From the beginning of an action's first bar to the end of its last, in one direction.
type Spans = BTreeMap<String, (u64, u64)>;

fn spans(rows: &[Row], back: bool) -> Spans {
    let span = |row: &Row| {
        let bars = || row.bars.iter().filter(|bar| bar.back == back);
        let from = bars().map(|bar| bar.from_ms).min()?;
        let to = bars().map(|bar| bar.to_ms).max()?;
        Some((row.action.clone(), (from, to)))
    };
    rows.iter().filter_map(span).collect()
}

fn bars_of<'a>(
    rows: &'a mut [Row],
    back: bool,
    actions: &'a [String],
) -> impl Iterator<Item = &'a mut Bar> {
    let rows = rows.iter_mut().filter(|row| actions.contains(&row.action));
    rows.flat_map(|row| &mut row.bars).filter(move |bar| bar.back == back)
}

/// From the action that ended last to the one that it waited for longest, and so on; the first one first.
fn chain(spans: &Spans, before: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let latest = |names: &mut dyn Iterator<Item = &String>| {
        let known = names.filter_map(|name| Some((spans.get(name)?.1, name)));
        known.max().map(|(_, name)| name.clone())
    };
    let mut chain = Vec::new();
    let mut next = latest(&mut spans.keys());
    while let Some(action) = next {
        next = before.get(&action).and_then(|names| latest(&mut names.iter()));
        chain.push(action);
    }
    chain.reverse();
    chain
}

fn parts(history: &History) -> BTreeSet<String> {
    let actions = history.header.steps.iter().flat_map(|step| &step.actions);
    let parts = actions.filter(|action| matches!(action.role, Role::Part { .. }));
    parts.map(|action| action.name.to_string()).collect()
}

/// What each action needs.
fn needs(history: &History) -> BTreeMap<String, BTreeSet<String>> {
    let actions = history.header.steps.iter().flat_map(|step| &step.actions);
    let names = |needs: &[ActionName]| needs.iter().map(ToString::to_string).collect();
    actions.map(|action| (action.name.to_string(), names(&action.needs))).collect()
}

/// All that was built on each action, also by way of others: a rollback takes it back before.
fn dependents(needs: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let direct = |name: &String| {
        let name = name.clone();
        needs.iter().filter(move |(_, needs)| needs.contains(&name)).map(|(other, _)| other)
    };
    let all = |name: &String| {
        let mut found = BTreeSet::new();
        let mut open = vec![name.clone()];
        while let Some(next) = open.pop() {
            let new = direct(&next).filter(|other| found.insert((*other).clone()));
            open.extend(new.cloned().collect::<Vec<_>>());
        }
        (name.clone(), found)
    };
    needs.keys().map(all).collect()
}
