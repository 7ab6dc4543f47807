//! The name of a call: which service, which action.

use std::fmt;

use bytes::Bytes;
use http::Request;

use crate::wire::dialect::Service;

/// What stands for a service or an action that a request does not name.
const UNKNOWN: &str = "?";

/// Longest action name that is kept; AWS's own stay well below.
const ACTION_BYTES_MAX: usize = 64;

/// Names one call of the AWS API.
///
/// Either part may be unknown: a malformed request is still a call, and is still counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallName {
    service: Option<Service>,
    action: String,
}

impl CallName {
    /// Names a call by the service's signing name, as `ec2`, and the action.
    pub fn new(service: &str, action: &str) -> Self {
        Self { service: service_named(service), action: cut(action).to_owned() }
    }

    /// Returns the service's signing name, or `?`.
    pub fn service(&self) -> &'static str {
        self.service.map_or(UNKNOWN, Service::signing_name)
    }

    /// Returns the action, or `?`; what a request sends is cut after 64 bytes.
    pub fn action(&self) -> &str {
        if self.action.is_empty() { UNKNOWN } else { &self.action }
    }

    /// Returns the service whose dialect the call speaks.
    pub(super) fn dialect(&self) -> Option<Service> {
        self.service
    }

    /// Reads the name of a call from the form in its body, or in its query when the body has none.
    pub fn of(request: &Request<Bytes>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let mut name = Self::of_form(request.body());
        if name.action.is_empty() && name.service.is_none() {
            name = Self::of_form(query.as_bytes());
        }
        name
    }

    /// Reads the name of a call from an urlencoded form.
    pub fn of_form(form: &[u8]) -> Self {
        let mut name = Self { service: None, action: String::new() };
        for (key, value) in form_urlencoded::parse(form) {
            match key.as_ref() {
                "Action" if name.action.is_empty() => cut(&value).clone_into(&mut name.action),
                "Version" if name.service.is_none() => name.service = Service::by_version(&value),
                _ => {}
            }
        }
        name
    }
}

/// Finds a service by its signing name.
pub(super) fn service_named(name: &str) -> Option<Service> {
    Service::ALL.into_iter().find(|service| service.signing_name() == name)
}

/// Cuts a string at the last character boundary within the limit.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(ACTION_BYTES_MAX)]
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service(), self.action())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_the_action_and_version_of_its_form() {
        let name = CallName::of_form(b"Action=CreateRule&Version=2015-12-01&Priority=1");
        assert_eq!(name, CallName::new("elasticloadbalancing", "CreateRule"));
        assert_eq!(name.to_string(), "elasticloadbalancing:CreateRule");
    }

    #[test]
    fn a_call_without_a_body_is_named_by_its_query() {
        let request = Request::builder()
            .uri("/?Action=GetCallerIdentity&Version=2011-06-15")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(CallName::of(&request), CallName::new("sts", "GetCallerIdentity"));
    }

    #[test]
    fn a_malformed_request_has_a_name_too_and_a_bounded_one() {
        let name = CallName::of_form(b"\xff\xfe%%%&=&&Action=");
        assert_eq!(name.to_string(), "?:?");
        let long = CallName::of_form(format!("Action={}", "\u{e9}".repeat(500)).as_bytes());
        assert!(long.action.len() <= ACTION_BYTES_MAX, "{}", long.action.len());
    }
}
