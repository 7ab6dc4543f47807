//! What the data plane needs to know of one load balancer, as plain data at one moment.

use serde::Serialize;

/// Pictures one load balancer as it stood when the picture was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteTable {
    /// The balancer.
    pub load_balancer_arn: String,
    /// Its public address, as `DescribeLoadBalancers` shows it.
    pub host: String,
    /// Whether it carries traffic yet.
    pub state: BalancerState,
    /// Its listeners, by port.
    pub listeners: Vec<ListenerRoute>,
}

/// Tells how far a load balancer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerState {
    /// Being made ready: nothing answers yet.
    Provisioning,
    /// Carrying traffic.
    Active,
}

/// One listener and what it does with a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListenerRoute {
    /// The listener.
    pub arn: String,
    /// The port it listens on.
    pub port: u16,
    /// Whether the balancer's security groups admit this port from anywhere. If not, a client sees
    /// its connection time out.
    pub admitted: bool,
    /// The rules, in the order in which they are tried.
    pub rules: Vec<RouteRule>,
    /// What happens when no rule matches.
    pub default_action: RouteAction,
}

/// One rule of a listener.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteRule {
    /// The rule.
    pub arn: String,
    /// Its priority; the lowest number is tried first.
    pub priority: u32,
    /// All of these must hold.
    pub conditions: Vec<RouteCondition>,
    /// What happens when they do.
    pub action: RouteAction,
}

/// What a request must look like. Any one of the values suffices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteCondition {
    /// The path, without the query, matches a pattern with `*` and `?`; letter case counts.
    PathPattern(Vec<String>),
    /// The host matches a pattern with `*` and `?`; letter case does not count.
    HostHeader(Vec<String>),
    /// The method is one of these.
    Method(Vec<String>),
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteAction {
    /// One of these groups answers, chosen by weight.
    Forward(Vec<WeightedGroup>),
    /// The balancer itself answers.
    FixedResponse {
        /// The status, 2xx, 4xx or 5xx.
        status: u16,
        /// The media type of the body.
        content_type: Option<String>,
        /// The body.
        body: Option<String>,
    },
    /// The client is sent elsewhere.
    Redirect {
        /// 301 or 302.
        status: u16,
        /// `#{protocol}` or a protocol.
        protocol: String,
        /// `#{host}` or a host.
        host: String,
        /// `#{port}` or a port.
        port: String,
        /// `/#{path}` or a path.
        path: String,
        /// `#{query}` or a query.
        query: String,
    },
}

/// One target group of a forward action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightedGroup {
    /// The target group.
    pub target_group_arn: String,
    /// Its weight against the others of the action, 0 to 999.
    pub weight: u32,
    /// For how many seconds a deregistered target may finish its requests.
    pub deregistration_delay_s: u32,
    /// Its targets, in a stable order.
    pub targets: Vec<RouteTarget>,
}

/// One target and whether it can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteTarget {
    /// The instance.
    pub instance_id: String,
    /// The port on the instance.
    pub port: u16,
    /// What the health checks say.
    pub health: TargetState,
    /// Whether something listens on the port now: the instance runs, and its user data has finished.
    /// If not, the connection is refused.
    pub answers: bool,
    /// Whether the security groups of the instance admit the port. If not, packets are dropped.
    pub reachable: bool,
    /// The patterns of the paths that its application is taken to know; none where a real one is asked.
    pub paths: Vec<String>,
    /// The path of its group's health check, without a query.
    pub health_path: String,
}

/// Tells what the load balancer thinks of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetState {
    /// No listener uses the group, or the target's zone is not enabled.
    Unused,
    /// Registered, and no check has decided yet.
    Initial,
    /// Passing its checks.
    Healthy,
    /// Failing its checks.
    Unhealthy,
    /// Deregistered, finishing its requests: no new ones.
    Draining,
}

impl TargetState {
    /// Names the state as the wire does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
        }
    }
}
