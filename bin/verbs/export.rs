//! `export`: the whole history of a run, to be read elsewhere.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use lab1_flow_journal::{RunView, Source};
use serde_json::{Value, json};

use crate::app::App;
use crate::door;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::output;
use crate::view::standing::Standing;

/// Write the whole history of a run as JSON lines: enough to read it elsewhere
///
/// docs/journal-format.md, section 11, describes the lines. An existing file is never overwritten.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    /// Write to this new file, readable by its owner only, instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ExportArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let view = runs.view(&run);
        let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
        let lines = lines(&view);
        let Some(file) = &self.output else {
            for line in &lines {
                app.output.json_line(line);
            }
            return Ok(ExitStatus::Success);
        };
        write_new(file, &lines)?;
        let count = view.history.records.len();
        app.output.say(&format!("{} has the {count} records of run {run}", file.display()));
        Ok(ExitStatus::Success)
    }
}

fn lines(view: &RunView) -> Vec<Value> {
    let history = &view.history;
    let count = history.records.len();
    let source = match view.source {
        Source::Journal => "journal",
        Source::Mirror => "mirror",
    };
    let mut lines = vec![
        json!({
            "event": "export",
            "run_id": history.header.run,
            "state": Standing::of(&view.state, view.holder.is_some()),
            "source": source,
            "records": count,
        }),
        json!({ "event": "header", "run_id": history.header.run, "header": history.header }),
    ];
    let record = |record: &lab1_flow_journal::Record| json!({ "event": "record", "seq": record.seq, "at": record.at, "entry": record.entry });
    lines.extend(history.records.iter().map(record));
    lines.push(json!({ "event": "export-ended", "run_id": history.header.run, "records": count }));
    lines
}

fn write_new(file: &Path, lines: &[Value]) -> Result<(), CliError> {
    let name = file.display();
    let opening = output::opening_line();
    let lines = [&opening].into_iter().chain(lines);
    let text: String = lines.map(|line| door::json(&line.to_string()) + "\n").collect();
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = created.and_then(|mut created| {
        created.write_all(text.as_bytes())?;
        created.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::usage(format!("{name} is there already"))
            .stands("it was left as it is")
            .next("name another file"),
        _ => CliError::new(ExitStatus::Storage, format!("cannot write {name}: {error}"))
            .next("name a new file in a folder that can be written"),
    })
}
