//! The one place that every call to AWS passes: it is timed, logged, counted and classified here.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use lab1_flow_workflow::journal::FailureClass;
use lab1_flow_workflow::{ActionError, Lane};
use tokio::time::Instant;

use super::aws::Aws;
use super::fault::Fault;
use crate::classify::classify;

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// EC2.
    Ec2,
    /// Elastic Load Balancing, version 2.
    LoadBalancing,
    /// EC2 Auto Scaling.
    AutoScaling,
    /// The Security Token Service.
    Sts,
}

impl Service {
    /// The service's endpoint prefix, which is also its name in permissions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::LoadBalancing => "elasticloadbalancing",
            Self::AutoScaling => "autoscaling",
            Self::Sts => "sts",
        }
    }
}

impl Service {
    /// The limiter under which calls of this action are made.
    pub(crate) fn lane(self, action: &'static str) -> Lane {
        Lane { service: self.as_str(), call: action }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One call about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    /// The name of the API action.
    pub(crate) action: &'static str,
    /// What it is about, for people: a name or an id.
    pub(crate) subject: &'a str,
    /// Whether it may change something; decides what an unknown outcome means.
    pub(crate) changes: bool,
}

impl<'a> Call<'a> {
    /// A call that only reads.
    pub(crate) fn reading(service: Service, action: &'static str, subject: &'a str) -> Self {
        Self { service, action, subject, changes: false }
    }

    /// A call that may change something.
    pub(crate) fn changing(service: Service, action: &'static str, subject: &'a str) -> Self {
        Self { service, action, subject, changes: true }
    }
}

/// What is told of a call when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The service that was called.
    pub service: Service,
    /// The name of the API action.
    pub action: &'static str,
    /// The code of a refusal; `None` when the call succeeded or had no answer.
    pub code: Option<String>,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// How long it took, by tokio's clock.
    pub elapsed: Duration,
}

/// Is told of every call when it has ended.
#[derive(Clone)]
pub struct CallObserver(Arc<dyn Fn(&CallReport) + Send + Sync>);

impl CallObserver {
    /// Calls `tell` after every call. It must return at once.
    pub fn new(tell: impl Fn(&CallReport) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for CallObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallObserver")
    }
}

impl Aws {
    /// Makes one call: waits for its turn, unless that is far, sends the request once and classifies what comes back.
    ///
    /// Dies here: the change may have been made; the stored intent says that it must be looked for.
    pub(crate) fn call<'a, T, E>(
        &'a self,
        call: Call<'a>,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> impl Future<Output = Result<T, ActionError>> + Send + 'a
    where
        T: RequestId + Send + 'a,
        E: ProvideErrorMetadata + Error + Send + 'static,
    {
        // On the heap at once: the SDK's futures are tens of kilobytes, and each level of callers would
        // carry them along.
        let request = Box::pin(request);
        async move {
            let lane = call.service.lane(call.action);
            if let Some(pacer) = self.pacer() {
                pacer.turn(lane).await?;
            }
            let started = Instant::now();
            let hide = |text: &str| self.secrets().hide_in(text);
            let fault = |error| Fault::of(&error).map_texts(hide);
            let result = request.await.map_err(|error| classify(&call, fault(error)));
            let elapsed = started.elapsed();
            self.learn(lane, result.as_ref().err());
            log(&call, elapsed, result.as_ref());
            if let Some(CallObserver(tell)) = self.observer() {
                tell(&CallReport::new(&call, elapsed, result.as_ref().err()));
            }
            result
        }
    }

    /// Tells the pacer what the answer says about the pace.
    fn learn(&self, lane: Lane, error: Option<&ActionError>) {
        let Some(pacer) = self.pacer() else { return };
        match error.map(ActionError::class) {
            Some(FailureClass::Throttled) => pacer.throttled(lane),
            // Nobody answered: nothing is learned.
            Some(FailureClass::Unreachable) => {}
            _ => pacer.answered(lane),
        }
    }
}

impl CallReport {
    fn new(call: &Call<'_>, elapsed: Duration, error: Option<&ActionError>) -> Self {
        Self {
            service: call.service,
            action: call.action,
            code: error.and_then(ActionError::code).map(str::to_owned),
            succeeded: error.is_none(),
            elapsed,
        }
    }
}

fn log<T: RequestId>(call: &Call<'_>, elapsed: Duration, result: Result<&T, &ActionError>) {
    let (request_id, outcome) = match result {
        Ok(output) => (output.request_id(), None),
        Err(error) => (error.failure().request_id.as_deref(), Some(error)),
    };
    tracing::debug!(
        service = call.service.as_str(),
        action = call.action,
        subject = call.subject,
        request_id,
        elapsed_ms = elapsed.as_millis(),
        class = outcome.map(|error| tracing::field::debug(error.class())),
        error = outcome.map(tracing::field::display),
        "call ended"
    );
}
