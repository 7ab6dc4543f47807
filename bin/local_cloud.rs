//! The embedded cloud on this machine: what it is started with, and the way to it.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use lab1_flow_cloud::GuestKind;
use lab1_flow_cloud::daemon::{self, Endpoint, Launch};
use lab1_flow_journal::RunSummary;

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;
use crate::view::cloud_account;

/// How many seconds of AWS pass in one second on the embedded cloud, unless said otherwise.
pub(crate) const TIME_SCALE_USUAL: f64 = 60.0;

/// What runs on the instances of the embedded cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GuestChoice {
    /// A responder inside the cloud that answers as the documented application does
    Light,
    /// The application in the user data of each instance, as a Python process of its own
    Flask,
}

impl From<GuestChoice> for GuestKind {
    fn from(choice: GuestChoice) -> Self {
        match choice {
            GuestChoice::Light => Self::Light,
            GuestChoice::Flask => Self::Flask,
        }
    }
}

/// How the embedded cloud shall behave, as far as somebody has said so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) time_scale: Option<f64>,
    pub(crate) guests: Option<GuestKind>,
}

impl Wanted {
    /// How a running one is other than it was asked for: what it has, and what it should have.
    fn differs_from(self, endpoint: &Endpoint) -> Option<(String, String)> {
        let runs = endpoint.time_scale;
        let other_pace = self.time_scale.filter(|it| (it - runs).abs() > f64::EPSILON * it);
        if let Some(wanted) = other_pace {
            return Some((format!("a time scale of {runs}"), wanted.to_string()));
        }
        let other_guests = self.guests.filter(|guests| *guests != endpoint.guests);
        let runs = endpoint.guests.as_str();
        other_guests.map(|wanted| (format!("--guest {runs}"), wanted.as_str().to_owned()))
    }
}

/// Finds the daemon of the embedded cloud, and starts it when none runs: with what is wanted, else with this time
/// scale and the guests of last time.
///
/// One that behaves otherwise is started anew while nothing stands on it and nobody waits for it; else it is left as
/// it is, and the wish is refused.
pub(crate) fn start_cloud(
    app: &App,
    time_scale: f64,
    wanted: Wanted,
) -> Result<daemon::Started, CliError> {
    let time_scale = wanted.time_scale.unwrap_or(time_scale);
    let started = start_or_find(app, time_scale, wanted.guests)?;
    let Some((runs, wish)) = wanted.differs_from(&started.endpoint) else { return Ok(started) };
    if started.endpoint.in_background && is_idle(app)? {
        app.output.say(&format!(
            "the embedded cloud ran with {runs}; nothing stands on it, and it starts anew with {wish}"
        ));
        daemon::stop(&app.state_dir()?.cloud()).map_err(|error| refuse_cloud(app, &error))?;
        let started = start_or_find(app, time_scale, wanted.guests)?;
        // Another command may have been first.
        if wanted.differs_from(&started.endpoint).is_none() {
            return Ok(started);
        }
    }
    Err(CliError::usage(format!("the embedded cloud runs already, with {runs} and not {wish}"))
        .stands("nothing was created")
        .next("leave the flag out, or stop the cloud first; its account is kept:")
        .next(app.program.command(&["cloud", "stop"])))
}

/// Whether nothing stands in the account, and no process carries out a run that could make something.
fn is_idle(app: &App) -> Result<bool, CliError> {
    let state_dir = app.state_dir()?;
    let status = daemon::status(&state_dir.cloud()).map_err(|error| refuse_cloud(app, &error))?;
    if status.is_some_and(|status| cloud_account::holds_anything(&status.account)) {
        return Ok(false);
    }
    let summaries = app.runs()?.summaries();
    let summaries = summaries.map_err(|error| CliError::of_journal(&error, None, &app.program))?;
    // A run that cannot be read may be under way all the same.
    let is_over = |run: &Result<RunSummary, _>| run.as_ref().is_ok_and(|run| run.holder.is_none());
    Ok(summaries.iter().all(is_over))
}

fn start_or_find(
    app: &App,
    time_scale: f64,
    guests: Option<GuestKind>,
) -> Result<daemon::Started, CliError> {
    let state_dir = app.state_dir()?;
    let refuse = |error| refuse_cloud(app, &error);
    let kind = guests_or_usual(&state_dir.cloud(), guests);
    prepare_guests(app, &state_dir.cloud(), kind)?;
    let arguments = ["cloud", "serve", "--detached", "--guest", kind.as_str(), "--time-scale"];
    let arguments = arguments.into_iter().map(OsString::from).chain([
        OsString::from(time_scale.to_string()),
        "--state-dir".into(),
        state_dir.path().as_os_str().to_owned(),
    ]);
    let launch = Launch::of_this_program(arguments).map_err(refuse)?;
    daemon::start(&state_dir.cloud(), &launch).map_err(refuse)
}

/// The guests that were asked for, else those of last time.
pub(crate) fn guests_or_usual(directory: &Path, asked: Option<GuestKind>) -> GuestKind {
    asked.or_else(|| daemon::former_guests(directory)).unwrap_or_default()
}

/// Makes what such guests need, and says so when it takes a while.
pub(crate) fn prepare_guests(
    app: &App,
    directory: &Path,
    guests: GuestKind,
) -> Result<(), CliError> {
    let tell = |folder: &Path| {
        app.output.say(&format!(
            "making a Python environment with Flask in {}; this is done once",
            folder.display()
        ));
    };
    daemon::prepare_guests(directory, guests, tell).map_err(|error| refuse_cloud(app, &error))
}

/// Tells why the embedded cloud is out of reach.
pub(crate) fn refuse_cloud(app: &App, error: &daemon::DaemonError) -> CliError {
    let what = with_causes(error);
    let cloud = |arguments: &[&str]| app.program.command(arguments);
    match error {
        daemon::DaemonError::File { .. } => CliError::new(ExitStatus::Storage, what)
            .stands("nothing was sent")
            .next("make the state directory writable, or name another with --state-dir"),
        daemon::DaemonError::Held { .. } | daemon::DaemonError::Port { .. } => {
            CliError::usage(what).next(cloud(&["cloud", "status"]))
        }
        daemon::DaemonError::Faults(_) => CliError::usage(what),
        daemon::DaemonError::Guests { .. } => CliError::usage(what)
            .stands("nothing was created")
            .next("install Python 3 with venv (Debian: apt-get install python3-venv) and see that pip reaches PyPI,")
            .next("or do without: --guest light"),
        _ => CliError::new(ExitStatus::Suspended, what)
            .stands("nothing further was sent")
            .next(cloud(&["cloud", "stop"]))
            .next("then give the same command again"),
    }
}

/// Reads a factor of time: finite and above zero.
pub(crate) fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && (0.01..=100_000.0).contains(&scale) => Ok(scale),
        _ => Err("it must be a number from 0.01 to 100000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_scale_is_a_positive_number() {
        assert_eq!(time_scale("60"), Ok(60.0));
        for wrong in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(time_scale(wrong).is_err(), "{wrong}");
        }
    }
}
