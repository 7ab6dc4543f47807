//! Where one action stands, in a word, and why it waits.

use std::time::Duration;

use lab1_flow_journal::{ActionPhase, ActionState, Failure, FailureClass, Retry, Role, Timestamp};
use serde::Serialize;

use crate::paint::Tone;
use crate::view::time::span;

/// The word for where a step or an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Nothing has been tried, or what was tried surely left nothing.
    Pending,
    /// A call is under way, or was when the process died.
    Running,
    /// A part of it is done, and nothing of the rest is under way.
    Begun,
    /// It waits for something that takes its time, or before it is tried again.
    Waiting,
    /// A call may have taken effect: it is looked for.
    InDoubt,
    /// The effect is there.
    Done,
    /// The effect is there, and is to be taken back.
    Standing,
    /// Given up on the way forward.
    Failed,
    /// Being taken back.
    Undoing,
    /// Proven gone.
    Gone,
    /// Could not be taken back.
    Stuck,
    /// Left in place by a person's decision.
    Skipped,
}

impl Stage {
    /// The stage of an action.
    pub(crate) fn of(action: &ActionState) -> Self {
        match &action.phase {
            ActionPhase::Pending => Self::Pending,
            ActionPhase::Started if action.reason.is_some() => Self::Waiting,
            ActionPhase::Started => Self::Running,
            ActionPhase::InDoubt { .. } => Self::InDoubt,
            ActionPhase::Waiting { .. } => Self::Waiting,
            ActionPhase::Completed => Self::Done,
            ActionPhase::Failed { .. } => Self::Failed,
            ActionPhase::Compensating { .. } => Self::Undoing,
            ActionPhase::Compensated { .. } => Self::Gone,
            ActionPhase::GaveUp { .. } => Self::Stuck,
            ActionPhase::Skipped { .. } => Self::Skipped,
        }
    }

    /// The word itself.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Begun => "begun",
            Self::Waiting => "waiting",
            Self::InDoubt => "in doubt",
            Self::Done => "done",
            Self::Standing => "standing",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Gone => "gone",
            Self::Stuck => "stuck",
            Self::Skipped => "skipped",
        }
    }

    /// The colour of the word; it says nothing that the word does not.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Pending | Self::Standing | Self::Gone | Self::Skipped => Tone::Dim,
            Self::Running | Self::Undoing => Tone::Cyan,
            Self::Begun | Self::Waiting | Self::InDoubt => Tone::Yellow,
            Self::Done => Tone::Green,
            Self::Failed | Self::Stuck => Tone::Red,
        }
    }

    /// Whether something happens, or is waited for, at this moment.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting | Self::InDoubt | Self::Undoing)
    }
}

/// Why an action waits, or what has gone wrong with it; nothing when it just works or is done.
pub(crate) fn why(action: &ActionState, now: Timestamp) -> Option<String> {
    match &action.phase {
        ActionPhase::Started => action.reason.clone().or_else(|| tried_before(action)),
        ActionPhase::Compensating { failed: None } => action.reason.clone(),
        ActionPhase::InDoubt { failure, retry } if action.role != Role::Look => {
            let look = due(*retry, now);
            Some(format!("{}, looking for its effect {look}", shortly(failure)))
        }
        ActionPhase::InDoubt { failure, retry }
        | ActionPhase::Waiting { failure, retry }
        | ActionPhase::Compensating { failed: Some((failure, retry)) } => {
            Some(format!("{}, next try {}", shortly(failure), due(*retry, now)))
        }
        ActionPhase::Failed { failure } | ActionPhase::GaveUp { failure } => Some(full(failure)),
        ActionPhase::Compensated { with: Some(whole) } => Some(format!("with {whole}")),
        ActionPhase::Skipped { reason } => Some(reason.clone()),
        ActionPhase::Pending | ActionPhase::Completed | ActionPhase::Compensated { with: None } => {
            None
        }
    }
}

/// What has come of the attempt before this one: after throttling a call may take a while, and says why.
fn tried_before(action: &ActionState) -> Option<String> {
    let before = action.last_failure.as_ref().filter(|_| action.attempts > 1)?;
    Some(format!("attempt {}, before it: {}", action.attempts, shortly(before)))
}

/// A failure in a few words, for a line that is about waiting.
pub(crate) fn shortly(failure: &Failure) -> String {
    match failure.class {
        FailureClass::Throttled => "throttled".to_owned(),
        _ => full(failure),
    }
}

/// A failure with its code and the id of the request.
pub(crate) fn full(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    if let Some(code) = failure.code.as_ref().filter(|code| !text.contains(code.as_str())) {
        text = format!("{text} ({code})");
    }
    if let Some(id) = &failure.request_id {
        text = format!("{text} [request {id}]");
    }
    text
}

fn due(retry: Retry, now: Timestamp) -> String {
    let left = retry.at.since(now).min(Duration::from_millis(retry.delay_ms));
    in_time(left)
}

/// How long it is until something happens, in whole seconds below a minute: the number is counted down under the
/// reader's eyes.
pub(crate) fn in_time(left: Duration) -> String {
    if left.is_zero() {
        return "now".to_owned();
    }
    let seconds = left.as_millis().div_ceil(1_000);
    if seconds < 60 { format!("in {seconds} s") } else { format!("in {}", span(left)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: FailureClass) -> Failure {
        Failure {
            class,
            code: Some("Throttling".to_owned()),
            request_id: Some("r-1".to_owned()),
            message: "CreateRule: Rate exceeded".to_owned(),
            advice: None,
        }
    }

    #[test]
    fn a_failure_names_its_code_and_its_request() {
        let text = full(&failure(FailureClass::Permanent));
        assert_eq!(text, "CreateRule: Rate exceeded (Throttling) [request r-1]");
        assert_eq!(shortly(&failure(FailureClass::Throttled)), "throttled");
    }

    #[test]
    fn a_wait_is_never_longer_than_its_stored_delay_whatever_the_clock_says() {
        let retry = Retry { at: Timestamp(90_000), delay_ms: 4_000 };
        assert_eq!(due(retry, Timestamp(0)), "in 4 s");
        assert_eq!(due(retry, Timestamp(88_500)), "in 2 s");
        assert_eq!(due(retry, Timestamp(99_000)), "now");
        let long = Retry { at: Timestamp(90_000), delay_ms: 90_000 };
        assert_eq!(due(long, Timestamp(0)), "in 1:30 min");
    }
}
