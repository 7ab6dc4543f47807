//! The documented stack on the embedded cloud as a scene of the crash sweep.

use std::sync::Arc;

use lab1_flow_cloud::{CloudOptions, Fault, FaultPlan, FaultRule};
use lab1_flow_steps::{Stack, StackSpec, Target};
use lab1_flow_workflow::journal::{Entry, MemoryJournal, OnFailure, Record, Rest, RunId};
use lab1_flow_workflow::testing::{Flaw, Holdings, Life, PausedClock, Scene, Verb, Violation};
use lab1_flow_workflow::{Clock, Engine, NewRun, Profile, Workflow};

use crate::real_steps::account::{Account, Past};
use crate::real_steps::line::{ANOTHER, Line, Tampering};

/// What happens to some calls of an action: from which one on, how many, and what.
pub(crate) type Trouble = (&'static str, u64, u64, Fault);

/// An account in which another run has deployed the same stack, by the same names, and stands.
pub(crate) async fn deployed_by_another() -> Past {
    let (clock, scene) = (PausedClock::new(), DocumentedStack::plain());
    let account = scene.world(&clock);
    let new = NewRun { run: RunId::new(ANOTHER).unwrap(), ..scene.new_run() };
    let life = Life::new(&MemoryJournal::new(), &new.run, None);
    let workflow = life.probe(scene.workflow(&account, &life));
    let engine = Engine::new(life.journal()).with_clock(Arc::new(clock.clone()));
    let report = engine.start(&workflow, new).await.unwrap();
    assert_eq!(*report.rest(), Rest::Completed, "{report:?}");
    account.as_past(clock.elapsed())
}

/// The documented stack, and what happens to its calls.
#[derive(Debug, Clone)]
pub(crate) struct DocumentedStack {
    /// How the cloud behaves.
    pub(crate) options: CloudOptions,
    /// What happened before the verb that is swept.
    pub(crate) prelude: &'static [Verb],
    /// What is swept.
    pub(crate) verb: Verb,
    /// What goes wrong.
    pub(crate) troubles: &'static [Trouble],
    /// Whether a failure turns the run around.
    pub(crate) on_failure: OnFailure,
    /// What others have left in the account before.
    pub(crate) past: Past,
    /// What is wrong with the workflow.
    pub(crate) flaws: &'static [Flaw],
    /// What is wrong with it from the end of the prelude on.
    pub(crate) later_flaws: &'static [Flaw],
    /// What is wrong with the line.
    pub(crate) tampering: Option<Tampering>,
    /// Whether every case is played from the beginning.
    pub(crate) plays_again: bool,
    pub(crate) line: Line,
}

impl DocumentedStack {
    /// A deployment on a cloud that takes its median times and shows everything at once.
    pub(crate) fn plain() -> Self {
        Self {
            options: CloudOptions::plain(),
            prelude: &[],
            verb: Verb::Start,
            troubles: &[],
            on_failure: OnFailure::Stop,
            past: Past::default(),
            flaws: &[],
            later_flaws: &[],
            tampering: None,
            plays_again: false,
            line: Line::new(),
        }
    }

    /// The rollback of a finished deployment.
    pub(crate) fn finished() -> Self {
        Self { prelude: &[Verb::Start], verb: Verb::RollBack, ..Self::plain() }
    }
}

impl Scene for DocumentedStack {
    type World = Account;

    fn world(&self, clock: &PausedClock) -> Account {
        let rule = |(action, from_call, count, fault): &Trouble| FaultRule {
            action: Some((*action).to_owned()),
            from_call: *from_call,
            count: Some(*count),
            ..FaultRule::new(*fault)
        };
        let plan = FaultPlan { seed: 0, rules: self.troubles.iter().map(rule).collect() };
        Account::with_past(&self.past, self.options, plan, clock)
    }

    fn workflow(&self, account: &Account, life: &Life) -> Workflow {
        let aws = self.line.give_to(account.caller(life, self.tampering));
        // A later process knows nothing but what is stored.
        let history = life.history();
        let stack = match &history {
            Some(history) => Stack::from_stored(&history.header.steps).unwrap(),
            None => Stack::new(&StackSpec::default(), &Target::local(None)),
        };
        let workflow = stack.workflow(aws).unwrap();
        let rested = |record: &Record| matches!(record.entry, Entry::RunRested { .. });
        let is_later = history.is_some_and(|history| history.records.iter().any(rested));
        let later = self.later_flaws.iter().filter(|_| is_later);
        self.flaws.iter().chain(later).fold(workflow, |workflow, flaw| flaw.in_a(workflow))
    }

    fn new_run(&self) -> NewRun {
        let new = NewRun::new(RunId::new("swept").unwrap());
        // Every look is a boundary, and one is like the other: few of them will do.
        let profile = Profile { look_first_ms: 8_000, ..Profile::default() };
        NewRun { on_failure: self.on_failure, profile, ..new }
    }

    async fn holdings(&self, account: &Account) -> Holdings {
        account.holdings()
    }

    fn copy(&self, account: &Account, clock: &PausedClock) -> Option<Account> {
        (!self.plays_again).then(|| account.copy(clock))
    }

    fn complaints(&self, account: &Account) -> Vec<Violation> {
        account.wiretap().complaints()
    }

    fn unseen(&self) -> &[&str] {
        // What stands beside an id for people; and the grace of a health check that the default does not ask for.
        &[
            "/group/name",
            "/target_group/name",
            "/load_balancer/name",
            "/load_balancer/dns_name",
            "/listener/port",
            "/launch_template/name",
            "/scaling/grace_s",
        ]
    }

    fn prelude(&self) -> &[Verb] {
        self.prelude
    }

    fn verb(&self) -> Verb {
        self.verb
    }
}
