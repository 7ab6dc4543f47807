//! Goal: no death, wherever it strikes, doubles or strands anything. Method: every boundary of a run is a
//! death, every continuation is played, every boundary of that is a death again, and the checker judges.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{FailureClass, OnFailure, RunId};
use lab1_flow_workflow::testing::{
    Blueprint, CrashSweep, Fault, Habits, Holdings, Life, Op, PausedClock, Scene, Tally, Verb,
    World, check_contract,
};
use lab1_flow_workflow::{Limits, NewRun, Profile, Workflow};

/// A blueprint on a world with habits and faults.
#[derive(Debug, Clone)]
struct Play {
    blueprint: Blueprint,
    habits: Habits,
    faults: Vec<(Op, &'static str, Fault)>,
    on_failure: OnFailure,
    prelude: &'static [Verb],
    older_copy: Option<usize>,
    verb: Verb,
}

impl Play {
    fn of(blueprint: Blueprint) -> Self {
        Self {
            blueprint,
            habits: Habits::default(),
            faults: Vec::new(),
            on_failure: OnFailure::Stop,
            prelude: &[],
            older_copy: None,
            verb: Verb::Start,
        }
    }

    async fn sweep(self, second_death_every: u64) -> Tally {
        let second_death_every = if is_quick() { 0 } else { second_death_every };
        CrashSweep::new(self).second_death_every(second_death_every).run().await
    }
}

impl Scene for Play {
    type World = World;

    fn world(&self, clock: &PausedClock) -> World {
        let world = World::new(Arc::new(clock.clone()), self.habits.clone());
        world.plant("somebody-elses", "theirs", Some("another-run"));
        for (op, name, fault) in &self.faults {
            world.order_fault(*op, *name, *fault);
        }
        world
    }

    fn workflow(&self, world: &World, _: &Life) -> Workflow {
        self.blueprint.workflow(world, Limits::default()).unwrap()
    }

    fn new_run(&self) -> NewRun {
        let profile =
            Profile { window_usual_ms: 4_000, window_slow_ms: 6_000, ..Profile::default() };
        NewRun { on_failure: self.on_failure, profile, ..NewRun::new(RunId::new("swept").unwrap()) }
    }

    async fn holdings(&self, world: &World) -> Holdings {
        world.holdings()
    }

    fn unseen(&self) -> &[&str] {
        &["/stands_on/0", "/stands_on/1", "/stands_on/2"]
    }

    fn prelude(&self) -> &[Verb] {
        self.prelude
    }

    fn older_copy(&self) -> Option<usize> {
        self.older_copy
    }

    fn verb(&self) -> Verb {
        self.verb
    }
}

/// The wires are long, searches lag, and whatever is removed takes its time.
fn slow() -> Habits {
    Habits {
        latency: Duration::from_millis(300),
        lag: Duration::from_secs(2),
        removal: Duration::from_secs(3),
        settling: Duration::from_secs(2),
        names_are_unique: true,
    }
}

/// Whether first deaths must do: `LAB1_FLOW_SWEEP=quick`, for mutants, of which there are many.
fn is_quick() -> bool {
    std::env::var("LAB1_FLOW_SWEEP").is_ok_and(|sweep| sweep == "quick")
}

/// Asserts the counts too, so that no sweep shrinks to nothing unseen. How often something is looked at may change, so
/// they may grow.
#[track_caller]
fn assert_swept(tally: &Tally, boundaries_min: u64, cases_min: u64) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default().replace('_', " ");
    let Tally { boundaries: found, cases: played, deaths, violations, .. } = tally;
    let violations = violations.len();
    // Around the harness, which keeps what a passing test prints to itself.
    let _ = writeln!(
        std::io::stderr(),
        "[counts] small sweep, {name}: {found} boundaries, {played} cases, {deaths} deaths, {violations} violations"
    );
    tally.assert_clean();
    assert!(*found >= boundaries_min, "only {found} boundaries");
    assert!(is_quick() || *played >= cases_min, "only {played} cases");
}

#[tokio::test(start_paused = true)]
async fn three_steps_survive_any_two_deaths() {
    let tally = Play::of(Blueprint::chain()).sweep(1).await;
    assert_swept(&tally, 19, 1_553);
}

#[tokio::test(start_paused = true)]
async fn a_diamond_with_parts_survives_any_two_deaths() {
    let tally = Play::of(Blueprint::diamond()).sweep(1).await;
    assert_swept(&tally, 33, 3_683);
}

#[tokio::test(start_paused = true)]
async fn a_slow_and_stale_world_survives_any_two_deaths() {
    let tally = Play { habits: slow(), ..Play::of(Blueprint::diamond()) }.sweep(7).await;
    assert_swept(&tally, 41, 1_109);
}

#[tokio::test(start_paused = true)]
async fn the_rollback_of_a_finished_run_survives_any_two_deaths() {
    let play = Play::of(Blueprint::diamond());
    let tally = Play { prelude: &[Verb::Start], verb: Verb::RollBack, ..play }.sweep(1).await;
    assert_swept(&tally, 43, 4_561);
}

