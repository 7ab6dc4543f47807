//! One request and its answer, as they were on the wire.

use bytes::Bytes;
use serde::Serialize;

/// What the judge is given. No credential is in it: of the signature only the service is kept.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: String,
    /// The service in the scope of the signature.
    pub(crate) signed_for: String,
    /// The form.
    pub(crate) body: String,
    /// 0 when the cloud did not answer.
    pub(crate) status: u16,
    /// The cloud's own answer, also when it was lost on the way; `None` for one that a story made up.
    pub(crate) answer: Option<String>,
}

impl Exchange {
    /// Writes a request down; there is no answer yet.
    pub(crate) fn of(request: &http::Request<Bytes>) -> Self {
        let header = |name: &str| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        // "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ..."
        let signed_for = header("authorization").split('/').nth(3).unwrap_or_default().to_owned();
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            content_type: header("content-type"),
            signed_for,
            body: String::from_utf8_lossy(request.body()).into_owned(),
            status: 0,
            answer: None,
        }
    }

    /// Returns a value of the form as it is on the wire; `None` when the key is not there.
    pub(crate) fn field(&self, key: &str) -> Option<&str> {
        let mut pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Returns the name of the API action.
    pub(crate) fn action(&self) -> &str {
        self.field("Action").unwrap_or_default()
    }
}
