//! The API's door: guard, control paths, faults, and the cloud behind them.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};

use super::blocking;
use super::callers::Callers;
use super::control::{CONTROL_ROOT, Control, READY, complaint};
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
    callers: Callers,
    control: Arc<Control>,
    faults: Arc<Faults>,
}

impl ApiDoor {
    /// Makes the door of a daemon; its port stands in the control's endpoint.
    pub(crate) fn new(control: Control, faults: Faults) -> Self {
        Self {
            guard: Guard::new(control.endpoint.port),
            callers: Callers::new(control.endpoint.access_key_id.clone()),
            control: Arc::new(control),
            faults: Arc::new(faults),
        }
    }
}

impl Answers for ApiDoor {
    fn by_head(&self, head: &Parts) -> Option<Response<Bytes>> {
        let control = head.uri.path().strip_prefix(CONTROL_ROOT);
        if let Some(reason) = self.guard.refusal(head) {
            let status = StatusCode::MISDIRECTED_REQUEST;
            return Some(match control {
                Some(_) => complaint(status, reason),
                None => refused(head, |_| {
                    Refusal::new("MisdirectedRequest", reason).with_status(status.as_u16())
                }),
            });
        }
        match control {
            // The only request that needs no key: it changes nothing and reveals nothing but our presence.
            Some(READY) => Some(self.control.ready(head)),
            Some(_) => self.callers.may_control(head).is_err().then(|| {
                let reason = "this path requires the access key of its state directory, as \
                              Authorization: Bearer KEY";
                complaint(StatusCode::UNAUTHORIZED, reason)
            }),
            None => {
                let stranger = self.callers.may_call(head).err()?;
                Some(refused(head, |dialect| stranger.refusal(dialect)))
            }
        }
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
        let dialect = head.map_or(Service::Elb, |head| dialect_of(&head.headers, &head.uri));
        let (code, message) = if status == StatusCode::PAYLOAD_TOO_LARGE {
            ("RequestEntityTooLarge", "The body of the request is larger than this endpoint takes")
        } else {
            ("RequestTimeout", "The request did not arrive in time")
        };
        api_error(dialect, &Refusal::new(code, message).with_status(status.as_u16()))
    }
}

/// Makes one call of the API, with the fault that it meets, and records it.
async fn call_cloud(
    control: Arc<Control>,
    faults: Arc<Faults>,
    request: Request<Bytes>,
) -> io::Result<Response<Bytes>> {
    let name = CallName::of(&request);
    let dialect = dialect_of(request.headers(), request.uri());
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
                api_error(dialect, &Refusal::internal(message))
            }))
        },
    )
    .await;
    control.calls.record(SystemCloudClock.now_ms(), &name, fault, answer.as_ref().ok());
    answer
}

/// Refuses a request by its head, in the envelope of the service that it is signed for.
fn refused(head: &Parts, word: impl FnOnce(Service) -> Refusal) -> Response<Bytes> {
    let dialect = dialect_of(&head.headers, &head.uri);
    api_error(dialect, &word(dialect))
}

/// Words an error of the door in the envelope of a service.
fn api_error(dialect: Service, refusal: &Refusal) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(dialect.error(refusal, REQUEST_ID)));
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
