//! `gc`: forget runs that are over.

use std::time::Duration;

use clap::Args;
use lab1_flow_journal::{ActionPhase, JournalError, Rest, RunId, RunStore, RunSummary};
use serde_json::json;

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;
use crate::target;
use crate::view::standing::{self, Standing};
use crate::view::time;

/// Delete the records of runs that left nothing behind
///
/// Only runs that were rolled back, or refused before anything was created, are deleted. Every other run is
/// kept, and so is one that cannot be read.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Delete runs whose last record is older than this (such as 12h or 30d)
    #[arg(long, value_name = "TIME", value_parser = target::duration)]
    older_than: Duration,

    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of a run.
enum Verdict {
    Over,
    Kept(String),
}

impl GcArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let summaries = runs.summaries();
        let summaries =
            summaries.map_err(|error| CliError::of_journal(&error, None, &app.program))?;
        let (mut removed, mut kept) = (0_u32, 0_u32);
        for summary in summaries {
            let verdict = match &summary {
                Ok(summary) => self.judge(&runs, summary),
                Err(unreadable) => Verdict::Kept(with_causes(&unreadable.error)),
            };
            let run = summary.map_or_else(|unreadable| unreadable.run, |summary| summary.run);
            if self.carry_out_on(app, &runs, &run, verdict)? {
                removed += 1;
            } else {
                kept += 1;
            }
        }
        if app.output.json {
            let dry_run = self.dry_run;
            app.output.json_line(
                &json!({ "event": "gc-ended", "removed": removed, "kept": kept, "dry_run": dry_run }),
            );
        }
        let deed = if self.dry_run { "would be removed" } else { "removed" };
        app.output.say(&format!("{removed} {deed}, {kept} kept"));
        Ok(ExitStatus::Success)
    }

    fn judge(&self, runs: &RunStore, summary: &RunSummary) -> Verdict {
        let age = time::now().since(summary.summary.changed_at);
        if summary.holder.is_some() {
            return Verdict::Kept("a process works on it".to_owned());
        }
        if age < self.older_than {
            return Verdict::Kept(format!("its last record is {} old", time::span(age)));
        }
        // Only the journal itself says what is left: the mirror may lag behind.
        match runs.view(&summary.run) {
            Ok(view) if view.holder.is_some() => Verdict::Kept("a process works on it".to_owned()),
            Ok(view) => verdict_of(&view.state),
            Err(error) => Verdict::Kept(with_causes(&error)),
        }
    }

    /// Removes a run that is over, or says why it is kept. Tells whether it was removed.
    fn carry_out_on(
        &self,
        app: &App,
        runs: &RunStore,
        run: &RunId,
        verdict: Verdict,
    ) -> Result<bool, CliError> {
        let removed = match verdict {
            Verdict::Kept(reason) => Err(reason),
            Verdict::Over if self.dry_run => Ok(()),
            Verdict::Over => match runs.remove(run) {
                Ok(()) => Ok(()),
                Err(error @ JournalError::Held { .. }) => Err(with_causes(&error)),
                Err(error) => return Err(CliError::of_journal(&error, None, &app.program)),
            },
        };
        let (event, reason) = match &removed {
            Ok(()) if self.dry_run => ("run-removable", None),
            Ok(()) => ("run-removed", None),
            Err(reason) => ("run-kept", Some(reason)),
        };
        if app.output.json {
            app.output.json_line(&json!({ "event": event, "run_id": run, "reason": reason }));
        } else if let Some(reason) = reason {
            app.output.say(&format!("kept {run}: {reason}"));
        } else {
            app.output.data_line(run.as_str());
        }
        Ok(removed.is_ok())
    }
}

/// Whether surely nothing is left of a run.
fn verdict_of(state: &lab1_flow_journal::RunState) -> Verdict {
    let was_left =
        state.actions().any(|(_, action)| matches!(action.phase, ActionPhase::Skipped { .. }));
    match state.rest() {
        Some(Rest::RolledBack) if was_left => {
            Verdict::Kept("a person has left something of it in place".to_owned())
        }
        Some(Rest::RolledBack) => Verdict::Over,
        Some(Rest::Failed) if standing::nothing_was_made(state) => Verdict::Over,
        _ => Verdict::Kept(format!("it is {}", Standing::of(state, false).word())),
    }
}
