//! A comparison of a run with its account, as people see it.

use std::collections::BTreeMap;

use lab1_flow_steps::{Condition, Finding, PathAnswers, Serving, Verification};
use serde::Serialize;

use crate::paint::{Paint, Tone};
use crate::view::facts::Resource;
use crate::view::standing::Standing;
use crate::view::table::{Cell, Table};

/// How many things stand in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    present: usize,
    changed: usize,
    gone: usize,
    left: usize,
    not_visible_yet: usize,
    still_visible: usize,
    in_doubt: usize,
}

impl Tally {
    pub(crate) fn of(found: &Verification) -> Self {
        let mut tally = Self::default();
        for finding in &found.findings {
            let count = match finding.condition {
                Condition::Present => &mut tally.present,
                Condition::Changed => &mut tally.changed,
                Condition::Gone => &mut tally.gone,
                Condition::Left => &mut tally.left,
                Condition::NotVisibleYet => &mut tally.not_visible_yet,
                Condition::StillVisible => &mut tally.still_visible,
                Condition::InDoubt => &mut tally.in_doubt,
            };
            *count += 1;
        }
        tally
    }

    /// The sum in one line.
    pub(crate) fn sentence(self, standing: Standing) -> String {
        let Self { present, changed, gone, left, not_visible_yet, still_visible, in_doubt } = self;
        if self == Self::default() {
            return match standing {
                Standing::RolledBack => "Verified: nothing is left.".to_owned(),
                _ => "Verified: the run has made nothing yet.".to_owned(),
            };
        }
        let some = |count: usize, words: &str| match count {
            0 => String::new(),
            count => format!(", {count} {words}"),
        };
        let others = [
            some(left, "left that should be gone"),
            some(not_visible_yet, "not visible yet"),
            some(still_visible, "still visible"),
            some(in_doubt, "in doubt"),
        ];
        let others = others.concat();
        let advice = match (in_doubt, standing) {
            (0, _) | (_, Standing::Running | Standing::RollingBack) => "",
            (1, _) => ": resume settles it",
            (_, _) => ": resume settles them",
        };
        format!("Verified: {present} present, {changed} changed, {gone} gone{others}{advice}.")
    }

    /// Whether something is in doubt, so that more can be known after the run has gone on.
    pub(crate) fn has_doubts(self) -> bool {
        self.in_doubt > 0
    }
}

fn word(condition: Condition) -> (&'static str, Tone) {
    match condition {
        Condition::Present => ("present", Tone::Green),
        Condition::Changed => ("changed", Tone::Yellow),
        Condition::Gone => ("gone", Tone::Red),
        Condition::Left => ("left", Tone::Red),
        Condition::NotVisibleYet => ("not visible yet", Tone::Yellow),
        Condition::StillVisible => ("still visible", Tone::Yellow),
        Condition::InDoubt => ("in doubt", Tone::Yellow),
    }
}

/// A line for each thing, and one below it for each field that differs.
pub(crate) fn lines(found: &Verification, paint: Paint) -> Vec<String> {
    found.findings.iter().flat_map(|finding| finding_lines(finding, paint)).collect()
}

fn finding_lines(finding: &Finding, paint: Paint) -> Vec<String> {
    let (word, tone) = word(finding.condition);
    let (kind, action) = (&finding.kind, &finding.action);
    let resource = Resource::new(action.clone(), Some(finding.name.clone()), finding.id.clone());
    // What is in doubt has no id that is known.
    let label = if finding.id.is_empty() { finding.name.clone() } else { resource.label() };
    let mut lines = vec![format!("{} {kind} {label}", paint.tone(tone, &format!("{word:<8}")))];
    for difference in &finding.differences {
        let lab1_flow_steps::Difference { field, expected, found } = difference;
        let mark = paint.tone(Tone::Yellow, "~");
        lines.push(format!("         {mark} {field}: expected {expected}, found {found}"));
    }
    lines.extend(finding.seen.iter().map(|seen| format!("         seen: {seen}")));
    if finding.condition == Condition::InDoubt && finding.seen.is_empty() {
        lines.push("         not seen".to_owned());
    }
    lines
}

/// Who has answered on which path, as a table.
pub(crate) fn serving_lines(serving: &Serving, paint: Paint) -> Vec<String> {
    let mut table = Table::new(["PATH", "GROUP", "INSTANCE", "ANSWERS"]);
    for path in &serving.paths {
        for instance in &path.instances {
            let well = instance.is_well();
            let remark = match (instance.expected, instance.answers) {
                (true, 0) => " (silent)",
                (true, _) => "",
                (false, _) => " (not of this group)",
            };
            let tone = if well { Tone::Green } else { Tone::Red };
            table.add([
                Cell::from(&path.path),
                Cell::from(&path.group),
                Cell::from(&instance.instance_id),
                Cell::toned(format!("{}{remark}", instance.answers), tone),
            ]);
        }
    }
    let mut lines = vec![paint.bold(&serving.url)];
    lines.extend(table.lines(paint));
    lines.extend(serving.paths.iter().flat_map(path_troubles));
    let shares = serving.weights.iter().map(|(group, weight)| format!("{group} {weight}"));
    let shares = shares.collect::<Vec<_>>().join(", ");
    let (greeted, greetings) = (serving.greeted, serving.greetings);
    lines.push(format!(
        "/ was asked {greetings} times and greeted {greeted} times; the listener spreads it by weight: {shares}"
    ));
    lines.extend(counted(&serving.troubles));
    lines
}

fn path_troubles(path: &PathAnswers) -> Vec<String> {
    let mut lines = counted(&path.troubles);
    if path.instances.is_empty() {
        lines.push(format!("{} has no instance in service", path.path));
    }
    lines
}

fn counted(troubles: &BTreeMap<String, usize>) -> Vec<String> {
    troubles.iter().map(|(trouble, count)| format!("{trouble}, {count} times")).collect()
}
