//! What can be said to a world: its habits, requests, faults and answers.

use std::time::Duration;

use lab1_flow_journal::{ActionName, FailureClass};

use crate::{ActionContext, Lane};

/// How a world behaves when nothing is wrong.
#[derive(Debug, Clone)]
pub struct Habits {
    /// From a request to its reply; the effect is half-way.
    pub latency: Duration,
    /// How long a new thing stays unseen in searches, and a removed one is still seen.
    pub lag: Duration,
    /// How long a removal takes; the name stays taken.
    pub removal: Duration,
    /// How long a new thing takes to become ready.
    pub settling: Duration,
    /// Whether two things may have one name.
    pub names_are_unique: bool,
}

impl Default for Habits {
    /// A quick and consistent provider.
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(20),
            lag: Duration::ZERO,
            removal: Duration::ZERO,
            settling: Duration::ZERO,
            names_are_unique: true,
        }
    }
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Make a thing, or set a part of one.
    Make,
    /// Search for a thing or a part.
    Find,
    /// Ask whether a thing is ready.
    Watch,
    /// Remove a thing.
    Remove,
    /// List all that carries a mark.
    List,
}

impl Op {
    /// What the provider counts together: all requests of this kind.
    pub(super) fn lane(self) -> Lane {
        let call = match self {
            Self::Make => "make",
            Self::Find => "find",
            Self::Watch => "watch",
            Self::Remove => "remove",
            Self::List => "list",
        };
        Lane { service: "world", call }
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with an error of this class, and has no effect.
    Refused(FailureClass),
    /// It has its effect, and is answered with a server error.
    ErrorAfterEffect,
    /// It has its effect, and is never answered.
    ReplyLost,
    /// It has no effect, and is never answered.
    RequestLost,
    /// It is answered with a server error, and has its effect so much later.
    EffectDelayed(Duration),
    /// It has its effect, and its whole process stands still for so long before it takes the answer in. On a paused clock
    /// only.
    Stalled(Duration),
}

/// A thing as a search shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The thing's id.
    pub id: String,
    /// The run that made it, if it says so.
    pub mark: Option<String>,
    /// What it is.
    pub content: String,
    /// Whether it is being removed.
    pub is_leaving: bool,
}

/// A request to make a thing.
#[derive(Debug, Clone)]
pub struct Order {
    /// The name.
    pub name: String,
    /// What it is.
    pub content: String,
    /// The ids of what it stands on: none of those can be removed before it.
    pub stands_on: Vec<String>,
    /// The mark: the run.
    pub mark: String,
    /// The action that asks.
    pub maker: ActionName,
    /// The idempotency token.
    pub token: String,
}

impl Order {
    /// An order in the name of an action.
    pub fn of(cx: &ActionContext, name: &str, content: &str, stands_on: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            content: content.to_owned(),
            stands_on,
            mark: cx.run().to_string(),
            maker: cx.action().clone(),
            token: cx.token().to_owned(),
        }
    }
}

/// How far a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The thing is gone.
    Gone,
    /// It is on its way out.
    Leaving,
}
