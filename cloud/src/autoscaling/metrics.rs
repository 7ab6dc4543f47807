//! The metrics of a group: none are collected here, so switching them off is all that can be done.

use crate::autoscaling::model::changeable;
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

/// The metrics that a group can have.
const METRICS: [&str; 8] = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
];

pub(crate) fn disable(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    let metrics = input.texts("Metrics");
    input.end()?;
    if let Some(metric) = metrics.iter().find(|metric| !METRICS.contains(metric)) {
        return Err(input.invalid("Metrics", format!("'{metric}' is not a metric of a group")));
    }
    changeable(cx, name)?;
    Ok(Xml::new())
}
