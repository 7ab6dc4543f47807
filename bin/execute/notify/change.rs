//! What counts as a change of a run's state, and how it is told.

use std::collections::BTreeSet;

use lab1_flow_journal::{RunId, RunState, StepName, StoredStep};
use serde::Serialize;

use crate::ending::{self, Trouble};
use crate::invocation::Invocation;
use crate::output::SCHEMA;
use crate::view::facts;
use crate::view::left;
use crate::view::next::{self, Next};
use crate::view::standing::Standing;
use crate::view::time::moment;

/// A change, as the one JSON object that the command reads. It holds no secret, as the journal holds none.
#[derive(Debug, Serialize)]
pub(super) struct StateChanged<'a> {
    schema: &'static str,
    event: &'static str,
    change: Change,
    run_id: &'a RunId,
    stack: &'a str,
    state: Standing,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepChanged<'a>>,
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Trouble<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    left: Vec<String>,
    next: Vec<Next>,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    /// This process has taken the run up.
    Started,
    /// All actions of a step are completed.
    StepCompleted,
    /// The run has turned around.
    TurnedAround,
    /// The run rests; its state says how.
    Rests,
    /// This process cannot go on with it.
    GaveUp,
}

#[derive(Debug, Serialize)]
struct StepChanged<'a> {
    number: u32,
    name: &'a StepName,
    title: &'a str,
}

/// What has been told of a run.
#[derive(Debug)]
pub(super) struct Seen {
    completed: BTreeSet<StepName>,
    rolling_back: bool,
    resting: bool,
}

impl<'a> StateChanged<'a> {
    fn new(change: Change, state: &'a RunState, stack: &'a str, program: &Invocation) -> Self {
        let run_id = &state.header().run;
        let standing = Standing::of(state, true);
        Self {
            schema: SCHEMA,
            event: "state-changed",
            change,
            run_id,
            stack,
            state: standing,
            at: moment(state.changed_at()),
            step: None,
            url: facts::url(state),
            failure: ending::trouble(state),
            error: None,
            left: left::lines(state),
            next: next::commands(run_id, standing, state.is_rolling_back(), program),
        }
    }

    /// The run is in the hands of this process, however it rested before.
    pub(super) fn started(state: &'a RunState, stack: &'a str, program: &Invocation) -> Self {
        Self::new(Change::Started, state, stack, program).standing(true, state, program)
    }

    /// The run is in nobody's hands, and does not rest.
    pub(super) fn gave_up(
        state: &'a RunState,
        stack: &'a str,
        program: &Invocation,
        why: &'a str,
    ) -> Self {
        let change = Self::new(Change::GaveUp, state, stack, program);
        Self { error: Some(why), ..change.standing(false, state, program) }
    }

    fn standing(self, live: bool, state: &RunState, program: &Invocation) -> Self {
        let rolling_back = state.is_rolling_back();
        let standing = Standing::without_rest(rolling_back, live);
        let next = next::commands(self.run_id, standing, rolling_back, program);
        Self { state: standing, failure: None, left: Vec::new(), next, ..self }
    }
}

impl Seen {
    pub(super) fn of(state: &RunState) -> Self {
        let completed = completed(state).map(|step| step.name.clone()).collect();
        Self { completed, rolling_back: state.is_rolling_back(), resting: false }
    }

    /// What has changed since the last look, in the order in which it is to be told.
    pub(super) fn changes<'a>(
        &mut self,
        state: &'a RunState,
        stack: &'a str,
        program: &Invocation,
    ) -> Vec<StateChanged<'a>> {
        let mut changes = Vec::new();
        let new = |change| StateChanged::new(change, state, stack, program);
        for step in completed(state) {
            let Some(number) = step.number else { continue };
            if self.completed.insert(step.name.clone()) {
                let step = StepChanged { number, name: &step.name, title: &step.title };
                changes.push(StateChanged { step: Some(step), ..new(Change::StepCompleted) });
            }
        }
        if state.is_rolling_back() && !self.rolling_back {
            changes.push(new(Change::TurnedAround));
        }
        if state.rest().is_some() && !self.resting {
            changes.push(new(Change::Rests));
        }
        self.rolling_back = state.is_rolling_back();
        self.resting = state.rest().is_some();
        changes
    }
}

fn completed(state: &RunState) -> impl Iterator<Item = &StoredStep> {
    state.steps().iter().filter(|step| state.is_step_complete(step))
}

#[cfg(test)]
mod tests {
    use lab1_flow_journal::{Entry, Rest, RollbackCause};

    use super::*;
    use crate::stored::{completed, rested, started, state};

    /// What is told after each of the entries.
    fn told(entries: &[Entry]) -> Vec<String> {
        let mut seen = Seen::of(&state(vec![]));
        let mut told = Vec::new();
        for count in 1..=entries.len() {
            let state = state(entries[..count].to_vec());
            for change in seen.changes(&state, "default", &Invocation::default()) {
                let value = serde_json::to_value(&change).expect("JSON");
                let step = value["step"]["number"]
                    .as_u64()
                    .map_or_else(String::new, |number| format!(" {number}"));
                told.push(
                    format!("{}{step}: {}", value["change"], value["state"]).replace('"', ""),
                );
            }
        }
        told
    }

    #[test]
    fn each_change_is_told_once() {
        let mut entries = vec![
            started("group"),
            completed("group"),
            started("template"),
            completed("template"),
            rested(Rest::Stopped),
            Entry::RunResumed { new_budget: false },
            started("balancer"),
            completed("balancer"),
            rested(Rest::Completed),
        ];
        let forward = [
            "step-completed 1: running",
            "rests: stopped",
            "step-completed 2: running",
            "rests: completed",
        ];
        assert_eq!(told(&entries), forward);
        entries.push(Entry::RollbackStarted { cause: RollbackCause::Request });
        assert_eq!(told(&entries).last().map(String::as_str), Some("turned-around: rolling-back"));
    }
}
