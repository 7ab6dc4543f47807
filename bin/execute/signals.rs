//! Signals of the terminal and of the system: the first one stops gently, the second one at once.

use std::io;

use lab1_flow_workflow::StopSignal;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_status::ExitStatus;
use crate::progress::Progress;

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Gives the stop signal on the first one. On the second the process ends here: it is a death like any other,
/// and the next process goes on from the journal.
pub(super) async fn listen(stop: StopSignal, progress: Progress, resume: String) {
    let mut signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            progress.note(format!(
                "warning: signals cannot be watched ({error}); they end the process"
            ));
            return;
        }
    };
    signals.next().await;
    progress.note("stopping after the calls in flight; Ctrl-C again leaves at once");
    stop.request();
    signals.next().await;
    progress.note(format!("left at once; go on with: {resume}"));
    leave();
}

#[expect(clippy::exit, reason = "a second Ctrl-C must not wait for a call or a sync that hangs")]
fn leave() {
    // The view's thread needs a moment for the last note.
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::process::exit(ExitStatus::Interrupted.code().into());
}
