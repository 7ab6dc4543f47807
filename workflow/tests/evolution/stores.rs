//! What cannot be stored does not count as done, and is taken back.

use lab1_flow_workflow::DefinitionError;
use serde_json::Value;

use super::*;

fn is_suspended(rest: &Rest) -> bool {
    matches!(rest, Rest::Suspended { failure } if failure.message.starts_with("the output cannot be stored: "))
}

/// With a policy that stops it waits for a person, who can mend it or take it back; with the other one it is taken back.
async fn is_not_done_and_is_taken_back<O: Payload>(tell: fn() -> O) {
    let rig = Rig::new();
    let workflow = a_and_b(&rig.things, tell);
    let ended = rig.start(&workflow).await;
    assert!(is_suspended(&ended), "{ended:?}");
    assert!(is_suspended(&rest(rig.resume(&workflow).await)));
    assert_eq!(rig.things.there(), ["a"]);
    rig.things.feel("a", Mood::HangsBack);
    rig.die_in(rig.roll_back(&workflow)).await;
    rig.things.calm();
    assert_eq!(rest(rig.resume(&workflow).await), Rest::RolledBack);
    assert!(rig.things.there().is_empty());

    let rig = Rig::new();
    assert!(is_suspended(&rig.start(&a_and_b(&rig.things, tell)).await));
    assert_eq!(rest(rig.resume(&a_and_b(&rig.things, || 1.5)).await), Rest::Completed);
    assert_eq!(rig.things.there(), ["a", "b"]);

    let rig = Rig::taking_back();
    assert_eq!(rig.start(&a_and_b(&rig.things, tell)).await, Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_output_that_has_no_room_is_not_done_and_is_taken_back() {
    is_not_done_and_is_taken_back(|| "x".repeat(17 << 20)).await;
    is_not_done_and_is_taken_back(|| {
        (0..110).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_output_that_would_not_read_back_is_not_done_and_is_taken_back() {
    is_not_done_and_is_taken_back(|| f64::NAN).await;
    is_not_done_and_is_taken_back(|| Some(f32::INFINITY)).await;
    is_not_done_and_is_taken_back(|| BTreeMap::from([((1, 2), 3)])).await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_and_stays_is_named_by_the_rollback() {
    let rig = Rig::taking_back();
    rig.things.feel("a", Mood::Stays);
    let workflow = a_and_b(&rig.things, || f64::NAN);
    let Rest::Stuck { left } = rig.start(&workflow).await else { panic!("it stays") };
    assert_eq!(left, ["a: it stays"]);
    rig.things.calm();
    assert_eq!(rest(rig.roll_back(&workflow).await), Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_last_search_finds_and_cannot_store_is_taken_back() {
    let rig = Rig::new();
    rig.things.feel("a", Mood::Lies);
    let workflow = a_and_b(&rig.things, || f64::NAN);
    assert_eq!(rig.start(&workflow).await, Rest::Failed);
    assert_eq!(rig.things.there(), ["a"]);
    assert_eq!(rest(rig.roll_back(&workflow).await), Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_look_whose_output_cannot_be_stored_fails() {
    let rig = Rig::new();
    let define: Define = Box::new(|actions| {
        actions.look("seen", "seen", Watch(|| f64::NAN), (), |()| ());
    });
    let ended = rig.start(&flow(|builder| builder.step(&Only {}, define))).await;
    assert_eq!(ended, Rest::Failed);
}

/// Two things that do not need one another, of which `a` has this input.
fn beside<I: Payload>(things: &Things, input: fn() -> I) -> Workflow {
    let things = things.clone();
    let define: Define = Box::new(move |actions| {
        plain::<()>(actions, &things, "beside", None);
        actions.change("a", "a", Make::<I, ()>::new(&things, || ()), (), move |()| input());
    });
    flow(|builder| builder.step(&Only {}, define))
}

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_be_stored_fails_its_action_before_anything_is_sent() {
    let rig = Rig::new();
    let workflow = beside(&rig.things, || f64::NAN);
    let report = rig.engine().start(&workflow, rig.new.clone()).await.unwrap();
    assert_eq!(*report.rest(), Rest::Failed);
    let (action, failure) = report.failure().unwrap();
    assert_eq!(action.as_str(), "a");
    assert!(failure.message.starts_with("the input cannot be stored: NaN"), "{}", failure.message);
    assert_eq!(rig.things.there(), ["beside"], "what was under way ends");
    assert_eq!(rest(rig.resume(&beside(&rig.things, || 1.5)).await), Rest::Completed);
    let rig = Rig::taking_back();
    assert_eq!(rig.start(&beside(&rig.things, || "x".repeat(17 << 20))).await, Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

step!(Share, "share", { part: f64 });

#[tokio::test(start_paused = true)]
async fn a_configuration_that_cannot_be_stored_makes_no_workflow() {
    let mut builder = Workflow::builder("flow");
    builder.step(&Share { part: f64::NAN }, Box::new(|_| ()));
    let refused = builder.build().unwrap_err();
    assert!(matches!(refused, DefinitionError::Config { .. }), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_cannot_be_stored_creates_no_run() {
    let mut rig = Rig::new();
    let workflow = a_and_b(&rig.things, || ());
    rig.new.context = Value::String("x".repeat(17 << 20));
    let refused = rig.engine().start(&workflow, rig.new.clone()).await;
    assert!(matches!(refused, Err(EngineError::Header(_))), "{refused:?}");
    rig.new.context = Value::Null;
    rig.new.profile.time_scale = f64::NAN;
    let refused = rig.engine().start(&workflow, rig.new.clone()).await;
    assert!(matches!(refused, Err(EngineError::Profile(_))), "{refused:?}");
    assert!(rig.journal.runs().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_text_that_has_no_room_is_cut() {
    let rig = Rig::new();
    rig.things.feel("a", Mood::Shouts);
    let workflow = a_and_b(&rig.things, || ());
    let report = rig.engine().start(&workflow, rig.new.clone()).await.unwrap();
    let message = &report.failure().unwrap().1.message;
    assert!(message.len() < 17_000 && message.ends_with("(20971520 bytes in all)"));
}
