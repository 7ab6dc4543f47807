//! The API's door: guard, control paths, faults, and the cloud behind them.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};

use super::blocking;
use super::control::{CONTROL_ROOT, Control, complaint};
use super::guard::Guard;
use super::server::Answers;
use crate::dispatch::dialect_of;
use crate::fault::{CallName, Faults, carry_out};
use crate::time::{CloudClock, SystemCloudClock};
use crate::wire::dialect::Service;
use crate::wire::refusal::Refusal;

/// Marks answers of the door itself, which never reached the cloud.
const REQUEST_ID: &str = "00000000-d00e-4000-8000-000000000000";

/// Answers the AWS API and the daemon's own requests on one port.
#[derive(Debug)]
pub(crate) struct ApiDoor {
    guard: Guard,
    control: Arc<Control>,
    faults: Arc<Faults>,
}

impl ApiDoor {
    /// Makes the door of a daemon; its port stands in the control's endpoint.
    pub(crate) fn new(control: Control, faults: Faults) -> Self {
        Self {
            guard: Guard::new(control.endpoint.port),
            control: Arc::new(control),
            faults: Arc::new(faults),
        }
    }
}

impl Answers for ApiDoor {
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        let reason = self.guard.refusal(head)?;
        let status = StatusCode::MISDIRECTED_REQUEST;
        if head.uri.path().starts_with(CONTROL_ROOT) {
            return Some(complaint(status, reason));
        }
        Some(api_error(dialect_of(&head.headers), status, "MisdirectedRequest", reason))
    }

    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        if let Some(verb) = request.uri().path().strip_prefix(CONTROL_ROOT) {
            return Ok(self.control.answer(verb, &request).await);
        }
        // A task of its own: a client that hangs up must not take back a call that it has sent.
        let call = call_cloud(self.control.clone(), self.faults.clone(), request);
        tokio::spawn(call).await.map_err(io::Error::other)?
    }

    fn complain(&self, head: Option<&Parts>, status: StatusCode) -> Response<Bytes> {
        let dialect = head.map_or(Service::Elb, |head| dialect_of(&head.headers));
        let (code, message) = if status == StatusCode::PAYLOAD_TOO_LARGE {
            ("RequestEntityTooLarge", "The body of the request is larger than this endpoint takes")
        } else {
            ("RequestTimeout", "The request did not arrive in time")
        };
        api_error(dialect, status, code, message)
    }
}

/// Makes one call of the API, with the fault that it meets, and records it.
async fn call_cloud(
    control: Arc<Control>,
    faults: Arc<Faults>,
    request: Request<Bytes>,
) -> io::Result<Response<Bytes>> {
    let name = CallName::of(&request);
    let dialect = dialect_of(request.headers());
    let fault = faults.decide(&name);
    let cloud = control.cloud.clone();
    let answer = carry_out(
        fault,
        &name,
        |delay| control.delay(delay),
        || async {
            let answer = blocking(move || cloud.handle(request)).await;
            Ok(answer.unwrap_or_else(|error| {
                tracing::error!(%error, "a call failed inside the cloud");
                let message = "The request processing has failed because of an internal error";
                api_error(dialect, StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", message)
            }))
        },
    )
    .await;
    control.calls.record(SystemCloudClock.now_ms(), &name, fault, answer.as_ref().ok());
    answer
}

/// Words an error of the door in the envelope of a service.
fn api_error(
    dialect: Service,
    status: StatusCode,
    code: &'static str,
    message: &str,
) -> Response<Bytes> {
    let refusal = Refusal::new(code, message).with_status(status.as_u16());
    let mut response = Response::new(Bytes::from(dialect.error(&refusal, REQUEST_ID)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
