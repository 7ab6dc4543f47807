//! Goal: every action of the real steps keeps what it owes to the engine. Method: the suite of the test kit asks each of
//! them through the real SDK on the embedded cloud, with no engine in between.

use lab1_flow_cloud::{CloudOptions, Lag};
use lab1_flow_workflow::testing::{Answers, check_contract};

use crate::scene::DocumentedStack;
use crate::{on_paused_time, report};

#[test]
fn every_action_of_the_real_steps_keeps_its_contract() {
    let late = CloudOptions { lag: Lag::on(), ..CloudOptions::plain() };
    let scenes = [
        ("", DocumentedStack::plain()),
        (
            " on a cloud that shows things late",
            DocumentedStack { options: late, ..DocumentedStack::plain() },
        ),
    ];
    for (name, scene) in scenes {
        let answers = on_paused_time(check_contract(scene));
        let Answers { changes, questions, breaches } = &answers;
        let asked =
            format!("{changes} changes, {questions} questions, {} violations", breaches.len());
        report::count(&format!("contract of the real actions{name}"), &asked);
        answers.assert_clean();
        assert!(*changes >= 16 && *questions >= 400, "{asked}");
    }
}
