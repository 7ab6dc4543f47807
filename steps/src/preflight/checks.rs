//! What was found to each question, collected so that a person hears of all of it at once.

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::FailureClass;
use serde::{Deserialize, Serialize};

/// The code of a refusal by the preflight: nothing was created.
pub const PREFLIGHT_REFUSED: &str = "PreflightRefused";

/// How a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands in the way.
    Ok,
    /// Something may stand in the way.
    Warning,
    /// It stands in the way of a run.
    Problem,
    /// It could not be found out.
    Unknown,
}

/// One question, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was asked about, in a word or two.
    pub subject: String,
    /// How it was answered.
    pub verdict: Verdict,
    /// The answer.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Check {
    /// An answer without advice.
    pub fn new(subject: &str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), verdict, text: text.into(), advice: None }
    }

    /// The same answer with advice.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// The answers so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    list: Vec<Check>,
    /// The first call that failed and may succeed when it is repeated.
    interruption: Option<ActionError>,
}

impl Checks {
    pub(super) fn add(&mut self, check: Check) {
        self.list.push(check);
    }

    pub(super) fn ok(&mut self, subject: &str, text: impl Into<String>) {
        self.add(Check::new(subject, Verdict::Ok, text));
    }

    /// Adds a reason why a run would be refused.
    pub(super) fn problem(
        &mut self,
        subject: &str,
        text: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Check::new(subject, Verdict::Problem, text).advice(advice));
    }

    /// Takes an answer in. A call that will never succeed is a reason to refuse; any other error leaves the
    /// question open.
    pub(super) fn settle<T>(&mut self, subject: &str, answer: Result<T, ActionError>) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let is_permanent = error.class() == FailureClass::Permanent;
        let verdict = if is_permanent { Verdict::Problem } else { Verdict::Unknown };
        let id = error.failure().request_id.as_ref();
        let id = id.map_or_else(String::new, |id| format!(" [request {id}]"));
        let mut check = Check::new(subject, verdict, format!("{error}{id}"));
        check.advice.clone_from(&error.failure().advice);
        self.add(check);
        if !is_permanent {
            self.interruption.get_or_insert(error);
        }
        None
    }

    /// The first call that failed and may succeed when it is repeated.
    pub(super) fn interruption(&self) -> Option<&ActionError> {
        self.interruption.as_ref()
    }

    pub(super) fn into_list(self) -> Vec<Check> {
        self.list
    }

    /// All reasons to refuse, in one error; nothing when there is none.
    pub(super) fn into_refusal(self) -> Option<ActionError> {
        let mut list = self.list;
        list.retain(|check| check.verdict == Verdict::Problem);
        if list.is_empty() {
            return None;
        }
        let reasons: Vec<&str> = list.iter().map(|check| check.text.as_str()).collect();
        let mut advice: Vec<&str> = list.iter().filter_map(|it| it.advice.as_deref()).collect();
        advice.dedup();
        advice.retain(|advice| !advice.is_empty());
        let error = ActionError::permanent(reasons.join("; ")).with_code(PREFLIGHT_REFUSED);
        Some(if advice.is_empty() { error } else { error.with_advice(advice.join("; ")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_reasons_are_told_at_once_and_each_advice_once() {
        let mut checks = Checks::default();
        checks.ok("c", "c is free");
        checks.problem("a", "a is taken", "use --stack");
        checks.problem("b", "b is taken", "use --stack");
        let error = checks.into_refusal().unwrap();
        assert_eq!(error.to_string(), "a is taken; b is taken");
        assert_eq!(error.code(), Some("PreflightRefused"));
        assert_eq!(error.failure().advice.as_deref(), Some("use --stack"));
        assert_eq!(error.class(), FailureClass::Permanent);
        assert_eq!(Checks::default().into_refusal(), None);
    }

    #[test]
    fn only_an_error_for_good_is_a_reason() {
        let mut checks = Checks::default();
        let denied = ActionError::permanent("denied").with_request_id("r-1");
        assert_eq!(checks.settle::<()>("a", Err(denied)), None);
        assert_eq!(checks.interruption(), None);
        let throttled = ActionError::throttled("slower");
        assert_eq!(checks.settle::<()>("b", Err(throttled.clone())), None);
        assert_eq!(checks.interruption(), Some(&throttled));
        assert_eq!(checks.list[0].text, "denied [request r-1]");
        assert_eq!(checks.list[1].verdict, Verdict::Unknown);
        assert_eq!(checks.into_refusal().unwrap().to_string(), "denied [request r-1]");
    }
}
