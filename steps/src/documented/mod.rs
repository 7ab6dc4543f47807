//! The documented steps: what is stored of each, and which actions it becomes.

mod auto_scaling_groups;
mod listener;
mod rules;
mod serving;

pub(crate) use auto_scaling_groups::{AutoScalingGroupsNeeds, AutoScalingGroupsStep};
pub(crate) use listener::{ListenerNeeds, ListenerStep};
pub(crate) use rules::{RulesNeeds, RulesStep};
pub(crate) use serving::{ServingNeeds, ServingStep};
