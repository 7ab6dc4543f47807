//! One record as a line of text.

use std::fmt::Display;
use std::time::Duration;

use lab1_flow_journal::{Entry, Failure, Provenance, Record, Rest, Retry, RollbackCause};
use serde_json::Value;

use crate::paint::Tone;
use crate::view::stage::full;
use crate::view::text::one_line;
use crate::view::time::delay;

/// A record in three parts: to whom it happened, what, and with what result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) subject: String,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) detail: String,
    /// Whether it changes where the run stands; the others matter to those who read the whole journal.
    pub(crate) is_change: bool,
}

impl Line {
    fn minor(mut self) -> Self {
        self.is_change = false;
        self
    }
}

fn of(subject: impl Display, word: &'static str, tone: Tone, detail: impl Into<String>) -> Line {
    let detail = one_line(&detail.into());
    Line { subject: subject.to_string(), word, tone, detail, is_change: true }
}

/// Tells a record.
pub(crate) fn line(record: &Record) -> Line {
    use Tone::{Cyan, Green, Red, Yellow};
    match &record.entry {
        Entry::AttemptStarted { action, attempt, .. } => {
            of(action, "try", Cyan, format!("attempt {attempt}")).minor()
        }
        Entry::AttemptFailed { action, failure, in_doubt, retry, .. } => {
            let word = if *in_doubt { "in doubt" } else { "retry" };
            of(action, word, Yellow, with_delay(failure, *retry))
        }
        Entry::AttemptAbsent { action, attempt } => {
            of(action, "absent", Yellow, format!("nothing is seen of attempt {attempt}"))
        }
        Entry::ActionWaiting { action, reason, .. }
        | Entry::CompensationWaiting { action, reason, .. } => {
            of(action, "waiting", Yellow, reason)
        }
        Entry::ActionCompleted { action, output, provenance: Provenance::Executed } => {
            of(action, "done", Green, identity(output))
        }
        Entry::ActionCompleted { action, output, provenance: Provenance::Adopted } => {
            of(action, "found", Green, identity(output))
        }
        Entry::ActionFailed { action, failure } => of(action, "failed", Red, full(failure)),
        Entry::FoundByMark { action } => {
            of(action, "found", Yellow, "by its mark; the records did not know of it")
        }
        Entry::RollbackStarted { cause: RollbackCause::Request } => {
            of("run", "rollback", Yellow, "on request")
        }
        Entry::RollbackStarted { cause: RollbackCause::Failure { action } } => {
            of("run", "rollback", Yellow, format!("because {action} failed"))
        }
        Entry::CompensationStarted { action } => of(action, "undoing", Cyan, ""),
        Entry::CompensationFailed { action, failure, retry } => {
            of(action, "retry", Yellow, with_delay(failure, *retry))
        }
        Entry::CompensationCompleted { action, with: None } => of(action, "gone", Green, ""),
        Entry::CompensationCompleted { action, with: Some(whole) } => {
            of(action, "gone", Green, format!("with {whole}"))
        }
        Entry::CompensationGaveUp { action, failure } => of(action, "stuck", Red, full(failure)),
        Entry::CompensationSkipped { action, reason } => of(action, "skipped", Yellow, reason),
        Entry::StepsChanged { steps } | Entry::StepsReplaced { steps } => {
            let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
            of("run", "changed", Yellow, format!("steps {}", names.join(", ")))
        }
        Entry::PauseChanged { until } => {
            of("run", "changed", Yellow, format!("pauses after {until}"))
        }
        Entry::RunRested { rest } => of("run", "rests", rest_tone(rest), rest_text(rest)).minor(),
        Entry::RunResumed { new_budget: true } => {
            of("run", "resumed", Cyan, "with fresh budgets").minor()
        }
        Entry::RunResumed { new_budget: false } => of("run", "resumed", Cyan, "").minor(),
        Entry::RunContinued => of("run", "continued", Cyan, "after its process died").minor(),
    }
}

fn rest_tone(rest: &Rest) -> Tone {
    match rest {
        Rest::Completed | Rest::RolledBack => Tone::Green,
        Rest::Failed | Rest::Stuck { .. } => Tone::Red,
        Rest::Stopped | Rest::Paused | Rest::Suspended { .. } => Tone::Yellow,
    }
}

fn rest_text(rest: &Rest) -> String {
    match rest {
        Rest::Completed => "completed".to_owned(),
        Rest::RolledBack => "rolled back".to_owned(),
        Rest::Failed => "failed".to_owned(),
        Rest::Stuck { left } => format!("stuck: {}", left.join("; ")),
        Rest::Stopped => "stopped".to_owned(),
        Rest::Paused => "paused".to_owned(),
        Rest::Suspended { failure } => format!("suspended: {}", full(failure)),
    }
}

/// What an output says about who it is.
fn identity(output: &Value) -> String {
    let field = |name: &str| output.get(name).and_then(Value::as_str);
    match (field("name"), field("id")) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(name), None) => name.to_owned(),
        (None, Some(id)) => id.to_owned(),
        (None, None) => String::new(),
    }
}

fn with_delay(failure: &Failure, retry: Retry) -> String {
    format!("{}; again after {}", full(failure), delay(Duration::from_millis(retry.delay_ms)))
}
