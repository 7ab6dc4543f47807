//! Goal: every action of the real steps keeps what it owes to the engine. Method: the suite of the test kit asks each of
//! them through the real SDK on the embedded cloud, with no engine in between.

use lab1_flow_cloud::{CloudOptions, Lag};
use lab1_flow_workflow::testing::{Answers, Clause, Flaw, check_contract};

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

#[test]
fn a_look_that_sees_nothing_breaks_the_contract_of_every_change() {
    let blind = DocumentedStack { flaws: &[Flaw::SeesNothing], ..DocumentedStack::plain() };
    let answers = on_paused_time(check_contract(blind));
    let unseen = answers.breaches.iter().filter(|it| it.clause == Clause::FindsWhatItMade).count();
    assert_eq!(unseen as u64, answers.changes, "{answers:#?}");
    assert_eq!(answers.breaches.len(), unseen, "and nothing else is said: {answers:#?}");
}
