//! Security groups and their rules.

use serde::{Deserialize, Serialize};

/// A security group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The rules of a security group, known to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRulesRef {
    /// The group's id.
    pub group_id: String,
}
