//! What has gone wrong in a run, read from its records.

use lab1_flow_journal::{ActionPhase, Entry, Failure, Record, Rest, RunState};
use serde::Serialize;

use crate::view::stage::full;
use crate::view::text::{ACTION_WIDTH, one_line};
use crate::view::time::{moment, time_of_day};

/// So many are shown: the journal has them all.
const SHOWN_MAX: usize = 5;

/// A failure that was met, overcome since or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PastFailure<'a> {
    at: String,
    #[serde(skip)]
    time: String,
    /// The action that met it; none when the run as a whole did.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(flatten)]
    failure: &'a Failure,
    /// How often it was met in a row.
    times: usize,
}

impl PastFailure<'_> {
    /// The failure with its code and the id of its request, on one line.
    pub(crate) fn line(&self) -> String {
        let action = self.action.unwrap_or("run");
        let times = if self.times > 1 { format!(" ({} times)", self.times) } else { String::new() };
        one_line(&format!("  {}  {action:<ACTION_WIDTH$} {}{times}", self.time, full(self.failure)))
    }

    /// Whether the action got over it since, or the whole run did.
    pub(crate) fn is_overcome(&self, state: &RunState) -> bool {
        if matches!(state.rest(), Some(Rest::Completed | Rest::RolledBack)) {
            return true;
        }
        let named = |name: &str| state.actions().find(|(action, _)| action.as_str() == name);
        self.action.and_then(named).is_some_and(|(_, action)| {
            matches!(action.phase, ActionPhase::Completed | ActionPhase::Compensated { .. })
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        self.action == other.action && self.failure.message == other.failure.message
    }
}

/// The failures that were met last, the latest at the end; what was met again and again is told once.
pub(crate) fn latest(records: &[Record]) -> Vec<PastFailure<'_>> {
    let mut latest: Vec<PastFailure<'_>> = Vec::new();
    for earlier in records.iter().rev().filter_map(of) {
        let is_full = latest.len() == SHOWN_MAX;
        match latest.last_mut() {
            Some(later) if later.is_like(&earlier) => later.times += 1,
            _ if is_full => break,
            _ => latest.push(earlier),
        }
    }
    latest.reverse();
    latest
}

fn of(record: &Record) -> Option<PastFailure<'_>> {
    let (action, failure) = match &record.entry {
        Entry::AttemptFailed { action, failure, .. }
        | Entry::ActionFailed { action, failure }
        | Entry::CompensationFailed { action, failure, .. }
        | Entry::CompensationGaveUp { action, failure } => (Some(action.as_str()), failure),
        Entry::RunRested { rest: Rest::Suspended { failure } } => (None, failure),
        _ => return None,
    };
    let time = time_of_day(record.at);
    Some(PastFailure { at: moment(record.at), time, action, failure, times: 1 })
}

#[cfg(test)]
mod tests {
    use lab1_flow_journal::{FailureClass, RollbackCause, Seq};

    use super::*;
    use crate::stored::{
        CREATED_AT, action, completed, failure, rested, started, state, throttled,
    };

    #[test]
    fn the_latest_failures_are_told_once_each_with_code_and_request() {
        let lost = || failure(FailureClass::Unreachable, "no\nnetwork");
        let mut entries = vec![started("group"), completed("group")];
        entries.extend(["first", "template", "template", "balancer", "a", "b"].map(throttled));
        entries.push(rested(Rest::Suspended { failure: lost() }));
        let records = Record::number(Seq::FIRST, CREATED_AT, entries);
        let lines: Vec<_> = latest(&records).iter().map(PastFailure::line).collect();
        assert_eq!(lines.len(), SHOWN_MAX, "{lines:#?}");
        assert!(lines[0].contains("template") && lines[0].contains("[request 0a1b] (2 times)"));
        assert!(lines[SHOWN_MAX - 1].ends_with("run                            no network"));
    }

    #[test]
    fn a_failure_is_overcome_when_its_action_is_done_or_gone_or_its_run_has_its_end() {
        let judged = |more: Vec<Entry>| {
            let entries = [vec![started("group"), throttled("group")], more].concat();
            let records = Record::number(Seq::FIRST, CREATED_AT, entries.clone());
            latest(&records)[0].is_overcome(&state(entries))
        };
        assert!(!judged(vec![]) && !judged(vec![rested(Rest::Stopped)]));
        let again = Entry::AttemptStarted {
            action: action("group"),
            attempt: 2,
            input: None,
            token: "token-group".to_owned(),
        };
        assert!(judged(vec![again, completed("group")]));
        let turned = Entry::RollbackStarted { cause: RollbackCause::Request };
        assert!(judged(vec![turned, rested(Rest::RolledBack)]));
    }
}
