//! Runs that meet other runs, and what belongs to others.

use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::{PREFLIGHT_REFUSED, StackName, StackSpec};
use lab1_flow_workflow::journal::Rest;

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn names_that_are_taken_are_refused_before_anything_is_made_and_the_holder_is_named() {
    let scene = Scene::new(CloudOptions::plain());
    scene.deploy("run-1", &StackSpec::default()).await;
    let before = scene.made();
    scene.take_calls();
    let report = scene.deploy("run-2", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Failed);
    let (_, failure) = report.failure().unwrap();
    assert_eq!(failure.code.as_deref(), Some(PREFLIGHT_REFUSED));
    for name in ["lab1-load-balancer-sg", "target-group-2", "lab1-load-balancer", "group1"] {
        assert!(failure.message.contains(name), "{}", failure.message);
    }
    assert!(failure.message.contains("run run-1 of lab1-flow"), "{}", failure.message);
    assert!(failure.advice.as_ref().unwrap().contains("lab1-flow rollback run-1"));
    assert!(scene.take_calls().iter().all(|call| !call.starts_with("Create")));
    assert_eq!(scene.made(), before);
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_that_start_at_once_one_goes_on_and_the_other_makes_nothing() {
    let scene = Scene::new(CloudOptions::plain());
    let spec = StackSpec::default();
    let (first, second) = tokio::join!(scene.deploy("run-1", &spec), scene.deploy("run-2", &spec));
    let (winner, loser) =
        if *first.rest() == Rest::Completed { (first, second) } else { (second, first) };
    assert_eq!(*winner.rest(), Rest::Completed);
    assert_eq!(*loser.rest(), Rest::Failed);
    let (action, failure) = loser.failure().unwrap();
    assert_eq!(action.as_str(), "balancer-security-group");
    assert!(failure.message.contains(winner.run().as_str()), "{}", failure.message);
    for thing in scene.made() {
        let run = thing.tags.get("lab1-flow:run-id").map(String::as_str);
        assert!(run.is_none_or(|run| run == winner.run().as_str()), "{thing:?}");
    }
    // The loser has nothing to take back, and takes nothing of the winner.
    let before = scene.made();
    assert_eq!(*scene.roll_back(loser.run().as_str()).await.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), before);
}

#[tokio::test(start_paused = true)]
async fn two_stacks_of_other_names_stand_side_by_side() {
    let scene = Scene::new(CloudOptions::plain());
    let blue = StackSpec { stack: StackName::new("blue").unwrap(), ..StackSpec::default() };
    let plain = StackSpec::default();
    let (first, second) = tokio::join!(scene.deploy("run-1", &blue), scene.deploy("run-2", &plain));
    assert_eq!((first.rest(), second.rest()), (&Rest::Completed, &Rest::Completed));
    assert_eq!(scene.census()["instance"], 18);
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack);
    assert_eq!(scene.census()["instance"], 9);
    assert_eq!(*scene.roll_back("run-2").await.rest(), Rest::RolledBack);
    assert_eq!(scene.made(), []);
}
