//! How far this machine's clock is from the provider's: a request that is signed at another time is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use lab1_flow_workflow::ActionError;

use super::aws::Aws;
use super::call::{Call, Service};

impl Aws {
    /// By how many seconds this machine's clock is ahead of the provider's, to a second or two; nothing when the
    /// answer has no date.
    ///
    /// # Errors
    /// As any reading call, unless the refusal itself had a date: one for a wrong clock has.
    pub(crate) async fn clock_ahead_s(&self) -> Result<Option<i64>, ActionError> {
        let reader = DateReader::default();
        let call = Call::reading(Service::Sts, "GetCallerIdentity", "what time it is");
        let request = self.sts().get_caller_identity().customize().interceptor(reader.clone());
        let answer = self.call(call, request.send()).await;
        let ahead = *reader.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (ahead, answer) {
            (None, Err(error)) => Err(error),
            (ahead, _) => Ok(ahead),
        }
    }
}

/// Reads the date of a response as it arrives.
#[derive(Debug, Clone, Default)]
struct DateReader(Arc<Mutex<Option<i64>>>);

impl Intercept for DateReader {
    fn name(&self) -> &'static str {
        "DateReader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let ahead = date.and_then(|date| ahead_of(date, SystemTime::now()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
        Ok(())
    }
}

fn ahead_of(date: &str, now: SystemTime) -> Option<i64> {
    let theirs = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let ours = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(ours).ok()? - theirs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_date_of_an_answer() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777 + 90);
        assert_eq!(ahead_of("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(90));
        assert_eq!(ahead_of("Sun, 06 Nov 1994 08:52:37 GMT", now), Some(-90));
        assert_eq!(ahead_of("yesterday", now), None);
    }
}
