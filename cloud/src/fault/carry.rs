//! A fault, carried out around a handler.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::call::CallName;
use super::plan::Fault;
use super::reply::server_error;

/// Makes a call with the fault that was decided for it.
///
/// `handler` makes the call, or sends it on; `sleep` waits on the caller's clock. Neither is called
/// more than once. A lost reply is [`io::ErrorKind::ConnectionReset`], a refused connection
/// [`io::ErrorKind::ConnectionRefused`]; the handler's own errors pass through, except that a fault
/// that hides the answer hides them too.
pub async fn carry_out<Sleep, Slept, Handler, Handled>(
    fault: Option<Fault>,
    call: &CallName,
    sleep: Sleep,
    handler: Handler,
) -> io::Result<Response<Bytes>>
where
    Sleep: FnOnce(Duration) -> Slept,
    Slept: Future<Output = ()>,
    Handler: FnOnce() -> Handled,
    Handled: Future<Output = io::Result<Response<Bytes>>>,
{
    let Some(fault) = fault else { return handler().await };
    if let Some(refusal) = fault.refusal(call.dialect()) {
        return Ok(refusal);
    }
    match fault {
        Fault::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
        Fault::ReplyLost => {
            let _hidden = handler().await;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::ErrorAfter(status) => {
            let _hidden = handler().await;
            Ok(server_error(call.dialect(), status))
        }
        Fault::DelayAfterMs(milliseconds) => {
            let answer = handler().await;
            sleep(Duration::from_millis(milliseconds)).await;
            answer
        }
        Fault::DelayBeforeMs(milliseconds) => {
            sleep(Duration::from_millis(milliseconds)).await;
            handler().await
        }
        Fault::Throttle
        | Fault::ThrottlingException
        | Fault::ExpiredCredentials
        | Fault::AccessDenied
        | Fault::Contention
        | Fault::ErrorBefore(_) => handler().await,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Carries a fault out around a handler that answers 200, and tells in which order things
    /// happened and what the caller saw.
    async fn met(fault: Option<Fault>) -> (Vec<String>, Result<u16, io::ErrorKind>) {
        let order = RefCell::new(Vec::new());
        let call = CallName::new("ec2", "CreateTags");
        let answer = carry_out(
            fault,
            &call,
            async |delay| order.borrow_mut().push(format!("slept {delay:?}")),
            async || {
                order.borrow_mut().push("called".to_owned());
                Ok(Response::new(Bytes::new()))
            },
        )
        .await;
        let seen = answer.map(|r| r.status().as_u16()).map_err(|e| e.kind());
        (order.into_inner(), seen)
    }

    #[tokio::test]
    async fn what_happens_and_what_is_seen_is_right_for_every_fault() {
        use io::ErrorKind::{ConnectionRefused, ConnectionReset};
        let called: &[&str] = &["called"];
        for (fault, order, seen) in [
            (None, called, Ok(200)),
            (Some(Fault::Throttle), &[], Ok(503)),
            (Some(Fault::ThrottlingException), &[], Ok(400)),
            (Some(Fault::ExpiredCredentials), &[], Ok(400)),
            (Some(Fault::AccessDenied), &[], Ok(403)),
            (Some(Fault::Contention), &[], Ok(400)),
            (Some(Fault::ErrorBefore(503)), &[], Ok(503)),
            (Some(Fault::ErrorAfter(500)), called, Ok(500)),
            (Some(Fault::ReplyLost), called, Err(ConnectionReset)),
            (Some(Fault::Refused), &[], Err(ConnectionRefused)),
            (Some(Fault::DelayBeforeMs(70)), &["slept 70ms", "called"], Ok(200)),
            (Some(Fault::DelayAfterMs(70)), &["called", "slept 70ms"], Ok(200)),
        ] {
            let (happened, saw) = met(fault).await;
            assert_eq!(happened, order, "{fault:?}");
            assert_eq!(saw, seen, "{fault:?}");
        }
    }
}
