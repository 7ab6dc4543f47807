//! Code of an author that panics.

use super::*;

/// `a` fares as it does, beside a thing that has nothing to do with it.
fn workflow(things: &Things) -> Workflow {
    let things = things.clone();
    let define: Define = Box::new(move |actions| {
        plain::<()>(actions, &things, "a", None);
        plain::<()>(actions, &things, "beside", None);
    });
    flow(|builder| builder.step(&Only {}, define))
}

#[tokio::test(start_paused = true)]
async fn a_change_that_panics_without_an_effect_has_failed_and_the_others_go_on() {
    let rig = Rig::new();
    let workflow = workflow(&rig.things);
    rig.things.feel("a", Mood::PanicsBefore);
    let report = rig.engine().start(&workflow, rig.new.clone()).await.unwrap();
    assert_eq!(*report.rest(), Rest::Failed);
    let message = &report.failure().unwrap().1.message;
    assert_eq!(message, "the code of the action panicked: no way to a");
    assert_eq!((rig.things.there(), rig.things.attempts()), (vec!["beside".to_owned()], 2));
    rig.things.calm();
    assert_eq!(rest(rig.resume(&workflow).await), Rest::Completed);

    let rig = Rig::taking_back();
    rig.things.feel("a", Mood::PanicsBefore);
    assert_eq!(rig.start(&self::workflow(&rig.things)).await, Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_panics_after_its_effect_is_looked_for_and_not_repeated() {
    let rig = Rig::taking_back();
    rig.things.feel("a", Mood::PanicsAfter);
    assert_eq!(rig.start(&workflow(&rig.things)).await, Rest::Completed);
    assert_eq!((rig.things.there().len(), rig.things.attempts()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_look_for_an_attempt_that_panics_settles_nothing() {
    let rig = Rig::taking_back();
    let workflow = workflow(&rig.things);
    rig.things.feel("a", Mood::Hangs);
    rig.start_and_die(&workflow).await;
    rig.things.feel("a", Mood::PanicsInLook);
    for ended in [rig.resume(&workflow).await, rig.roll_back(&workflow).await] {
        assert!(matches!(rest(ended), Rest::Suspended { .. }));
        assert!(rig.things.there().contains(&"a".to_owned()));
    }
    rig.things.calm();
    assert_eq!(rest(rig.resume(&workflow).await), Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_panics_leaves_its_thing_and_no_other() {
    let rig = Rig::new();
    let workflow = workflow(&rig.things);
    assert_eq!(rig.start(&workflow).await, Rest::Completed);
    rig.things.feel("a", Mood::PanicsInRemoval);
    let Rest::Stuck { left } = rest(rig.roll_back(&workflow).await) else { panic!("it is left") };
    assert_eq!(left, ["a: the code of the action panicked: it cannot be removed"]);
    assert_eq!(rig.things.there(), ["a"]);
    rig.things.calm();
    assert_eq!(rest(rig.roll_back(&workflow).await), Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_look_or_an_input_that_panics_has_failed_and_the_others_go_on() {
    let look: Define = Box::new(|actions| {
        actions.look("seen", "seen", Watch(|| -> u32 { panic!("dark") }), (), |()| ());
    });
    let rig = Rig::new();
    let things = rig.things.clone();
    let input: Define = Box::new(move |actions| {
        let make = Make::<u32, ()>::new(&things, || ());
        actions.change("a", "a", make, (), |()| -> u32 { panic!("dark") });
    });
    for broken in [look, input] {
        let rig = Rig::new();
        let things = rig.things.clone();
        let define: Define = Box::new(move |actions| {
            plain::<()>(actions, &things, "beside", None);
            broken(actions);
        });
        let workflow = flow(|builder| builder.step(&Only {}, define));
        let report = rig.engine().start(&workflow, rig.new.clone()).await.unwrap();
        assert_eq!(*report.rest(), Rest::Failed);
        let message = &report.failure().unwrap().1.message;
        assert_eq!(message, "the code of the action panicked: dark");
        assert_eq!(rig.things.there(), ["beside"]);
    }
}
