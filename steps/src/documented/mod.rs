//! The documented steps: what is stored of each, and which actions it becomes.

mod auto_scaling_groups;
mod balancer_security_group;
mod launch_templates;
mod listener;
mod load_balancer;
mod preflight;
mod rules;
mod serving;
mod target_groups;

pub(crate) use auto_scaling_groups::{AutoScalingGroupsNeeds, AutoScalingGroupsStep};
pub(crate) use balancer_security_group::{BalancerSecurityGroupNeeds, BalancerSecurityGroupStep};
pub(crate) use launch_templates::{LaunchTemplatesNeeds, LaunchTemplatesStep};
pub(crate) use listener::{ListenerNeeds, ListenerStep};
pub(crate) use load_balancer::{LoadBalancerNeeds, LoadBalancerStep};
pub(crate) use preflight::PreflightStep;
pub(crate) use rules::{RulesNeeds, RulesStep};
pub(crate) use serving::{ServingNeeds, ServingStep};
pub(crate) use target_groups::{TargetGroupsNeeds, TargetGroupsStep};
