//! Steps that are not what they were when the run began.

use lab1_flow_workflow::StopSignal;
use lab1_flow_workflow::journal::StepName;

use super::*;

step!(First, "first", { size: u32 });
step!(Second, "second", { size: u32 });
step!(More, "more", {});

fn three() -> u32 {
    3
}

// The first one as later builds have it.
step!(Grown, "first", {
    size: u32,
    label: Option<String>,
    #[serde(default = "three")]
    depth: u32,
});
step!(Shrunk, "first", {});

fn grown(label: Option<&str>, depth: u32) -> Grown {
    Grown { size: 1, label: label.map(str::to_owned), depth }
}

fn thing(things: &Things, name: &'static str) -> Define {
    let things = things.clone();
    Box::new(move |actions| {
        plain::<()>(actions, &things, name, None);
    })
}

/// A run that has paused after its first of two steps.
async fn paused() -> Rig {
    let mut rig = Rig::new();
    rig.new.until = Some(StepName::new("first").unwrap());
    assert_eq!(rig.start(&two(&rig.things)).await, Rest::Paused);
    rig
}

fn two(things: &Things) -> Workflow {
    flow(|builder| {
        builder.step(&First { size: 1 }, thing(things, "a"));
        builder.step(&Second { size: 2 }, thing(things, "b"));
    })
}

fn first_is(things: &Things, first: &impl Step<Needs = Define>) -> Workflow {
    flow(|builder| {
        builder.step(first, thing(things, "a"));
        builder.step(&Second { size: 2 }, thing(things, "b"));
    })
}

fn refusal(ended: Result<RunReport, EngineError>) -> String {
    let error = ended.unwrap_err();
    assert!(matches!(error, EngineError::StepChanged { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_field_that_was_added_with_a_default_strands_no_run() {
    let rig = paused().await;
    let later = first_is(&rig.things, &grown(None, 3));
    assert_eq!(rest(rig.resume(&later).await), Rest::Completed);
    let rig = paused().await;
    assert_eq!(rest(rig.roll_back(&later).await), Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_names_the_differences() {
    let rig = paused().await;
    let changed = first_is(&rig.things, &grown(Some("x"), 4));
    let wanted = "step first has begun and may not change: depth was 3, and is 4; \
                  label was null, and is \"x\"";
    for ended in [rig.resume(&changed).await, rig.roll_back(&changed).await] {
        assert_eq!(refusal(ended), wanted);
    }
    let shrunk = first_is(&rig.things, &Shrunk {});
    let message = refusal(rig.resume(&shrunk).await);
    assert!(message.ends_with("size was 1, and is not read any more"), "{message}");
    let rebuilt = flow(|builder| {
        builder.step(&First { size: 1 }, thing(&rig.things, "x"));
    });
    let message = refusal(rig.resume(&rebuilt).await);
    assert!(message.ends_with("action a is gone; action x is new"), "{message}");
    let without = flow(|builder| {
        builder.step(&Second { size: 2 }, thing(&rig.things, "b"));
    });
    for ended in [rig.resume(&without).await, rig.roll_back(&without).await] {
        let message = refusal(ended);
        assert!(message.ends_with("this program does not have it"), "{message}");
    }
}

fn with_more(things: &Things) -> Workflow {
    flow(|builder| {
        builder.step(&First { size: 1 }, thing(things, "a"));
        builder.step(&More {}, thing(things, "m"));
        builder.step(&Second { size: 2 }, thing(things, "b"));
    })
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_added_is_carried_out_and_taken_back() {
    let rig = paused().await;
    let more = with_more(&rig.things);
    let ended = rig.resume(&more).await.unwrap();
    assert_eq!(*ended.rest(), Rest::Completed);
    let steps = ended.state().steps();
    let steps: Vec<_> = steps.iter().map(|step| (step.number, step.name.as_str())).collect();
    assert_eq!(steps, [(Some(1), "first"), (Some(2), "more"), (Some(3), "second")]);
    assert_eq!(rig.things.there().len(), 3);
    assert_eq!(rest(rig.roll_back(&more).await), Rest::RolledBack);
    assert!(rig.things.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_added_step_whose_process_died_goes_on_with_the_same_build() {
    let rig = paused().await;
    let more = with_more(&rig.things);
    rig.things.feel("m", Mood::Hangs);
    rig.die_in(rig.resume(&more)).await;
    rig.things.calm();
    assert!(refusal(rig.resume(&two(&rig.things)).await).contains("step more has begun"));
    assert!(refusal(rig.roll_back(&two(&rig.things)).await).contains("step more has begun"));
    assert_eq!(rest(rig.resume(&more).await), Rest::Completed);
    assert_eq!(rig.things.there().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_removed_or_rebuilt_before_it_had_begun_is_no_hindrance() {
    let rig = paused().await;
    let alone = flow(|builder| builder.step(&First { size: 1 }, thing(&rig.things, "a")));
    assert_eq!(rest(rig.resume(&alone).await), Rest::Completed);
    assert_eq!(rig.things.there(), ["a"]);
    let rig = paused().await;
    let rebuilt = flow(|builder| {
        builder.step(&First { size: 1 }, thing(&rig.things, "a"));
        builder.step(&Second { size: 9 }, thing(&rig.things, "other"));
    });
    assert_eq!(rest(rig.resume(&rebuilt).await), Rest::Completed);
    assert_eq!(rig.things.there(), ["a", "other"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_asks_only_about_what_has_begun() {
    for build in [
        |things: &Things| flow(|b| b.step(&First { size: 1 }, thing(things, "a"))),
        with_more,
        |things: &Things| {
            flow(|b| {
                b.step(&First { size: 1 }, thing(things, "a"));
                b.step(&Second { size: 9 }, thing(things, "other"));
            })
        },
    ] {
        let rig = paused().await;
        // The first try gets stuck, so that both a new rollback and one that goes on are asked.
        rig.things.feel("a", Mood::Stays);
        let workflow = build(&rig.things);
        assert!(matches!(rest(rig.roll_back(&workflow).await), Rest::Stuck { .. }));
        rig.things.calm();
        assert_eq!(rest(rig.resume(&workflow).await), Rest::RolledBack);
        assert!(rig.things.there().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_the_run_is_to_pause_after_does_not_go_unnoticed() {
    let mut rig = Rig::new();
    rig.new.until = Some(StepName::new("second").unwrap());
    let stop = StopSignal::new();
    stop.request();
    let stopped = rig.engine().with_stop(stop).start(&two(&rig.things), rig.new.clone()).await;
    assert_eq!(rest(stopped), Rest::Stopped);
    let alone = flow(|builder| builder.step(&First { size: 1 }, thing(&rig.things, "a")));
    let message = refusal(rig.resume(&alone).await);
    assert!(message.contains("the run is to pause after it"), "{message}");
    let how = Resume { until: Some(StepName::new("first").unwrap()), ..Resume::default() };
    let ended = rig.engine().resume(&alone, &rig.new.run, how).await;
    assert_eq!(rest(ended), Rest::Completed);
}
