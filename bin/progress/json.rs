//! One JSON line for each record, on stdout.

use lab1_flow_journal::Record;
use serde::Serialize;

use super::Screen;
use super::snapshot::Snapshot;
use crate::output::Output;

/// The lines of `--json`: what the journal holds, as it is written.
#[derive(Debug)]
pub(super) struct JsonLines {
    output: Output,
}

/// A record as an event.
#[derive(Debug, Serialize)]
pub(crate) struct RecordEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    record: &'a Record,
}

impl<'a> RecordEvent<'a> {
    pub(crate) fn new(record: &'a Record) -> Self {
        Self { event: "record", record }
    }
}

/// What is waited for, told when nothing else is.
#[derive(Debug, Serialize)]
struct WaitingEvent {
    event: &'static str,
    waiting: Vec<Waiting>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    action: String,
    reason: Option<String>,
}

impl JsonLines {
    pub(super) fn new(output: Output) -> Self {
        Self { output }
    }
}

impl Screen for JsonLines {
    fn recorded(&mut self, records: &[Record], _now: &Snapshot) -> bool {
        for record in records {
            self.output.json_line(&RecordEvent::new(record));
        }
        true
    }

    fn tick(&mut self, _now: &Snapshot) {}

    fn heartbeat(&mut self, now: &Snapshot) {
        let actions = now.steps().into_iter().flat_map(|step| step.actions);
        let active = actions.filter(|action| action.stage.is_active());
        let waiting = active.map(|action| Waiting { action: action.name, reason: action.reason });
        self.output.json_line(&WaitingEvent { event: "waiting", waiting: waiting.collect() });
    }

    fn note(&mut self, text: &str) {
        self.output.say(text);
    }

    fn finish(&mut self, _now: &Snapshot) {}
}
