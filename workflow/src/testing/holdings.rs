//! What a provider truly holds, in the checker's terms.

use std::collections::BTreeMap;

use lab1_flow_journal::ActionName;
use serde_json::Value;

/// Everything that a provider holds, by id.
///
/// Leave out what comes and goes by itself: instances of a group belong to the group.
pub type Holdings = BTreeMap<String, Holding>;

/// One thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The run whose mark it carries.
    pub mark: Option<String>,
    /// The action that its mark names.
    pub maker: Option<ActionName>,
    /// The idempotency token that it was made with, where the provider tells.
    pub token: Option<String>,
    /// All else that a person would notice if it changed.
    pub content: Value,
}
