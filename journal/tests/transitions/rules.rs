//! What may follow what in a run as a whole, which no row of the table can say.

use lab1_flow_journal::StoredStep;

use super::*;

/// Offers an entry after a history of entries, and says whether it was accepted.
fn accepted(history: &[Entry], entry: Entry) -> Result<RunState, JournalError> {
    let mut state = RunState::new(header());
    for entry in history {
        offer(&mut state, entry.clone()).unwrap();
    }
    let before = state.clone();
    let result = offer(&mut state, entry);
    if result.is_err() {
        assert_eq!(state, before, "a refused entry must change nothing");
    }
    result.map(|()| state)
}

fn rested(rest: Rest) -> Entry {
    Entry::RunRested { rest }
}

fn all_completed() -> Vec<Entry> {
    let names = ["a", "b", "c"];
    names.iter().flat_map(|name| [samples::started(name, 1), samples::completed(name)]).collect()
}

#[test]
fn a_run_completes_when_every_action_is_completed() {
    let all = all_completed();
    assert!(accepted(&all, rested(Rest::Completed)).is_ok());
    assert!(accepted(&all[..5], rested(Rest::Completed)).is_err());
    let back = [all, vec![entry("rollback", "a", 1)]].concat();
    assert!(accepted(&back, rested(Rest::Completed)).is_err());
}

#[test]
fn a_run_is_rolled_back_when_nothing_is_left_and_looks_do_not_count() {
    let mut history = all_completed();
    history.extend([entry("rollback", "a", 1), entry("undo", "a", 1)]);
    assert!(accepted(&history, rested(Rest::RolledBack)).is_err());
    history.push(entry("undone", "a", 1));
    assert!(accepted(&history, rested(Rest::RolledBack)).is_err(), "b is still there");
    let with = Some(samples::action("a"));
    history.push(Entry::CompensationCompleted { action: samples::action("b"), with });
    assert!(accepted(&history, rested(Rest::RolledBack)).is_ok());
}

#[test]
fn a_part_goes_with_its_whole_and_not_before_and_with_no_other() {
    let mut history = all_completed();
    history.extend([entry("rollback", "a", 1), entry("undo", "a", 1)]);
    let gone = |action: &str, with: &str| Entry::CompensationCompleted {
        action: samples::action(action),
        with: Some(samples::action(with)),
    };
    assert!(accepted(&history, gone("b", "a")).is_err(), "a is not gone yet");
    history.push(entry("undone", "a", 1));
    assert!(accepted(&history, gone("b", "a")).is_ok());
    assert!(accepted(&history, gone("c", "a")).is_err(), "c is no part of a");
    assert!(accepted(&history, gone("b", "b")).is_err());
}

#[test]
fn each_rest_has_its_condition() {
    let failed = [samples::started("a", 1), entry("failed", "a", 1)];
    assert!(accepted(&failed, rested(Rest::Failed)).is_ok());
    assert!(accepted(&failed[..1], rested(Rest::Failed)).is_err());
    assert!(accepted(&[], rested(Rest::Paused)).is_ok(), "the header names a step to pause after");
    assert!(accepted(&[], rested(Rest::Stuck { left: vec![] })).is_err(), "it goes forward");
    let back = [entry("rollback", "a", 0)];
    assert!(accepted(&back, rested(Rest::Stuck { left: vec!["a".into()] })).is_ok());
    assert!(accepted(&back, rested(Rest::Paused)).is_err());
    let failure = samples::failure(FailureClass::Unreachable);
    assert!(accepted(&back, rested(Rest::Suspended { failure })).is_ok());
}

#[test]
fn a_run_at_rest_is_resumed_first_unless_it_has_ended() {
    let stop = rested(Rest::Stopped);
    let resume = entry("resume", "a", 0);
    assert!(accepted(&[], resume.clone()).is_err(), "it does not rest");
    assert_eq!(accepted(&[], stop.clone()).unwrap().rest(), Some(&Rest::Stopped));
    assert!(accepted(std::slice::from_ref(&stop), stop.clone()).is_err(), "it rests already");
    let state = accepted(&[stop], resume.clone()).unwrap();
    assert_eq!(state.rest(), None);
    let ended = [all_completed(), vec![rested(Rest::Completed)]].concat();
    assert!(accepted(&ended, resume).is_err(), "it has ended");
    assert!(accepted(&ended, entry("rollback", "a", 1)).is_ok(), "and can still turn around");
}

#[test]
fn a_run_is_continued_in_mid_run_and_nothing_of_it_changes() {
    let begun = [samples::started("a", 1), entry("throttled", "a", 1)];
    let before = accepted(&[], begun[0].clone()).unwrap();
    assert!(accepted(&[], Entry::RunContinued).is_err(), "nothing was begun");
    let after = accepted(&begun, Entry::RunContinued).unwrap();
    let action = |state: &RunState| state.action(&samples::action("a")).unwrap().clone();
    assert_eq!(action(&after), action(&accepted(&begun[..1], begun[1].clone()).unwrap()));
    assert_ne!(action(&after), action(&before));
    assert!(accepted(&[rested(Rest::Stopped)], Entry::RunContinued).is_err(), "it is resumed");
}

