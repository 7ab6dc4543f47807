//! The outside, as one value: all that carrying out a run reaches for besides the calls of its actions.

use std::sync::Arc;

use lab1_flow_journal::Journal;

use crate::clock::{Clock, SystemClock};
use crate::observe::{Observer, Silent};
use crate::{Pacer, StopSignal};

/// Where records go, what time it is, who stops, watches and slows down a run.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: StopSignal,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) pacer: Option<Arc<Pacer>>,
}

impl Ports {
    /// This journal, with the system's clock; nobody stops, nobody watches, and nothing is slowed down.
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            clock: Arc::new(SystemClock::new()),
            stop: StopSignal::new(),
            observer: Arc::new(Silent),
            pacer: None,
        }
    }
}
