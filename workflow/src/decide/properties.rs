//! Goal: whatever has happened, the planner proposes only what may follow, and always something. Method:
//! random workflows walk through random legal histories, with deaths, and are then led to their end.

use lab1_flow_journal::{
    Direction, Entry, Failure, FailureClass, OnFailure, Provenance, Record, Rest, Retry,
    RollbackCause, RunHeader, RunId, Timestamp,
};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::testing::{Blueprint, Habits, PausedClock, World};
use crate::{DefinitionError, Limits};

/// A history that is being written, and the process that writes it.
struct Walk {
    workflow: Workflow,
    state: RunState,
    moment: Moment,
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Well,
    Transient,
    Doubt,
    ForGood,
}

/// What happens next in a walk.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A call lands: which, and how.
    Landing(usize, Ending),
    /// The process dies and the next one goes on.
    Death,
    /// The process dies and the next one turns the run around.
    Turn,
}

impl Walk {
    fn new(blueprint: &Blueprint, on_failure: OnFailure) -> Self {
        let workflow = workflow(blueprint).unwrap();
        let state = RunState::new(RunHeader {
            run: RunId::from_random(1),
            workflow: workflow.name().to_owned(),
            created_at: Timestamp(0),
            seed: 0,
            on_failure,
            until: None,
            steps: workflow.steps().to_vec(),
            profile: Value::Null,
            context: Value::Null,
        });
        Self { workflow, state, moment: Moment::default() }
    }

    fn write(&mut self, entry: Entry) -> Result<(), TestCaseError> {
        let shown = format!("{entry:?}");
        let record = Record { seq: self.state.next_seq(), at: Timestamp(0), entry };
        let applied = self.state.apply(&record);
        prop_assert!(applied.is_ok(), "{shown} was proposed, and refused: {applied:?}");
        self.moment.note(&self.workflow, &self.state, &record.entry);
        Ok(())
    }

    /// Does what the planner says, until it says nothing more.
    fn plan(&mut self) -> Result<(), TestCaseError> {
        loop {
            let decisions = decide(&self.workflow, &self.state, &self.moment);
            let everywhere = Moment { frontier: Frontier::Everywhere, ..self.moment.clone() };
            prop_assert_eq!(&decisions, &decide(&self.workflow, &self.state, &everywhere));
            self.moment.looked(&self.workflow, &self.state);
            if decisions.is_empty() {
                return Ok(());
            }
            for decision in decisions {
                self.take(decision)?;
            }
        }
    }

    fn take(&mut self, decision: Decision) -> Result<(), TestCaseError> {
        let (work, place) = match decision {
            Decision::Execute(place) => {
                self.begin(place)?;
                let look = self.workflow.nodes[place].role == Role::Look;
                (if look { Work::Look } else { Work::Attempt }, place)
            }
            Decision::Look(place) => (Work::Look, place),
            Decision::Reconcile(place) => (Work::Reconcile, place),
            Decision::Compensate(place) => {
                if self.phase(place) == ActionPhase::Completed {
                    let action = self.name(place);
                    self.write(Entry::CompensationStarted { action })?;
                }
                (Work::Compensate, place)
            }
            Decision::TakeAlong { part, whole } => {
                let action = self.name(part);
                return self.write(Entry::CompensationCompleted { action, with: Some(whole) });
            }
            Decision::SkipAlong { part, reason } => {
                let action = self.name(part);
                return self.write(Entry::CompensationSkipped { action, reason });
            }
            Decision::TurnAround(cause) => return self.write(Entry::RollbackStarted { cause }),
            Decision::Sweep => (Work::Sweep, SWEEP),
            Decision::Rest(rest) => return self.write(Entry::RunRested { rest }),
        };
        let twice = self.moment.busy.insert(place, work);
        prop_assert!(twice.is_none(), "{place} is sent twice: {twice:?}, then {work:?}");
        Ok(())
    }

    fn begin(&mut self, place: usize) -> Result<(), TestCaseError> {
        for need in self.workflow.nodes[place].needs.clone() {
            prop_assert_eq!(self.phase(need), ActionPhase::Completed, "a need is not met");
        }
        let action = self.name(place);
        let attempt = self.action(place).attempts + 1;
        let input = (attempt == 1).then_some(Value::Null);
        self.write(Entry::AttemptStarted { action, attempt, input, token: "token".into() })
    }

    fn land(&mut self, place: usize, ending: Ending) -> Result<(), TestCaseError> {
        let Some(work) = self.moment.busy.remove(&place) else { return Ok(()) };
        self.land_work(place, work, ending)?;
        self.moment.stir(&self.workflow, &self.state, place);
        Ok(())
    }

    fn land_work(&mut self, place: usize, work: Work, ending: Ending) -> Result<(), TestCaseError> {
        match work {
            Work::Sweep => {
                // Before the first removal, after the last, or before a rest as stuck.
                if std::mem::take(&mut self.moment.search_due) {
                    self.moment.frontier = Frontier::Everywhere;
                } else {
                    self.moment.swept = true;
                    self.moment.leftovers = Some(Vec::new());
                }
                Ok(())
            }
            Work::Look if self.state.is_rolling_back() => Ok(()),
            Work::Attempt | Work::Look => self.land_attempt(place, work, ending),
            Work::Reconcile => self.land_reconcile(place, ending),
            Work::Compensate => self.land_compensation(place, ending),
        }
    }

