//! The behaviour of the embedded AWS, asked for over its wire.
//!
//! The sections that tests cite are those of the project's notes on AWS semantics.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its request has failed")]

mod any_input;
mod arns;
mod by_hand;
mod conflicts;
mod dependencies;
mod every_action;
mod filters;
mod groups;
mod lags;
mod life;
mod limits;
mod persistence;
mod quotas;
mod readme;
mod replacements;
mod reserved_tags;
mod routes;
mod stack;
mod stale;
mod support;
mod targets;
mod templates;
mod throttling;
mod wire;
