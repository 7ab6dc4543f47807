//! How a whole run stands, in a word.

use clap::ValueEnum;
use lab1_flow_journal::{ActionPhase, Direction, Rest, Role, RollbackCause, RunState, Summary};
use serde::Serialize;

use crate::exit_status::ExitStatus;
use crate::paint::Tone;

/// The word for where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// A process is working on it.
    Running,
    /// A process is rolling it back.
    RollingBack,
    /// Its process died.
    Interrupted,
    /// Deployed.
    Completed,
    /// Nothing is left.
    RolledBack,
    /// Rolled back, except for what a person chose to keep.
    PartlyRolledBack,
    /// An action failed for good; a person has to decide.
    Failed,
    /// Something of ours is left, and the rollback cannot continue by itself.
    Stuck,
    /// Stopped on request.
    Stopped,
    /// Paused after the requested step.
    Paused,
    /// Limits are exhausted, or credentials or network are lost.
    Suspended,
}

impl Standing {
    /// How a run stands that a process holds, or not.
    pub(crate) fn new(summary: &Summary, live: bool) -> Self {
        match &summary.rest {
            None => Self::without_rest(summary.rolling_back, live),
            Some(Rest::Completed) => Self::Completed,
            Some(Rest::RolledBack) if summary.skipped > 0 => Self::PartlyRolledBack,
            Some(Rest::RolledBack) => Self::RolledBack,
            Some(Rest::Failed) => Self::Failed,
            Some(Rest::Stuck { .. }) => Self::Stuck,
            Some(Rest::Stopped) => Self::Stopped,
            Some(Rest::Paused) => Self::Paused,
            Some(Rest::Suspended { .. }) => Self::Suspended,
        }
    }

    /// How a run stands that does not rest.
    pub(crate) fn without_rest(rolling_back: bool, live: bool) -> Self {
        match (live, rolling_back) {
            (false, _) => Self::Interrupted,
            (true, true) => Self::RollingBack,
            (true, false) => Self::Running,
        }
    }

    /// How the run with this state stands.
    pub(crate) fn of(state: &RunState, live: bool) -> Self {
        Self::new(&Summary::of(state), live)
    }

    /// The word itself.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::RollingBack => "rolling-back",
            Self::Interrupted => "interrupted",
            Self::Completed => "completed",
            Self::RolledBack => "rolled-back",
            Self::PartlyRolledBack => "partly-rolled-back",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
        }
    }

    /// The colour of the word; it says nothing that the word does not.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Running | Self::RollingBack => Tone::Cyan,
            Self::Completed => Tone::Green,
            Self::RolledBack => Tone::Dim,
            Self::Failed | Self::Stuck => Tone::Red,
            Self::PartlyRolledBack
            | Self::Interrupted
            | Self::Stopped
            | Self::Paused
            | Self::Suspended => Tone::Yellow,
        }
    }
}

/// What was asked of a run, as far as the exit status depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// To go on in the direction that the run was going.
    GoOn,
    /// To be taken back.
    RollBack,
}

/// The exit status of a verb that left a run like this.
///
/// The end that was asked for is success: a rollback that a person asked for, when nothing is left. A run
/// that turned around by itself has failed, however cleanly it was taken back.
pub(crate) fn exit_status(state: &RunState, request: Request) -> ExitStatus {
    let failed = if nothing_was_made(state) { ExitStatus::Refused } else { ExitStatus::StepFailed };
    match state.rest() {
        Some(Rest::Completed | Rest::Paused) => ExitStatus::Success,
        // Knowingly left is left: whoever counts on an empty account must hear of it.
        Some(Rest::RolledBack) if Summary::of(state).skipped > 0 => ExitStatus::Left,
        Some(Rest::RolledBack) => match (request, state.direction()) {
            (Request::GoOn, Direction::RollingBack { cause: RollbackCause::Failure { .. } }) => {
                failed
            }
            _ => ExitStatus::Success,
        },
        Some(Rest::Failed) => failed,
        Some(Rest::Stuck { .. }) => ExitStatus::Left,
        Some(Rest::Stopped | Rest::Suspended { .. }) | None => ExitStatus::Suspended,
    }
}

/// Whether surely none of the run's changes ever took effect.
pub(crate) fn nothing_was_made(state: &RunState) -> bool {
    let changes = state.actions().filter(|(_, action)| action.role != Role::Look);
    changes.map(|(_, action)| action).all(|action| {
        let without_effect = matches!(
            action.phase,
            ActionPhase::Pending | ActionPhase::Waiting { .. } | ActionPhase::Failed { .. }
        );
        without_effect && action.output.is_none()
    })
}

