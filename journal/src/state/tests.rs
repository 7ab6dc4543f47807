use super::*;
use crate::testing::samples::{self, completed, failed, started};
use crate::{Entry, FailureClass};

/// The sample run, in which `c` is a look, after these entries.
fn after(entries: &[Entry]) -> RunState {
    let mut header = samples::header("state");
    header.steps[1].actions[0].role = Role::Look;
    let mut state = RunState::new(header);
    for entry in entries {
        let record = Record { seq: state.next_seq(), at: Timestamp(2_000), entry: entry.clone() };
        state.apply(&record).unwrap();
    }
    state
}

fn action<'a>(state: &'a RunState, name: &str) -> &'a ActionState {
    state.action(&samples::action(name)).unwrap()
}

#[test]
fn only_an_open_attempt_at_a_change_is_in_doubt() {
    let state = after(&[started("a", 1), started("c", 1)]);
    let doubts: Vec<_> = state.actions().filter(|(_, it)| it.is_in_doubt()).collect();
    assert_eq!(doubts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a"]);
    let settled = after(&[started("a", 1), failed("a", 1, FailureClass::Throttled)]);
    assert!(!action(&settled, "a").is_in_doubt());
}

#[test]
fn a_thing_stands_from_its_making_to_its_end() {
    let action_name = || samples::action("a");
    let mut story = vec![started("a", 1)];
    assert_eq!(action(&after(&story), "a").standing_thing(), None, "it is not made");
    story.push(completed("a"));
    story.push(Entry::RollbackStarted { cause: RollbackCause::Request });
    story.push(Entry::CompensationStarted { action: action_name() });
    let leaving = after(&story);
    let leaving = action(&leaving, "a");
    assert_eq!((leaving.standing_thing(), leaving.gone_thing()), (Some("a-0001"), None));
    story.push(Entry::CompensationCompleted { action: action_name(), with: None });
    let gone = after(&story);
    let gone = action(&gone, "a");
    assert_eq!((gone.standing_thing(), gone.gone_thing()), (None, Some("a-0001")));
}

#[test]
fn an_attempt_at_a_change_is_an_intent_and_a_look_is_none() {
    assert!(!after(&[]).has_intents());
    assert!(!after(&[started("c", 1)]).has_intents());
    assert!(after(&[started("a", 1)]).has_intents());
}

/// Trap: the records end before the first change; they may be a copy of a run that has gone on.
#[test]
fn a_run_that_was_ready_for_its_first_change_may_have_made_something() {
    assert!(!after(&[]).may_have_made_something());
    assert!(!after(&[started("c", 1)]).may_have_made_something());
    assert!(after(&[started("c", 1), completed("c")]).may_have_made_something());
    assert!(after(&[started("a", 1)]).may_have_made_something());
}

#[test]
fn a_step_is_complete_when_all_of_its_actions_are() {
    let half = [started("a", 1), completed("a"), started("b", 1)];
    let complete = |state: &RunState| {
        state.steps().iter().map(|step| state.is_step_complete(step)).collect::<Vec<_>>()
    };
    assert_eq!(complete(&after(&half)), [false, false]);
    assert_eq!(complete(&after(&[&half[..], &[completed("b")]].concat())), [true, false]);
}

#[test]
fn an_entry_names_the_action_that_it_is_about() {
    let about: Vec<_> = samples::life().concat().iter().map(|it| it.action().cloned()).collect();
    let named = |name| Some(samples::action(name));
    assert_eq!(about[..4], [named("a"), named("b"), named("a"), named("b")]);
    assert_eq!(about.iter().filter(|it| it.is_none()).count(), 5, "rests, a resumption, a turn");
}
