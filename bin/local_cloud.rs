//! The embedded cloud on this machine: what it is started with, and the way to it.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use lab1_flow_cloud::GuestKind;
use lab1_flow_cloud::daemon::{self, Launch};

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;

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

/// Finds the daemon of the embedded cloud, and starts it when none runs.
///
/// One that runs with other guests than those that were asked for is refused.
pub(crate) fn start_cloud(
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
    let started = daemon::start(&state_dir.cloud(), &launch).map_err(refuse)?;
    let runs = started.endpoint.guests;
    match guests {
        Some(wanted) if wanted != runs => {
            let (runs, wanted) = (runs.as_str(), wanted.as_str());
            let what =
                format!("the embedded cloud runs already, with --guest {runs} and not {wanted}");
            Err(CliError::usage(what)
                .stands("nothing was created")
                .next("leave --guest out, or stop the cloud first; its account is kept:")
                .next(app.program.command(&["cloud", "stop"])))
        }
        _ => Ok(started),
    }
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
