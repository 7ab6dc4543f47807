//! From records to bars.

use std::collections::BTreeMap;

use lab1_flow_journal::{ActionName, Entry, History, Record, Role, StoredAction, Timestamp};

use super::{Bar, Kind, Rest, Row, Timeline};
use crate::view::stage::{full, shortly};

/// What goes on with an action since one of its records.
#[derive(Debug, Clone)]
struct Open {
    kind: Kind,
    since_ms: u64,
    reason: String,
}

/// The bars so far.
#[derive(Debug, Default)]
struct Fold {
    bars: BTreeMap<ActionName, Vec<Bar>>,
    open: BTreeMap<ActionName, Open>,
    back: bool,
    now_ms: u64,
}

pub(super) fn fold(history: &History, live_until: Option<Timestamp>) -> Timeline {
    let mut fold = Fold::default();
    let mut rests = Vec::new();
    let mut clock = Clock { last: history.header.created_at, axis_ms: 0 };
    let mut resting = false;
    for record in &history.records {
        let nobody_worked = resting || matches!(record.entry, Entry::RunContinued);
        let passed = clock.advance(record.at, nobody_worked);
        if nobody_worked && !leaves_at_rest(&record.entry) {
            resting = false;
            rests.push(Rest { at_ms: clock.axis_ms, cut_ms: passed });
        }
        fold.now_ms = clock.axis_ms;
        fold.take(record, history);
        resting |= matches!(record.entry, Entry::RunRested { .. });
    }
    if let Some(until) = live_until.filter(|_| !resting) {
        clock.advance(until, false);
        fold.now_ms = clock.axis_ms;
    }
    let open: Vec<_> = fold.open.keys().cloned().collect();
    for action in open {
        fold.close(&action);
    }
    Timeline { total_ms: clock.axis_ms, rests, rows: rows(history, fold.bars), paths: Vec::new() }
}

/// Turns moments into places on the axis. A clock that was set back stands still.
struct Clock {
    last: Timestamp,
    axis_ms: u64,
}

impl Clock {
    /// Goes on to this moment; returns the time that has passed, and leaves it out of the axis if it is to be cut.
    fn advance(&mut self, to: Timestamp, cut: bool) -> u64 {
        let passed = u64::try_from(to.since(self.last).as_millis()).unwrap_or(u64::MAX);
        self.last = self.last.max(to);
        if !cut {
            self.axis_ms = self.axis_ms.saturating_add(passed);
        }
        passed
    }
}

fn leaves_at_rest(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::CompensationSkipped { .. }
            | Entry::StepsChanged { .. }
            | Entry::StepsReplaced { .. }
    )
}

impl Fold {
    fn take(&mut self, record: &Record, history: &History) {
        match &record.entry {
            Entry::AttemptStarted { action, attempt, .. } => {
                self.begin(action, Kind::Working, format!("attempt {attempt}"));
            }
            Entry::AttemptFailed { action, failure, in_doubt: true, .. } => {
                self.begin(action, Kind::InDoubt, full(failure));
            }
            Entry::AttemptFailed { action, failure, .. }
            | Entry::CompensationFailed { action, failure, .. } => {
                self.begin(action, Kind::Delayed, shortly(failure));
            }
            Entry::ActionWaiting { action, reason, .. }
            | Entry::CompensationWaiting { action, reason, .. } => {
                self.begin(action, Kind::Waiting, reason.clone());
            }
            Entry::FoundByMark { action } => {
                self.begin(action, Kind::InDoubt, "found by its mark".to_owned());
            }
            Entry::CompensationStarted { action } => {
                self.begin(action, Kind::TakingBack, String::new());
            }
            Entry::CompensationCompleted { action, with: Some(whole) } => {
                self.begin(action, Kind::TakingBack, format!("with {whole}"));
                self.close(action);
            }
            Entry::AttemptAbsent { action, .. }
            | Entry::ActionCompleted { action, .. }
            | Entry::ActionFailed { action, .. }
            | Entry::CompensationCompleted { action, .. }
            | Entry::CompensationGaveUp { action, .. }
            | Entry::CompensationSkipped { action, .. } => self.close(action),
            Entry::RollbackStarted { .. } => {
                // What a look was waiting for is of no meaning any more.
                looks(history).for_each(|look| self.close(&look.name));
                self.back = true;
            }
            Entry::StepsChanged { .. }
            | Entry::StepsReplaced { .. }
            | Entry::PauseChanged { .. }
            | Entry::RunRested { .. }
            | Entry::RunResumed { .. }
            | Entry::RunContinued => {}
        }
    }

    /// Ends what went on with an action, and begins something else.
    fn begin(&mut self, action: &ActionName, kind: Kind, reason: String) {
        self.close(action);
        self.open.insert(action.clone(), Open { kind, since_ms: self.now_ms, reason });
    }

    fn close(&mut self, action: &ActionName) {
        let Some(Open { kind, since_ms, reason }) = self.open.remove(action) else { return };
        let bar = Bar {
            kind,
            from_ms: since_ms,
            to_ms: self.now_ms,
            back: self.back,
            critical: false,
            reason,
        };
        self.bars.entry(action.clone()).or_default().push(bar);
    }
}

fn looks(history: &History) -> impl Iterator<Item = &StoredAction> {
    let actions = history.header.steps.iter().flat_map(|step| &step.actions);
    actions.filter(|action| action.role == Role::Look)
}

fn rows(history: &History, mut bars: BTreeMap<ActionName, Vec<Bar>>) -> Vec<Row> {
    let steps = history.header.steps.iter();
    let actions = steps.flat_map(|step| step.actions.iter().map(|action| (step.number, action)));
    let row = |(step, action): (Option<u32>, &StoredAction)| {
        let bars = bars.remove(&action.name)?;
        let title = action.title.clone();
        Some(Row { action: action.name.to_string(), step, title, bars })
    };
    actions.filter_map(row).collect()
}
