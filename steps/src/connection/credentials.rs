//! Where credentials come from, by the kind of cloud.

use std::io;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::fault::chain;
use super::profiles::Profiles;
use super::redact::Secrets;

/// Credentials for clouds that check none. They are no secret.
pub(crate) fn dummy() -> Credentials {
    Credentials::new("lab1-flow", "lab1-flow", None, None, "lab1-flow dummy")
}

/// Credentials for an embedded cloud with this access key. It verifies no signature, so the secret is arbitrary.
pub(crate) fn embedded(access_key_id: &str) -> Credentials {
    Credentials::new(access_key_id, "lab1-flow", None, None, "lab1-flow embedded cloud")
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

/// Asks another provider, remembers what must not be told, and names the file of a web identity in an error that says
/// only what went wrong with it.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: SharedCredentialsProvider,
    token_file: Option<String>,
    secrets: Secrets,
}

impl Watched {
    pub(super) fn new(
        inner: SharedCredentialsProvider,
        profiles: Profiles,
        secrets: &Secrets,
    ) -> Self {
        Self { inner, token_file: profiles.token_file, secrets: secrets.clone() }
    }

    fn naming(&self, error: CredentialsError) -> CredentialsError {
        let Some(file) = &self.token_file else { return error };
        // Whoever else reads a file names it in a link of its own.
        let below = chain(&error).find(|link| !link.is::<CredentialsError>());
        let read = below.and_then(|link| link.downcast_ref::<io::Error>());
        let named = read
            .map(|read| io::Error::new(read.kind(), format!("the web identity in {file}: {read}")));
        named.map_or(error, CredentialsError::provider_error)
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let found = self.inner.provide_credentials().await;
            found
                .inspect(|credentials| self.secrets.remember(credentials))
                .map_err(|error| self.naming(error))
        })
    }
}
