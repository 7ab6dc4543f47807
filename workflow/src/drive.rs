//! The loop: decide, write, send, and take in what lands.
//!
//! Every turn ends in one append: the outcomes that landed and the intents that follow from them share one
//! batch, and nothing is sent before that batch is durable.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lab1_flow_journal::{ActionPhase, Entry, Failure, Record, Rest, Retry, Role, RunState};
use serde_json::Value;

use crate::decide::{Decision, decide};
use crate::definition::Node;
use crate::engine::Resume;
use crate::erased::Kept;
use crate::flight::{self, Call, Flight, Landed};
#[cfg(feature = "testing")]
use crate::frontier::Frontier;
use crate::moment::{Moment, SWEEP, Work};
use crate::patience::Patience;
use crate::ports::Ports;
use crate::search::Found;
use crate::texts::clip;
use crate::token::token;
use crate::turns::{Turn, Turns};
use crate::{ActionContext, EngineError, Profile, Workflow};

/// One run in the hands of this process.
#[derive(Debug)]
pub(crate) struct Drive<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) workflow: &'a Workflow,
    pub(crate) profile: Profile,
    pub(crate) state: RunState,
    pub(crate) moment: Moment,
    /// What each action's waiting in this process has come to.
    pub(crate) patience: BTreeMap<usize, Patience>,
    /// Until when an attempt that was believed absent may still take effect, by the elapsed time.
    pub(crate) late_until: BTreeMap<usize, Duration>,
    /// How often what a rollback had removed was there again, and since when.
    pub(crate) reappeared: BTreeMap<usize, (u32, Duration)>,
    /// What a search has found, though the records know of no such thing.
    pub(crate) found: Found,
    /// Outputs of what is in doubt that cannot be stored: it is taken back with them.
    pub(crate) kept: BTreeMap<usize, Kept>,
    /// Failures for good, of attempts of which a look must still say whether they had an effect.
    pub(crate) doomed: BTreeMap<usize, Failure>,
    /// Records that are applied to the state and not yet durable.
    unwritten: Vec<Record>,
    flights: FuturesUnordered<Flight>,
    turns: Turns,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(
        ports: &'a Ports,
        workflow: &'a Workflow,
        state: RunState,
        how: &Resume,
    ) -> Result<Self, EngineError> {
        let profile = serde_json::from_value(state.header().profile.clone());
        let mut drive = Self {
            ports,
            workflow,
            profile: profile.map_err(EngineError::Profile)?,
            state,
            moment: Moment::default(),
            patience: BTreeMap::new(),
            late_until: BTreeMap::new(),
            reappeared: BTreeMap::new(),
            found: Found::default(),
            kept: BTreeMap::new(),
            doomed: BTreeMap::new(),
            unwritten: Vec::new(),
            flights: FuturesUnordered::new(),
            turns: Turns::new(ports.pacer.clone()),
        };
        if !how.now {
            drive.keep_stored_delays();
        }
        Ok(drive)
    }

    /// Carries the run out until it rests.
    pub(crate) async fn run(mut self, opening: Vec<Entry>) -> Result<RunState, EngineError> {
        for entry in opening {
            self.write(entry)?;
        }
        self.expect_late_effects();
        self.distrust_absences();
        self.distrust_records();
        self.keep_spent_tries();
        loop {
            self.moment.now = self.ports.clock.elapsed();
            if self.ports.stop.is_requested() {
                self.wind_down(Rest::Stopped);
            }
            let calls = self.plan()?;
            self.commit().await?;
            for flight in calls {
                self.flights.push(flight);
            }
            if self.state.rest().is_some() {
                return Ok(self.state);
            }
            let landed = self.next_event().await?;
            self.moment.now = self.ports.clock.elapsed();
            for landed in landed {
                let place = landed.place;
                self.moment.busy.remove(&place);
                self.land(landed)?;
                self.moment.stir(self.workflow, &self.state, place);
            }
        }
    }

    /// A stored wake-up goes on after a death, but waits no longer than its stored delay.
    fn keep_stored_delays(&mut self) {
        let now = self.ports.clock.now();
        let elapsed = self.ports.clock.elapsed();
        for (place, node) in self.workflow.nodes.iter().enumerate() {
            let Some(action) = self.state.action(&node.name) else { continue };
            let retry = match &action.phase {
                ActionPhase::InDoubt { retry, .. }
                | ActionPhase::Waiting { retry, .. }
                | ActionPhase::Compensating { failed: Some((_, retry)) } => *retry,
                _ => continue,
            };
            let left = retry.at.since(now).min(Duration::from_millis(retry.delay_ms));
            self.moment.wake.insert(place, elapsed + left);
        }
    }

    /// What an earlier process believed absent may have been on its way until that process died.
    fn expect_late_effects(&mut self) {
        for (place, node) in self.workflow.nodes.iter().enumerate() {
            if self.state.action(&node.name).is_some_and(|action| action.absences > 0) {
                self.expect_late(place);
            }
        }
    }

    pub(crate) fn distrust_absences(&mut self) {
        for place in 0..self.workflow.nodes.len() {
            self.distrust_absence(place);
        }
    }

    /// A rollback believes in an absence only when nothing can appear any more.
    pub(crate) fn distrust_absence(&mut self, place: usize) {
        let may_appear = self.late_until.contains_key(&place) && self.is_believed_absent(place);
        if self.state.is_rolling_back() && may_appear {
            self.moment.lingering.insert(place);
        }
    }

    /// Turns all that may go on now into records and calls, until nothing more follows from them.
    fn plan(&mut self) -> Result<Vec<Flight>, EngineError> {
        let mut calls = Vec::new();
        loop {
            let decisions = decide(self.workflow, &self.state, &self.moment);
            #[cfg(feature = "testing")]
            debug_assert_eq!(decisions, self.decide_everywhere(), "a look has missed something");
            self.moment.looked(self.workflow, &self.state);
            if decisions.is_empty() {
                return Ok(calls);
            }
            for decision in decisions {
                self.take(decision, &mut calls)?;
            }
        }
    }

    /// What a look at all actions says; the assertion above compares every turn of every test. It would make long runs slow.
    #[cfg(feature = "testing")]
    fn decide_everywhere(&self) -> Vec<Decision> {
        let moment = Moment { frontier: Frontier::Everywhere, ..self.moment.clone() };
        decide(self.workflow, &self.state, &moment)
    }

    fn take(&mut self, decision: Decision, calls: &mut Vec<Flight>) -> Result<(), EngineError> {
        match decision {
            Decision::Execute(place) if !self.has_its_turn(place) => {}
            Decision::Execute(place) => {
                if self.write_intent(place)? {
                    calls.push(self.call(Work::Attempt, place));
                }
            }
            Decision::Look(place) => calls.push(self.call(Work::Look, place)),
            Decision::Reconcile(place) => calls.push(self.call(Work::Reconcile, place)),
            Decision::Compensate(place) => {
                if self.phase(place) == Some(&ActionPhase::Completed) {
                    let action = self.node(place).name.clone();
                    self.write(Entry::CompensationStarted { action })?;
                }
                calls.push(self.call(Work::Compensate, place));
            }
            Decision::TakeAlong { part, whole } => {
                let action = self.node(part).name.clone();
                self.write(Entry::CompensationCompleted { action, with: Some(whole) })?;
            }
            Decision::SkipAlong { part, reason } => {
                let action = self.node(part).name.clone();
                self.write(Entry::CompensationSkipped { action, reason })?;
            }
            Decision::TurnAround(cause) => self.turn_around(cause)?,
            Decision::Sweep => calls.push(self.sweep()),
            Decision::Rest(rest) => self.write(Entry::RunRested { rest })?,
        }
        Ok(())
    }

    /// Whether the call of an attempt would go out at once: an intent is not written early.
    fn has_its_turn(&mut self, place: usize) -> bool {
        let lane = self.node(place).action.lane();
        match self.turns.of(place, lane) {
            Turn::Come => true,
            Turn::Expected(wait) => {
                let name = &self.node(place).name;
                self.ports.observer.waiting(name, "held back so as not to ask too fast", wait);
                self.moment.queued.insert(place);
                false
            }
        }
    }

    /// Writes the intent of an attempt; `false` when there is none, since its input cannot be.
    fn write_intent(&mut self, place: usize) -> Result<bool, EngineError> {
        let node = self.node(place);
        let step = &self.workflow.steps[node.step];
        let action = node.name.clone();
        let token = token(&self.state.header().run, &step.name, &action, 0);
        let known = self.state.action(&action);
        let attempt = known.map_or(0, |known| known.attempts) + 1;
        let frozen = known.is_some_and(|known| known.input.is_some());
        let input = if frozen {
            None
        } else {
            match self.fresh_input(place)? {
                Ok(input) => Some(input),
                Err(error) => {
                    self.write(Entry::ActionFailed { action, failure: error.into_failure() })?;
                    return Ok(false);
                }
            }
        };
        self.write(Entry::AttemptStarted { action, attempt, input, token })?;
        Ok(true)
    }

    /// Prepares a call; it is sent only when the records before it are durable.
    fn call(&mut self, work: Work, place: usize) -> Flight {
        let node = self.node(place);
        // A look that is an action of its own is attempted like a change, and repeated like a look.
        let work = match (&node.role, work) {
            (Role::Look, Work::Attempt) => Work::Look,
            (_, work) => work,
        };
        let limit = node.action.limits().attempt_max;
        let flight = flight::send(work, self.describe(place), limit, &self.ports.clock);
        self.moment.wake.remove(&place);
        self.moment.busy.insert(place, work);
        flight
    }

    fn sweep(&mut self) -> Flight {
        // What is believed absent is looked for once more when all else is gone, but for what lingers: that has its own look.
        let looks = if self.is_all_settled() { self.workflow.nodes.len() } else { 0 };
        let absent = (0..looks).filter(|place| self.is_believed_absent(*place));
        let absent = absent.filter(|place| !self.moment.lingering.contains(place));
        let absent = absent.map(|place| self.describe(place)).collect();
        let run = &self.state.header().run;
        let flight = flight::sweep(self.workflow, run, absent, &self.ports.clock);
        self.moment.wake.remove(&SWEEP);
        self.moment.busy.insert(SWEEP, Work::Sweep);
        flight
    }

    pub(crate) fn is_all_settled(&self) -> bool {
        self.state.actions().all(|(_, action)| action.is_settled_backwards())
    }

    /// Whether a change was tried and is thought to have left nothing.
    fn is_believed_absent(&self, place: usize) -> bool {
        let node = self.node(place);
        let believed = |phase: &ActionPhase| {
            matches!(
                phase,
                ActionPhase::Pending | ActionPhase::Waiting { .. } | ActionPhase::Failed { .. }
            )
        };
        let action = self.state.action(&node.name);
        node.role == Role::Change
            && action.is_some_and(|action| action.attempts > 0 && believed(&action.phase))
    }

    fn describe(&self, place: usize) -> Call {
        let node = self.node(place);
        let known = self.state.action(&node.name);
        let context = ActionContext {
            run: self.state.header().run.clone(),
            action: node.name.clone(),
            attempt: known.map_or(0, |known| known.attempts),
            token: known.and_then(|known| known.token.clone()).unwrap_or_default(),
            now: self.ports.clock.now(),
        };
        let stored = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
        let by_mark = node.by_mark.as_ref().filter(|_| {
            self.found.in_doubt.contains(&place) || known.is_some_and(|known| known.found_by_mark)
        });
        let input = known.and_then(|known| known.input.as_ref()).filter(|_| by_mark.is_none());
        Call {
            place,
            action: by_mark.unwrap_or(&node.action).clone(),
            context,
            input: stored(input),
            output: stored(known.and_then(|known| known.output.as_ref())),
            kept: self.kept.get(&place).filter(|_| self.state.is_rolling_back()).cloned(),
        }
    }

    /// Takes an entry into account. It is durable after the next commit, and nothing is sent before.
    pub(crate) fn write(&mut self, mut entry: Entry) -> Result<(), EngineError> {
        clip(&mut entry);
        let record = Record { seq: self.state.next_seq(), at: self.ports.clock.now(), entry };
        self.state.apply(&record)?;
        self.moment.note(self.workflow, &self.state, &record.entry);
        self.unwritten.push(record);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), EngineError> {
        let Some(first) = self.unwritten.first() else { return Ok(()) };
        let (seq, at) = (first.seq, first.at);
        let entries = self.unwritten.drain(..).map(|record| record.entry).collect();
        let run = &self.state.header().run;
        let records = self.ports.journal.append(run, seq, at, entries).await?;
        self.ports.observer.recorded(&records, &self.state);
        Ok(())
    }

    /// Waits for a call to land, for a delay to end, or for the signal to stop.
    async fn next_event(&mut self) -> Result<Vec<Landed>, EngineError> {
        let winding_down = self.moment.winding_down.is_some();
        let wakes = self.moment.wake.values().filter(|due| **due > self.moment.now);
        let wake = if winding_down { None } else { wakes.min().copied() };
        if self.flights.is_empty() && self.turns.is_empty() && wake.is_none() {
            return Err(EngineError::Stalled);
        }
        let Self { flights, ports, moment, turns, .. } = self;
        let sleep = wake.map_or(Duration::ZERO, |due| due.saturating_sub(moment.now));
        let (mut landed, mut come) = (Vec::new(), None);
        tokio::select! {
            biased;
            Some(one) = flights.next(), if !flights.is_empty() => landed.push(one),
            place = turns.next(), if !turns.is_empty() => come = place,
            () = ports.clock.sleep(sleep), if wake.is_some() => {}
            () = ports.stop.requested(), if !winding_down => {}
        }
        if let Some(place) = come {
            self.moment.queued.remove(&place);
            self.moment.stir(self.workflow, &self.state, place);
        }
        // What has landed at the same time shares the batch.
        while let Some(Some(one)) = self.flights.next().now_or_never() {
            landed.push(one);
        }
        Ok(landed)
    }

    /// Gives up the turns that are waited for: nothing will be attempted any more.
    pub(crate) fn leave_queues(&mut self) {
        self.turns.leave();
        self.moment.queued.clear();
    }

    /// Begins nothing new; when the calls in flight have landed, the run rests like this.
    pub(crate) fn wind_down(&mut self, rest: Rest) {
        self.leave_queues();
        self.moment.winding_down.get_or_insert(rest);
    }

    /// Lets an action wait for so long before it goes on.
    pub(crate) fn delay(&mut self, place: usize, delay: Duration) -> Retry {
        self.moment.wake.insert(place, self.moment.now + delay);
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Retry { at: self.ports.clock.now().plus(delay), delay_ms }
    }

    pub(crate) fn node(&self, place: usize) -> &'a Node {
        &self.workflow.nodes[place]
    }

    pub(crate) fn phase(&self, place: usize) -> Option<&ActionPhase> {
        self.state.action(&self.node(place).name).map(|action| &action.phase)
    }
}
