//! Where the daemon can be reached.

use serde::{Deserialize, Serialize};

use super::access_key::AccessKey;
use crate::options::GuestKind;

/// Tells where the daemon listens, and which process it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The loopback port of the API.
    pub port: u16,
    /// The process.
    pub pid: u32,
    /// When it started, in milliseconds since 1970.
    pub started_at_ms: i64,
    /// How many seconds of AWS pass in one second.
    pub time_scale: f64,
    /// What runs on the instances.
    #[serde(default)]
    pub guests: GuestKind,
    /// Whether a command started it, so that no terminal and no service waits for its end.
    #[serde(default)]
    pub in_background: bool,
    /// The version of the program.
    pub version: String,
    /// The access key id that every request must carry; removed by [`Endpoint::without_key`] before output.
    #[serde(default, skip_serializing_if = "AccessKey::is_none")]
    pub access_key_id: AccessKey,
}

impl Endpoint {
    /// Returns the URL that an SDK takes as its endpoint.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns a copy without the key, for output.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { access_key_id: AccessKey::default(), ..self.clone() }
    }
}
