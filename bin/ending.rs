//! How a run that this process has carried out is told: where it stands, and what to type.

use std::fmt;
use std::time::Duration;

use lab1_flow_journal::{
    ActionState, Direction, Failure, Provenance, Rest, Role, RollbackCause, RunState,
};
use lab1_flow_steps::{RUN_ID_TAG, SEARCHED_KINDS};
use serde::Serialize;

use crate::app::App;
use crate::exit_status::ExitStatus;
use crate::view::facts::{self, Resource};
use crate::view::left;
use crate::view::next::{self, Next};
use crate::view::stage::full;
use crate::view::standing::{self, Request, Standing};
use crate::view::steps;
use crate::view::text::counted;
use crate::view::time::span;

/// The last JSON line of a verb that carries out a run.
#[derive(Debug, Serialize)]
struct EndEvent<'a> {
    event: &'static str,
    run_id: &'a str,
    outcome: Standing,
    exit_status: u8,
    totals: Totals,
    url: Option<String>,
    resources: Vec<Resource>,
    gone: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Trouble<'a>>,
    left: Vec<String>,
    /// Where the run's mark was searched for, when nothing that carries it is left.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    searched: &'a [&'static str],
    next: Vec<Next>,
}

/// What a run has come to, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    /// Steps that are complete.
    steps_done: usize,
    steps_total: usize,
    /// Things that it has made and that are there.
    resources: usize,
    /// Changes whose answer was lost, and whose effect was found.
    adopted: usize,
    /// Attempts beyond the first of each change.
    retries: u32,
}

impl Totals {
    fn of(state: &RunState) -> Self {
        let changes = || state.actions().filter(|(_, action)| action.role != Role::Look);
        let adopted =
            |(_, action): &(_, &ActionState)| action.provenance == Some(Provenance::Adopted);
        let (steps_done, steps_total) = steps::progress(&steps::steps(state, state.changed_at()));
        Self {
            steps_done,
            steps_total,
            resources: facts::standing_resources(state).len(),
            adopted: changes().filter(adopted).count(),
            retries: changes().map(|(_, action)| action.attempts.saturating_sub(1)).sum(),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps_done, steps_total, resources, adopted, retries } = self;
        write!(f, "{steps_done} of {steps_total} steps done, {}", counted(*resources, "resource"))?;
        if *adopted > 0 {
            write!(f, ", {adopted} adopted after a doubt")?;
        }
        match retries {
            0 => Ok(()),
            1 => f.write_str(", 1 retry"),
            _ => write!(f, ", {retries} retries"),
        }
    }
}

/// The failure that ended a run, or keeps it from going on.
#[derive(Debug, Serialize)]
pub(crate) struct Trouble<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) failure: &'a Failure,
}

impl Trouble<'_> {
    /// Where it was met, and what.
    pub(crate) fn text(&self) -> String {
        let action = self.action.map_or_else(String::new, |action| format!("{action}: "));
        format!("{action}{}", full(self.failure))
    }

    /// What to do about it; nothing more once the run is taken back.
    pub(crate) fn advice(&self, standing: Standing) -> Option<&str> {
        let is_over = matches!(standing, Standing::RolledBack | Standing::PartlyRolledBack);
        self.failure.advice.as_deref().filter(|_| !is_over)
    }
}

/// Tells how the run stands, on both streams, and gives the exit status.
pub(crate) fn tell(app: &App, state: &RunState, request: Request, elapsed: Duration) -> ExitStatus {
    let status = standing::exit_status(state, request);
    let standing = Standing::of(state, false);
    let run = &state.header().run;
    let next = next::commands(run, standing, state.is_rolling_back(), &app.program);
    if app.output.json {
        app.output.json_line(&EndEvent {
            event: "run-ended",
            run_id: run.as_str(),
            outcome: standing,
            exit_status: status.code(),
            totals: Totals::of(state),
            url: facts::url(state),
            resources: facts::standing_resources(state),
            gone: facts::gone_resources(state),
            failure: trouble(state),
            left: left::lines(state),
            searched: searched(state),
            next,
        });
        return status;
    }
    tell_people(app, state, standing, status, elapsed);
    app.output.say_next(&next);
    status
}

