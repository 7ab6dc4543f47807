//! What every verb has at hand.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use crate::cli::GlobalArgs;
use crate::door;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::Output;
use crate::progress::ProgressChoice;
use crate::state_dir::StateDir;

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

    /// The state directory; it need not exist yet.
    pub(crate) fn state_dir(&self) -> Result<&StateDir, CliError> {
        self.state_dir.as_ref().map_err(Clone::clone)
    }
}

/// Sends the log of all crates to stderr, where it is asked for: `-v`, or a filter in `LAB1_FLOW_LOG`.
fn set_up_log(verbose: u8) {
    let ours = match verbose {
        0 => "off",
        1 => "debug",
        _ => "trace",
    };
    // Only our own crates: the SDK traces what it signs, the id of the key included.
    let crates = ["lab1_flow", "lab1_flow_steps", "lab1_flow_workflow", "lab1_flow_cloud"];
    let usual = match verbose {
        0 => ours.to_owned(),
        _ => crates.map(|name| format!("{name}={ours}")).join(",") + ",info",
    };
    let filter = EnvFilter::try_from_env("LAB1_FLOW_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    // A second subscriber in one process is refused; the first one goes on.
    let _first_stays = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| door::Log)
        .with_ansi(false)
        .try_init();
}
