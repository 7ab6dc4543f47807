//! The documented stack on the embedded cloud as a scene of the crash sweep.

use lab1_flow_cloud::{CloudOptions, Fault, FaultPlan, FaultRule};
use lab1_flow_steps::{Stack, StackSpec, Target};
use lab1_flow_workflow::journal::{OnFailure, RunId};
use lab1_flow_workflow::testing::{Flaw, Holdings, Life, PausedClock, Scene, Verb, Violation};
use lab1_flow_workflow::{NewRun, Profile, Workflow};

use crate::real_steps::account::Account;
use crate::real_steps::line::{Line, Tampering};

/// What happens to some calls of an action: from which one on, how many, and what.
pub(crate) type Trouble = (&'static str, u64, u64, Fault);

/// What another run has made under our names: the creation, the form's place for tags, and the action.
pub(crate) type Planted = (&'static str, &'static str, &'static str);

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
    /// What of another run stands in the account before.
    pub(crate) planted: &'static [Planted],
    /// What is wrong with the workflow.
    pub(crate) flaws: &'static [Flaw],
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
            planted: &[],
            flaws: &[],
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
        let account = Account::new(self.options, plan, clock);
        for (creation, tags, action) in self.planted {
            account.plant(creation, tags, action);
        }
        account
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
        self.flaws.iter().fold(workflow, |workflow, flaw| flaw.in_a(workflow))
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

    fn prelude(&self) -> &[Verb] {
        self.prelude
    }

    fn verb(&self) -> Verb {
        self.verb
    }
}
