//! A line for each change, and a heartbeat: for logs, pipes and CI.

use std::collections::BTreeMap;
use std::time::Duration;

use lab1_flow_journal::{ActionName, Entry, Record, Timestamp};

use super::Screen;
use super::snapshot::{Snapshot, action_of};
use crate::output::Output;
use crate::view::record;
use crate::view::stage::Stage;
use crate::view::steps::StepView;
use crate::view::time::span;

/// Lines on stderr.
#[derive(Debug)]
pub(super) struct PlainLines {
    output: Output,
    /// The steps that were told to be complete.
    complete: Vec<String>,
    /// What each action was told to wait for: the journal says it again and again.
    waits: BTreeMap<ActionName, String>,
}

impl PlainLines {
    pub(super) fn new(output: Output) -> Self {
        Self { output, complete: Vec::new(), waits: BTreeMap::new() }
    }

    fn say(&self, after: Duration, text: &str) {
        self.output.say(&format!("{:>9}  {text}", span(after)));
    }

    /// Whether the record says what was said before: the same action still waits for the same.
    fn was_told(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::ActionWaiting { action, reason, .. }
            | Entry::CompensationWaiting { action, reason, .. } => {
                self.waits.insert(action.clone(), reason.clone()).as_ref() == Some(reason)
            }
            _ => {
                if let Some(action) = action_of(entry) {
                    self.waits.remove(action);
                }
                false
            }
        }
    }

    fn tell_completed_steps(&mut self, now: &Snapshot, at: Timestamp) {
        for step in now.steps() {
            let Some(number) = step.number else { continue };
            if step.stage != Stage::Done || self.complete.contains(&step.name) {
                continue;
            }
            if !now.state().is_rolling_back() {
                let word = self.output.err.tone(Stage::Done.tone(), "done");
                self.say(now.since_it_began(at), &format!("step {number} {word}: {}", step.title));
            }
            self.complete.push(step.name);
        }
    }
}

impl Screen for PlainLines {
    fn recorded(&mut self, records: &[Record], now: &Snapshot) -> bool {
        let mut told = false;
        for record in records {
            let line = record::line(record);
            if !self.was_told(&record.entry) && line.is_change {
                told = true;
                let word = self.output.err.tone(line.tone, &format!("{:<8}", line.word));
                let text = format!("{:<30} {word} {}", line.subject, line.detail);
                self.say(now.since_it_began(record.at), text.trim_end());
            }
        }
        let at = records.last().map_or(now.now(), |record| record.at);
        self.tell_completed_steps(now, at);
        told
    }

    fn tick(&mut self, _now: &Snapshot) {}

    fn heartbeat(&mut self, now: &Snapshot) {
        let steps = now.steps();
        let active: Vec<_> =
            steps.iter().filter(|step| step.stage.is_active()).map(brief).collect();
        let doing =
            if active.is_empty() { "nothing to tell".to_owned() } else { active.join("; ") };
        self.say(now.elapsed(), &format!("still at work: {doing}"));
    }

    fn note(&mut self, text: &str) {
        self.output.say(text);
    }

    fn finish(&mut self, _now: &Snapshot) {}
}

fn brief(step: &StepView) -> String {
    let number = step.number.map_or_else(String::new, |number| format!("step {number} "));
    let reason = step.reason().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{number}{}{reason}", step.stage.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::ColorChoice;
    use crate::stored::{action, throttled};

    #[test]
    fn a_wait_is_a_change_when_it_begins_and_when_its_reason_does() {
        let mut lines = PlainLines::new(Output::new(false, ColorChoice::Never));
        let waits = |name, reason: &str| Entry::ActionWaiting {
            action: action(name),
            reason: reason.to_owned(),
            waited_ms: 30_000,
        };
        let story = [
            (waits("group", "0/9"), false),
            (waits("balancer", "0/9"), false),
            (waits("group", "0/9"), true),
            (waits("group", "3/9"), false),
            (waits("group", "3/9"), true),
            (throttled("group"), false),
            (waits("group", "3/9"), false),
        ];
        for (place, (entry, told)) in story.iter().enumerate() {
            assert_eq!(lines.was_told(entry), *told, "{place}");
        }
    }
}
