//! `rollback --dry-run`: what would be taken back, in which order. Only the records are read: no call is made, no
//! lock is taken, and a live run can be asked as well.

use lab1_flow_workflow::{Turn, Undoing};
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::execute::reopen;
use crate::exit_status::ExitStatus;
use crate::paint::Tone;
use crate::view::facts::{self, Resource};

/// The preview as one JSON line.
#[derive(Debug, Serialize)]
struct Preview<'a> {
    event: &'static str,
    run_id: &'a str,
    dry_run: bool,
    /// What is in one turn may go side by side; each goes when all that was built on it is proven gone.
    turns: Vec<Vec<Row>>,
    delete: usize,
    in_doubt: usize,
    left: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    action: String,
    #[serde(flatten)]
    undoing: Undoing,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Resource>,
}

pub(super) fn show(app: &App, prefix: &str) -> Result<ExitStatus, CliError> {
    let runs = app.runs()?;
    let run = app.find_run(&runs, prefix)?;
    let view = runs.view(&run);
    let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
    let workflow = reopen::offline_workflow(&view.state)?;
    let turns = workflow
        .preview_rollback(&view.state)
        .map_err(|error| CliError::of_engine(&error, &run, &app.program))?;
    let resources = facts::standing_resources(&view.state);
    let turns: Vec<Vec<Row>> = turns.into_iter().map(|turn| rows(turn, &resources)).collect();
    let count =
        |wanted: &Undoing| turns.iter().flatten().filter(|it| it.undoing == *wanted).count();
    let preview = Preview {
        event: "rollback-previewed",
        run_id: run.as_str(),
        dry_run: true,
        delete: count(&Undoing::TakenBack),
        in_doubt: count(&Undoing::LookedForFirst),
        left: facts::skipped(&view.state),
        turns,
    };
    if app.output.json {
        app.output.json_line(&preview);
    } else {
        tell(app, &preview);
    }
    Ok(ExitStatus::Success)
}

fn rows(turn: Turn, resources: &[Resource]) -> Vec<Row> {
    let row = |(action, undoing): (lab1_flow_journal::ActionName, Undoing)| {
        let resource = resources.iter().find(|resource| resource.action == action.as_str());
        Row { action: action.to_string(), undoing, resource: resource.cloned() }
    };
    turn.into_iter().map(row).collect()
}

fn tell(app: &App, preview: &Preview<'_>) {
    let (output, paint) = (&app.output, app.output.out);
    if preview.turns.is_empty() {
        output.data_line(&format!("run {}: there is nothing to take back", preview.run_id));
    } else {
        output.data_line(&format!(
            "run {}: what has one number may go side by side; each goes when all that was built on it is proven gone",
            preview.run_id
        ));
    }
    for (place, turn) in preview.turns.iter().enumerate() {
        for row in turn {
            let label = row.resource.as_ref().map(Resource::label).unwrap_or_default();
            let (sign, tone, text) = match &row.undoing {
                Undoing::TakenBack => ("-", Tone::Red, label),
                Undoing::LookedForFirst => {
                    ("?", Tone::Yellow, "may be there: it is looked for first".to_owned())
                }
                Undoing::GoesWith { whole } => (" ", Tone::Dim, format!("goes with {whole}")),
                Undoing::StaysWith { reason } => (" ", Tone::Dim, format!("stays: {reason}")),
            };
            let line =
                format!("{:>2}  {} {:<32} {text}", place + 1, paint.tone(tone, sign), row.action);
            output.data_line(line.trim_end());
        }
    }
    for left in &preview.left {
        output.data_line(&format!("    {left}"));
    }
    let doubts = match preview.in_doubt {
        0 => String::new(),
        count => format!(", {count} in doubt"),
    };
    if !preview.turns.is_empty() {
        output.data_line(&format!(
            "Plan: 0 to create, 0 to change, {} to delete{doubts}; before and after, the account is searched for the run's mark.",
            preview.delete
        ));
    }
    output.data_line("Nothing was sent and nothing was recorded.");
}
