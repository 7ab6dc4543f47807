//! Launch templates.

use serde::{Deserialize, Serialize};

/// A launch template that was made, and its only version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplateRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The number of the version to launch from; pinned, so that a later version changes nothing.
    pub version: i64,
}
