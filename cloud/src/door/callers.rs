//! Checks the access key of a request.
//!
//! Loopback is not private: every user of this machine can connect. The key is the access key id of the signature. It
//! travels in clear, because other users cannot listen in on loopback; the signature itself is not verified.

use http::header;
use http::request::Parts;

use crate::daemon::AccessKey;
use crate::dispatch::Scope;
use crate::wire::dialect::Service;
use crate::wire::refusal::Refusal;

/// Admits requests that carry the key.
#[derive(Debug)]
pub(super) struct Callers {
    key: AccessKey,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It carries no key.
    Unnamed,
    /// It carries another key.
    Unknown,
}

impl Callers {
    pub(super) fn new(key: AccessKey) -> Self {
        Self { key }
    }

    /// Checks the key of an API call.
    pub(super) fn may_call(&self, head: &Parts) -> Result<(), Stranger> {
        self.judge(Scope::of(&head.headers, &head.uri).access_key_id.as_deref())
    }

    /// Checks the key of a request to the daemon itself. Such a request may also carry the key as a bearer token, which
    /// needs no AWS client.
    pub(super) fn may_control(&self, head: &Parts) -> Result<(), Stranger> {
        let header = head.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        match header.and_then(|text| text.strip_prefix("Bearer ")) {
            Some(named) => self.judge(Some(named.trim())),
            None => self.may_call(head),
        }
    }

    fn judge(&self, named: Option<&str>) -> Result<(), Stranger> {
        let named = named.ok_or(Stranger::Unnamed)?;
        if self.key.admits(named) { Ok(()) } else { Err(Stranger::Unknown) }
    }
}

impl Stranger {
    /// Returns the refusal of the service for this reason.
    pub(super) fn refusal(self, service: Service) -> Refusal {
        let (status, code, message) = match (self, service) {
            (Self::Unnamed, _) => {
                (403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            (Self::Unknown, Service::Ec2) => {
                (401, "AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            (Self::Unknown, Service::Elb | Service::AutoScaling | Service::Sts) => (
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
        };
        Refusal::new(code, message).with_status(status)
    }
}
