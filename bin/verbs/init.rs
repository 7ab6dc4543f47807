//! `init`: a configuration file to begin with.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::config::template;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::invocation::path_word;

/// Write a configuration file with every setting, its default and its meaning
///
/// An existing file is never overwritten. With `-` the text goes to stdout.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(value_name = "FILE", default_value = super::common::CONFIG_FILE)]
    file: PathBuf,
}

impl InitArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let text = template::documented()?;
        let name = self.file.display().to_string();
        if name == "-" {
            app.output.data(&text);
            return Ok(ExitStatus::Success);
        }
        let created = OpenOptions::new().write(true).create_new(true).open(&self.file);
        let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => CliError::usage(format!("{name} is there already"))
                .stands("it was left as it is")
                .next("name another file, or `-` for stdout"),
            _ => CliError::new(ExitStatus::Storage, format!("cannot write {name}: {error}"))
                .next("name a file in a folder that can be written"),
        })?;
        if app.output.json {
            app.output.json_line(&json!({ "event": "config-written", "file": name }));
        }
        app.output
            .say(&format!("{name} has every value with its default; change what you like, then:"));
        let file = path_word(&self.file);
        for words in [["config", "check"], ["run", "--config"]] {
            let arguments = words.map(OsString::from).into_iter().chain([file.clone()]);
            let arguments: Vec<_> = arguments.collect();
            app.output.say(&format!("  {}", app.program.command(&arguments)));
        }
        Ok(ExitStatus::Success)
    }
}
