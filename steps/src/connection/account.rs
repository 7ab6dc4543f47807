//! Whose the credentials are.

use lab1_flow_workflow::ActionError;

use super::aws::Aws;
use super::call::{Call, Service};

/// The code of an error that says that no credentials were found anywhere.
pub const NO_CREDENTIALS: &str = "NoCredentials";

/// Who asks, as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The account that the credentials belong to.
    pub(crate) account: String,
    /// The user or role that they are for.
    pub(crate) arn: Option<String>,
}

impl Aws {
    /// Asks for the account that the credentials belong to; it needs no permission.
    ///
    /// # Errors
    /// As any reading call; [`NO_CREDENTIALS`] when there are none, and then nothing was sent.
    pub async fn account(&self) -> Result<String, ActionError> {
        self.identity().await.map(|identity| identity.account)
    }

    /// Asks for all that is told of the credentials.
    pub(crate) async fn identity(&self) -> Result<Identity, ActionError> {
        let call = Call::reading(Service::Sts, "GetCallerIdentity", "whose the credentials are");
        let answer = self.call(call, self.sts().get_caller_identity().send()).await?;
        let account = answer.account.ok_or_else(|| {
            ActionError::transient("the answer to GetCallerIdentity names no account")
        })?;
        Ok(Identity { account, arn: answer.arn })
    }
}
