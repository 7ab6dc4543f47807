//! What an action answers when it did not succeed.

use std::time::Duration;

use lab1_flow_journal::{Failure, FailureClass};

/// Why an attempt did not succeed, and what that says about its effect.
///
/// There is no conversion from other errors on purpose: whoever makes one decides its class. The default
/// for anything unknown on a changing call is [`ambiguous`](Self::ambiguous).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", failure.message)]
pub struct ActionError {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl ActionError {
    fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let message = message.into();
        let failure = Failure { class, code: None, request_id: None, message, advice: None };
        Self { failure, retry_after: None }
    }

    pub(crate) fn of_failure(failure: Failure, retry_after: Option<Duration>) -> Self {
        Self { failure, retry_after }
    }

    /// It surely did not happen: try again.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, message)
    }

    /// It surely did not happen because we ask too often.
    pub fn throttled(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Throttled, message)
    }

    /// It may have happened: look, then decide.
    pub fn ambiguous(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Ambiguous, message)
    }

    /// The name is taken, by an earlier attempt of ours or by another: look, then decide.
    pub fn contended(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Contended, message)
    }

    /// It did not happen and will not.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }

    /// The provider cannot be reached, or does not accept our credentials: it surely did not happen, and the
    /// run is not to blame.
    ///
    /// Without a code the engine waits for a while for the way to come back; with one, the provider itself has
    /// turned us away, and the run suspends at once.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Unreachable, message)
    }

    /// An error of the given class.
    pub fn of_class(class: FailureClass, message: impl Into<String>) -> Self {
        Self::new(class, message)
    }

    /// The same error with the provider's code, as it stood on the wire.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.failure.code = Some(code.into());
        self
    }

    /// The same error with the provider's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.failure.request_id = Some(id.into());
        self
    }

    /// The same error with what a person can do about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.failure.advice = Some(advice.into());
        self
    }

    /// The same error with the provider's own word on when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// What the error says about the effect.
    pub fn class(&self) -> FailureClass {
        self.failure.class
    }

    /// The provider's code, as it stood on the wire.
    pub fn code(&self) -> Option<&str> {
        self.failure.code.as_deref()
    }

    /// The provider's own word on when to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What is stored of the error.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The stored form, by value.
    pub fn into_failure(self) -> Failure {
        self.failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_it_was_given() {
        let plain = ActionError::throttled("slow down");
        assert_eq!((plain.code(), plain.retry_after()), (None, None));
        let delay = Duration::from_secs(3);
        let full = plain.with_code("Throttling").with_request_id("r-1").with_retry_after(delay);
        assert_eq!((full.code(), full.retry_after()), (Some("Throttling"), Some(delay)));
        assert_eq!(full.failure().request_id.as_deref(), Some("r-1"));
        assert_eq!(full.to_string(), "slow down");
    }
}
