//! Stored data that this build does not read: an error of the program, never a failure of the run.

use super::*;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Old {
    id: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct New {
    id: u32,
    zone: String,
}

fn old() -> Old {
    Old { id: 1 }
}

fn new() -> New {
    New { id: 1, zone: "z".into() }
}

/// Both verbs are refused, nothing is written, and nothing is sent.
async fn is_refused(rig: &Rig, workflow: &Workflow, wanted: &str) {
    let (records, attempts) = (rig.records().await, rig.things.attempts());
    for ended in [rig.resume(workflow).await, rig.roll_back(workflow).await] {
        let error = ended.unwrap_err();
        assert!(matches!(error, EngineError::Stored { .. }), "{error:?}");
        let text = whole(&error);
        assert!(text.starts_with(wanted) && text.contains("missing field `zone`"), "{text}");
    }
    assert_eq!((rig.records().await, rig.things.attempts()), (records, attempts));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_does_not_read_turns_no_run_around() {
    let rig = Rig::taking_back();
    rig.things.feel("b", Mood::Offline);
    let begun = a_and_b(&rig.things, old);
    assert!(matches!(rig.start(&begun).await, Rest::Suspended { .. }));
    rig.things.calm();
    let wanted = "the stored output of a does not read as evolution::reads::New";
    is_refused(&rig, &a_and_b(&rig.things, new), wanted).await;
    assert_eq!(rest(rig.resume(&begun).await), Rest::Completed);
    assert_eq!(rig.things.there(), ["a", "b"]);
}

/// One thing whose input is this.
fn of_input<I: Payload>(things: &Things, input: fn() -> I) -> Workflow {
    let make = Make::<I, ()>::new(things, || ());
    let define: Define = Box::new(move |actions| {
        actions.change("a", "a", make, (), move |()| input());
    });
    flow(|builder| builder.step(&Only {}, define))
}

#[tokio::test(start_paused = true)]
async fn an_input_that_does_not_read_settles_no_doubt_and_ends_no_search() {
    let wanted = "the stored input of a does not read as evolution::reads::New";
    // In doubt, and failed for good: the one is looked for now, the other at the end of a rollback.
    for mood in [Mood::Hangs, Mood::Lies] {
        let rig = Rig::new();
        rig.things.feel("a", mood);
        let begun = of_input(&rig.things, old);
        if mood == Mood::Hangs {
            rig.start_and_die(&begun).await;
        } else {
            assert_eq!(rig.start(&begun).await, Rest::Failed);
        }
        rig.things.calm();
        is_refused(&rig, &of_input(&rig.things, new), wanted).await;
        assert_eq!(rest(rig.roll_back(&begun).await), Rest::RolledBack);
        assert!(rig.things.there().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_half_way_does_not_give_up_what_does_not_read() {
    let rig = Rig::new();
    let begun = a_and_b(&rig.things, old);
    assert_eq!(rig.start(&begun).await, Rest::Completed);
    rig.things.feel("a", Mood::Stays);
    assert!(matches!(rest(rig.roll_back(&begun).await), Rest::Stuck { .. }));
    rig.things.calm();
    is_refused(&rig, &a_and_b(&rig.things, new), "the stored output of a").await;
    assert_eq!(rest(rig.roll_back(&begun).await), Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_reads_only_what_it_may_take_back() {
    fn watched<O: Payload>(things: &Things, tell: fn() -> O) -> Workflow {
        let things = things.clone();
        let define: Define = Box::new(move |actions| {
            let seen = actions.look("seen", "seen", Watch(tell), (), |()| ());
            plain(actions, &things, "b", seen);
        });
        flow(|builder| builder.step(&Only {}, define))
    }
    let rig = Rig::new();
    rig.things.feel("b", Mood::Offline);
    assert!(matches!(rig.start(&watched(&rig.things, old)).await, Rest::Suspended { .. }));
    rig.things.calm();
    let later = watched(&rig.things, new);
    assert!(matches!(rig.resume(&later).await, Err(EngineError::Stored { .. })));
    assert_eq!(rest(rig.roll_back(&later).await), Rest::RolledBack);
}
