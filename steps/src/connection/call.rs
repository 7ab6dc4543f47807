//! The one place that every call to AWS passes: it is timed, logged, counted and classified here.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use lab1_flow_workflow::ActionError;
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
    /// Makes one call: sends the request once and classifies what comes back.
    ///
    /// Dies here: the change may have been made; the stored intent says that it must be looked for.
    pub(crate) async fn call<T, E>(
        &self,
        call: Call<'_>,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, ActionError>
    where
        T: RequestId,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let started = Instant::now();
        let result = request.await.map_err(|error| Fault::of(&error));
        let elapsed = started.elapsed();
        let result = match result {
            Ok(output) => {
                tracing::debug!(
                    service = call.service.as_str(),
                    action = call.action,
                    subject = call.subject,
                    request_id = output.request_id(),
                    elapsed_ms = elapsed.as_millis(),
                    "done"
                );
                Ok(output)
            }
            Err(fault) => {
                let error = classify(&call, fault);
                tracing::debug!(
                    service = call.service.as_str(),
                    action = call.action,
                    subject = call.subject,
                    request_id = error.failure().request_id,
                    elapsed_ms = elapsed.as_millis(),
                    class = ?error.class(),
                    "{error}"
                );
                Err(error)
            }
        };
        if let Some(CallObserver(tell)) = self.observer() {
            tell(&CallReport {
                service: call.service,
                action: call.action,
                code: result.as_ref().err().and_then(|error| error.code().map(str::to_owned)),
                succeeded: result.is_ok(),
                elapsed,
            });
        }
        result
    }
}
