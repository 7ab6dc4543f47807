//! What a rollback would do.

use lab1_flow_workflow::journal::RunState;
use lab1_flow_workflow::testing::Op;

use super::*;

/// The preview, one short line an action, one list a turn.
async fn previewed(rig: &Rig) -> Vec<Vec<String>> {
    let state = RunState::replay(&rig.history().await).unwrap();
    let turns = rig.workflow.preview_rollback(&state).unwrap();
    let line = |(action, undoing)| match undoing {
        Undoing::TakenBack => format!("{action}"),
        Undoing::LookedForFirst => format!("{action}?"),
        Undoing::GoesWith { whole } => format!("{action} with {whole}"),
        Undoing::StaysWith { reason } => format!("{action} stays: {reason}"),
    };
    turns.into_iter().map(|turn| turn.into_iter().map(line).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn dependents_are_listed_before_what_they_stand_on_and_parts_with_their_whole() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).part("p", 0).thing("b", &[0]));
    rig.start().await;
    assert_eq!(previewed(&rig).await, [vec!["b"], vec!["a", "p with a"]]);
    rig.roll_back().await;
    assert_eq!(previewed(&rig).await, [[""; 0]; 0], "nothing is left to do");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_there_is_listed_as_looked_for() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[0]).thing("c", &[1]));
    // The first call is answered, and the second is under way.
    rig.start_for(millis(30)).await;
    assert_eq!(previewed(&rig).await, [vec!["b?"], vec!["a"]]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_leaves_is_not_listed_and_its_parts_stay() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[]).part("p", 1));
    rig.start().await;
    rig.world.order_fault(Op::Remove, "b", refused(FailureClass::Permanent));
    assert!(matches!(rig.roll_back().await, Rest::Stuck { .. }));
    assert_eq!(previewed(&rig).await, [vec!["b", "p with b"]], "it would be tried again");
    rig.engine().skip(&rig.new.run, &[action("b")], "it is shared").await.unwrap();
    assert_eq!(previewed(&rig).await, [vec!["p stays: it is shared"]]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_interrupted_is_listed_from_where_it_stands() {
    let habits = Habits { removal: millis(5_000), ..Habits::default() };
    let rig = Rig::with(&Blueprint::chain(), habits, Limits::default());
    rig.start().await;
    rig.roll_back_for(millis(2_000)).await;
    assert_eq!(rig.lines().await.last().unwrap(), "c is leaving");
    assert_eq!(previewed(&rig).await, [["c"], ["b"], ["a"]]);
}
