//! `man`: the manual, made from the definitions of the words.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use lab1_flow_steps::shell_command;
use serde_json::json;

use crate::app::App;
use crate::cli::Cli;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::invocation::path_word;

/// Print the manual page, or write one for each verb
///
/// For `man lab1-flow` and `man lab1-flow-run`: `lab1-flow man --dir ~/.local/share/man/man1`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of the program and of each verb into this folder; pages that are there are replaced
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            let mut command = Cli::command().disable_help_subcommand(true);
            command.build();
            let rendered = Man::new(command).render(&mut page);
            rendered.map_err(|error| CliError::bug(error.to_string()))?;
            app.output.data(&String::from_utf8_lossy(&page));
            return Ok(ExitStatus::Success);
        };
        let written = std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &dir));
        written.map_err(|error| {
            CliError::new(
                ExitStatus::Storage,
                format!("cannot write into {}: {error}", dir.display()),
            )
            .next("name a folder that can be written")
        })?;
        if app.output.json {
            let pages = pages(&Cli::command(), "lab1-flow");
            app.output.json_line(&json!({ "event": "man-written", "dir": dir, "pages": pages }));
        }
        let first = dir.join("lab1-flow.1");
        app.output.say(&format!(
            "the manual is in {}; read it with: {}",
            dir.display(),
            shell_command(["man".into(), path_word(&first)])
        ));
        Ok(ExitStatus::Success)
    }
}

/// The names of the files: one for the program, and one for each verb and what is below it.
fn pages(command: &Command, name: &str) -> Vec<String> {
    let below = command.get_subcommands();
    let below = below.flat_map(|verb| pages(verb, &format!("{name}-{}", verb.get_name())));
    [format!("{name}.1")].into_iter().chain(below).collect()
}
