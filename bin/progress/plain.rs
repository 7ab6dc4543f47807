//! A line for each change, and a heartbeat: for logs, pipes and CI.

use std::time::Duration;

use lab1_flow_journal::{Record, Timestamp};

use super::Screen;
use super::snapshot::Snapshot;
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
}

impl PlainLines {
    pub(super) fn new(output: Output) -> Self {
        Self { output, complete: Vec::new() }
    }

    fn say(&self, after: Duration, text: &str) {
        self.output.say(&format!("{:>9}  {text}", span(after)));
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
    fn recorded(&mut self, records: &[Record], now: &Snapshot) {
        for record in records {
            let line = record::line(record);
            if line.is_change {
                let word = self.output.err.tone(line.tone, &format!("{:<8}", line.word));
                let text = format!("{:<30} {word} {}", line.subject, line.detail);
                self.say(now.since_it_began(record.at), text.trim_end());
            }
        }
        let at = records.last().map_or(now.now(), |record| record.at);
        self.tell_completed_steps(now, at);
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
