//! How the stack is built on AWS: eight documented steps, made of actions on the official SDK.

mod activities;
mod adoption;
mod answering_instances;
mod auto_scaling_group;
mod balancer_active;
mod classify;
mod connection;
mod documented;
mod ec2;
mod forwarding;
mod healthy_targets;
mod inventory;
mod launch_template;
mod listener;
mod load_balancer;
mod ownership;
mod pages;
mod preflight;
mod probe;
mod removal;
mod rule;
mod security_group;
mod spec;
mod stack;
mod sweep;
mod tags;
mod target_group;
#[cfg(test)]
mod trial;
mod user_data;

pub use answering_instances::AnsweringInstances;
pub use auto_scaling_group::AutoScalingGroupRef;
pub use balancer_active::ActiveLoadBalancer;
pub use connection::{
    Answer, Aws, CallObserver, CallReport, CloudKind, ConnectError, DEFAULT_REGION, NO_CREDENTIALS,
    SendFunction, Service, Target, Transport, TransportFault,
};
pub use healthy_targets::HealthyTargets;
pub use launch_template::LaunchTemplateRef;
pub use listener::ListenerRef;
pub use load_balancer::LoadBalancerRef;
pub use ownership::{ACTION_TAG, MANAGED_BY, MANAGED_BY_TAG, RUN_ID_TAG, STACK_TAG};
pub use preflight::{Network, PREFLIGHT_REFUSED, SubnetRef};
pub use probe::{Probe, ProbeFunction};
pub use rule::RuleRef;
pub use security_group::{SecurityGroupRef, SecurityGroupRulesRef};
pub use spec::{
    GroupSpec, HealthCheckKind, HealthCheckSpec, InstancesSpec, InvalidStackName, LoadBalancerSpec,
    NetworkSpec, Problem, ScalingSpec, StackName, StackSpec, TargetsSpec, WaitMode,
};
pub use stack::{Stack, StoredStackError, WORKFLOW_NAME};
pub use target_group::{TargetGroupAttributesRef, TargetGroupRef};
pub use user_data::boot_script;
