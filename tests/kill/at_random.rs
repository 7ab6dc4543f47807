//! Killed again and again at random moments, until the work is done all the same.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::stage::Stage;
use crate::support::flow::{Ended, Running};
use crate::support::report;
use crate::support::seed::Draws;

/// How many stacks are deployed and taken back; more, where too few lives were cut off: a machine may become less busy
/// than it was when they were measured.
const CASES: usize = 16;
const CASES_MAX: usize = 4 * CASES;
/// A life is a random part of a clean run's duration; the last one after so many deaths is as long
/// as it likes. Some waits begin anew with each process, so too many short lives never end.
const DEATHS_MAX: usize = 8;
/// The issue asks for this many moments at least.
const MOMENTS_MIN: usize = 20;

#[test]
fn a_deployment_killed_at_any_moment_is_completed_and_a_rollback_too() {
    let (mut deployment, rollback) = Stage::measure();
    let mut draws = Draws::announced("kill, at random");
    let mut forward = Deaths::default();
    let mut backward = Deaths::default();
    for case in 0..CASES_MAX {
        if case >= CASES && forward.are_enough() && backward.are_enough() {
            break;
        }
        let stage = Stage::new();
        let life = draws.early_within(deployment);
        let Some(run) = forward.survive_first(&stage, life, &mut deployment) else {
            stage.assert_nothing_left("killed before the run had a journal");
            continue;
        };
        let when = format!("case {case}, deployment");
        let ended = forward.survive(&stage, &run, "resume", || draws.early_within(deployment));
        ended.expect_status(0);
        stage.assert_one_of_each(&run, &when);

        let when = format!("case {case}, rollback");
        let ended = backward.survive(&stage, &run, "rollback", || draws.early_within(rollback));
        ended.expect_status(0);
        stage.assert_nothing_left(&when);
        assert_eq!(stage.flow.state_of(&run), "rolled-back", "{when}");
    }
    forward.report("kill, deployments at random");
    backward.report("kill, rollbacks at random");
}

#[test]
fn a_deployment_killed_at_any_moment_is_rolled_back_to_nothing() {
    let (mut deployment, rollback) = Stage::measure();
    let mut draws = Draws::announced("kill, then rolled back");
    let mut deaths = Deaths::default();
    for case in 0..CASES_MAX {
        if case >= 2 * CASES && deaths.are_enough() {
            break;
        }
        let stage = Stage::new();
        let life = draws.early_within(deployment);
        let Some(run) = deaths.survive_first(&stage, life, &mut deployment) else {
            stage.assert_nothing_left("killed before the run had a journal");
            continue;
        };
        let when = format!("case {case}");
        let ended = deaths.survive(&stage, &run, "rollback", || draws.early_within(rollback));
        ended.expect_status(0);
        stage.assert_nothing_left(&when);
    }
    deaths.report("kill, turned around at random");
}

/// Counts deaths, and in how many different places of the journal they came.
#[derive(Debug, Default)]
struct Deaths {
    kills: usize,
    places: BTreeSet<usize>,
}

impl Deaths {
    /// Begins a run and kills it after `life`; `None` when it had not yet made its run. One that ends before shows how
    /// long a deployment takes by now.
    fn survive_first(
        &mut self,
        stage: &Stage,
        life: Duration,
        deployment: &mut Duration,
    ) -> Option<String> {
        let survived = end_or_kill(stage.start_run(), life);
        let runs = stage.flow.list();
        let run = runs.first().map(crate::support::flow::id_of);
        match survived {
            Some(ended) => *deployment = ended.took.min(*deployment),
            None => self.remember(stage, run.as_deref()),
        }
        run
    }

    /// Repeats a command, killed after lives that are drawn, until it ends by itself.
    fn survive(
        &mut self,
        stage: &Stage,
        run: &str,
        verb: &str,
        mut life: impl FnMut() -> Duration,
    ) -> Ended {
        for _ in 0..DEATHS_MAX {
            let running = stage.flow.start(&[verb, run]);
            match end_or_kill(running, life()) {
                Some(ended) => return ended,
                None => self.remember(stage, Some(run)),
            }
        }
        stage.flow.run(&[verb, run])
    }

    fn remember(&mut self, stage: &Stage, run: Option<&str>) {
        self.kills += 1;
        self.places.insert(run.map_or(0, |run| stage.entries(run)));
    }

    fn are_enough(&self) -> bool {
        self.kills >= MOMENTS_MIN
    }

    #[track_caller]
    fn report(&self, check: &str) {
        let places = self.places.len();
        report::count(
            check,
            &format!("{} kills in {places} places of the journal, 0 violations", self.kills),
        );
        assert!(self.are_enough(), "{check}: only {} kills", self.kills);
    }
}

/// Lets a command live for a while; returns its end, or nothing when it was killed.
fn end_or_kill(mut running: Running, life: Duration) -> Option<Ended> {
    let death = Instant::now() + life;
    while Instant::now() < death {
        if running.has_ended() {
            return Some(running.wait());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if running.has_ended() {
        return Some(running.wait());
    }
    running.kill();
    None
}
