//! A small, honest, wire-compatible local AWS.
//!
//! One function, [`Cloud::handle`], speaks the wire format of EC2, Elastic Load Balancing v2, Auto
//! Scaling and STS over a state machine with an injected clock. It models what an application
//! load-balanced stack of two Auto Scaling groups needs, and it is hard to please in the ways in which
//! AWS is: names conflict, deletions wait for dependencies, what was created is seen late, what was
//! deleted is still seen, launches fail where only an activity tells. What it does not model it refuses
//! loudly: an unknown action or an unknown parameter is an error, never a silent success.
//!
//! Time is the heart of it. Nothing runs in the background: every state is a function of the moments
//! that are stored and of now, and every draw is a function of the seed. So the same calls at the same
//! times give the same cloud, a dead process freezes nothing, and a virtual clock makes a test exact.
//!
//! It proves that a client survives. It does not prove that AWS accepts a request.
//!
//! # Map
//!
//! - `cloud`: the handle, the lock, the order of things in a call; `persist`: the file behind it
//! - `dispatch`: from a request to the handler of its action; `handler`: what a handler gets and gives; `wire`: parameters, XML, errors, paging
//! - `state`, `table`: what is remembered, and what of it can be seen; `ids`: ids and draws
//! - `advance`: what happens by itself; `durations`: how long it takes; `limits`: how often one may call
//! - `ec2`, `elb`, `autoscaling`, `sts`: the services, one module for each kind of resource
//! - `account`, `routing`: the account as people see it, a balancer as its traffic sees it
//! - `traffic`: what a balancer does with a request; `door`: the sockets on loopback; `fault`: plans of
//!   what goes wrong; [`daemon`]: all of it as a process of its own
//!
//! Imports point down: `dispatch` knows the services; `autoscaling` knows `elb` and `ec2`, `elb` knows `ec2`, and `ec2` neither. One
//! circle is meant: a kind's data and its calls are one file, and `state`, which every call is given, names them all.

mod account;
mod advance;
mod autoscaling;
mod cloud;
pub mod daemon;
mod dispatch;
mod door;
mod durations;
mod ec2;
mod elb;
mod fault;
mod frontends;
mod guests;
mod handler;
mod ids;
mod limits;
mod options;
mod persist;
mod private;
mod regions;
mod route_table;
mod routing;
mod state;
mod sts;
mod table;
mod time;
mod traffic;
mod wire;

pub use account::{AccountView, ResourceView};
pub use cloud::{Cloud, CloudSnapshot};
pub use dispatch::modelled_actions;
pub use door::DoorLimits;
pub use durations::Durations;
pub use fault::{
    CallLog, CallName, CallRecord, CallSummary, Fault, FaultPlan, FaultPlanError, FaultRule,
    Faults, carry_out,
};
pub use frontends::{Frontends, NamesOnly};
pub use options::{CloudOptions, DeleteAbsent, GuestKind, Inventory, Lag, Limits, VpcKind};
pub use persist::CloudError;
pub use route_table::{
    BalancerState, ListenerRoute, RouteAction, RouteCondition, RouteRule, RouteTable, RouteTarget,
    TargetState, WeightedGroup,
};
pub use time::{CloudClock, SystemCloudClock, VirtualCloudClock};
pub use traffic::{FlaskApplication, Guest, Traffic, Unreachable};
