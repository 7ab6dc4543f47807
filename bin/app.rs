//! What every verb has at hand.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::door;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{ColorChoice, Output, ProgressChoice};
use crate::state_dir::StateDir;

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArgs {
    /// Keep runs and the embedded cloud in this directory
    ///
    /// The default is `$LAB1_FLOW_STATE_DIR`, else lab1-flow in `$XDG_STATE_HOME`, or in `~/.local/state`.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Write JSON lines to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How to show a run's progress
    #[arg(long, global = true, value_name = "FORM", default_value = "auto")]
    pub(crate) progress: ProgressChoice,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    /// Log more on stderr: every call (-v), everything (-vv)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The streams, the state directory, and the way in which the program was called.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) output: Output,
    pub(crate) program: Invocation,
    pub(crate) verbose: bool,
    pub(crate) progress: ProgressChoice,
    state_dir: Result<StateDir, CliError>,
}

impl App {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        set_up_log(global.verbose);
        let by_flag = global.state_dir.as_deref();
        // Not read by the parser: it would show the flag in every usage as if it were required.
        let from_environment = std::env::var_os("LAB1_FLOW_STATE_DIR").map(PathBuf::from);
        let from_environment = from_environment.filter(|dir| !dir.as_os_str().is_empty());
        Self {
            output: Output::new(
                global.json || global.progress == ProgressChoice::Json,
                global.color,
            ),
            program: Invocation::new(by_flag),
            verbose: global.verbose > 0,
            progress: global.progress,
            state_dir: StateDir::locate(by_flag.or(from_environment.as_deref())),
        }
    }

    /// The state directory; it need not exist yet. One that is not ours and private is refused.
    pub(crate) fn state_dir(&self) -> Result<&StateDir, CliError> {
        let state_dir = self.unchecked_state_dir()?;
        state_dir.check()?;
        Ok(state_dir)
    }

    /// The state directory as it was named, for those who examine it.
    pub(crate) fn unchecked_state_dir(&self) -> Result<&StateDir, CliError> {
        self.state_dir.as_ref().map_err(Clone::clone)
    }
}

/// Sends the log of our own crates to stderr, where it is asked for: `-v`, or a filter in `LAB1_FLOW_LOG`.
///
/// No filter lets other crates speak: the SDK logs what it signs, the id of the key and the token included, its
/// reader of profiles logs lines that it does not understand, and hyper logs headers.
fn set_up_log(verbose: u8) {
    let usual = match verbose {
        0 => "off",
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("LAB1_FLOW_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| door::Log)
        .with_ansi(false)
        .finish();
    // A second subscriber in one process is refused; the first one goes on.
    let _first_stays = log.with(filter_fn(|it| is_ours(it.target()))).try_init();
}

/// Whether one of our crates speaks: their names all begin alike.
fn is_ours(target: &str) -> bool {
    target.starts_with("lab1_flow")
}
