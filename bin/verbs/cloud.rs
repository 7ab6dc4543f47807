//! `cloud`: the embedded AWS as a process of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lab1_flow_cloud::daemon::{self, AccessKey, DaemonStatus, Endpoint, ServeOptions};
use lab1_flow_cloud::{CloudOptions, FaultPlan, GuestKind};
use lab1_flow_steps::DEFAULT_REGION;

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::config::read_at_most;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::local_cloud::{
    GuestChoice, TIME_SCALE_USUAL, Wanted, guests_or_usual, prepare_guests, refuse_cloud,
    start_cloud, time_scale,
};
use crate::view::cloud_account;
use crate::view::time::moment;

/// Start, stop and look at the embedded cloud
///
/// The embedded cloud is one process for each state directory. `lab1-flow run` starts it when needed; it
/// keeps running when that command ends, and its account survives a restart.
#[derive(Debug, Args)]
pub(crate) struct CloudArgs {
    #[command(subcommand)]
    verb: CloudVerb,
}

#[derive(Debug, Subcommand)]
enum CloudVerb {
    /// Start the embedded cloud in the background, unless it is running
    Start(Manner),
    /// Stop the embedded cloud; its account is kept
    Stop,
    /// Show the embedded cloud's address and the contents of its account
    Status,
    /// Print the environment variables for other clients
    ///
    /// For boto3, the AWS CLI and every SDK: `eval "$(lab1-flow cloud env)"`. The access key is a secret: a
    /// client that has it
    /// may do everything in this account.
    Env,
    /// Delete everything in the embedded cloud's account
    Reset,
    /// Run the embedded cloud in the foreground until a signal arrives
    Serve(ServeArgs),
}

/// How the cloud behaves.
#[derive(Debug, Args)]
struct Manner {
    /// Run its clock FACTOR times as fast as real time; the default is 60
    #[arg(long, value_name = "FACTOR", value_parser = time_scale)]
    time_scale: Option<f64>,

    /// What runs on the instances; the default is what ran there last time
    #[arg(long, value_name = "KIND")]
    guest: Option<GuestChoice>,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Listen on this loopback port; the default is the last one, or a free one
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    #[command(flatten)]
    manner: Manner,

    /// Inject the faults described in this TOML file
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

    /// Leave the session of the terminal; `cloud start` does
    #[arg(long, hide = true)]
    detached: bool,
}

#[derive(Debug, Serialize)]
struct EndpointLine<'a> {
    event: &'static str,
    url: String,
    #[serde(flatten)]
    endpoint: &'a Endpoint,
}

impl CloudArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let directory = app.state_dir()?.cloud();
        let refuse = |error| refuse_cloud(app, &error);
        match self.verb {
            CloudVerb::Start(manner) => {
                let guests = manner.guest.map(GuestKind::from);
                let wanted = Wanted { time_scale: manner.time_scale, guests };
                let started = start_cloud(app, TIME_SCALE_USUAL, wanted)?;
                if !started.fresh {
                    app.output.say("the embedded cloud runs already");
                }
                tell_endpoint(app, &started.endpoint);
            }
            CloudVerb::Stop => {
                let stopped = daemon::stop(&directory).map_err(refuse)?;
                if app.output.json {
                    app.output.json_line(&json!({ "event": "cloud-stopped", "stopped": stopped }));
                }
                app.output.say(if stopped {
                    "the embedded cloud has stopped; its account is kept"
                } else {
                    "the embedded cloud does not run"
                });
            }
            CloudVerb::Status => tell_status(app, daemon::status(&directory).map_err(refuse)?),
            CloudVerb::Env => tell_environment(app, &directory)?,
            CloudVerb::Reset => {
                daemon::reset(&directory).map_err(refuse)?;
                if app.output.json {
                    app.output.json_line(&json!({ "event": "cloud-reset", "reset": true }));
                }
                app.output.say("the account of the embedded cloud is empty");
            }
            CloudVerb::Serve(args) => args.serve(app, directory)?,
        }
        Ok(ExitStatus::Success)
    }
}