#[cfg(test)]
mod tests {
    use lab1_flow_journal::{Entry, FailureClass};

    use super::*;
    use crate::stored::{action, completed, failure, rested, started, state};

    fn all_done() -> Vec<Entry> {
        let actions = ["group", "template", "balancer"];
        actions.iter().flat_map(|name| [started(name), completed(name)]).collect()
    }

    fn failed(name: &str) -> Vec<Entry> {
        let failure = failure(FailureClass::Permanent, "not allowed");
        vec![started(name), Entry::ActionFailed { action: action(name), failure }]
    }

    fn taken_back(cause: RollbackCause) -> Vec<Entry> {
        let group = || action("group");
        vec![
            Entry::RollbackStarted { cause },
            Entry::CompensationStarted { action: group() },
            Entry::CompensationCompleted { action: group(), with: None },
            rested(Rest::RolledBack),
        ]
    }

    fn statuses(entries: Vec<Entry>) -> (ExitStatus, ExitStatus) {
        let state = state(entries);
        (exit_status(&state, Request::GoOn), exit_status(&state, Request::RollBack))
    }

    #[test]
    fn a_deployed_run_has_reached_its_end() {
        let entries = [all_done(), vec![rested(Rest::Completed)]].concat();
        assert_eq!(statuses(entries).0, ExitStatus::Success);
    }

    #[test]
    fn a_failure_before_anything_was_made_is_a_refusal() {
        let entries = [failed("group"), vec![rested(Rest::Failed)]].concat();
        assert_eq!(statuses(entries).0, ExitStatus::Refused);
        let made = vec![started("group"), completed("group")];
        let entries = [made, failed("template"), vec![rested(Rest::Failed)]].concat();
        assert_eq!(statuses(entries).0, ExitStatus::StepFailed);
    }

    #[test]
    fn a_doubt_is_not_taken_for_nothing() {
        let failure = failure(FailureClass::Ambiguous, "no answer");
        let retry = lab1_flow_journal::Retry { at: crate::stored::CREATED_AT, delay_ms: 1 };
        let doubt = Entry::AttemptFailed {
            action: action("group"),
            attempt: 1,
            failure,
            in_doubt: true,
            retry,
        };
        assert!(!nothing_was_made(&state(vec![started("group"), doubt])));
        assert!(!nothing_was_made(&state(vec![started("group")])));
        assert!(nothing_was_made(&state(vec![])));
    }

    #[test]
    fn a_rollback_is_success_for_those_who_asked_for_it() {
        let made = || vec![started("group"), completed("group")];
        let entries = [made(), taken_back(RollbackCause::Request)].concat();
        assert_eq!(statuses(entries), (ExitStatus::Success, ExitStatus::Success));
        let cause = RollbackCause::Failure { action: action("template") };
        let entries = [made(), failed("template"), taken_back(cause)].concat();
        assert_eq!(statuses(entries), (ExitStatus::StepFailed, ExitStatus::Success));
    }

    #[test]
    fn what_a_person_has_left_is_left() {
        let skip = Entry::CompensationSkipped { action: action("group"), reason: "kept".into() };
        let turned = Entry::RollbackStarted { cause: RollbackCause::Request };
        let made = vec![started("group"), completed("group"), turned, skip];
        let entries = [made, vec![rested(Rest::RolledBack)]].concat();
        assert_eq!(statuses(entries.clone()), (ExitStatus::Left, ExitStatus::Left));
        assert_eq!(Standing::of(&state(entries), false), Standing::PartlyRolledBack);
    }

    #[test]
    fn a_run_that_rests_on_the_way_can_go_on() {
        let suspended = failure(FailureClass::Unreachable, "no network");
        for rest in [Rest::Stopped, Rest::Suspended { failure: suspended }] {
            assert_eq!(statuses(vec![rested(rest)]).0, ExitStatus::Suspended);
        }
        let turned = Entry::RollbackStarted { cause: RollbackCause::Request };
        let stuck = vec![turned, rested(Rest::Stuck { left: vec!["a thing".to_owned()] })];
        assert_eq!(statuses(stuck), (ExitStatus::Left, ExitStatus::Left));
    }

    #[test]
    fn a_run_without_a_process_and_without_rest_was_interrupted() {
        let state = state(vec![started("group")]);
        assert_eq!(Standing::of(&state, false), Standing::Interrupted);
        assert_eq!(Standing::of(&state, true), Standing::Running);
    }
}
