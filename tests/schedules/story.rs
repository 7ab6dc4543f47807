//! A run in the hands of one process after another.

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_steps::{Stack, StackSpec, Target};
use lab1_flow_workflow::journal::{Entry, MemoryJournal, Rest, RunId};
use lab1_flow_workflow::testing::{Call, Ending, Evidence, Holdings, Life, PausedClock, check};
use lab1_flow_workflow::{Clock, Engine, Limits, NewRun, Resume, StopSignal, Workflow};
use proptest::prop_assert;
use proptest::test_runner::TestCaseError;

use crate::real_steps::account::Account;
use crate::real_steps::line::Line;
use crate::schedule::{Cut, Schedule};

/// Each fault may leave the run at rest as often as it strikes.
const LIVES_MAX: u64 = 60;

/// Longer than anything that an account does by itself.
const LONG_AFTER: Duration = Duration::from_hours(2);

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_hours(1_000);

/// What schedules have cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Toll {
    pub(crate) schedules: u64,
    pub(crate) lives: u64,
    pub(crate) deaths: u64,
    pub(crate) stops: u64,
    pub(crate) faults: u64,
}

impl Toll {
    pub(crate) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.lives += other.lives;
        self.deaths += other.deaths;
        self.stops += other.stops;
        self.faults += other.faults;
    }
}

pub(crate) struct Story<'a> {
    line: &'a Line,
    schedule: &'a Schedule,
    clock: PausedClock,
    account: Account,
    before: Holdings,
    new: NewRun,
    image: MemoryJournal,
    calls: Vec<Call>,
    toll: Toll,
}

impl<'a> Story<'a> {
    /// Must be called in a runtime whose time is paused.
    pub(crate) fn begin(line: &'a Line, schedule: &'a Schedule) -> Self {
        let clock = PausedClock::new();
        let account = Account::new(schedule.options(), schedule.plan(), &clock);
        let before = account.holdings();
        let new = NewRun {
            on_failure: schedule.on_failure(),
            seed: schedule.seed,
            ..NewRun::new(RunId::new("scheduled").unwrap())
        };
        let (image, calls) = (MemoryJournal::new(), Vec::new());
        let toll = Toll { schedules: 1, ..Toll::default() };
        Self { line, schedule, clock, account, before, new, image, calls, toll }
    }

    /// Plays the schedule to its end, and judges what is left.
    pub(crate) async fn play(mut self) -> Result<Toll, TestCaseError> {
        for spell in &self.schedule.spells {
            self.live(spell.rolls_back, Some(spell.cut)).await?;
        }
        let mut rests = Vec::new();
        loop {
            let rest = self.live(self.schedule.rolls_back, None).await?;
            let reached = self.is_end(rest.as_ref());
            rests.push(rest);
            if reached {
                break;
            }
            prop_assert!(self.toll.lives < LIVES_MAX, "no end: {:?}", rests);
        }
        self.clock.sleep(LONG_AFTER).await;
        self.judge()?;
        self.toll.faults = self.account.faults_met();
        Ok(self.toll)
    }

    /// Whether the run is where the last verb leads; one that has turned around has no other end.
    fn is_end(&self, rest: Option<&Rest>) -> bool {
        match rest {
            Some(Rest::RolledBack) => true,
            Some(Rest::Completed) => !self.schedule.rolls_back,
            _ => false,
        }
    }

    /// Lets a process live for a while, or to its end.
    async fn live(
        &mut self,
        rolls_back: bool,
        cut: Option<Cut>,
    ) -> Result<Option<Rest>, TestCaseError> {
        let ending = match cut {
            Some(Cut::At(boundary)) => Some(Ending::Death(boundary)),
            _ => None,
        };
        let (lifetime, stops_after) = match cut {
            Some(Cut::After(ms)) => (Duration::from_millis(ms), FOR_EVER),
            Some(Cut::Stop(ms)) => (FOR_EVER, Duration::from_millis(ms)),
            _ => (FOR_EVER, FOR_EVER),
        };
        let life = Life::new(&self.image, &self.new.run, ending);
        let stop = StopSignal::new();
        let engine = Engine::new(life.journal())
            .with_clock(Arc::new(self.clock.restarted()))
            .with_stop(stop.clone());
        let workflow = life.probe(self.workflow(&life));
        let run = &self.new.run;
        let played = async {
            match (life.history(), rolls_back) {
                (None, _) => engine.start(&workflow, self.new.clone()).await,
                (Some(_), false) => engine.resume(&workflow, run, Resume::default()).await,
                (Some(_), true) => engine.roll_back(&workflow, run, Resume::default()).await,
            }
        };
        let stopped = async {
            self.clock.sleep(stops_after).await;
            stop.request();
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            biased;
            () = life.fuse().blown() => None,
            ended = Box::pin(played) => Some(ended),
            () = self.clock.sleep(lifetime) => None,
            () = stopped => None,
        };
        self.toll.lives += 1;
        self.toll.deaths += u64::from(ended.is_none());
        self.toll.stops += u64::from(stop.is_requested());
        self.image = life.journal().durable();
        self.calls.extend(life.calls());
        let Some(ended) = ended else { return Ok(None) };
        let report = ended.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        Ok(Some(report.rest().clone()))
    }

    /// A later process knows nothing but what is stored.
    fn workflow(&self, life: &Life) -> Workflow {
        let aws = self.line.give_to(self.account.caller(life, None));
        let stack = match life.history() {
            Some(history) => Stack::from_stored(&history.header.steps).unwrap(),
            None => Stack::new(&StackSpec::default(), &Target::local(None)),
        };
        stack.workflow(aws).unwrap()
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let history = Life::new(&self.image, &self.new.run, None).history();
        let Some(history) = history else { return Err(TestCaseError::fail("there is no run")) };
        let mut found = check(&Evidence {
            history: &history,
            before: &self.before,
            after: &self.account.holdings(),
            calls: &self.calls,
            limits: &Limits::default(),
        });
        found.extend(self.account.wiretap().complaints());
        let last = history.records.last().map(|record| &record.entry);
        prop_assert!(matches!(last, Some(Entry::RunRested { .. })), "it ends with {last:?}");
        prop_assert!(found.is_empty(), "{:?}", found);
        Ok(())
    }
}
