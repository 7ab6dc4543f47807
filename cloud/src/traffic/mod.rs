//! The data plane: what a load balancer does with a request, as a function.
//!
//! [`Traffic::answer`] takes a request to a balancer's address and goes the way that it goes on AWS:
//! the listener's rules by priority, a target group by weight, a healthy target in turn, and the
//! application on the instance. The sockets of the daemon and an in-process client use this same
//! function, so that both see the same traffic.

mod choice;
mod guest;
mod pattern;
mod reply;
mod route;

use std::io;

use bytes::Bytes;
use http::{Method, Request, Response, header};

pub use guest::{FlaskApplication, Guest};
pub(crate) use pattern::matches;
pub(crate) use reply::error_page;

use choice::Choices;
use route::action_for;

use crate::Cloud;
use crate::route_table::{
    BalancerState, ListenerRoute, RouteAction, RouteTable, RouteTarget, TargetState, WeightedGroup,
};

/// The port of HTTP, which an address without a port means.
const HTTP_PORT: u16 = 80;

/// Carries requests through load balancers to the applications on the instances.
///
/// It remembers whose turn it is and nothing else; a new one starts the turns anew.
#[derive(Debug)]
pub struct Traffic {
    choices: Choices,
    guest: Box<dyn Guest>,
}

/// Says why a request got no answer at all, not even an error page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// No load balancer has this address: its name does not resolve.
    #[error("no load balancer has this address")]
    UnknownHost,
    /// The balancer is not active yet, or has no listener on the port: the connection is refused.
    #[error("the load balancer refuses the connection: it is not active, or has no listener there")]
    Refused,
    /// The security groups of the balancer drop the packets: the connection times out.
    #[error("the load balancer's security groups do not admit the port: the connection times out")]
    TimedOut,
}

impl From<Unreachable> for io::Error {
    fn from(reason: Unreachable) -> Self {
        let kind = match reason {
            Unreachable::UnknownHost => io::ErrorKind::NotFound,
            Unreachable::Refused => io::ErrorKind::ConnectionRefused,
            Unreachable::TimedOut => io::ErrorKind::TimedOut,
        };
        Self::new(kind, reason)
    }
}

impl Traffic {
    /// Makes a data plane on whose instances the documented application runs.
    ///
    /// The seed decides who has the first turn, so that nobody comes to rely on an order that AWS
    /// does not promise. The same seed and the same requests meet the same targets.
    pub fn new(seed: u64) -> Self {
        Self::with_guest(seed, Box::new(FlaskApplication))
    }

    /// Makes a data plane on whose instances `guest` runs.
    pub fn with_guest(seed: u64, guest: Box<dyn Guest>) -> Self {
        Self { choices: Choices::new(seed), guest }
    }

    /// Answers a request to the load balancer at `host`.
    ///
    /// `host` is what `DescribeLoadBalancers` shows as `DNSName`, optionally with a port. Without
    /// one the listener on port 80 is meant, or that with the lowest port when there is none on 80:
    /// on a loopback address the port belongs to the name.
    pub fn answer(
        &self,
        cloud: &Cloud,
        host: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        let (table, port) = find_balancer(cloud, host).ok_or(Unreachable::UnknownHost)?;
        self.route(&table, port, request)
    }

    /// Answers a request to a balancer whose picture was taken already.
    fn route(
        &self,
        table: &RouteTable,
        port: Option<u16>,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        if table.state != BalancerState::Active {
            return Err(Unreachable::Refused);
        }
        let listener = find_listener(table, port).ok_or(Unreachable::Refused)?;
        if !listener.admitted {
            return Err(Unreachable::TimedOut);
        }
        let (key, action) = action_for(listener, request);
        let response = match action {
            RouteAction::Forward(groups) => self.forward(key, groups, request),
            RouteAction::FixedResponse { status, content_type, body } => {
                reply::fixed(*status, content_type.as_deref(), body.as_deref())
            }
            RouteAction::Redirect { status, protocol, host, port, path, query } => {
                let target = reply::RedirectTarget { protocol, host, port, path, query };
                reply::redirect(*status, &target, listener.port, request)
            }
        };
        Ok(without_body_for_head(request.method(), response))
    }

    /// Sends a request to one of the groups of an action, and there to the target whose turn it is.
    fn forward(
        &self,
        key: &str,
        groups: &[WeightedGroup],
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let Some(group) = self.choices.group(key, groups) else {
            return reply::unavailable();
        };
        let candidates = candidates(group);
        let Some(target) = self.choices.target(&group.target_group_arn, &candidates) else {
            return reply::unavailable();
        };
        if !target.reachable {
            return reply::gateway_timeout();
        }
        if !target.answers {
            return reply::bad_gateway();
        }
        self.guest.answer(target, request).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::TimedOut => reply::gateway_timeout(),
            _ => reply::bad_gateway(),
        })
    }
}

/// Finds the balancer that an address means, and the port if the address names one beside it.
fn find_balancer(cloud: &Cloud, host: &str) -> Option<(RouteTable, Option<u16>)> {
    if let Some(table) = cloud.route_table(host) {
        return Some((table, None));
    }
    let (name, port) = host.rsplit_once(':')?;
    let port = port.parse().ok()?;
    cloud.route_table(name).map(|table| (table, Some(port)))
}

/// Finds the listener that a connection reaches.
fn find_listener(table: &RouteTable, port: Option<u16>) -> Option<&ListenerRoute> {
    let on = |port| table.listeners.iter().find(|listener| listener.port == port);
    match port {
        Some(port) => on(port),
        None => on(HTTP_PORT).or_else(|| table.listeners.iter().min_by_key(|l| l.port)),
    }
}

/// Lists the targets that may get a new request.
///
/// Those that are healthy; when there is none, the balancer fails open and takes every registered
/// one. Draining targets finish what they have and get nothing new.
fn candidates(group: &WeightedGroup) -> Vec<&RouteTarget> {
    let in_state = |wanted: &[TargetState]| -> Vec<&RouteTarget> {
        group.targets.iter().filter(|target| wanted.contains(&target.health)).collect()
    };
    let healthy = in_state(&[TargetState::Healthy]);
    if healthy.is_empty() {
        return in_state(&[TargetState::Unhealthy, TargetState::Initial]);
    }
    healthy
}

/// Takes the body out of an answer to HEAD, and leaves its length.
fn without_body_for_head(method: &Method, mut response: Response<Bytes>) -> Response<Bytes> {
    if method == Method::HEAD {
        let length = std::mem::take(response.body_mut()).len();
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

#[cfg(test)]
mod tests;
