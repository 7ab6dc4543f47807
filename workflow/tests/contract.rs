//! Goal: the contract of an action can be broken, and is seen to be. Method: a sound action is given one flaw after
//! another, and the suite must name the clause; the sound one it must leave alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lab1_flow_workflow::testing::{
    Answers, Clause, Habits, Holdings, Life, Made, MakeThing, Order, PausedClock, Scene,
    ThingInput, World, check_contract,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Limits, Progress, Reconciled, Step,
    Wait, Workflow,
};
use serde::{Deserialize, Serialize};

/// What is wrong with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Flaw {
    /// Nothing: the control.
    None,
    /// Each input has a number of its own.
    NumbersInputs,
    /// A look cleans up.
    LooksAndRemoves,
    /// A look takes whatever it finds for its own, also what is not there.
    AlwaysAdopts,
    /// It is refused for good.
    NeverSucceeds,
    /// What it makes carries no mark.
    ForgetsMark,
    /// A look sees nothing.
    SeesNothing,
    /// A look finds it under another id.
    ForgetsOutput,
    /// A look reads the mark, and nothing else.
    ReadsNoContent,
    /// Another attempt makes another thing.
    MakesAnother,
    /// Another attempt is a failure for good, since the name is taken.
    RefusesForGood,
    /// A look reads no mark.
    TakesAnyMark,
    /// A compensation goes by the name.
    RemovesByName,
    /// A compensation says that it is done as soon as it has asked.
    SaysDoneAtOnce,
    /// A compensation says that it is done and does nothing.
    RemovesNothing,
    /// A compensation of what is gone is an error.
    FailsWhenGone,
}

/// [`MakeThing`] with a flaw.
#[derive(Debug, Clone)]
struct Flawed {
    sound: MakeThing,
    flaw: Flaw,
    /// How often it has done what goes well once.
    times: Arc<AtomicU64>,
}

impl Flawed {
    fn world(&self) -> &World {
        &self.sound.world
    }

    /// Takes away what has the name, whosever it is.
    fn remove_by_name(&self, input: &ThingInput) {
        self.world().destroy(&input.name);
    }
}

impl Action for Flawed {
    type Input = ThingInput;
    type Output = Made;

    async fn execute(&self, cx: &ActionContext, input: &ThingInput) -> Result<Made, ActionError> {
        let mut order = Order::of(cx, &input.name, &input.content, Vec::new());
        match self.flaw {
            Flaw::NeverSucceeds => return Err(ActionError::permanent("no")),
            Flaw::MakesAnother if cx.attempt() > 1 => {
                order.name = format!("{}-{}", input.name, cx.attempt());
            }
            Flaw::ForgetsMark => order.mark = String::new(),
            Flaw::RefusesForGood => {
                let made = self.sound.execute(cx, input).await;
                return made.map_err(|error| ActionError::permanent(error.to_string()));
            }
            _ => {}
        }
        Ok(Made { id: self.world().make(order).await? })
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
    ) -> Result<Reconciled<Made>, ActionError> {
        let found = self.sound.reconcile(cx, input).await?;
        Ok(match self.flaw {
            Flaw::LooksAndRemoves => {
                self.remove_by_name(input);
                found
            }
            Flaw::AlwaysAdopts => Reconciled::Adopted(Made { id: input.name.clone() }),
            Flaw::SeesNothing => Reconciled::Absent,
            Flaw::ForgetsOutput if matches!(found, Reconciled::Adopted(_)) => {
                Reconciled::Adopted(Made { id: input.name.clone() })
            }
            Flaw::TakesAnyMark => match self.world().find(&input.name).await? {
                Some(seen) if !seen.is_leaving => Reconciled::Adopted(Made { id: seen.id }),
                _ => Reconciled::Absent,
            },
            Flaw::ReadsNoContent => match found {
                Reconciled::Altered { output, .. } => Reconciled::Adopted(output),
                found => found,
            },
            _ => found,
        })
    }
}

