//! How the stack is built on AWS: eight documented steps, made of actions on the official SDK.
//!
//! A [`StackSpec`] says what is wanted; [`Stack`] cuts it into steps, which are stored with a run, and wires
//! them into a workflow on one connection, [`Aws`]. From there on the engine decides what happens when; the
//! actions of this crate make one attempt each, never wait and never repeat anything.
//!
//! # Three rules that every action keeps
//!
//! *The mark is in the create call.* Everything that is made carries the run and the action as tags from its
//! first moment, the same bytes on every attempt. What cannot carry tags, the rules of a security group and the
//! attributes of a target group, is a change to a thing that does.
//!
//! *A success proves nothing, a mark does.* Three create calls of Elastic Load Balancing answer a repeated
//! request with the thing that is already there, whoever made it. So its tags are read before it counts, and
//! before anything is attached to it. An attempt in doubt is settled the same way: found by its natural key,
//! known by its mark, adopted when its content is the one that was asked for.
//!
//! *Nothing is deleted that is not proven ours*, nor anything that would go along with it: foreign listeners
//! and rules on the balancer and foreign instances in a group stop a rollback, and are named.
//!
//! # The actions
//!
//! | step | action | call | proof that it is ours | taken back by |
//! |---|---|---|---|---|
//! | | `preflight` | a dozen reads, side by side | | nothing to take back |
//! | 1 | `instance-security-group` | `CreateSecurityGroup` | refuses a taken name | `DeleteSecurityGroup`, once no interface is in it |
//! | 1 | `instance-security-group-rules` | `AuthorizeSecurityGroupIngress` | a part of the group | goes with the group |
//! | 1 | `launch-template-1`, `launch-template-2` | `CreateLaunchTemplate`, with a token | refuses a taken name | `DeleteLaunchTemplate` |
//! | 2 | `target-group-1`, `target-group-2` | `CreateTargetGroup` | tags read back | `DeleteTargetGroup`, once no listener or rule refers to it |
//! | 2 | `target-group-1-attributes`, `target-group-2-attributes` | `ModifyTargetGroupAttributes` | a part of the target group | goes with the target group |
//! | 3 | `balancer-security-group` | `CreateSecurityGroup`: first and alone, the claim on all names | refuses a taken name | `DeleteSecurityGroup`, last |
//! | 3 | `balancer-security-group-rules` | `AuthorizeSecurityGroupIngress` | a part of the group | goes with the group |
//! | 4 | `load-balancer` | `CreateLoadBalancer` | tags read back | `DeleteLoadBalancer`, once all its parts are proven ours |
//! | 5 | `listener` | `CreateListener` | content and tags read back | goes with the balancer |
//! | 6 | `rule-1`, `rule-2` | `CreateRule` | refuses a taken priority | goes with the balancer |
//! | 7 | `auto-scaling-group-1`, `auto-scaling-group-2` | `CreateAutoScalingGroup` | refuses a taken name | forced `DeleteAutoScalingGroup`, and the end of every instance |
//! | 8 | `load-balancer-active` | looks at the balancer's state | | nothing to take back |
//! | 8 | `targets-healthy` | looks at targets, groups, and scaling activities | | nothing to take back |
//! | 8 | `instances-answer` | visits every instance through the balancer | | nothing to take back |
//!
//! # Map
//!
//! - `spec`: what is wanted, and its rules; `documented`, `stack`: the steps, and how they feed each other
//! - `connection`: the way to AWS, and the one place that every call passes; `classify`: what an error says
//! - `ownership`, `tags`, `adoption`, `removal`: marks, their proofs, and what follows from them
//! - one module for each kind of resource, and one for each wait; `user_data`: what the instances run
//! - `preflight`, `sweep`: the look before anything is made, and the one after everything is gone; `inventory`: what
//!   both ask; `permissions`: what AWS must allow for all this; `memory`: what a look of many calls keeps for its
//!   repetition
//! - `recovery`: a run whose journal is lost
//! - `shell`: commands that a person is told to type
//! - `cost`: what a stack costs, by a list of prices with a date
//! - `verify`: the look at all that a run has made; `alone`: the engine around a look that belongs to no run

mod activities;
mod adoption;
mod alone;
mod answering_instances;
mod auto_scaling_group;
mod balancer_active;
mod classify;
mod connection;
mod cost;
mod documented;
mod ec2;
mod forwarding;
mod healthy_targets;
mod inventory;
mod launch_template;
mod listener;
mod load_balancer;
mod memory;
mod ownership;
mod pages;
mod permissions;
mod preflight;
mod probe;
mod recovery;
mod removal;
mod rule;
mod security_group;
mod shell;
mod spec;
mod stack;
mod sweep;
mod tags;
mod target_group;
mod topology;
#[cfg(test)]
mod trial;
mod user_data;
mod verify;

pub use adoption::Difference;
pub use answering_instances::AnsweringInstances;
pub use auto_scaling_group::AutoScalingGroupRef;
pub use balancer_active::ActiveLoadBalancer;
pub use connection::{
    Answer, Aws, CallObserver, CallReport, CloudKind, ConnectError, DEFAULT_REGION, LookupCounts,
    NO_CREDENTIALS, SendFunction, Service, Target, Transport, TransportFault,
};
pub use cost::{Cost, CostItem};
pub use healthy_targets::HealthyTargets;
pub use launch_template::LaunchTemplateRef;
pub use listener::ListenerRef;
pub use load_balancer::LoadBalancerRef;
pub use ownership::{ACTION_TAG, MANAGED_BY, MANAGED_BY_TAG, RUN_ID_TAG, STACK_TAG};
pub use permissions::{IamPolicy, PolicyScope, iam_policy};
pub use preflight::{
    Check, Examination, Network, PREFLIGHT_REFUSED, RootVolume, Standing, SubnetRef, Verdict,
};
pub use probe::{Probe, ProbeFunction};
pub use recovery::{
    MarkedRun, MarkedThing, RECOVERY_WORKFLOW, marked_runs, recovery_workflow, stored_recovery,
};
pub use rule::RuleRef;
pub use security_group::{SecurityGroupRef, SecurityGroupRulesRef};
pub use shell::shell_command;
pub use spec::{
    GroupSpec, HealthCheckKind, HealthCheckSpec, InstancesSpec, InvalidStackName, LoadBalancerSpec,
    NetworkSpec, Problem, ScalingSpec, StackName, StackSpec, TargetsSpec, WaitMode, schema,
};
pub use stack::{Stack, StoredStackError, WORKFLOW_NAME};
pub use sweep::SEARCHED_KINDS;
pub use target_group::{TargetGroupAttributesRef, TargetGroupRef};
pub use topology::{Link, Place, Topology};
pub use user_data::boot_script;
pub use verify::{
    Condition, Finding, InstanceAnswers, PathAnswers, Serving, Verification, VerifyOptions,
};
