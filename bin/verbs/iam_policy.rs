//! `iam-policy`: the permissions that a run and its rollback need.

use clap::Args;
use lab1_flow_journal::RunId;
use lab1_flow_steps::{PolicyScope, iam_policy};
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::exit_status::ExitStatus;

/// Print the IAM policy that a run and its rollback need on AWS
///
/// The policy allows the caller to create resources tagged for a run, to change resources that carry such a
/// tag, and to read everything else.
#[derive(Debug, Args)]
pub(crate) struct IamPolicyArgs {
    /// Allow this run alone: enough to resume it and roll it back
    #[arg(long, value_name = "RUN-ID", value_parser = RunId::new)]
    run_id: Option<RunId>,

    /// Allow this account, by its twelve digits, instead of any
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,

    /// Allow this region instead of any
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<String>,
}

impl IamPolicyArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let run = self.run_id.map(|run| run.to_string());
        let policy = iam_policy(&PolicyScope { account: self.account, region: self.region, run });
        if app.output.json {
            app.output.json_line(&json!({ "event": "iam-policy", "policy": policy }));
            return Ok(ExitStatus::Success);
        }
        let text = serde_json::to_string_pretty(&policy)
            .map_err(|error| CliError::bug(format!("the policy cannot be written: {error}")))?;
        app.output.json_text(&text);
        Ok(ExitStatus::Success)
    }
}

/// Reads the number of an account.
fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("it must be twelve digits, such as 123456789012".to_owned())
}

/// Reads the name of a region: in a policy anything else would allow nothing, or too much.
fn region(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err("it must be the name of a region, such as us-east-1".to_owned())
}
