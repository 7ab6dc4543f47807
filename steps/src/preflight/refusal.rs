//! What speaks against the stack, collected so that a person hears of all of it at once.

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::FailureClass;

/// The code of a refusal by the preflight: nothing was created.
pub const PREFLIGHT_REFUSED: &str = "PreflightRefused";

/// The reasons found so far, each with what to do about it.
#[derive(Debug, Default)]
pub(super) struct Refusals(Vec<(String, String)>);

impl Refusals {
    /// Adds a reason.
    pub(super) fn add(&mut self, reason: impl Into<String>, advice: impl Into<String>) {
        self.0.push((reason.into(), advice.into()));
    }

    /// Takes an answer in. A call that will never succeed is a reason; any other error ends the look,
    /// which is then repeated.
    pub(super) fn settle<T>(
        &mut self,
        answer: Result<T, ActionError>,
    ) -> Result<Option<T>, ActionError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.class() == FailureClass::Permanent => {
                let advice = error.failure().advice.clone();
                self.add(error.to_string(), advice.unwrap_or_default());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The refusal, when there is any reason.
    pub(super) fn into_error(self) -> Option<ActionError> {
        if self.0.is_empty() {
            return None;
        }
        let reasons: Vec<&str> = self.0.iter().map(|(reason, _)| reason.as_str()).collect();
        let mut advice: Vec<&str> = self.0.iter().map(|(_, advice)| advice.as_str()).collect();
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
        let mut refusals = Refusals::default();
        refusals.add("a is taken", "use --stack");
        refusals.add("b is taken", "use --stack");
        let error = refusals.into_error().unwrap();
        assert_eq!(error.to_string(), "a is taken; b is taken");
        assert_eq!(error.code(), Some("PreflightRefused"));
        assert_eq!(error.failure().advice.as_deref(), Some("use --stack"));
        assert_eq!(error.class(), FailureClass::Permanent);
        assert!(Refusals::default().into_error().is_none());
    }

    #[test]
    fn only_an_error_for_good_is_a_reason() {
        let mut refusals = Refusals::default();
        let denied: Result<(), _> = Err(ActionError::permanent("denied"));
        assert_eq!(refusals.settle(denied), Ok(None));
        let throttled: Result<(), _> = Err(ActionError::throttled("slower"));
        assert!(refusals.settle(throttled).is_err());
        assert_eq!(refusals.into_error().unwrap().to_string(), "denied");
    }
}