impl ServeArgs {
    fn serve(self, app: &App, directory: PathBuf) -> Result<(), CliError> {
        if self.detached {
            daemon::detach();
        }
        let guests = guests_or_usual(&directory, self.manner.guest.map(GuestKind::from));
        prepare_guests(app, &directory, guests)?;
        let mut options = ServeOptions::new(directory);
        options.port = self.port;
        options.in_background = self.detached;
        let time_scale = self.manner.time_scale.unwrap_or(TIME_SCALE_USUAL);
        options.cloud = CloudOptions { time_scale, guests, ..CloudOptions::default() };
        if let Some(path) = &self.faults {
            options.faults = read_faults(path)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CliError::bug(format!("the runtime does not start: {error}")))?;
        let served = runtime.block_on(daemon::serve(options, daemon::stop_signal(), |endpoint| {
            tell_endpoint(app, endpoint);
        }));
        served.map_err(|error| refuse_cloud(app, &error))
    }
}

/// No plan of faults is larger.
const FAULTS_BYTES_MAX: u64 = 1024 * 1024;

fn read_faults(path: &std::path::Path) -> Result<FaultPlan, CliError> {
    let refuse = |what: String| CliError::usage(what).stands("the embedded cloud was not started");
    let unread = |why: &dyn std::fmt::Display| {
        refuse(format!("cannot read the plan of faults {}: {why}", path.display()))
            .next("name a file that can be read with --faults")
    };
    let text = read_at_most(path, FAULTS_BYTES_MAX).map_err(|error| unread(&error))?;
    let text = text.ok_or_else(|| unread(&"it is larger than 1 MiB"))?;
    toml::from_str(&text).map_err(|error| {
        refuse(format!("the plan of faults {} is wrong: {}", path.display(), error.message()))
            .excerpt(error.to_string().trim_end())
            .next("correct that place; a rule looks like this: [[rules]] action = \"CreateRule\" fault = \"throttle\"")
    })
}

fn tell_endpoint(app: &App, endpoint: &Endpoint) {
    if app.output.json {
        app.output.json_line(&EndpointLine {
            event: "cloud-endpoint",
            url: endpoint.url(),
            endpoint: &endpoint.without_key(),
        });
    } else {
        app.output.data_line(&endpoint.url());
    }
    let environment = app.program.command(&["cloud", "env"]);
    app.output.say(&format!("for boto3 and the AWS CLI: eval \"$({environment})\""));
}

fn tell_environment(app: &App, directory: &Path) -> Result<(), CliError> {
    let found = daemon::find(directory).map_err(|error| refuse_cloud(app, &error))?;
    let endpoint = found.ok_or_else(|| {
        CliError::usage("the embedded cloud does not run")
            .next(app.program.command(&["cloud", "start"]))
    })?;
    let variables = [
        ("AWS_ACCESS_KEY_ID", endpoint.access_key_id.as_str().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", AccessKey::SECRET_ACCESS_KEY.to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.url()),
        ("AWS_REGION", DEFAULT_REGION.to_owned()),
        // boto3 knows no other name for it.
        ("AWS_DEFAULT_REGION", DEFAULT_REGION.to_owned()),
    ];
    if app.output.json {
        let mut line = BTreeMap::from(variables);
        line.insert("event", "cloud-env".to_owned());
        app.output.json_line(&line);
        return Ok(());
    }
    for (name, value) in variables {
        app.output.data_line(&format!("export {name}={value}"));
    }
    Ok(())
}

fn tell_status(app: &App, status: Option<DaemonStatus>) {
    let Some(status) = status else {
        if app.output.json {
            app.output.json_line(&json!({ "event": "cloud", "running": false }));
        }
        app.output.say("the embedded cloud does not run; `lab1-flow run` starts it");
        return;
    };
    let endpoint = &status.endpoint;
    if app.output.json {
        app.output.json_line(&json!({
            "event": "cloud",
            "running": true,
            "url": endpoint.url(),
            "endpoint": endpoint.without_key(),
            "calls": status.calls,
            "account": status.account,
        }));
        return;
    }
    let since = moment(lab1_flow_journal::Timestamp(endpoint.started_at_ms));
    app.output.data_line(&format!(
        "{} (simulated), process {}, since {since}, {} seconds of AWS a second, {} guests, {} calls answered",
        endpoint.url(),
        endpoint.pid,
        endpoint.time_scale,
        endpoint.guests.as_str(),
        status.calls
    ));
    for line in cloud_account::lines(&status.account) {
        app.output.data_line(&line);
    }
}
