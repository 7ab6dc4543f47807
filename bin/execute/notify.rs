//! The command of `--notify-cmd`: told of every change of a run's state, and never in the way of it.

mod change;
mod environment;
mod hook;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lab1_flow_journal::{ActionName, Record, RunState};
use lab1_flow_workflow::Observer;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::door;
use crate::invocation::Invocation;
use crate::progress::Progress;
use change::{Seen, StateChanged};

/// How long the commands that are still to run may hold up the end of the program.
const FAREWELL: Duration = Duration::from_secs(10);

/// Tells a command of one run. It only queues what it hears.
#[derive(Debug)]
pub(super) struct Notifier {
    seen: Mutex<Seen>,
    stack: String,
    program: Invocation,
    queue: UnboundedSender<String>,
}

/// Lets the commands that are queued come to their end.
#[derive(Debug)]
pub(super) struct NotifierEnd {
    delivery: JoinHandle<()>,
}

impl Notifier {
    /// Begins to tell a shell command, with the news that the run was taken up.
    pub(super) fn start(
        app: &App,
        command: &str,
        stack: &str,
        state: &RunState,
        progress: Progress,
    ) -> (Self, NotifierEnd) {
        let (queue, waiting) = unbounded_channel();
        let delivery = tokio::spawn(deliver(waiting, command.to_owned(), progress));
        let notifier = Self {
            seen: Mutex::new(Seen::of(state)),
            stack: stack.to_owned(),
            program: app.program.clone(),
            queue,
        };
        notifier.tell(&StateChanged::started(state, stack, &notifier.program));
        (notifier, NotifierEnd { delivery })
    }

    /// Tells that this process cannot go on with the run, which stands where its journal says.
    pub(super) fn gave_up(&self, state: &RunState, why: &str) {
        self.tell(&StateChanged::gave_up(state, &self.stack, &self.program, why));
    }

    fn tell(&self, change: &StateChanged<'_>) {
        if let Ok(text) = serde_json::to_string(change) {
            let _delivery_ended = self.queue.send(door::json(&text));
        }
    }
}

impl Observer for Notifier {
    fn recorded(&self, _records: &[Record], state: &RunState) {
        // A panic while it was held can have lost a change at most.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for change in seen.changes(state, &self.stack, &self.program) {
            self.tell(&change);
        }
    }

    fn waiting(&self, _action: &ActionName, _reason: &str, _next_look_in: Duration) {}
}

impl NotifierEnd {
    /// Waits until all is told, though not for ever. The [`Notifier`] must be dropped before.
    pub(super) async fn wait(mut self) {
        if tokio::time::timeout(FAREWELL, &mut self.delivery).await.is_err() {
            self.delivery.abort();
        }
    }
}

/// Tells the command one change after the other, each in a process of its own.
async fn deliver(mut waiting: UnboundedReceiver<String>, command: String, progress: Progress) {
    let mut told = false;
    while let Some(text) = waiting.recv().await {
        let Err(trouble) = hook::tell(&command, &text, hook::TIME_LIMIT).await else { continue };
        if !told {
            told = true;
            progress.note(format!(
                "warning: the command of --notify-cmd {trouble}; the run goes on, and this is not said again"
            ));
        }
    }
}