#[test]
fn the_time_worked_leaves_out_rests_and_what_was_lost_by_a_death() {
    let mut state = RunState::new(header());
    let at = |second: i64| Timestamp(second * 1_000);
    state.changed_at();
    for (second, entry) in [
        (2, samples::started("a", 1)),
        (5, Entry::RunContinued),
        (6, rested(Rest::Stopped)),
        (16, entry("resume", "a", 1)),
        (17, samples::completed("a")),
    ] {
        state.apply(&Record { seq: state.next_seq(), at: at(second), entry }).unwrap();
    }
    let seconds = |from, to| state.worked(at(from), at(to)).as_secs();
    assert_eq!(seconds(1, 17), 3, "1 to 2, 5 to 6, 16 to 17");
    assert_eq!(seconds(3, 5), 0);
    assert_eq!(seconds(4, 6), 1, "a part of what was lost is left out");
    assert_eq!(seconds(10, 20), 4, "until now it is worked on");
    assert_eq!(seconds(17, 1), 0, "a clock that was set back");
}

#[test]
fn a_pause_happens_once() {
    let state = accepted(&[rested(Rest::Paused)], entry("resume", "a", 0)).unwrap();
    assert_eq!(state.until(), None);
}

#[test]
fn a_resumed_run_may_pause_after_another_step_on_its_way_forward_only() {
    let header = header();
    let last = header.steps.last().unwrap().name.clone();
    let pause = |until| Entry::PauseChanged { until };
    let paused = [rested(Rest::Paused)];
    assert!(accepted(&paused, pause(last.clone())).is_err(), "it was not resumed");
    let resumed = [rested(Rest::Paused), entry("resume", "a", 0), pause(last.clone())];
    assert_eq!(accepted(&resumed, rested(Rest::Paused)).unwrap().until(), Some(&last));
    let earlier = accepted(&[], pause(last.clone())).unwrap();
    assert_eq!(earlier.until(), Some(&last), "it takes the place of the header's");
    assert!(accepted(&[entry("rollback", "a", 0)], pause(last)).is_err());
    let unknown = samples::step("other", 9, &[]).name;
    assert!(accepted(&[], pause(unknown)).is_err(), "there is no such step");
}

#[test]
fn a_run_turns_around_once() {
    let back = [entry("rollback", "a", 0)];
    assert!(accepted(&back, entry("rollback", "a", 0)).is_err());
}

#[test]
fn only_steps_that_have_not_started_change_and_keep_their_actions() {
    let header = header();
    let mut one = header.steps[0].clone();
    one.config = json!({ "size": 99 });
    let change = |step| Entry::StepsChanged { steps: vec![step] };
    let state = accepted(&[], change(one.clone())).unwrap();
    assert_eq!(state.steps()[0].config, json!({ "size": 99 }));
    assert_eq!(state.steps()[1], header.steps[1]);
    assert!(accepted(&[samples::started("b", 1)], change(one.clone())).is_err(), "it has started");
    assert!(accepted(&[entry("rollback", "a", 0)], change(one.clone())).is_err());
    let mut retitled = one.clone();
    retitled.actions[0].title = "names another value".to_owned();
    assert!(accepted(&[], change(retitled)).is_ok(), "a title is for people");
    let mut rewired = one.clone();
    rewired.actions[1].needs.clear();
    rewired.actions[1].role = Role::Change;
    assert!(accepted(&[], change(rewired)).is_err(), "another role");
    one.actions.pop();
    assert!(accepted(&[], change(one.clone())).is_err(), "an action is missing");
    one.name = samples::step("other", 9, &[]).name;
    assert!(accepted(&[], change(one)).is_err(), "there is no such step");
}

#[test]
fn steps_that_have_not_started_come_and_go_and_the_others_stay_as_they_were() {
    let header = header();
    let [one, two] = [0, 1].map(|place| header.steps[place].clone());
    let replace = |steps: &[StoredStep]| Entry::StepsReplaced { steps: steps.to_vec() };
    let more = samples::step("more", 3, &["x"]);
    let state = accepted(&[], replace(&[one.clone(), more.clone()])).unwrap();
    assert_eq!(state.steps(), [one.clone(), more.clone()]);
    let names: Vec<_> = state.actions().map(|(name, _)| name.to_string()).collect();
    let wanted = one.actions.iter().map(|action| action.name.to_string()).chain(["x".to_owned()]);
    assert_eq!(names, wanted.collect::<Vec<_>>());
    let begun = [samples::started(one.actions[0].name.as_str(), 1)];
    let renumbered = StoredStep { number: Some(9), ..one.clone() };
    let state = accepted(&begun, replace(&[more.clone(), renumbered.clone()])).unwrap();
    assert_eq!(state.action(&one.actions[0].name).unwrap().attempts, 1, "it stands as it stood");
    assert_eq!(state.steps()[1], renumbered);
    assert!(accepted(&begun, replace(&[two.clone(), more.clone()])).is_err(), "it has started");
    let mut changed = one.clone();
    changed.config = json!({ "size": 99 });
    assert!(accepted(&begun, replace(&[changed.clone(), two.clone()])).is_err(), "it has changed");
    assert!(accepted(&[], replace(&[changed, two.clone()])).is_ok());
    assert!(accepted(&[], replace(&[one.clone(), one.clone()])).is_err(), "twice");
    let mut twin = more.clone();
    twin.actions = one.actions.clone();
    assert!(accepted(&[], replace(&[one.clone(), twin])).is_err(), "an action twice");
    let mut hanging = more;
    hanging.actions[0].needs = vec![samples::action("nowhere")];
    assert!(accepted(&[], replace(&[one.clone(), hanging])).is_err(), "it needs what is not there");
    assert!(accepted(&[entry("rollback", "a", 0)], replace(&[one, two])).is_err());
}

