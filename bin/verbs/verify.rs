//! `verify`: what a run has made, against what is there.

use clap::Args;
use lab1_flow_steps::{Verification, VerifyOptions};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::execute::reopen;
use crate::exit_status::ExitStatus;
use crate::run_context::RunContext;
use crate::runtime::block_on;
use crate::view::next::{self, Next};
use crate::view::standing::Standing;
use crate::view::time;
use crate::view::verification::{Tally, lines, serving_lines};

/// Compare everything a run created with what exists now
///
/// Each resource is reported as present, changed or gone, field by field; of a run that was rolled back,
/// nothing may be left. Resources too new to be visible everywhere, and those in doubt, are listed as such
/// and are no difference. This only reads, and disturbs no process that works on the run. Ends with 8 when
/// something differs.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    /// Also send requests through the load balancer, until every instance has answered
    #[arg(long)]
    http: bool,
}

/// The last JSON line.
#[derive(Debug, Serialize)]
struct Verified<'a> {
    event: &'static str,
    run_id: &'a str,
    outcome: &'static str,
    exit_status: u8,
    #[serde(flatten)]
    tally: Tally,
    next: Vec<Next>,
}

impl VerifyArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.compare(app))
    }

    async fn compare(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let view = runs.view(&run);
        let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
        let now = time::now();
        let state = &view.state;
        let context = RunContext::of(state.header())?;
        let (connection, stack) = reopen::connect(app, state, &context, "verify").await?;
        let options = VerifyOptions { http: self.http, live: view.holder.is_some(), now };
        let found = stack.verify(&connection.aws, state, &connection.profile, options).await;
        let found = found.map_err(|failure| {
            CliError::of_look(&failure, app.program.command(&["verify", run.as_str()]))
        })?;
        let standing = Standing::of(state, view.holder.is_some());
        let next = next::commands(&run, standing, state.is_rolling_back(), &app.program);
        let status = if found.differs() { ExitStatus::Differences } else { ExitStatus::Success };
        if app.output.json {
            tell_scripts(app, run.as_str(), &found, status, next);
        } else {
            let tally = tell_people(app, &found, standing);
            if self.http && found.serving.is_none() {
                app.output.say("nothing was visited: the run has no load balancer that answers");
            }
            if status != ExitStatus::Success || tally.has_doubts() {
                app.output.say_next(&next);
            }
        }
        Ok(status)
    }
}

fn tell_people(app: &App, found: &Verification, standing: Standing) -> Tally {
    let paint = app.output.out;
    for line in lines(found, paint) {
        app.output.data_line(&line);
    }
    if let Some(serving) = &found.serving {
        app.output.data_line("");
        for line in serving_lines(serving, paint) {
            app.output.data_line(&line);
        }
        app.output.data_line("");
    }
    for note in &found.notes {
        app.output.data_line(&format!("note: {note}"));
    }
    let tally = Tally::of(found);
    app.output.data_line(&tally.sentence(standing));
    tally
}

fn tell_scripts(app: &App, run: &str, found: &Verification, status: ExitStatus, next: Vec<Next>) {
    let output = &app.output;
    for finding in &found.findings {
        output.json_line(&json!({ "event": "finding", "finding": finding }));
    }
    for note in &found.notes {
        output.json_line(&json!({ "event": "note", "text": note }));
    }
    if let Some(serving) = &found.serving {
        output.json_line(&json!({ "event": "serving", "serving": serving }));
    }
    output.json_line(&Verified {
        event: "verified",
        run_id: run,
        outcome: match (found.differs(), found.is_settled()) {
            (true, _) => "different",
            (false, true) => "same",
            (false, false) => "unsettled",
        },
        exit_status: status.code(),
        tally: Tally::of(found),
        next,
    });
}
