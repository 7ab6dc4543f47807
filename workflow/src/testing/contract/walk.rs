//! The way through a workflow: forward from action to action, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lab1_flow_journal::{
    ActionName, Entry, MemoryJournal, Provenance, Record, Role, RunId, RunState, Seq,
};
use serde_json::Value;

use super::ask::{Asked, leads_to_a_look};
use super::other_inputs::other_inputs;
use super::{Answers, Breach, Clause};
use crate::definition::Outputs;
use crate::testing::{Holding, Holdings, Life, PausedClock, Scene};
use crate::token::token;
use crate::{ActionContext, Clock, Engine, Profile, Progress, Reconciled, Workflow};

/// A run that nobody has started.
const ANOTHER: &str = "of-somebody-else";

/// A workflow half-way, and all that was made on the way.
pub(super) struct Walk<'s, S: Scene> {
    scene: &'s S,
    world: S::World,
    clock: PausedClock,
    profile: Profile,
    workflow: Workflow,
    state: RunState,
    next: Seq,
    /// What was there before the first action.
    before: Holdings,
    made: Vec<Made>,
    /// What each action made, by its place.
    ids: BTreeMap<usize, BTreeSet<String>>,
    answers: Answers,
}

/// What an action made.
struct Made {
    place: usize,
    asked: Asked,
    output: Value,
}

impl<'s, S: Scene> Walk<'s, S> {
    pub(super) async fn begin(scene: &'s S) -> Self {
        let clock = PausedClock::new();
        let world = scene.world(&clock);
        let new = scene.new_run();
        let profile = new.profile.clone();
        let life = Life::new(&MemoryJournal::new(), &new.run, None);
        let workflow = scene.workflow(&world, &life);
        let engine = Engine::new(life.journal()).with_clock(Arc::new(clock.clone()));
        #[expect(clippy::expect_used, reason = "a profile is numbers")]
        let header = engine.header(&workflow, new).expect("a profile can be stored");
        let (state, before) = (RunState::new(header), scene.holdings(&world).await);
        Self {
            scene,
            world,
            clock,
            profile,
            workflow,
            state,
            next: Seq::FIRST,
            before,
            made: Vec::new(),
            ids: BTreeMap::new(),
            answers: Answers::default(),
        }
    }

    pub(super) async fn play_to_the_end(mut self) -> Answers {
        for place in 0..self.workflow.nodes.len() {
            if self.go_on(place).await.is_none() {
                break;
            }
        }
        while let Some(made) = self.made.pop() {
            self.take_back(&made).await;
        }
        self.answers
    }

    /// Makes the action at `place` with all questions, if it can be made: without its output there is no way on.
    async fn go_on(&mut self, place: usize) -> Option<()> {
        let mut asked = self.asked(place)?;
        let output = if self.workflow.nodes[place].role == Role::Look {
            self.watch(&mut asked).await?
        } else {
            self.make(place, &mut asked).await?
        };
        self.record(&asked, output);
        Some(())
    }

    /// The action with its input, which must not depend on when it is built.
    fn asked(&mut self, place: usize) -> Option<Asked> {
        let node = &self.workflow.nodes[place];
        let outputs = Outputs::new(&self.workflow, &self.state);
        let built =
            [(); 2].map(|()| (node.build_input)(&outputs).map_err(|error| error.to_string()));
        let run = self.state.header().run.clone();
        let token = self.token(place, &run);
        let context = ActionContext {
            run,
            action: node.name.clone(),
            attempt: 1,
            token,
            now: self.clock.now(),
        };
        let (name, action) = (node.name.clone(), Arc::clone(&node.action));
        let [Ok(input), Ok(again)] = &built else {
            self.breach(&name, Clause::SameInput, format!("{built:?}"));
            return None;
        };
        self.ask(&name, Clause::SameInput, input == again, || format!("{input} is {again}"));
        let window = self.profile.window(action.consistency());
        Some(Asked { action, input: input.clone(), context, clock: self.clock.clone(), window })
    }

    async fn watch(&mut self, asked: &mut Asked) -> Option<Value> {
        let name = asked.name().clone();
        let start = self.things().await;
        let seen = asked.make().await;
        self.ask(&name, Clause::Changes, seen.is_ok(), || format!("{seen:?}"));
        self.unchanged(&name, Clause::LooksChangeNothing, &start).await;
        seen.ok()
    }

    async fn make(&mut self, place: usize, asked: &mut Asked) -> Option<Value> {
        let name = asked.name().clone();
        self.answers.changes += 1;
        let start = self.things().await;
        let found = asked.look().await;
        let absent = matches!(found, Ok(Reconciled::Absent));
        self.ask(&name, Clause::NothingBefore, absent, || format!("a look says {found:?}"));
        self.unchanged(&name, Clause::LooksChangeNothing, &start).await;

        let output = asked.make().await;
        self.ask(&name, Clause::Changes, output.is_ok(), || format!("{output:?}"));
        let output = output.ok()?;
        let there = self.things().await;
        let ids: BTreeSet<String> =
            there.keys().filter(|id| !start.contains_key(*id)).cloned().collect();
        self.judge_what_is_new(place, &start, &there, &ids);
        self.ids.insert(place, ids);

        let is_it = |found: &_| matches!(found, Reconciled::Adopted(found) if *found == output);
        let found = asked.look_for(is_it).await;
        let same = found.as_ref().is_ok_and(is_it);
        self.ask(&name, Clause::FindsWhatItMade, same, || {
            format!("it gave {output}, and a look says {found:?}")
        });
        self.ask_for_something_else(asked).await;
        self.unchanged(&name, Clause::LooksChangeNothing, &there).await;

        let there = self.make_again(asked, &output, there).await;
        self.let_another_try(place, asked, &output, &there).await;
        self.made.push(Made { place, asked: asked.clone(), output: output.clone() });
        Some(output)
    }

