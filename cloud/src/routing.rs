//! The route table of a load balancer, drawn from the state.

use crate::ec2::instances::Instance;
use crate::elb::actions::Action;
use crate::elb::conditions::{Condition, Field};
use crate::elb::listeners::Listener;
use crate::elb::load_balancers::LoadBalancer;
use crate::elb::rules::Rule;
use crate::elb::target_groups::TargetGroup;
use crate::elb::target_health;
use crate::route_table::{
    BalancerState, ListenerRoute, RouteAction, RouteCondition, RouteRule, RouteTable, RouteTarget,
    WeightedGroup,
};
use crate::state::{Region, State};

/// Lists the ARN and the address of every load balancer.
pub(crate) fn hosts(state: &State) -> Vec<(String, String)> {
    let regions = state.regions.values();
    regions
        .flat_map(|region| region.load_balancers.live())
        .map(|balancer| (balancer.arn.clone(), balancer.host.clone()))
        .collect()
}

/// Draws the table of the balancer with this address. Listeners and rules work as soon as they are
/// made, also while reads do not show them yet.
pub(crate) fn route_table(state: &State, host: &str, now_ms: i64) -> Option<RouteTable> {
    state.regions.values().find_map(|region| {
        let balancer = region.load_balancers.live().find(|balancer| balancer.host == host)?;
        let listeners = region.listeners.live().filter(|it| it.balancer_arn == balancer.arn);
        let mut listeners: Vec<ListenerRoute> =
            listeners.map(|it| listener_route(region, balancer, it, now_ms)).collect();
        listeners.sort_by_key(|listener| listener.port);
        Some(RouteTable {
            load_balancer_arn: balancer.arn.clone(),
            host: balancer.host.clone(),
            state: if balancer.is_active(now_ms) {
                BalancerState::Active
            } else {
                BalancerState::Provisioning
            },
            listeners,
        })
    })
}

fn listener_route(
    region: &Region,
    balancer: &LoadBalancer,
    listener: &Listener,
    now_ms: i64,
) -> ListenerRoute {
    let groups = balancer.security_groups.iter();
    let mut worn = groups.filter_map(|id| region.security_groups.live_get(id));
    let mut rules: Vec<RouteRule> = region
        .rules
        .live()
        .filter(|rule| rule.listener_arn == listener.arn)
        .filter_map(|rule| rule_route(region, rule, now_ms))
        .collect();
    rules.sort_by_key(|rule| rule.priority);
    ListenerRoute {
        arn: listener.arn.clone(),
        port: listener.port,
        admitted: worn.any(|group| group.admits_tcp_from_anywhere(listener.port)),
        rules,
        default_action: action_route(region, &listener.action, now_ms),
    }
}

/// Draws a rule; the default rule is drawn with its listener.
fn rule_route(region: &Region, rule: &Rule, now_ms: i64) -> Option<RouteRule> {
    Some(RouteRule {
        arn: rule.arn.clone(),
        priority: rule.priority?,
        conditions: rule.conditions.iter().map(condition_route).collect(),
        action: action_route(region, &rule.action, now_ms),
    })
}

fn condition_route(condition: &Condition) -> RouteCondition {
    let values = condition.values.clone();
    match condition.field {
        Field::PathPattern => RouteCondition::PathPattern(values),
        Field::HostHeader => RouteCondition::HostHeader(values),
        Field::Method => RouteCondition::Method(values),
    }
}

fn action_route(region: &Region, action: &Action, now_ms: i64) -> RouteAction {
    match action {
        Action::Forward(forward) => RouteAction::Forward(
            forward
                .groups
                .iter()
                .map(|(arn, weight)| weighted_group(region, arn, *weight, now_ms))
                .collect(),
        ),
        Action::FixedResponse { status, content_type, body } => RouteAction::FixedResponse {
            status: *status,
            content_type: content_type.clone(),
            body: body.clone(),
        },
        Action::Redirect { status, protocol, host, port, path, query } => RouteAction::Redirect {
            status: *status,
            protocol: protocol.clone(),
            host: host.clone(),
            port: port.clone(),
            path: path.clone(),
            query: query.clone(),
        },
    }
}

fn weighted_group(region: &Region, arn: &str, weight: u32, now_ms: i64) -> WeightedGroup {
    let group = region.target_groups.live_get(arn);
    let targets = group.into_iter().flat_map(|group| {
        group.targets.iter().map(move |target| {
            let instance = region.instances.get(&target.instance_id);
            RouteTarget {
                instance_id: target.instance_id.clone(),
                port: target.port,
                health: target.shown(region, group, now_ms).0,
                answers: instance.is_some_and(|instance| {
                    instance.answers(now_ms) && instance.application.port() == Some(target.port)
                }),
                reachable: target_health::is_reachable(region, group, target, target.port),
                paths: known_paths(instance),
                health_path: path_alone(&group.settings.health_check.path).to_owned(),
            }
        })
    });
    WeightedGroup {
        target_group_arn: arn.to_owned(),
        weight,
        deregistration_delay_s: group.map_or(300, TargetGroup::deregistration_delay_s),
        targets: targets.collect(),
    }
}

/// Gives the patterns of the paths that the application of an instance is taken to know.
fn known_paths(instance: Option<&Instance>) -> Vec<String> {
    let paths = instance.into_iter().flat_map(|instance| instance.application.paths());
    paths.map(str::to_owned).collect()
}

fn path_alone(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}