    fn land_attempt(
        &mut self,
        place: usize,
        work: Work,
        ending: Ending,
    ) -> Result<(), TestCaseError> {
        let (action, attempt) = (self.name(place), self.action(place).attempts);
        let rolling_back = self.state.is_rolling_back();
        self.write(match ending {
            Ending::Well => completed(action, Provenance::Executed),
            Ending::ForGood if rolling_back => Entry::AttemptAbsent { action, attempt },
            Ending::ForGood => Entry::ActionFailed { action, failure: failure(ending) },
            Ending::Doubt | Ending::Transient => {
                let in_doubt = work == Work::Attempt && matches!(ending, Ending::Doubt);
                let failure = failure(if in_doubt { Ending::Doubt } else { Ending::Transient });
                Entry::AttemptFailed { action, attempt, failure, in_doubt, retry: RETRY }
            }
        })
    }

    fn land_reconcile(&mut self, place: usize, ending: Ending) -> Result<(), TestCaseError> {
        let (action, attempt) = (self.name(place), self.action(place).attempts);
        self.write(match ending {
            Ending::Well => completed(action, Provenance::Adopted),
            Ending::Transient | Ending::Doubt => {
                let failure = failure(Ending::Transient);
                Entry::AttemptFailed { action, attempt, failure, in_doubt: true, retry: RETRY }
            }
            Ending::ForGood => Entry::AttemptAbsent { action, attempt },
        })
    }

    fn land_compensation(&mut self, place: usize, ending: Ending) -> Result<(), TestCaseError> {
        let action = self.name(place);
        self.write(match ending {
            Ending::Well => Entry::CompensationCompleted { action, with: None },
            Ending::Transient | Ending::Doubt => {
                let failure = failure(Ending::Transient);
                Entry::CompensationFailed { action, failure, retry: RETRY }
            }
            Ending::ForGood => Entry::CompensationGaveUp { action, failure: failure(ending) },
        })
    }

    fn happen(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Landing(which, ending) => {
                let busy: Vec<usize> = self.moment.busy.keys().copied().collect();
                let place = busy.get(which % busy.len().max(1)).copied();
                place.map_or(Ok(()), |place| self.land(place, ending))
            }
            Event::Death => self.go_on(),
            Event::Turn => {
                self.moment = Moment::default();
                if self.state.direction() == &Direction::Forward {
                    let cause = RollbackCause::Request;
                    return self.write(Entry::RollbackStarted { cause });
                }
                self.go_on()
            }
        }
    }

    /// A new process goes on, as `resume` does.
    fn go_on(&mut self) -> Result<(), TestCaseError> {
        self.moment = Moment::default();
        self.moment.search_due = self.state.is_rolling_back();
        match self.state.rest() {
            None | Some(Rest::Completed | Rest::RolledBack) => Ok(()),
            Some(_) => self.write(Entry::RunResumed { new_budget: true }),
        }
    }

    fn phase(&self, place: usize) -> ActionPhase {
        self.action(place).phase.clone()
    }

    fn action(&self, place: usize) -> &ActionState {
        self.state.action(&self.workflow.nodes[place].name).unwrap()
    }

    fn name(&self, place: usize) -> ActionName {
        self.workflow.nodes[place].name.clone()
    }
}

const RETRY: Retry = Retry { at: Timestamp(0), delay_ms: 0 };

fn completed(action: ActionName, provenance: Provenance) -> Entry {
    Entry::ActionCompleted { action, output: Value::Null, provenance }
}

fn failure(ending: Ending) -> Failure {
    let class = match ending {
        Ending::Doubt => FailureClass::Ambiguous,
        Ending::ForGood => FailureClass::Permanent,
        Ending::Well | Ending::Transient => FailureClass::Transient,
    };
    Failure { class, code: None, request_id: None, message: "as ordered".into(), advice: None }
}

/// The planner never calls an action, so that any world will do.
fn workflow(blueprint: &Blueprint) -> Result<Workflow, DefinitionError> {
    let world = World::new(std::sync::Arc::new(PausedClock::new()), Habits::default());
    blueprint.workflow(&world, Limits::default())
}

fn blueprints() -> impl Strategy<Value = Blueprint> {
    let draws = prop::collection::vec((0..5_u8, any::<u8>(), any::<usize>()), 1..8);
    draws.prop_map(Blueprint::of_draws)
}

fn events() -> impl Strategy<Value = Event> {
    let endings = prop_oneof![
        5 => Just(Ending::Well),
        1 => Just(Ending::Transient),
        2 => Just(Ending::Doubt),
        1 => Just(Ending::ForGood),
    ];
    prop_oneof![
        12 => (any::<usize>(), endings).prop_map(|(which, ending)| Event::Landing(which, ending)),
        2 => Just(Event::Death),
        1 => Just(Event::Turn),
    ]
}

fn policies() -> impl Strategy<Value = OnFailure> {
    prop_oneof![Just(OnFailure::Stop), Just(OnFailure::Rollback)]
}

/// A run of `n` actions needs fewer turns than this to its end: each turn lands something.
const TURNS_MAX: usize = 200;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn only_what_may_follow_is_proposed_and_every_prefix_leads_to_an_end(
        blueprint in blueprints().prop_filter("a knot", |it| workflow(it).is_ok()),
        on_failure in policies(),
        story in prop::collection::vec(events(), 0..40),
    ) {
        let mut walk = Walk::new(&blueprint, on_failure);
        for event in story {
            walk.plan()?;
            walk.happen(event)?;
        }
        // The process dies here; from now on all goes well.
        walk.go_on()?;
        for _ in 0..TURNS_MAX {
            walk.plan()?;
            match walk.state.rest() {
                Some(Rest::Completed | Rest::RolledBack) => return Ok(()),
                Some(_) => walk.go_on()?,
                None => {
                    let next = walk.moment.busy.keys().next().copied();
                    prop_assert!(next.is_some(), "stalled in {:?}", walk.state);
                    next.map_or(Ok(()), |place| walk.land(place, Ending::Well))?;
                }
            }
        }
        prop_assert!(false, "no end after {} turns: {:?}", TURNS_MAX, walk.state);
    }
}