    /// A change has one thing to show, with its mark. A part may be part of a thing that was there.
    fn judge_what_is_new(
        &mut self,
        place: usize,
        start: &Holdings,
        there: &Holdings,
        ids: &BTreeSet<String>,
    ) {
        let node = &self.workflow.nodes[place];
        let (name, is_part) = (node.name.clone(), node.role != Role::Change);
        let run = self.state.header().run.to_string();
        let is_marked = |thing: &Holding| {
            thing.mark.as_ref() == Some(&run) && thing.maker.as_ref() == Some(&name)
        };
        let marked = ids.iter().all(|id| is_marked(&there[id]));
        let one = ids.len() == 1 || (is_part && ids.is_empty());
        self.ask(&name, Clause::CarriesMark, marked && one, || {
            let new: Vec<_> = ids.iter().map(|id| (id, &there[id])).collect();
            format!("new is {new:?}")
        });
        let touched: Vec<_> =
            start.iter().filter(|(id, thing)| there.get(*id) != Some(*thing)).collect();
        self.ask(&name, Clause::CarriesMark, is_part || touched.is_empty(), || {
            format!("{touched:?} changed")
        });
    }

    /// Looks for what was not made: the same but for one value.
    async fn ask_for_something_else(&mut self, asked: &Asked) {
        let name = asked.name().clone();
        for (place, input) in other_inputs(&asked.input) {
            if self.scene.unseen().iter().any(|unseen| place.ends_with(unseen)) {
                continue;
            }
            let found = asked.action.reconcile(&asked.context, &input).await;
            let taken = matches!(found, Ok(Reconciled::Adopted(_)));
            self.ask(&name, Clause::ReadsContent, !taken, || {
                format!("asked with another {place:?}, a look says {found:?}")
            });
        }
    }

    /// Makes it once more; returns what is there then.
    async fn make_again(&mut self, asked: &mut Asked, output: &Value, there: Holdings) -> Holdings {
        let name = asked.name().clone();
        let again = asked.attempt().await;
        let calm = match &again {
            Ok(Progress::Done(again)) => again == output,
            Ok(Progress::Waiting(_)) => false,
            Err(error) => leads_to_a_look(error),
        };
        self.ask(&name, Clause::MadeOnce, calm, || format!("made again, it says {again:?}"));
        self.unchanged(&name, Clause::MadeOnce, &there).await;
        self.things().await
    }

    /// What we have made is somebody else's to another run. A part that carries no mark is proven by its whole: no run
    /// ever asks for one on what is not its own.
    async fn let_another_try(
        &mut self,
        place: usize,
        asked: &Asked,
        output: &Value,
        there: &Holdings,
    ) {
        if self.ids.get(&place).is_none_or(BTreeSet::is_empty) {
            return;
        }
        let (name, mut another) = (asked.name().clone(), self.as_another(place, asked));
        let found = another.look().await;
        let taken = matches!(found, Ok(Reconciled::Adopted(_) | Reconciled::Altered { .. }));
        self.ask(&name, Clause::OthersStay, !taken, || format!("to another run it is {found:?}"));
        self.unchanged(&name, Clause::LooksChangeNothing, there).await;
        let made = another.attempt().await;
        let taken = matches!(&made, Ok(Progress::Done(made)) if made == output);
        self.ask(&name, Clause::OthersStay, !taken, || format!("another run was given {made:?}"));
        self.kept(&name, there, "another run made its own").await;
        if self.workflow.nodes[place].role != Role::Change {
            return;
        }
        if let Ok(Progress::Done(made)) = made {
            // A name that holds the run: there is room for both. It is taken back as it was made.
            let removed = another.take_back(&made).await;
            self.ask(&name, Clause::LeavesNothing, removed.is_ok(), || format!("{removed:?}"));
        }
        let _ = another.action.compensate(&another.context, &another.input, output).await;
        self.unchanged(&name, Clause::OthersStay, there).await;
    }

