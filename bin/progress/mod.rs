//! What people and scripts see while a run is carried out.
//!
//! The engine tells an observer, which only hands the news to a thread of its own: a slow terminal, a full pipe
//! or a closed one never holds up a run.

mod canvas;
mod json;
mod plain;
mod snapshot;
mod tree;

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use lab1_flow_journal::{ActionName, Record, RunState, Timestamp};
use lab1_flow_workflow::Observer;

use crate::app::App;
use crate::door::Stream;
use crate::output::ProgressChoice;
use crate::view::time;
pub(crate) use json::RecordEvent;
use snapshot::Snapshot;

/// How often the view is brought up to date while nothing is told: the clocks in it run.
const TICK: Duration = Duration::from_millis(100);

/// A pause between ticks that shows that the process was stopped (Ctrl-Z), or that the machine is very busy.
const STOPPED: Duration = Duration::from_millis(500);

/// A job without a line for so long is taken for hung, by people and by CI services.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How long a writer that is stuck may hold up the end of the program.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// Something to show.
enum News {
    Recorded(Vec<Record>, Box<RunState>),
    Waiting(ActionName, String, Duration),
    Note(String),
    Continued,
    /// The process leaves when it hears that this was said.
    LastWords(String, SyncSender<()>),
}

/// One way of showing a run.
trait Screen: Send {
    /// Records were written; `now` shows the run after them. Tells whether that was shown, or will be.
    fn recorded(&mut self, records: &[Record], now: &Snapshot) -> bool;
    /// Time has passed, or the reason of a wait has changed.
    fn tick(&mut self, now: &Snapshot);
    /// Nothing was told for [`HEARTBEAT`].
    fn heartbeat(&mut self, now: &Snapshot);
    /// Says something to people that is not about the run's records.
    fn note(&mut self, text: &str);
    /// The process goes on after it was stopped, and a shell may have written meanwhile.
    fn continued(&mut self) {}
    /// Ends the view, leaving what shall stay.
    fn finish(&mut self, now: &Snapshot);
}

/// The running view. Clones feed the same one.
#[derive(Clone)]
pub(crate) struct Progress {
    news: Sender<News>,
}

/// Ends the view when the run rests.
#[derive(Debug)]
pub(crate) struct ProgressEnd {
    done: Receiver<()>,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    /// Starts the view that was asked for, else the one that suits the streams. Its clock begins at `began`.
    pub(crate) fn start(app: &App, state: RunState, began: Timestamp) -> (Self, ProgressEnd) {
        Self::start_on(choose(app), state, began)
    }

    fn start_on(screen: Box<dyn Screen>, state: RunState, began: Timestamp) -> (Self, ProgressEnd) {
        let (news, received) = channel();
        let (tell_done, done) = channel();
        let shown = thread::Builder::new().name("lab1-flow-progress".to_owned()).spawn(move || {
            show(&received, screen, Snapshot::new(state, began));
            let _nobody_waits = tell_done.send(());
        });
        // Without the thread nothing is shown, and the run goes on.
        drop(shown);
        (Self { news }, ProgressEnd { done })
    }

    /// Says something to people beside the view.
    pub(crate) fn note(&self, text: impl Into<String>) {
        let _view_ended = self.news.send(News::Note(text.into()));
    }

    /// Says something and ends the view there, for a process that leaves at once. Waits until it is said, though at
    /// most so long: a writer may be stuck.
    pub(crate) fn last_words(&self, text: impl Into<String>, patience: Duration) {
        let (tell_said, said) = sync_channel(1);
        let _view_ended = self.news.send(News::LastWords(text.into(), tell_said));
        let _stuck_writer = said.recv_timeout(patience);
    }

    /// Tells the view that the process goes on after it was stopped (Ctrl-Z).
    pub(crate) fn continued(&self) {
        let _view_ended = self.news.send(News::Continued);
    }
}

