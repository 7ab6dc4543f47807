//! `doctor`: whether this machine and the account are fit for a run.

use std::ffi::OsString;

use clap::Args;
use lab1_flow_journal::RunId;
use lab1_flow_steps::{Check, Stack, StackSpec, Verdict};
use serde::Serialize;
use serde_json::json;

use super::wanted::WantedArgs;
use crate::account;
use crate::app::App;
use crate::doctor;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::runtime::block_on;
use crate::target::{self, Choice};
use crate::view::checks::{Count, lines};
use crate::view::next::Next;

/// Check this machine and the account, and explain how to fix what would stop a run
///
/// Runs every check of the preflight of `run`, and more: quotas, other runs, the clock, and the disk under
/// the state directory. The checks run in parallel, also when some fail; nothing is created. Ends with 3 when
/// something would stop `run`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    wanted: WantedArgs,
}

/// The last JSON line.
#[derive(Debug, Serialize)]
struct Diagnosed {
    event: &'static str,
    outcome: &'static str,
    exit_status: u8,
    #[serde(flatten)]
    count: Count,
    next: Vec<Next>,
}

impl DoctorArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.examine(app))
    }

    async fn examine(self, app: &App) -> Result<ExitStatus, CliError> {
        let spec = self.wanted.spec()?;
        let again = self.wanted.again();
        let choice = self.wanted.target.choose()?;
        let state_dir = app.unchecked_state_dir()?.clone();
        let machine = tokio::task::spawn_blocking(move || doctor::examine(&state_dir));
        let account = Box::pin(ask(app, choice, &spec));
        let (machine, account) = tokio::join!(machine, account);
        let machine = machine.map_err(|error| CliError::bug(error.to_string()))?;
        let checks: Vec<Check> = machine.into_iter().chain(account).collect();
        let count = Count::of(&checks);
        let status = if count.problems() > 0 { ExitStatus::Refused } else { ExitStatus::Success };
        let verb = if count.problems() > 0 { "doctor" } else { "run" };
        let words: Vec<_> = [OsString::from(verb)].into_iter().chain(again).collect();
        let purpose = if count.problems() > 0 { "again" } else { "go" };
        let next = vec![Next { purpose, command: app.program.command(&words) }];
        if app.output.json {
            for check in &checks {
                app.output.json_line(&json!({ "event": "check", "check": check }));
            }
            app.output.json_line(&Diagnosed {
                event: "diagnosed",
                outcome: if count.problems() > 0 { "unfit" } else { "fit" },
                exit_status: status.code(),
                count,
                next,
            });
            return Ok(status);
        }
        for line in lines(&checks, app.output.out) {
            app.output.data_line(&line);
        }
        app.output.data_line(&count.sentence());
        app.output.say_next(&next);
        Ok(status)
    }
}

/// Asks the account; that it cannot be reached is an answer, too.
async fn ask(app: &App, choice: Choice, spec: &StackSpec) -> Vec<Check> {
    let connection = match choice.connect(app).await {
        Ok(connection) => connection,
        Err(error) => {
            let check = Check::new("connection", Verdict::Problem, error.what);
            return vec![check.advice(error.next.join("; "))];
        }
    };
    let target = &connection.target;
    let mut checks = vec![Check::new("region", Verdict::Ok, target::words(target))];
    let stack = Stack::new(spec, target);
    // Nothing carries the mark of a run that begins now.
    let asker = RunId::from_random(0);
    let answers = stack.diagnose(&connection.aws, spec, &asker);
    checks.extend(account::patiently(app, &connection, "the answers", answers).await.checks);
    checks
}
