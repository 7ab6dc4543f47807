//! `watch`: follow a run that another process carries out.

use std::time::Duration;

use clap::Args;
use lab1_flow_journal::{
    Entry, Followed, Follower, Holder, Record, Rest, RunId, RunState, RunStore, RunView, Timestamp,
};
use lab1_flow_workflow::Observer;

use crate::app::App;
use crate::ending;
use crate::error::CliError;
use crate::execute::signals::Signals;
use crate::exit_status::ExitStatus;
use crate::progress::Progress;
use crate::run_context::RunContext;
use crate::runtime::block_on;
use crate::verbs::common::announce;
use crate::view::next;
use crate::view::standing::{Request, Standing};

/// Follow a run that another process is working on, until it rests
///
/// Shows what `run` shows, from the beginning, and ends with the exit status that `resume` would give; also
/// 75 when the process that was working on the run has died. Ctrl-C ends the watching with 130 and does not
/// touch the run.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    /// Keep watching when the run stops, fails or loses its process, until it is deployed or fully rolled back
    #[arg(long)]
    until_end: bool,
}

/// Pause between two looks: soon enough for a person, and nothing for the disk.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How a watch has ended.
enum Ended {
    /// The run rests, or has lost its process.
    Resting,
    /// The watcher was told to go; the run goes on.
    Left,
}

/// The run under watch.
struct Watched<'a> {
    app: &'a App,
    runs: RunStore,
    run: RunId,
    state: RunState,
    holder: Option<Holder>,
    follower: Follower,
    progress: Progress,
}

impl WatchArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.watch(app))
    }

    async fn watch(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let refuse = |error| CliError::of_journal(&error, Some(&run), &app.program);
        let RunView { history, state, holder, .. } = runs.view(&run).map_err(refuse)?;
        let follower = runs.follow(&run, state.next_seq()).map_err(refuse)?;
        announce(app, &run, &RunContext::of(&history.header)?);

        let began = taken_up_at(history.header.created_at, &history.records);
        let state = RunState::new(history.header);
        let (progress, progress_end) = Progress::start(app, state.clone(), began);
        let mut watched = Watched { app, runs, run, state, holder, follower, progress };
        watched.take(&history.records)?;
        let ended = watched.follow(self.until_end).await;
        let Watched { state, holder, run, progress, .. } = watched;
        drop(progress);
        progress_end.wait();
        match ended? {
            Ended::Resting => {
                let took = state.worked(began, state.changed_at());
                Ok(ending::tell(app, &state, Request::GoOn, took))
            }
            Ended::Left => {
                let standing = Standing::of(&state, holder.is_some());
                app.output.say(&format!("run {run} is {} and was left alone", standing.word()));
                let rolling_back = state.is_rolling_back();
                app.output.say_next(&next::commands(&run, standing, rolling_back, &app.program));
                Ok(ExitStatus::Interrupted)
            }
        }
    }
}

impl Watched<'_> {
    /// Follows the run until it rests, or to its very end.
    async fn follow(&mut self, until_end: bool) -> Result<Ended, CliError> {
        let mut signals = Signals::watch()
            .map_err(|error| CliError::bug(format!("signals cannot be watched: {error}")))?;
        let mut told_to_wait = false;
        loop {
            let is_end = matches!(self.state.rest(), Some(Rest::Completed | Rest::RolledBack));
            if self.holder.is_none() && (is_end || !until_end) {
                return Ok(Ended::Resting);
            }
            if self.holder.is_some() {
                told_to_wait = false;
            } else if !told_to_wait {
                told_to_wait = true;
                self.tell_that_it_waits();
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => self.look()?,
                _ = signals.asked_to_stop(&self.progress) => return Ok(Ended::Left),
            }
        }
    }

    /// Takes in what has happened since the last look.
    fn look(&mut self) -> Result<(), CliError> {
        let refuse = |error| CliError::of_journal(&error, Some(&self.run), &self.app.program);
        let was_held = self.holder.is_some();
        let Followed { holder, records } = self.follower.look().map_err(refuse)?;
        self.holder = holder;
        if was_held && self.holder.is_none() {
            return self.look_closely();
        }
        self.take(&records)
    }

    /// Reads the journal itself: what the dead process wrote last may have missed the mirror.
    fn look_closely(&mut self) -> Result<(), CliError> {
        let refuse = |error| CliError::of_journal(&error, Some(&self.run), &self.app.program);
        let RunView { history, holder, .. } = self.runs.view(&self.run).map_err(refuse)?;
        self.holder = holder;
        let new = history.records.into_iter().filter(|record| record.seq >= self.state.next_seq());
        let new: Vec<_> = new.collect();
        self.take(&new)?;
        let follower = self.runs.follow(&self.run, self.state.next_seq());
        self.follower = follower
            .map_err(|error| CliError::of_journal(&error, Some(&self.run), &self.app.program))?;
        Ok(())
    }

    fn take(&mut self, records: &[Record]) -> Result<(), CliError> {
        for record in records {
            self.state.apply(record).map_err(|error| {
                CliError::of_journal(&error, Some(&self.run), &self.app.program)
            })?;
            self.progress.recorded(std::slice::from_ref(record), &self.state);
        }
        Ok(())
    }

    fn tell_that_it_waits(&self) {
        let standing = Standing::of(&self.state, false);
        let rolling_back = self.state.is_rolling_back();
        let next = next::commands(&self.run, standing, rolling_back, &self.app.program);
        let first = next
            .first()
            .map_or_else(String::new, |next| format!("; {}: {}", next.purpose, next.command));
        let word = standing.word();
        self.progress
            .note(format!("run {} is {word}, waiting for somebody to go on{first}", self.run));
    }
}

/// When the run was taken up last, as far as its records tell: the clock of the view begins there.
fn taken_up_at(created_at: Timestamp, records: &[Record]) -> Timestamp {
    let is_taken_up =
        |entry: &Entry| matches!(entry, Entry::RunResumed { .. } | Entry::RunContinued);
    let taken_up = records.iter().rev().find(|record| is_taken_up(&record.entry));
    taken_up.map_or(created_at, |record| record.at)
}