    /// Takes back what an action made, on which nothing stands any more.
    async fn take_back(&mut self, made: &Made) {
        let Made { place, asked, output, .. } = made;
        if self.workflow.nodes[*place].role != Role::Change {
            return;
        }
        let (name, had) = (asked.name().clone(), self.things().await);
        let removed = asked.take_back(output).await;
        self.ask(&name, Clause::LeavesNothing, removed.is_ok(), || format!("{removed:?}"));
        let Ok(removed) = removed else { return };
        let what = "it said that it was done, and never that it waits";
        self.ask(&name, Clause::SeesRemoval, removed.waited, || what.to_owned());
        let own = self.made_by(*place);
        let left = self.things().await;
        let wanted: Holdings = had.into_iter().filter(|(id, _)| !own.contains(id)).collect();
        self.ask(&name, Clause::LeavesNothing, left == wanted, || difference(&wanted, &left));

        let is_gone = |found: &_| matches!(found, Reconciled::Absent);
        let found = asked.look_for(is_gone).await;
        let gone = found.as_ref().is_ok_and(is_gone);
        self.ask(&name, Clause::GoneIsDone, gone, || format!("a look says {found:?}"));
        let again = asked.action.compensate(&asked.context, &asked.input, output).await;
        let done = matches!(again, Ok(Progress::Done(())));
        self.ask(&name, Clause::GoneIsDone, done, || format!("asked again, it says {again:?}"));
        self.unchanged(&name, Clause::GoneIsDone, &left).await;
        self.take_back_what_another_made(made).await;
    }

    /// Our thing is gone, and another run has made its own in the place.
    async fn take_back_what_another_made(&mut self, made: &Made) {
        let Made { place, asked, output, .. } = made;
        let mut another = self.as_another(*place, asked);
        let Ok(theirs) = another.make().await else {
            // It needs what is ours, and rightly refuses.
            return;
        };
        let (name, there) = (asked.name().clone(), self.things().await);
        let found = asked.look().await;
        let taken = matches!(found, Ok(Reconciled::Adopted(_) | Reconciled::Altered { .. }));
        self.ask(&name, Clause::OthersStay, !taken, || format!("another run's is {found:?}"));
        for output in [output, &theirs] {
            let _ = asked.action.compensate(&asked.context, &asked.input, output).await;
            self.unchanged(&name, Clause::OthersStay, &there).await;
        }
        let removed = another.take_back(&theirs).await;
        self.ask(&name, Clause::LeavesNothing, removed.is_ok(), || format!("{removed:?}"));
    }

    fn as_another(&self, place: usize, asked: &Asked) -> Asked {
        #[expect(clippy::expect_used, reason = "the name is a literal of this module")]
        let run = RunId::new(ANOTHER).expect("a literal is a valid name");
        let token = self.token(place, &run);
        asked.by(&run, token)
    }

    fn token(&self, place: usize, run: &RunId) -> String {
        let node = &self.workflow.nodes[place];
        token(run, &self.workflow.steps[node.step].name, &node.name, 0)
    }

    /// The ids of what an action made, with the parts of it.
    fn made_by(&self, place: usize) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            ids.extend(self.ids.get(&place).into_iter().flatten().cloned());
            open.extend(self.workflow.parts(place));
        }
        ids
    }

    /// Notes the output, so that later inputs can be built from it.
    fn record(&mut self, asked: &Asked, output: Value) {
        let action = asked.name().clone();
        let intent = Entry::AttemptStarted {
            action: action.clone(),
            attempt: 1,
            input: Some(asked.input.clone()),
            token: asked.context.token.clone(),
        };
        let done = Entry::ActionCompleted { action, output, provenance: Provenance::Executed };
        for record in Record::number(self.next, self.clock.now(), vec![intent, done]) {
            self.next = record.seq.next();
            #[expect(clippy::expect_used, reason = "each action begins once and ends once")]
            self.state.apply(&record).expect("an intent and its outcome are legal");
        }
    }

    /// All that somebody made on purpose, and what was there before.
    async fn things(&self) -> Holdings {
        let mut things = self.scene.holdings(&self.world).await;
        things.retain(|id, thing| thing.maker.is_some() || self.before.contains_key(id));
        things
    }

    async fn unchanged(&mut self, name: &ActionName, clause: Clause, wanted: &Holdings) {
        let now = self.things().await;
        self.ask(name, clause, now == *wanted, || difference(wanted, &now));
    }

    /// What was there is there, whatever else may be.
    async fn kept(&mut self, name: &ActionName, wanted: &Holdings, when: &str) {
        let mut now = self.things().await;
        now.retain(|id, _| wanted.contains_key(id));
        self.ask(name, Clause::OthersStay, now == *wanted, || {
            format!("{when}: {}", difference(wanted, &now))
        });
    }

    fn ask(
        &mut self,
        name: &ActionName,
        clause: Clause,
        holds: bool,
        what: impl FnOnce() -> String,
    ) {
        self.answers.questions += 1;
        if !holds {
            self.breach(name, clause, what());
        }
    }

    fn breach(&mut self, name: &ActionName, clause: Clause, what: String) {
        self.answers.breaches.push(Breach { action: name.clone(), clause, what });
    }
}

/// What is missing, new or changed.
fn difference(wanted: &Holdings, found: &Holdings) -> String {
    let ids: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let differs = ids.into_iter().filter(|id| wanted.get(*id) != found.get(*id));
    let lines: Vec<_> = differs
        .map(|id| format!("{id} was {:?}, and is {:?}", wanted.get(id), found.get(id)))
        .collect();
    lines.join("; ")
}
