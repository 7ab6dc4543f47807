//! Handles: what they give, and to whom.

use lab1_flow_workflow::{DefinitionError, OutputMismatch};

use super::*;

/// A workflow of one thing, and the handle of that.
fn one(things: &Things) -> (Workflow, Handle<u32>) {
    let (give, given) = std::sync::mpsc::channel();
    let make = Make::<(), u32>::new(things, || 7);
    let define: Define = Box::new(move |actions| {
        give.send(actions.change("a", "a", make, (), |()| ())).unwrap();
    });
    (flow(|builder| builder.step(&Only {}, define)), given.recv().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_output_is_there_as_long_as_what_it_tells_of() {
    let rig = Rig::new();
    let (workflow, handle) = one(&rig.things);
    let (_, foreign) = one(&rig.things);
    rig.things.feel("a", Mood::Offline);
    let read = |report: &RunReport| report.output(&workflow, handle);
    let begun = rig.engine().start(&workflow, rig.new.clone()).await.unwrap();
    assert!(matches!(read(&begun), Err(OutputMismatch::Missing { .. })));
    rig.things.calm();
    let done = rig.resume(&workflow).await.unwrap();
    assert_eq!(read(&done).unwrap(), 7);
    assert!(matches!(done.output(&workflow, foreign), Err(OutputMismatch::Foreign)));
    rig.things.feel("a", Mood::Stays);
    for _ in 0..2 {
        let back = rig.roll_back(&workflow).await.unwrap();
        let message = read(&back).unwrap_err().to_string();
        assert_eq!(message, "a has no output: it is not completed, or was taken back");
        rig.things.calm();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_another_builder_makes_no_workflow() {
    let things = Things::default();
    let (_, foreign) = one(&things);
    let needs = |things: Things, many: usize| -> Define {
        Box::new(move |actions| {
            for place in 0..many {
                plain::<()>(actions, &things, &format!("own-{place}"), None);
            }
            plain(actions, &things, "needs", foreign);
        })
    };
    let part = |things: Things| -> Define {
        Box::new(move |actions| {
            let make = Make::<(), ()>::new(&things, || ());
            actions.part(foreign, "part", "part", make, (), |()| ());
        })
    };
    // Its place is none here, and one of another action.
    for (define, name) in [
        (needs(things.clone(), 0), "needs"),
        (needs(things.clone(), 3), "needs"),
        (part(things.clone()), "part"),
    ] {
        let mut builder = Workflow::builder("flow");
        builder.step(&Only {}, define);
        match builder.build() {
            Err(DefinitionError::Foreign(action)) => assert_eq!(action.as_str(), name),
            other => panic!("it must be refused, not {other:?}"),
        }
    }
}
