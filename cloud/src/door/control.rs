//! The daemon's own requests, beside the API of AWS on the same port.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::blocking;
use crate::Cloud;
use crate::daemon::Endpoint;
use crate::fault::CallLog;

/// Where the paths of the daemon begin; no path of AWS's query services does.
pub(crate) const CONTROL_ROOT: &str = "/_lab1_flow/";

/// What follows [`CONTROL_ROOT`] in the one path that asks for no key.
pub(super) const READY: &str = "ready";

/// Answers requests about the daemon itself, in JSON. All but the first require the access key.
///
/// | request | answer |
/// |---|---|
/// | `GET ready?challenge=HEX` | `proof` that this daemon knows the key |
/// | `GET endpoint` | the [`Endpoint`] |
/// | `GET status` | `endpoint`, `account` with every resource, `calls` made in all |
/// | `GET calls` | the [`CallSummary`](crate::CallSummary) |
/// | `POST reset` | empties the account |
/// | `POST hurry` | ends the delays of the plan of faults, from now on |
/// | `POST stop` | ends the daemon, after this answer |
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) cloud: Cloud,
    pub(crate) endpoint: Endpoint,
    pub(crate) calls: Arc<CallLog>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) hurry: watch::Sender<bool>,
}

impl Control {
    /// Answers a request to `verb`, which is what follows [`CONTROL_ROOT`] in its path.
    pub(super) async fn answer(&self, verb: &str, request: &Request<Bytes>) -> Response<Bytes> {
        let allowed = match verb {
            "endpoint" | "status" | "calls" => Method::GET,
            "reset" | "hurry" | "stop" => Method::POST,
            _ => return complaint(StatusCode::NOT_FOUND, "there is no such request"),
        };
        if *request.method() != allowed {
            let mut response = complaint(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("this request is made with {allowed}"),
            );
            if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            return response;
        }
        match verb {
            "endpoint" => json_answer(StatusCode::OK, &self.endpoint),
            "status" => self.status().await,
            "calls" => json_answer(StatusCode::OK, &self.calls.summary()),
            "reset" => self.reset().await,
            "hurry" => self.hurry(),
            _ => self.stop(),
        }
    }

    /// Proves to a client that this daemon knows the key. After a death another process may listen on its port, and must
    /// not receive the key.
    pub(super) fn ready(&self, head: &Parts) -> Response<Bytes> {
        let challenge = head.uri.query().and_then(|query| query.strip_prefix("challenge="));
        let Endpoint { access_key_id, port, pid, .. } = &self.endpoint;
        match access_key_id.proof(challenge.unwrap_or_default(), *port, *pid) {
            Some(proof) => {
                json_answer(StatusCode::OK, &json!({ "proof": proof.to_hex().as_str() }))
            }
            None => complaint(StatusCode::BAD_REQUEST, "a challenge is 32 hexadecimal digits"),
        }
    }

    async fn status(&self) -> Response<Bytes> {
        let cloud = self.cloud.clone();
        match blocking(move || cloud.account()).await {
            Ok(account) => {
                let status = json!({
                    "endpoint": self.endpoint,
                    "calls": self.calls.total(),
                    "account": account,
                });
                json_answer(StatusCode::OK, &status)
            }
            Err(error) => complaint(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// Empties the account; the cloud closes the addresses of its balancers with it.
    async fn reset(&self) -> Response<Bytes> {
        let cloud = self.cloud.clone();
        match blocking(move || cloud.reset()).await {
            Ok(Ok(())) => json_answer(StatusCode::OK, &json!({ "reset": true })),
            Ok(Err(error)) => complaint(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            Err(error) => complaint(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// Waits as the plan of faults says, unless somebody is in a hurry.
    pub(super) async fn delay(&self, delay: Duration) {
        let mut hurry = self.hurry.subscribe();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // The sender lives as long as this value.
            _ = hurry.wait_for(|is_asked_for| *is_asked_for) => {}
        }
    }

    fn hurry(&self) -> Response<Bytes> {
        self.hurry.send_replace(true);
        json_answer(StatusCode::OK, &json!({ "hurrying": true }))
    }

    /// Asks every door to close; the answer still goes out, as it is in flight.
    fn stop(&self) -> Response<Bytes> {
        self.stop.send_replace(true);
        json_answer(StatusCode::OK, &json!({ "stopping": true }))
    }
}

/// Says in JSON what is wrong.
pub(super) fn complaint(status: StatusCode, message: &str) -> Response<Bytes> {
    json_answer(status, &json!({ "error": message }))
}

fn json_answer(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    let (status, body) = match serde_json::to_vec(value) {
        Ok(body) => (status, body),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into_bytes()),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
