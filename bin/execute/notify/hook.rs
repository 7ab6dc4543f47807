//! One run of the command.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::execute::notify::environment::passes;
use crate::view::time::delay;

/// A command that takes longer is ended.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Ends what is left of a command, with all that it has started.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _gone_already = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Gives the text to a shell with this command, and waits for it. The error says what went wrong, as the end of a
/// sentence about the command.
pub(super) async fn tell(command: &str, text: &str, limit: Duration) -> Result<(), String> {
    let ended = tell_until(command, text, tokio::time::sleep(limit)).await?;
    match ended {
        None => Err(format!("took longer than {} and was ended", delay(limit))),
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("ended with {status}")),
    }
}

/// The same, as long as it may take; `None` when it was ended then.
async fn tell_until(
    command: &str,
    text: &str,
    limit: impl Future<Output = ()>,
) -> Result<Option<ExitStatus>, String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own: Ctrl-C is meant for the run alone, and the whole group can be ended.
    shell.process_group(0);
    shell.env_clear().envs(std::env::vars_os().filter(|(name, value)| passes(name, value)));
    let mut child = shell.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group(id);
    let ended = tokio::select! {
        biased;
        ended = feed(&mut child, text) => ended.map_err(|error| format!("was lost: {error}"))?,
        () = limit => return Ok(None),
    };
    // What it has left running on purpose goes on.
    group.0 = None;
    Ok(Some(ended))
}

async fn feed(child: &mut Child, text: &str) -> std::io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not want to know closes its end.
        let _not_read = stdin.write_all(format!("{text}\n").as_bytes()).await;
    }
    child.wait().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    fn told(command: &str, limit: Duration) -> Result<(), String> {
        wait(tell(command, "text", limit))
    }

    #[test]
    fn a_command_reads_what_it_is_told_and_may_not_want_to() {
        assert_eq!(told("test \"$(cat)\" = text", TIME_LIMIT), Ok(()));
        assert_eq!(told("true", TIME_LIMIT), Ok(()));
    }

    #[test]
    fn a_command_that_fails_is_named_by_its_status() {
        assert_eq!(told("exit 3", TIME_LIMIT), Err("ended with exit status: 3".to_owned()));
        assert!(told("no-such-command-here", TIME_LIMIT).is_err());
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("pid");
        let command = format!("sleep 600 & echo $! > '{}'; wait", file.display());
        let begun = async {
            while !std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        assert_eq!(wait(tell_until(&command, "text", begun)), Ok(None));
        let pid = std::fs::read_to_string(file).expect("it has begun");
        let status = format!("/proc/{}/stat", pid.trim());
        // Ended, though its parent may not have heard of it yet.
        let lives = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z "));
        for _ in 0..3_000 {
            if !lives() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it goes on");
    }

    #[test]
    fn a_command_that_takes_too_long_is_told_with_the_limit() {
        let trouble = told("sleep 600", Duration::from_millis(1)).expect_err("a time-out");
        assert_eq!(trouble, "took longer than 1 ms and was ended");
    }
}