#[test]
fn input_and_token_are_frozen_with_the_first_attempt() {
    let with = |attempt, input, token: &str| Entry::AttemptStarted {
        action: samples::action("a"),
        attempt,
        input,
        token: token.into(),
    };
    assert!(accepted(&[], with(1, None, "t")).is_err(), "the first freezes an input");
    let history = [with(1, Some(json!({})), "t"), entry("transient", "a", 1)];
    assert!(accepted(&history, with(2, None, "t")).is_ok());
    assert!(accepted(&history, with(2, Some(json!({})), "t")).is_err(), "a second input");
    assert!(accepted(&history, with(2, None, "other")).is_err(), "another token");
    assert!(accepted(&history, with(3, None, "t")).is_err(), "an attempt is left out");
}

#[test]
fn an_input_of_nothing_is_still_an_input_when_it_is_read_back() {
    let entry = Entry::AttemptStarted {
        action: samples::action("a"),
        attempt: 1,
        input: Some(json!(null)),
        token: "t".into(),
    };
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
}

#[test]
fn budgets_add_up_and_open_anew_only_when_asked() {
    let history = [
        samples::started("a", 1),
        entry("throttled", "a", 1),
        samples::started("a", 2),
        entry("ambiguous", "a", 2),
        entry("absent", "a", 2),
        samples::started("a", 3),
        rested(Rest::Stopped),
    ];
    let budget = |state: RunState| state.action(&samples::action("a")).unwrap().budget;
    let kept = budget(accepted(&history, entry("resume", "a", 3)).unwrap());
    assert_eq!((kept.failures, kept.tries, kept.throttled_ms, kept.waited_ms), (2, 1, 1_000, 0));
    let anew = budget(accepted(&history, entry("resume-anew", "a", 3)).unwrap());
    assert_eq!(anew, lab1_flow_journal::Budget::default());
}

#[test]
fn a_look_that_succeeds_ends_a_row_of_failures_and_keeps_what_was_waited() {
    let history = [samples::started("a", 1), entry("throttled", "a", 1), samples::started("a", 2)];
    let state = accepted(&history, entry("waiting", "a", 2)).unwrap();
    let budget = state.action(&samples::action("a")).unwrap().budget;
    assert_eq!((budget.failures, budget.throttled_ms, budget.waited_ms), (0, 0, 5));
}

#[test]
fn the_reason_of_a_wait_is_forgotten_when_the_wait_is_over() {
    let reason =
        |way: &[&str]| after("a", way).action(&samples::action("a")).unwrap().reason.clone();
    assert_eq!(reason(&["attempt", "waiting"]).as_deref(), Some("it starts"));
    assert_eq!(reason(&["attempt", "waiting", "executed"]), None);
    let undoing = ["attempt", "executed", "rollback", "undo", "undo-waiting"];
    assert_eq!(reason(&undoing).as_deref(), Some("it goes"));
    assert_eq!(reason(&[&undoing[..], &["undone"]].concat()), None);
}

#[test]
fn only_an_absence_on_the_way_forward_may_have_been_believed_too_early() {
    let absences = |way: &[&str]| after("a", way).action(&samples::action("a")).unwrap().absences;
    assert_eq!(absences(&["attempt", "absent"]), 1);
    assert_eq!(absences(&["attempt", "rollback", "absent"]), 0);
}

#[test]
fn the_step_to_run_until_is_the_headers_one() {
    assert_eq!(after("a", &[]).until(), header().until.as_ref());
}

#[test]
fn a_wait_never_shrinks() {
    let waited = |waited_ms| Entry::ActionWaiting {
        action: samples::action("a"),
        reason: "it starts".into(),
        waited_ms,
    };
    let history = [samples::started("a", 1), waited(10)];
    assert!(accepted(&history, waited(9)).is_err());
    assert!(accepted(&history, waited(10)).is_ok());
}

#[test]
fn a_record_out_of_its_place_is_refused() {
    let mut state = RunState::new(header());
    for seq in [0, 2, 7] {
        let seq = lab1_flow_journal::Seq(seq);
        let record = Record { seq, at: AT, entry: samples::started("a", 1) };
        assert!(state.apply(&record).is_err(), "place {seq}");
    }
}
