//! Elastic Load Balancing v2: application load balancers, listeners, rules and target groups.

pub(crate) mod account_limits;
pub(crate) mod actions;
mod arns;
pub(crate) mod attributes;
pub(crate) mod conditions;
pub(crate) mod listeners;
pub(crate) mod load_balancers;
pub(crate) mod rule_changes;
pub(crate) mod rules;
pub(crate) mod tags;
pub(crate) mod target_groups;
pub(crate) mod target_health;
pub(crate) mod targets;
pub(crate) mod usage;

use crate::handler::Route;

/// Every action of Elastic Load Balancing v2 that is modelled.
pub(crate) const ROUTES: &[Route] = &[
    Route::change("AddTags", tags::add),
    Route::change("CreateListener", listeners::create),
    Route::change("CreateLoadBalancer", load_balancers::create),
    Route::change("CreateRule", rules::create),
    Route::change("CreateTargetGroup", target_groups::create),
    Route::change("DeleteListener", listeners::delete),
    Route::change("DeleteLoadBalancer", load_balancers::delete),
    Route::change("DeleteRule", rule_changes::delete),
    Route::change("DeleteTargetGroup", target_groups::delete),
    Route::change("DeregisterTargets", targets::deregister),
    Route::read("DescribeAccountLimits", account_limits::describe),
    Route::read("DescribeCapacityReservation", attributes::describe_capacity_reservation),
    Route::read("DescribeListenerAttributes", attributes::describe_listener),
    Route::read("DescribeListeners", listeners::describe),
    Route::read("DescribeLoadBalancerAttributes", attributes::describe_load_balancer),
    Route::read("DescribeLoadBalancers", load_balancers::describe),
    Route::read("DescribeRules", rules::describe),
    Route::read("DescribeTags", tags::describe),
    Route::read("DescribeTargetGroupAttributes", attributes::describe_target_group),
    Route::read("DescribeTargetGroups", target_groups::describe),
    Route::read("DescribeTargetHealth", targets::describe_health),
    Route::change("ModifyListener", listeners::modify),
    Route::change("ModifyLoadBalancerAttributes", attributes::modify_load_balancer),
    Route::change("ModifyRule", rule_changes::modify),
    Route::change("ModifyTargetGroup", target_groups::modify),
    Route::change("ModifyTargetGroupAttributes", attributes::modify_target_group),
    Route::change("RegisterTargets", targets::register),
    Route::change("RemoveTags", tags::remove),
    Route::change("SetRulePriorities", rule_changes::set_priorities),
];
