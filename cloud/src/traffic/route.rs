//! Which action of a listener a request meets.

use bytes::Bytes;
use http::{Request, header};

use super::pattern::matches;
use crate::route_table::{ListenerRoute, RouteAction, RouteCondition};

/// Finds the action of the first rule whose conditions all hold, or the default action.
///
/// The name that comes with it is that of the rule, or of the listener for the default action: the
/// owner of the action's turns.
pub(super) fn action_for<'a>(
    listener: &'a ListenerRoute,
    request: &Request<Bytes>,
) -> (&'a str, &'a RouteAction) {
    let rule = listener
        .rules
        .iter()
        .find(|rule| rule.conditions.iter().all(|condition| holds(condition, request)));
    rule.map_or((&listener.arn, &listener.default_action), |rule| (&rule.arn, &rule.action))
}

/// Tells whether a request fulfils a condition.
fn holds(condition: &RouteCondition, request: &Request<Bytes>) -> bool {
    match condition {
        RouteCondition::PathPattern(patterns) => {
            patterns.iter().any(|pattern| matches(pattern, request.uri().path()))
        }
        RouteCondition::HostHeader(patterns) => {
            let host = host_name(request).to_ascii_lowercase();
            patterns.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &host))
        }
        RouteCondition::Method(methods) => {
            methods.iter().any(|method| method == request.method().as_str())
        }
    }
}

/// Returns the name in the Host header, without the port.
fn host_name(request: &Request<Bytes>) -> &str {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| request.uri().host()).unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}