impl Compensate for Flawed {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
        made: &Made,
    ) -> Result<Progress<()>, ActionError> {
        match self.flaw {
            Flaw::RemovesByName => {
                let found = self.world().find(&input.name).await?;
                self.remove_by_name(input);
                let wait = Progress::Waiting(Wait::new("it goes"));
                Ok(found.map_or(Progress::Done(()), |_| wait))
            }
            Flaw::SaysDoneAtOnce => {
                self.world().remove(&made.id, cx.run().as_str()).await?;
                Ok(Progress::Done(()))
            }
            Flaw::RemovesNothing => Ok(Progress::Done(())),
            Flaw::FailsWhenGone => {
                let progress = self.sound.compensate(cx, input, made).await?;
                let done = progress == Progress::Done(());
                if done && self.times.fetch_add(1, Ordering::Relaxed) > 0 {
                    return Err(ActionError::permanent("there is no such thing"));
                }
                Ok(progress)
            }
            _ => self.sound.compensate(cx, input, made).await,
        }
    }
}

/// A sound thing, and a flawed one on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Broken {
    flaw: Flaw,
}

impl Step for Broken {
    const NAME: &'static str = "broken";
    const VERSION: u32 = 1;
    type Needs = World;
    type Offers = ();

    fn title(&self) -> String {
        format!("{:?}", self.flaw)
    }

    fn define(&self, world: World, actions: &mut Actions<'_>) {
        let (flaw, times) = (self.flaw, Arc::new(AtomicU64::new(0)));
        let input = |name: &str, stands_on: Vec<String>| ThingInput {
            name: name.to_owned(),
            content: "plain".to_owned(),
            stands_on,
        };
        let sound = MakeThing { world, limits: Limits::default() };
        let below =
            actions.change("sound", "sound", sound.clone(), (), move |()| input("sound", vec![]));
        let flawed = Flawed { sound, flaw, times: Arc::clone(&times) };
        actions.change("flawed", "flawed", flawed, below, move |below| {
            let number = times.fetch_add(u64::from(flaw == Flaw::NumbersInputs), Ordering::Relaxed);
            input(&format!("flawed-{number}"), vec![below.id])
        });
    }
}

impl Scene for Broken {
    type World = World;

    fn world(&self, clock: &PausedClock) -> World {
        World::new(Arc::new(clock.clone()), Habits::default())
    }

    fn workflow(&self, world: &World, _: &Life) -> Workflow {
        let mut builder = Workflow::builder("broken");
        builder.step(self, world.clone());
        builder.build().unwrap()
    }

    async fn holdings(&self, world: &World) -> Holdings {
        world.holdings()
    }

    fn unseen(&self) -> &[&str] {
        &["/stands_on/0"]
    }
}

async fn answers(flaw: Flaw) -> Answers {
    check_contract(Broken { flaw }).await
}

#[tokio::test(start_paused = true)]
async fn a_sound_action_keeps_every_clause() {
    let answers = answers(Flaw::None).await;
    answers.assert_clean();
    assert_eq!((answers.changes, answers.questions), (2, 54));
}

#[tokio::test(start_paused = true)]
async fn each_flaw_is_caught_by_the_clause_that_it_breaks_and_in_the_action_that_has_it() {
    for (flaw, clause) in [
        (Flaw::NumbersInputs, Clause::SameInput),
        (Flaw::LooksAndRemoves, Clause::LooksChangeNothing),
        (Flaw::AlwaysAdopts, Clause::NothingBefore),
        (Flaw::NeverSucceeds, Clause::Changes),
        (Flaw::ForgetsMark, Clause::CarriesMark),
        (Flaw::SeesNothing, Clause::FindsWhatItMade),
        (Flaw::ForgetsOutput, Clause::FindsWhatItMade),
        (Flaw::ReadsNoContent, Clause::ReadsContent),
        (Flaw::MakesAnother, Clause::MadeOnce),
        (Flaw::RefusesForGood, Clause::MadeOnce),
        (Flaw::TakesAnyMark, Clause::OthersStay),
        (Flaw::RemovesByName, Clause::OthersStay),
        (Flaw::SaysDoneAtOnce, Clause::SeesRemoval),
        (Flaw::RemovesNothing, Clause::LeavesNothing),
        (Flaw::FailsWhenGone, Clause::GoneIsDone),
    ] {
        let answers = answers(flaw).await;
        assert!(answers.has_caught(clause), "{flaw:?} must break {clause}: {answers:#?}");
        let names = answers.breaches.iter().map(|breach| breach.action.as_str());
        assert!(names.clone().all(|name| name == "flawed"), "{flaw:?}: {answers:#?}");
    }
}
