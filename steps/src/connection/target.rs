//! Which cloud a run is made on.

use serde::{Deserialize, Serialize};

/// The region of the documented stack: its image exists there only.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Names the cloud that a run is made on. It is stored in the run's header and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What kind of cloud it is.
    pub cloud: CloudKind,
    /// Where it answers; `None` is where AWS answers in the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The region; `None` takes it from the usual AWS chain, and ends at [`DEFAULT_REGION`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The profile of the AWS configuration files; `None` takes the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account that the credentials must belong to; `None` accepts any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What kind of cloud a target is; decides where credentials and settings may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloudKind {
    /// The embedded cloud: no AWS variable, no profile and no credential is read.
    Local,
    /// AWS itself: the usual chain of variables, profiles, single sign-on and instance roles.
    Aws,
    /// Any other endpoint: the usual chain, and dummy credentials when it has none.
    Endpoint,
}

impl Target {
    /// The embedded cloud that answers at `endpoint_url`; `None` when it is called in-process.
    pub fn local(endpoint_url: Option<String>) -> Self {
        Self::of_kind(CloudKind::Local, endpoint_url)
    }

    /// AWS itself.
    pub fn aws() -> Self {
        Self::of_kind(CloudKind::Aws, None)
    }

    /// Any endpoint that speaks the protocols of AWS.
    pub fn endpoint(url: impl Into<String>) -> Self {
        Self::of_kind(CloudKind::Endpoint, Some(url.into()))
    }

    /// The same target in this region.
    #[must_use]
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    fn of_kind(cloud: CloudKind, endpoint_url: Option<String>) -> Self {
        Self { cloud, endpoint_url, region: None, profile: None, account: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_stored_and_read_back() {
        let mut target = Target::endpoint("http://127.0.0.1:5000").in_region("eu-west-1");
        target.profile = Some("lab".to_owned());
        target.account = Some("123456789012".to_owned());
        let stored = serde_json::to_string(&target).unwrap();
        assert_eq!(serde_json::from_str::<Target>(&stored).unwrap(), target);
    }

    #[test]
    fn what_is_not_said_is_not_stored() {
        let stored = serde_json::to_string(&Target::aws()).unwrap();
        assert_eq!(stored, r#"{"cloud":"aws"}"#);
    }
}