fn tell_people(
    app: &App,
    state: &RunState,
    standing: Standing,
    status: ExitStatus,
    elapsed: Duration,
) {
    let paint = app.output.err;
    let elapsed = span(elapsed);
    let run = &state.header().run;
    let headline = match state.rest() {
        Some(Rest::Completed) => format!("run {run} is deployed after {elapsed}"),
        Some(Rest::RolledBack) if standing == Standing::PartlyRolledBack => {
            format!("run {run} is rolled back after {elapsed}, but for what was left on request")
        }
        Some(Rest::RolledBack) => {
            format!("run {run} is rolled back after {elapsed}: nothing is left")
        }
        Some(Rest::Failed) if status == ExitStatus::Refused => {
            format!("run {run} was refused: nothing was created")
        }
        Some(Rest::Failed) => format!("run {run} has failed after {elapsed}"),
        Some(Rest::Stuck { .. }) => format!("run {run} is stuck: something of ours is left"),
        Some(Rest::Paused) => format!("run {run} is paused after {elapsed}, as --until asked"),
        Some(Rest::Suspended { .. }) => format!("run {run} is suspended after {elapsed}"),
        Some(Rest::Stopped) => format!("run {run} is stopped after {elapsed}"),
        None => format!("run {run} is interrupted: the process that carried it out is gone"),
    };
    app.output.say(&paint.tone(standing.tone(), &headline));
    if !matches!(state.rest(), Some(Rest::RolledBack)) {
        app.output.say(&format!("  {} {}", paint.bold("now:"), Totals::of(state)));
    }
    let left = left::lines(state);
    // What was asked for is there: what went wrong before is history.
    let has_failed = status != ExitStatus::Success && left.is_empty();
    if let Some(trouble) = trouble(state).filter(|_| has_failed) {
        tell_trouble(app, &trouble, standing);
    }
    for line in left {
        app.output.say(&format!("  {} {line}", paint.red("left:")));
    }
    for advice in left::advice(state) {
        app.output.say(&format!("  {} {advice}", paint.bold("do:")));
    }
    if matches!(state.rest(), Some(Rest::RolledBack)) && !state.has_intents() {
        let search = app.program.command(&["rollback", "--from-tags", run.as_str()]);
        app.output.say(&format!(
            "  {} its records know of no change; if they are an older copy that was put back, type {search}",
            paint.bold("note:")
        ));
    }
    tell_gone(app, state);
    if let (Some(Rest::Completed), Some(url)) = (state.rest(), facts::url(state)) {
        app.output.data_line(&url);
    }
}

/// What was seen to be gone, and where else was looked.
fn tell_gone(app: &App, state: &RunState) {
    let paint = app.output.err;
    let gone = facts::gone_resources(state);
    if !gone.is_empty() {
        let counts = facts::count_by_kind(&gone);
        let counts: Vec<_> = counts.into_iter().map(|(kind, count)| counted(count, kind)).collect();
        app.output.say(&format!("  {} {}", paint.bold("verified gone:"), counts.join(", ")));
    }
    for resource in gone {
        app.output.say(&format!("    {}", resource.line()));
    }
    let searched = searched(state);
    if !searched.is_empty() {
        let run = &state.header().run;
        let kinds = searched.join(", ");
        let what = if left::lines(state).is_empty() { "nothing" } else { "nothing else" };
        let mark = format!("{RUN_ID_TAG}={run}");
        app.output
            .say(&format!("  {} {what} carries {mark} among {kinds}", paint.bold("searched:")));
    }
}

/// The kinds among which the run's mark was searched for: a rollback ends with that, unless it never made anything.
fn searched(state: &RunState) -> &'static [&'static str] {
    match state.rest() {
        Some(Rest::RolledBack) if state.has_intents() => &SEARCHED_KINDS,
        _ => &[],
    }
}

fn tell_trouble(app: &App, trouble: &Trouble<'_>, standing: Standing) {
    let paint = app.output.err;
    app.output.say(&format!("  {} {}", paint.red("why:"), trouble.text()));
    if let Some(advice) = trouble.advice(standing) {
        app.output.say(&format!("  {} {advice}", paint.bold("do:")));
    }
}

/// The failure that matters: of the action that ended the run, or of what suspended it.
///
/// Of a run that a person has turned around, it is no more what went wrong on the way forward.
pub(crate) fn trouble(state: &RunState) -> Option<Trouble<'_>> {
    use lab1_flow_journal::ActionPhase::{Failed, GaveUp};
    let request = Direction::RollingBack { cause: RollbackCause::Request };
    let is_past = *state.direction() == request;
    if let Some(Rest::Suspended { failure }) = state.rest() {
        return Some(Trouble { action: None, failure });
    }
    state.actions().find_map(|(name, action)| match &action.phase {
        Failed { .. } if is_past => None,
        Failed { failure } | GaveUp { failure } => {
            Some(Trouble { action: Some(name.as_str()), failure })
        }
        _ => None,
    })
}
