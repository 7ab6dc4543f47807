//! Signals of the terminal and of the system: the first one stops gently, the second one at once.

use std::io;
use std::time::{Duration, Instant};

use lab1_flow_workflow::StopSignal;
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_status::ExitStatus;
use crate::progress::{FAREWELL, Progress};
use crate::view::time::span;

/// Within so long, one asking may give the same signal twice: GNU `timeout` sends it to its child, and then to the
/// group that the child is in.
const ECHO: Duration = Duration::from_secs(1);

/// What asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Ctrl-C. A person who presses it twice means it.
    Interrupt,
    Terminate,
    Hangup,
}

impl Asked {
    /// Whether this one, so long after an earlier one, is the same asking.
    fn is_echo_of(self, earlier: Self, after: Duration) -> bool {
        self == earlier && self != Self::Interrupt && after < ECHO
    }
}

/// The signals that a run hears.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    carry_on: Signal,
}

impl Signals {
    /// From here on they do not end the process by themselves.
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            carry_on: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
        })
    }

    /// Waits for one that asks to stop. The view hears of those that let a stopped process go on.
    pub(crate) async fn asked_to_stop(&mut self, progress: &Progress) -> Asked {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Asked::Interrupt,
                _ = self.terminate.recv() => return Asked::Terminate,
                _ = self.hangup.recv() => return Asked::Hangup,
                _ = self.carry_on.recv() => progress.continued(),
            }
        }
    }
}

/// Gives the stop signal on the first one, and says how long the calls in flight may take. On the second the process
/// ends here: it is a death like any other, and the next process goes on from the journal.
pub(super) async fn listen(
    stop: StopSignal,
    progress: Progress,
    attempt_max: Duration,
    resume: String,
) {
    let mut signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            progress.note(format!(
                "warning: signals cannot be watched ({error}); they end the process"
            ));
            return;
        }
    };
    let first = signals.asked_to_stop(&progress).await;
    let asked = Instant::now();
    progress.note(format!(
        "stopping after the calls in flight, within {}; Ctrl-C again leaves at once",
        span(attempt_max)
    ));
    stop.request();
    while signals.asked_to_stop(&progress).await.is_echo_of(first, asked.elapsed()) {}
    progress.last_words(format!("left at once; go on with: {resume}"), FAREWELL);
    leave();
}

#[expect(clippy::exit, reason = "a second Ctrl-C must not wait for a call or a sync that hangs")]
fn leave() {
    std::process::exit(ExitStatus::Interrupted.code().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_signal_of_a_program_within_a_second_is_the_same_asking() {
        let soon = Duration::from_millis(300);
        assert!(Asked::Terminate.is_echo_of(Asked::Terminate, soon));
        assert!(Asked::Hangup.is_echo_of(Asked::Hangup, soon));
        assert!(!Asked::Terminate.is_echo_of(Asked::Terminate, ECHO));
        assert!(!Asked::Terminate.is_echo_of(Asked::Hangup, soon));
        assert!(!Asked::Interrupt.is_echo_of(Asked::Interrupt, soon), "a person means it");
    }
}
