//! `journal`: the records of a run.

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::progress::RecordEvent;
use crate::view::{record, time};

/// Print the records of a run, oldest first
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,
}

impl JournalArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let view = runs.view(&run);
        let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
        let output = &app.output;
        let header = &view.history.header;
        if output.json {
            output.json_line(&json!({ "event": "header", "run_id": header.run, "header": header }));
            for record in &view.history.records {
                output.json_line(&RecordEvent::new(record));
            }
            return Ok(ExitStatus::Success);
        }
        let created = time::moment(header.created_at);
        output.data_line(&format!("   0  {created}  run {} of {}", header.run, header.workflow));
        for record in &view.history.records {
            let line = record::line(record);
            let word = output.out.tone(line.tone, &format!("{:<8}", line.word));
            let at = time::time_of_day(record.at);
            let text =
                format!("{:>4}  {at}  {:<30} {word} {}", record.seq.0, line.subject, line.detail);
            output.data_line(text.trim_end());
        }
        Ok(ExitStatus::Success)
    }
}