#[tokio::test(start_paused = true)]
async fn a_slow_rollback_survives_any_two_deaths() {
    let play = Play { habits: slow(), ..Play::of(Blueprint::diamond()) };
    let tally = Play { prelude: &[Verb::Start], verb: Verb::RollBack, ..play }.sweep(5).await;
    assert_swept(&tally, 58, 1_705);
}

#[tokio::test(start_paused = true)]
async fn deaths_during_a_throttle_wait_leave_nothing() {
    let throttled = Fault::Refused(FailureClass::Throttled);
    let faults = vec![(Op::Make, "b", throttled), (Op::Make, "b", throttled)];
    let tally = Play { faults, ..Play::of(Blueprint::chain()) }.sweep(1).await;
    assert_swept(&tally, 33, 3_183);
}

#[tokio::test(start_paused = true)]
async fn deaths_around_lost_and_late_answers_leave_nothing() {
    let faults = vec![
        (Op::Make, "root", Fault::ReplyLost),
        (Op::Make, "left", Fault::ErrorAfterEffect),
        (Op::Make, "left/left-part", Fault::RequestLost),
        (Op::Make, "right", Fault::EffectDelayed(Duration::from_millis(200))),
        (Op::Find, "right", Fault::Refused(FailureClass::Transient)),
        (Op::Make, "top", Fault::Refused(FailureClass::Unreachable)),
        (Op::Remove, "top", Fault::Refused(FailureClass::Throttled)),
        (Op::Remove, "left", Fault::ReplyLost),
        (Op::Remove, "root", Fault::ErrorAfterEffect),
        (Op::List, "swept", Fault::Refused(FailureClass::Throttled)),
    ];
    let tally = Play { faults, ..Play::of(Blueprint::diamond()) }.sweep(7).await;
    assert_swept(&tally, 68, 2_175);
}

#[tokio::test(start_paused = true)]
async fn every_action_of_the_small_world_keeps_its_contract() {
    for habits in [Habits::default(), slow()] {
        let answers = check_contract(Play { habits, ..Play::of(Blueprint::diamond()) }).await;
        answers.assert_clean();
        assert_eq!(answers.changes, 6);
    }
}

/// Trap: a request is on its way for seconds, also after the death of its sender and after its name is free again.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_delivered_late_leaves_nothing() {
    let late = Fault::EffectDelayed(Duration::from_secs(3));
    let faults = vec![(Op::Make, "b", late), (Op::Make, "c", late)];
    let tally = Play { faults, ..Play::of(Blueprint::chain()) }.sweep(2).await;
    assert_swept(&tally, 39, 2_617);
}

/// Trap: the process dies between a failure and the direction that it leads to.
#[tokio::test(start_paused = true)]
async fn deaths_around_a_failure_that_turns_the_run_leave_nothing() {
    let faults = vec![(Op::Make, "top", Fault::Refused(FailureClass::Permanent))];
    let play = Play { faults, ..Play::of(Blueprint::diamond()) };
    let tally = Play { on_failure: OnFailure::Rollback, ..play }.sweep(3).await;
    assert_swept(&tally, 67, 3_229);
}

/// Puts older copies of a journal back in turn, of so many records, and sweeps the rollback that follows.
async fn sweep_older_copies(
    play: Play,
    copies: RangeInclusive<usize>,
    first_death_every: u64,
) -> Tally {
    let mut all = Tally::default();
    for copy in copies {
        let play = Play { older_copy: Some(copy), verb: Verb::RollBack, ..play.clone() };
        let seconds = if copy % 5 == 0 && !is_quick() { 7 } else { 0 };
        let sweep = CrashSweep::new(play).first_death_every(first_death_every);
        let tally = sweep.second_death_every(seconds).run().await;
        let named = |(story, found)| (format!("copy of {copy} records: {story}"), found);
        all.boundaries += tally.boundaries;
        all.cases += tally.cases;
        all.deaths += tally.deaths;
        all.violations.extend(tally.violations.into_iter().map(named));
    }
    all
}

/// Trap: an older copy of the run's folder is put back, and the world holds what it does not know of.
#[tokio::test(start_paused = true)]
async fn the_rollback_of_any_older_copy_survives_any_death_and_leaves_nothing() {
    let play = Play { prelude: &[Verb::Start], ..Play::of(Blueprint::diamond()) };
    let tally = sweep_older_copies(play.clone(), 1..=15, 1).await;
    assert_swept(&tally, 784, 4_000);
    let tally = sweep_older_copies(Play { habits: slow(), ..play }, 1..=15, 7).await;
    assert_swept(&tally, 1_320, 1_000);
}

/// Trap: the older copy is one of a rollback, and the world holds less than it says.
#[tokio::test(start_paused = true)]
async fn an_older_copy_of_a_rollback_leads_to_nothing_as_well() {
    let prelude = &[Verb::Start, Verb::RollBack];
    let play = Play { prelude, ..Play::of(Blueprint::chain()) };
    let tally = sweep_older_copies(play, 8..=17, 1).await;
    assert_swept(&tally, 200, 1_000);
}
