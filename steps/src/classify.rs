//! What an unsuccessful call to AWS says about its effect: the one table of it.
//!
//! Codes are those on the wire: the SDK's names differ (`LoadBalancerNotFoundException` is
//! `LoadBalancerNotFound`). The first row that fits decides; a call that fits no row is decided by its
//! HTTP status in [`by_status`]. A launch template of which no instance can be started is judged by the table of
//! [`activities`](crate::activities), before any row.

mod table;

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::FailureClass;

use crate::activities::hopeless_launch;
use crate::connection::{Call, Fault, NO_CREDENTIALS, Refusal, Service};
use table::{TABLE, Verdict};

/// Turns a fault into the error that the engine acts on.
pub(crate) fn classify(call: &Call<'_>, fault: Fault) -> ActionError {
    let what = format!("{} ({})", call.action, call.subject);
    match fault {
        Fault::NoCredentials { reason } => {
            ActionError::unreachable(format!("{what}: there are no credentials: {reason}"))
                .with_code(NO_CREDENTIALS)
                .with_advice("log in, or set AWS_PROFILE or the AWS_ variables: nothing was sent")
        }
        Fault::NotBuilt { reason } => {
            ActionError::permanent(format!("{what}: the request cannot be built: {reason}"))
        }
        Fault::NotSent { reason } => {
            ActionError::unreachable(format!("{what}: no connection: {reason}"))
                .with_advice("check the network and the endpoint: nothing was sent")
        }
        Fault::NoAnswer { reason } => ActionError::of_class(
            Verdict::Doubtful.class(call.changes),
            format!("{what}: the request was sent and no answer came: {reason}"),
        ),
        Fault::NotWhole { reason } => ActionError::of_class(
            Verdict::Doubtful.class(call.changes),
            format!("{what}: the answer is not whole, and says nothing: {reason}"),
        )
        .with_advice(ANOTHER),
        Fault::Answer(refusal) => of_refusal(call, &what, refusal),
    }
}

fn of_refusal(call: &Call<'_>, what: &str, refusal: Refusal) -> ActionError {
    let row = TABLE.iter().find(|row| row.fits(call, &refusal));
    let hopeless = hopeless_template(call, &refusal);
    let class = match (hopeless, row) {
        (Some(_), _) => FailureClass::Permanent,
        (None, Some(row)) => row.verdict.class(call.changes),
        (None, None) => by_status(call.changes, &refusal),
    };
    let of_row = match row {
        Some(row) => row.advice,
        None => is_of_another(&refusal).then_some(ANOTHER),
    };
    let code = refusal.code.clone().unwrap_or_else(|| format!("HTTP {}", refusal.status));
    let mut error = ActionError::of_class(class, format!("{what}: {code}: {}", refusal.message));
    if let Some(advice) = hopeless.or(of_row) {
        error = error.with_advice(advice);
    }
    if let Some(code) = refusal.code {
        error = error.with_code(code);
    }
    if let Some(id) = refusal.request_id {
        error = error.with_request_id(id);
    }
    match refusal.retry_after.or_else(|| row.and_then(|row| row.retry_after)) {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    }
}

/// How Auto Scaling begins when it has tried out the template of a group to be; the rest is worded as in a failed launch.
const TRIED_OUT: &str = "valid fully-formed launch template";

/// What to do about a template of which no instance can ever be started, when the refusal says so.
fn hopeless_template(call: &Call<'_>, refusal: &Refusal) -> Option<&'static str> {
    let tried = call.service == Service::AutoScaling && refusal.message.contains(TRIED_OUT);
    if tried { hopeless_launch(&refusal.message) } else { None }
}

const ANOTHER: &str = "this is no answer of AWS: something between answers in its stead; look at the proxy variables \
                       (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) and at the endpoint: nothing is lost";

/// Whether this is a refusal of somebody on the way, such as a proxy's page: a service that has read a request names
/// a code. The request did not get through then.
fn is_of_another(refusal: &Refusal) -> bool {
    refusal.code.is_none() && matches!(refusal.status, 300..=428 | 430..=499)
}

/// Decides what no row decides.
fn by_status(changes: bool, refusal: &Refusal) -> FailureClass {
    match refusal.status {
        429 => FailureClass::Throttled,
        _ if is_of_another(refusal) => FailureClass::Unreachable,
        // The service understood the request and refused it: nothing happened, and the same request
        // would be refused again. A read is harmless to repeat, and its budget is bounded.
        400..=499 if changes => FailureClass::Permanent,
        // A 5xx, or a success that cannot be read: the change may stand.
        _ => Verdict::Doubtful.class(changes),
    }
}

#[cfg(test)]
mod tests;
