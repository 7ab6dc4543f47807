//! `config`: is a configuration right, and what may stand in one?

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lab1_flow_steps::StackSpec;
use serde_json::{Value, json};

use crate::app::App;
use crate::config::{self, Mistake, Overrides, Source};
use crate::error::CliError;
use crate::exit_status::ExitStatus;

/// Check a configuration file, or print its JSON Schema
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Check a file and report every mistake in it
    ///
    /// Nothing is sent: `run` itself checks whether the image, the key pair and the names exist.
    Check {
        /// The file to check
        #[arg(value_name = "FILE", default_value = super::common::CONFIG_FILE)]
        file: PathBuf,
    },
    /// Print the JSON Schema of the file, for editors
    Schema,
}

impl ConfigArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        match self.verb {
            ConfigVerb::Check { file } => check(app, &Source::read(&file)?),
            ConfigVerb::Schema => {
                let schema = lab1_flow_steps::schema();
                if app.output.json {
                    app.output
                        .json_line(&json!({ "event": "config-schema", "config_schema": schema }));
                } else {
                    app.output.json_text(&format!("{schema:#}"));
                }
                Ok(ExitStatus::Success)
            }
        }
    }
}

fn check(app: &App, source: &Source) -> Result<ExitStatus, CliError> {
    let (spec, mistakes) = config::judge(Some(source), &Overrides::default());
    if app.output.json {
        let mistakes: Vec<_> = mistakes.iter().map(|mistake| as_json(mistake, source)).collect();
        app.output.json_line(&json!({
            "event": "config-checked",
            "file": source.name(),
            "valid": mistakes.is_empty(),
            "mistakes": mistakes,
        }));
    }
    if !mistakes.is_empty() {
        return Err(config::refuse(Some(source), &mistakes));
    }
    if !app.output.json {
        app.output.data_line(&format!("{}: right; {}", source.name(), summary(&spec)));
    }
    Ok(ExitStatus::Success)
}

fn as_json(mistake: &Mistake, source: &Source) -> Value {
    let position = mistake.span.as_ref().map(|span| source.position(span.start));
    json!({
        "path": mistake.path,
        "line": position.map(|(line, _)| line),
        "column": position.map(|(_, column)| column),
        "message": mistake.message,
        "suggestion": mistake.suggestion,
    })
}

/// What the configuration comes to, in one line.
fn summary(spec: &StackSpec) -> String {
    let groups = spec
        .groups
        .iter()
        .zip(&spec.network.zones)
        .map(|(group, zone)| format!("{} {} in {zone}", group.desired, group.instance_type));
    let groups: Vec<_> = groups.collect();
    format!("stack {} with {}", spec.stack.as_str(), groups.join(" and "))
}
