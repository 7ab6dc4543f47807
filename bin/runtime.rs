//! The runtime of one verb.

use crate::error::CliError;
use crate::exit_status::ExitStatus;

/// Runs a future to its end on this thread: the calls of one run need no second one.
pub(crate) fn block_on<T>(
    future: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        CliError::new(
            ExitStatus::Suspended,
            format!("the program does not get what it runs on: {error}"),
        )
        .stands("nothing was sent")
        .next("end other programs, or raise the limit of descriptors (`ulimit -n`)")
    })?;
    runtime.block_on(future)
}
