//! EC2 Auto Scaling: groups that make instances, keep them at their number, and let go of them.

pub(crate) mod activities;
pub(crate) mod attachments;
pub(crate) mod by_hand;
pub(crate) mod capacity;
pub(crate) mod deletion;
pub(crate) mod groups;
pub(crate) mod launch;
pub(crate) mod members;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod replacement;
pub(crate) mod settings;
pub(crate) mod tags;
pub(crate) mod validation;

use crate::handler::Route;

/// Every action of Auto Scaling that is modelled.
pub(crate) const ROUTES: &[Route] = &[
    Route::bare_change("AttachInstances", by_hand::attach),
    Route::change("AttachLoadBalancerTargetGroups", attachments::attach),
    Route::bare_change("CreateAutoScalingGroup", groups::create),
    Route::bare_change("CreateOrUpdateTags", tags::create_or_update),
    Route::bare_change("DeleteAutoScalingGroup", deletion::delete),
    Route::bare_change("DeleteTags", tags::delete),
    Route::read("DescribeAccountLimits", groups::describe_account_limits),
    Route::read("DescribeAutoScalingGroups", groups::describe),
    Route::read("DescribeAutoScalingInstances", members::describe),
    Route::read("DescribeLoadBalancerTargetGroups", attachments::describe),
    Route::read("DescribeScalingActivities", activities::describe),
    Route::read("DescribeTags", tags::describe),
    Route::change("DetachInstances", by_hand::detach),
    Route::change("DetachLoadBalancerTargetGroups", attachments::detach),
    Route::bare_change("DisableMetricsCollection", metrics::disable),
    Route::bare_change("SetDesiredCapacity", capacity::set_desired),
    Route::change("TerminateInstanceInAutoScalingGroup", members::terminate),
    Route::bare_change("UpdateAutoScalingGroup", groups::update),
];
