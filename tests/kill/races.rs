//! Several processes at once.

use crate::stage::{Stage, TIME_SCALE};
use crate::support::embedded;
use crate::support::flow::{Running, id_of};
use crate::support::report;

/// How often the race for one name is run.
const RACES: usize = 6;

#[test]
fn stacks_of_different_names_are_deployed_and_taken_back_side_by_side() {
    let stage = Stage::new();
    let runs = ["left", "right"].map(|stack| (stack, stage.start_run_of(stack)));
    for (_, running) in runs {
        running.wait().expect_status(0);
    }
    let runs = stage.flow.list();
    assert_eq!(runs.len(), 2, "{runs:?}");
    for line in &runs {
        let prefix = format!("{}-", line["stack"].as_str().unwrap());
        let differences = embedded::differences(&stage.cloud(), &id_of(line), &prefix);
        assert!(differences.is_empty(), "{prefix}: {}", differences.join("\n"));
    }
    let rollbacks: Vec<_> =
        runs.iter().map(|line| stage.flow.start(&["rollback", &id_of(line)])).collect();
    for rollback in rollbacks {
        rollback.wait().expect_status(0);
    }
    stage.assert_nothing_left("both are rolled back");
}

/// The cloud of one user as another machine reaches it: by its address and its key.
struct Elsewhere {
    url: String,
    key: String,
}

impl Elsewhere {
    fn of(stage: &Stage) -> Self {
        let cloud = stage.cloud();
        Self { url: format!("http://127.0.0.1:{}", cloud.port), key: cloud.access_key }
    }

    fn start_run(&self, by: &Stage) -> Running {
        // The window of the embedded cloud at this pace.
        let options = ["--yes", "--consistency-window", "4s"];
        self.start(by, &[&["run", "--endpoint-url", &self.url], &options[..]].concat())
    }

    fn start(&self, by: &Stage, arguments: &[&str]) -> Running {
        let variables = [
            ("AWS_ACCESS_KEY_ID", self.key.as_str()),
            ("AWS_SECRET_ACCESS_KEY", "any"),
            ("AWS_REGION", "us-east-1"),
        ];
        by.flow.start_with(arguments, &variables)
    }
}

#[test]
fn of_two_runs_for_the_same_names_from_two_machines_exactly_one_goes_on() {
    for race in 0..RACES {
        let here = Stage::new();
        let there = Stage::new();
        let start = &["cloud", "start", "--time-scale", TIME_SCALE];
        here.flow.run(start).expect_status(0);
        // One account for two machines: nothing else is shared, no lock either.
        let there_calls = Elsewhere::of(&here);

        let ends = [here.start_run(), there_calls.start_run(&there)].map(Running::wait);
        let won: Vec<_> = ends.iter().map(|end| end.code() == Some(0)).collect();
        assert_eq!(
            won.iter().filter(|won| **won).count(),
            1,
            "race {race}: {}\n{}",
            ends[0].words(),
            ends[1].words()
        );
        let (winner, loser, lost) =
            if won[0] { (&here, &there, &ends[1]) } else { (&there, &here, &ends[0]) };
        let run = winner.flow.only_run();
        here.assert_one_of_each(&run, &format!("race {race}"));
        assert!(lost.stderr.contains(&run), "it names the run that holds them: {}", lost.words());
        // Whichever looked first: refused before its first change, or at the claim.
        assert!(matches!(lost.code(), Some(1 | 3)), "race {race}: {}", lost.words());
        for line in loser.flow.list() {
            let rollback = ["rollback", &id_of(&line), "--yes"];
            there_calls.start(loser, &rollback).wait().expect_status(0);
        }
        here.assert_one_of_each(&run, "the loser has nothing to take back");
    }
    report::count("kill, races for one name", &format!("{RACES} races, 1 winner each"));
}

#[test]
fn a_second_run_of_a_stack_on_one_machine_is_refused_and_told_which_run_holds_it() {
    let stage = Stage::new();
    let first = stage.start_run();
    let run = crate::support::patience::wait_for(std::time::Duration::from_secs(30), || {
        stage.flow.list().first().map(id_of)
    });
    let run = run.expect("the first run begins");
    let refused = stage.start_run().wait();
    assert!(matches!(refused.code(), Some(3 | 4)), "{}", refused.words());
    assert!(refused.stderr.contains(&run), "{}", refused.words());
    first.wait().expect_status(0);
    stage.assert_one_of_each(&run, "beside a run that was refused");
}

#[test]
fn the_same_names_are_deployed_again_at_once_after_a_rollback() {
    let stage = Stage::new();
    let mut seen: Vec<String> = Vec::new();
    for time in ["the first time", "the second time"] {
        stage.start_run().wait().expect_status(0);
        let run = stage.flow.list().iter().map(id_of).find(|run| !seen.contains(run));
        let run = run.expect("a new run");
        stage.assert_one_of_each(&run, time);
        stage.flow.run(&["rollback", &run]).expect_status(0);
        stage.assert_nothing_left(time);
        seen.push(run);
    }
}

#[test]
fn a_foreign_resource_of_our_name_is_refused_and_left_alone() {
    for form in [
        "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=lab1-load-balancer-sg\
         &GroupDescription=mine",
        "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=lab1-template-1\
         &LaunchTemplateData.InstanceType=t2.large",
    ] {
        let stage = Stage::new();
        stage.flow.run(&["cloud", "start", "--time-scale", TIME_SCALE]).expect_status(0);
        let answer = stage.cloud().call(form);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let made = |stage: &Stage| -> Vec<String> {
            stage.cloud().made().iter().map(|it| format!("{it:?}")).collect()
        };
        let before = made(&stage);
        assert_eq!(before.len(), 1, "{before:?}");
        let refused = stage.start_run().wait().expect_status(3);
        assert!(refused.stderr.contains("no mark of lab1-flow"), "{}", refused.words());
        assert_eq!(made(&stage), before);
    }
}