impl ProgressEnd {
    /// Waits until all is shown that was told, though not for ever. Every [`Progress`] must be dropped before.
    pub(crate) fn wait(self) {
        let _stuck_writer = self.done.recv_timeout(FAREWELL);
    }
}

impl Observer for Progress {
    fn recorded(&self, records: &[Record], state: &RunState) {
        let _view_ended = self.news.send(News::Recorded(records.to_vec(), Box::new(state.clone())));
    }

    fn waiting(&self, action: &ActionName, reason: &str, next_look_in: Duration) {
        let news = News::Waiting(action.clone(), reason.to_owned(), next_look_in);
        let _view_ended = self.news.send(news);
    }
}

fn choose(app: &App) -> Box<dyn Screen> {
    if app.output.json {
        return Box::new(json::JsonLines::new(app.output.clone()));
    }
    let draws = match app.progress {
        ProgressChoice::Auto => suits_a_tree() && !app.verbose,
        ProgressChoice::Tree => true,
        ProgressChoice::Plain | ProgressChoice::Json => false,
    };
    if draws {
        Box::new(tree::Tree::new(app.output.err))
    } else {
        Box::new(plain::PlainLines::new(app.output.clone()))
    }
}

/// Whether a person sits before a terminal that can move its cursor.
fn suits_a_tree() -> bool {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Stream::Err.is_terminal() && !dumb && !in_ci
}

fn show(received: &Receiver<News>, mut screen: Box<dyn Screen>, mut snapshot: Snapshot) {
    let mut last_tick = Instant::now();
    let mut last_words = last_tick;
    loop {
        // News may come faster than ticks: the clocks in the view must run all the same.
        let pause = TICK.saturating_sub(last_tick.elapsed());
        match received.recv_timeout(pause) {
            Ok(News::Recorded(records, state)) => {
                snapshot.take(&records, *state);
                if screen.recorded(&records, snapshot.at(time::now())) {
                    last_words = Instant::now();
                }
            }
            Ok(News::Waiting(action, reason, next)) => {
                snapshot.wait(action, reason, time::now(), next);
            }
            Ok(News::Continued) => screen.continued(),
            Ok(News::Note(text)) => {
                last_words = Instant::now();
                screen.note(&text);
            }
            Ok(News::LastWords(text, tell_said)) => {
                screen.note(&text);
                let _nobody_waits_any_more = tell_said.send(());
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return screen.finish(snapshot.at(time::now()));
            }
        }
        let since_tick = last_tick.elapsed();
        if since_tick >= TICK {
            last_tick = Instant::now();
            // After a stop it must be heard first that the terminal was in other hands: that takes a moment.
            if since_tick < STOPPED {
                screen.tick(snapshot.at(time::now()));
            }
        }
        if last_words.elapsed() >= HEARTBEAT {
            last_words = Instant::now();
            screen.heartbeat(snapshot.at(time::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::stored::state;

    /// A terminal that takes its time; it keeps what was said.
    struct Slow(Arc<Mutex<Vec<String>>>);

    impl Screen for Slow {
        fn recorded(&mut self, _records: &[Record], _now: &Snapshot) -> bool {
            true
        }

        fn tick(&mut self, _now: &Snapshot) {}

        fn heartbeat(&mut self, _now: &Snapshot) {}

        fn note(&mut self, text: &str) {
            thread::sleep(Duration::from_millis(100));
            self.0.lock().unwrap().push(text.to_owned());
        }

        fn finish(&mut self, _now: &Snapshot) {}
    }

    #[test]
    fn the_last_words_are_said_before_the_process_leaves() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let screen = Box::new(Slow(said.clone()));
        let (progress, _end) = Progress::start_on(screen, state(Vec::new()), time::now());
        progress.note("stopping");
        progress.last_words("left at once", Duration::from_hours(1));
        assert_eq!(*said.lock().unwrap(), ["stopping", "left at once"]);
    }
}
