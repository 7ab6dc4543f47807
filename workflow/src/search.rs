//! What a rollback finds by the run's mark, and what it makes of that.
//!
//! The journal may be behind the world: a copy was put back, or taken to another machine. So a rollback searches before
//! its first removal, and what it finds unrecorded is put in doubt: it is looked for, and taken back in its order. It
//! searches again before it rests, stuck or done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lab1_flow_journal::{ActionPhase, Budget, Provenance, Rest, RunState};

use crate::drive::Drive;
use crate::flight::Findings;
use crate::frontier::Frontier;
use crate::moment::SWEEP;
use crate::{Consistency, EngineError, Leftover, Workflow};

/// What searches have found so far, though the records know of no such thing.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What is being looked for by its mark.
    pub(crate) in_doubt: BTreeSet<usize>,
    /// How often each was put in doubt.
    doubts: BTreeMap<usize, u32>,
}

/// How often one thing is put in doubt: from then on a search and a look disagree for good, and a person must see.
const DOUBTS_MAX: u32 = 3;

/// What carries the run's mark, and is neither being taken back nor left on request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Unknown {
    /// Of these actions no effect is recorded.
    unrecorded: BTreeMap<usize, Vec<String>>,
    /// The effects of these actions are recorded as gone: they are there again, or still shown.
    gone: BTreeMap<usize, Vec<String>>,
    /// No action of the workflow can take this back.
    strays: Vec<String>,
}

/// Sorts what a search has found by what the records say of it.
fn sort(workflow: &Workflow, state: &RunState, marked: Vec<Leftover>) -> Unknown {
    let mut unknown = Unknown::default();
    for Leftover { what, action } in marked {
        let place = action.and_then(|name| workflow.place(&name));
        let known = place.and_then(|place| {
            let node = &workflow.nodes[place];
            Some((place, node, state.action(&node.name)?))
        });
        let Some((place, node, action)) = known else {
            unknown.strays.push(what);
            continue;
        };
        let is_skipped = matches!(action.phase, ActionPhase::Skipped { .. });
        if is_skipped || !action.is_settled_backwards() {
            continue;
        }
        let can_be_found = node.by_mark.is_some() || action.input.is_some();
        let lines = match &action.phase {
            _ if !action.is_thought_absent() || !can_be_found => &mut unknown.strays,
            ActionPhase::Compensated { .. } => unknown.gone.entry(place).or_default(),
            _ => unknown.unrecorded.entry(place).or_default(),
        };
        lines.push(what);
    }
    unknown
}

impl Drive<'_> {
    /// From here on the run takes back. What its records call absent or gone may stand, if they are behind the world.
    pub(crate) fn distrust_records(&mut self) {
        let is_searched = self.workflow.sweep.is_some() && self.state.is_rolling_back();
        let may_have_made = self.state.may_have_made_something();
        let may_be_there = || self.state.actions().any(|(_, action)| action.is_thought_absent());
        self.moment.search_due = is_searched && may_have_made && may_be_there();
    }

    /// Takes in what a search has found.
    pub(crate) fn swept(&mut self, sent: Duration, findings: Findings) -> Result<(), EngineError> {
        let is_first = std::mem::take(&mut self.moment.search_due);
        if is_first {
            // Removals were held back until now.
            self.moment.frontier = Frontier::Everywhere;
        }
        let Findings { late, kept, unclear, marked } = findings;
        let found_late = !late.is_empty() || !kept.is_empty();
        for (place, output) in kept {
            self.kept.insert(place, output);
            self.moment.lingering.insert(place);
            self.moment.stir(self.workflow, &self.state, place);
        }
        for (place, output) in late {
            self.complete(place, output, Provenance::Adopted)?;
        }
        let mut unknown = sort(self.workflow, &self.state, marked);
        unknown.strays.extend(unclear);
        let shown_for = self.shown_for(sent, &unknown);
        let is_there_again = is_first || shown_for >= self.profile.window(Consistency::Usual);
        let mut doubtful: BTreeSet<usize> = unknown.unrecorded.keys().copied().collect();
        // What was removed a moment ago may still be shown.
        doubtful.extend(unknown.gone.keys().filter(|_| is_there_again));
        doubtful.retain(|place| self.found.doubts.get(place).is_none_or(|made| *made < DOUBTS_MAX));
        for place in &doubtful {
            self.doubt(*place);
        }
        if found_late || !doubtful.is_empty() || (is_first && !self.is_all_settled()) {
            return Ok(());
        }
        self.nothing_to_doubt(shown_for, unknown);
        Ok(())
    }

    /// For how long, by this process, searches have shown what the records do not know of.
    fn shown_for(&mut self, sent: Duration, unknown: &Unknown) -> Duration {
        let now = self.moment.now;
        let patience = self.patience.entry(SWEEP).or_default();
        if *unknown == Unknown::default() {
            patience.began = None;
            return Duration::ZERO;
        }
        let (first, _) = *patience.began.get_or_insert((now, Duration::ZERO));
        sent.saturating_sub(first)
    }

    /// Looks for what a search has shown. It counts as there until the look says otherwise.
    fn doubt(&mut self, place: usize) {
        let made = self.found.doubts.entry(place).or_default();
        let before = *made;
        *made += 1;
        self.found.in_doubt.insert(place);
        self.moment.lingering.insert(place);
        self.moment.wake.remove(&place);
        if before > 0 {
            let delay = self.look_delay(before, Duration::ZERO, None);
            self.delay(place, delay);
        }
        self.moment.stir(self.workflow, &self.state, place);
    }

    /// Nothing that was found can be taken back by looking for it: what is not gone by the end of the window is left.
    fn nothing_to_doubt(&mut self, shown_for: Duration, unknown: Unknown) {
        let Unknown { unrecorded, gone, strays } = unknown;
        let lines = strays.into_iter().chain(unrecorded.into_values().flatten());
        if !self.is_all_settled() {
            // The rollback is stuck anyway. What it has seen gone by itself is only still shown.
            self.moment.leftovers = Some(lines.collect());
            return;
        }
        let left: Vec<String> = lines.chain(gone.into_values().flatten()).collect();
        if left.is_empty() {
            // What lingers may still be found: the last search comes after that.
            self.moment.swept = self.moment.lingering.is_empty();
            return;
        }
        if shown_for >= self.profile.window(Consistency::Slow) {
            self.wind_down(Rest::Stuck { left });
            return;
        }
        let patience = self.patience.entry(SWEEP).or_default();
        patience.searches = Budget::default();
        patience.looks += 1;
        let looks = patience.looks;
        let delay = self.look_delay(looks, shown_for, None);
        self.delay(SWEEP, delay);
    }
}
