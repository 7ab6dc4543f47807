//! Where credentials come from, by the kind of cloud.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

/// Credentials for clouds that check none. They are no secret.
pub(crate) fn dummy() -> Credentials {
    Credentials::new("lab1-flow", "lab1-flow", None, None, "lab1-flow dummy")
}

/// Asks the usual chain, and falls back to dummy credentials when it has none at all.
///
/// Credentials that are there but do not load (an expired session, a failing helper) stay an error.
#[derive(Debug)]
pub(crate) struct OrDummy(pub(crate) SharedCredentialsProvider);

impl ProvideCredentials for OrDummy {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            match self.0.provide_credentials().await {
                Err(CredentialsError::CredentialsNotLoaded(_)) => Ok(dummy()),
                other => other,
            }
        })
    }
}
