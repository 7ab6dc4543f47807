//! Whose the credentials are: asked before there is a run, and before a run goes on.

use std::time::Duration;

use lab1_flow_journal::RunId;
use lab1_flow_steps::{CloudKind, NO_CREDENTIALS};
use lab1_flow_workflow::ActionError;

use crate::app::App;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::target::{self, Connection};
use crate::view::stage::full;

/// Nobody wonders about a wait before it is this long.
const NOTICE: Duration = Duration::from_secs(2);

/// Waits for an answer, and says what for when it takes its time.
pub(crate) async fn patiently<T>(
    app: &App,
    connection: &Connection,
    what: &str,
    answer: impl Future<Output = T>,
) -> T {
    let place = target::words(&connection.target);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        () = tokio::time::sleep(NOTICE) => {}
    }
    app.output.say(&format!("waiting for {what} of {place}"));
    answer.await
}

/// Pins the account that the credentials belong to, where there is one to be pinned.
///
/// Missing credentials are refused here, before there is a run. Whatever else goes wrong is left to the run's
/// own first look, which can wait for the network, or suspend.
pub(crate) async fn pin(app: &App, connection: &mut Connection) -> Result<(), CliError> {
    ask(app, connection, |_| None).await
}

/// The same for a verb that only looks, and has nothing to wait with: an endpoint that does not answer as AWS does is
/// refused here. `again` is what to type then.
pub(crate) async fn pin_or_refuse(
    app: &App,
    connection: &mut Connection,
    again: &str,
) -> Result<(), CliError> {
    let place = target::words(&connection.target);
    let refuse = |error: &ActionError| {
        // What AWS refuses, or puts off, has a code.
        error.code().is_none().then(|| {
            CliError::new(ExitStatus::Suspended, full(error.failure()))
                .stands(format!("nothing was changed; nothing answers as AWS does on {place}"))
                .next("check the network and the endpoint (--endpoint-url, --region), then:")
                .next(again)
        })
    };
    ask(app, connection, refuse).await
}

async fn ask(
    app: &App,
    connection: &mut Connection,
    refuse: impl FnOnce(&ActionError) -> Option<CliError>,
) -> Result<(), CliError> {
    if connection.target.cloud == CloudKind::Local {
        return Ok(());
    }
    let answer = patiently(app, connection, "GetCallerIdentity", connection.aws.account()).await;
    match answer {
        Ok(account) => connection.target.account = Some(account),
        Err(error) if error.code() == Some(NO_CREDENTIALS) => {
            let message = &error.failure().message;
            let reason = message.split_once(": ").map_or(message.as_str(), |(_, reason)| reason);
            return Err(CliError::new(ExitStatus::Refused, reason)
                .stands("nothing was sent, and nothing was created")
                .next(
                    "log in, or set AWS_PROFILE or the AWS_ variables, and give the command again",
                ));
        }
        Err(error) => return refuse(&error).map_or(Ok(()), Err),
    }
    Ok(())
}

/// Refuses to go on with a run under the credentials of another account; `again` is what to type then.
pub(crate) async fn refuse_other(
    app: &App,
    connection: &Connection,
    expected: Option<&str>,
    run: &RunId,
    again: &str,
) -> Result<(), CliError> {
    if connection.target.cloud == CloudKind::Local {
        return Ok(());
    }
    let answer = patiently(app, connection, "GetCallerIdentity", connection.aws.account()).await;
    let account = answer.map_err(|error| {
        let failure = error.failure();
        let refusal =
            CliError::new(ExitStatus::Suspended, full(failure)).stands("nothing was sent");
        let refusal = failure.advice.iter().cloned().fold(refusal, CliError::next);
        refusal.next(again)
    })?;
    match expected {
        Some(expected) if expected != account => {
            let what = format!(
                "run {run} belongs to account {expected}, and the credentials to account {account}"
            );
            Err(CliError::usage(what)
                .stands("nothing was sent")
                .next(format!("use credentials of account {expected}, then: {again}")))
        }
        _ => Ok(()),
    }
}
