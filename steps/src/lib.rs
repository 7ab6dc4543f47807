//! How the stack is built on AWS: eight documented steps, made of actions on the official SDK.

mod classify;
mod connection;
mod launch_template;
mod ownership;
mod preflight;
mod security_group;
mod spec;

pub use connection::{
    Answer, Aws, CallObserver, CallReport, CloudKind, ConnectError, DEFAULT_REGION, SendFunction,
    Service, Target, Transport, TransportFault,
};
pub use launch_template::LaunchTemplateRef;
pub use ownership::{ACTION_TAG, MANAGED_BY, MANAGED_BY_TAG, RUN_ID_TAG, STACK_TAG};
pub use preflight::{Network, SubnetRef};
pub use security_group::{SecurityGroupRef, SecurityGroupRulesRef};
pub use spec::{
    GroupSpec, HealthCheckKind, HealthCheckSpec, InstancesSpec, InvalidStackName, LoadBalancerSpec,
    NetworkSpec, Problem, ScalingSpec, StackName, StackSpec, TargetsSpec, WaitMode,
};
