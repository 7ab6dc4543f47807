use lab1_flow_journal::{Entry, FailureClass, Rest, RollbackCause, Timestamp};

use super::*;
use crate::stored::{CREATED_AT, action, completed, failure, rested, started, state, throttled};

fn snapshot(entries: Vec<Entry>) -> Snapshot {
    let mut snapshot = Snapshot::new(state(entries), CREATED_AT);
    snapshot.at(Timestamp(CREATED_AT.0 + 2_500));
    snapshot
}

fn drawn(entries: Vec<Entry>, columns: usize, rows: usize) -> String {
    lines(&snapshot(entries), Size { columns, rows }, Paint::default()).join("\n")
}

fn half_way() -> Vec<Entry> {
    vec![
        started("group"),
        completed("group"),
        started("template"),
        throttled("template"),
        started("balancer"),
    ]
}

fn turned_back() -> Vec<Entry> {
    vec![
        started("group"),
        completed("group"),
        started("balancer"),
        completed("balancer"),
        Entry::RollbackStarted { cause: RollbackCause::Request },
        Entry::CompensationStarted { action: action("balancer") },
        Entry::CompensationWaiting {
            action: action("balancer"),
            reason: "security group web is still held by 2 network interfaces".to_owned(),
            waited_ms: 0,
        },
    ]
}

#[test]
fn each_step_has_a_line_and_what_is_under_way_stands_below() {
    insta::assert_snapshot!(drawn(half_way(), 100, 24), @r"

    deploying  0/2 steps done  2.5 s
     1  waiting      2.5 s  The first step  1/2
        waiting      2.5 s    template: throttled, next try in 2 s
     2  running      2.5 s  The second step
        running      2.5 s    balancer
    ");
}

#[test]
fn a_rollback_shows_what_is_left_and_what_it_waits_for() {
    insta::assert_snapshot!(drawn(turned_back(), 100, 24), @r"

    taking back  2 resources left  2.5 s
     1  standing            The first step
     2  undoing      2.5 s  The second step
        undoing      2.5 s    balancer: security group web is still held by 2 network interfaces
    ");
}

#[test]
fn a_narrow_terminal_keeps_states_and_reasons() {
    insta::assert_snapshot!(drawn(half_way(), 40, 24), @r"

    deploying  0/2 steps done  2.5 s
     1  waiting   The first step  1/2
        throttled, next try in 2 s
     2  running   The second step
        balancer: running
    ");
}

#[test]
fn a_reason_is_cut_only_after_the_name_and_the_time_have_gone() {
    let reason = "security group web is still held by 2 network interfaces";
    let (mut whole, mut narrow) = (0, 0);
    for columns in 1..=100 {
        let line = drawn(turned_back(), columns, 24).lines().last().unwrap_or_default().to_owned();
        let is_whole = line.contains(reason);
        assert_eq!(is_whole, columns > 4 + reason.len(), "{columns}: {line}");
        assert!(is_whole || !line.contains("2.5 s"), "{columns}: {line}");
        let is_named = line.contains("balancer: ");
        assert_eq!(is_named, columns >= 93, "{columns}: {line}");
        whole += usize::from(is_whole);
        narrow += usize::from(!is_whole);
    }
    assert_eq!((whole, narrow), (40, 60));
    insta::assert_snapshot!(drawn(turned_back(), 84, 24), @r"

    taking back  2 resources left  2.5 s
     1  standing            The first step
     2  undoing      2.5 s  The second step
        undoing      2.5 s    security group web is still held by 2 network interfaces
    ");
    insta::assert_snapshot!(drawn(turned_back(), 70, 24), @r"

    taking back  2 resources left  2.5 s
     1  standing            The first step
     2  undoing      2.5 s  The second step
        security group web is still held by 2 network interfaces
    ");
}

#[test]
fn no_line_is_as_wide_as_the_terminal_and_there_are_fewer_than_rows() {
    let mut checked = 0;
    for entries in [vec![], half_way(), turned_back()] {
        for columns in 1..120 {
            for rows in 1..14 {
                let size = Size { columns, rows };
                let lines = lines(&snapshot(entries.clone()), size, Paint::new(true));
                assert!(lines.iter().all(|line| width(line) < columns), "{size:?}: {lines:#?}");
                assert!(lines.len() < rows.max(2), "{size:?}: {lines:#?}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 3 * 119 * 13);
}

#[test]
fn a_low_terminal_shows_where_something_happens() {
    insta::assert_snapshot!(drawn(half_way(), 100, 4), @r"
    deploying  0/2 steps done  2.5 s
     1  waiting      2.5 s  The first step  1/2
     2  running      2.5 s  The second step
    ");
    insta::assert_snapshot!(drawn(vec![started("balancer")], 100, 3), @r"
    deploying  0/2 steps done  2.5 s
                            and 0 settled, 2 ahead
    ");
    insta::assert_snapshot!(drawn(half_way(), 100, 2), @"deploying  0/2 steps done  2.5 s");
}

#[test]
fn a_run_at_rest_says_how_and_its_clock_stands() {
    let mut entries = half_way();
    entries.push(rested(Rest::Stopped));
    insta::assert_snapshot!(drawn(entries, 60, 5), @r"
    stopped  0/2 steps done  0.0 s
     1  waiting      0.0 s  The first step  1/2
        waiting      0.0 s    throttled, next try in 4 s
     2  running      0.0 s  The second step
    ");
}

#[test]
fn a_message_of_several_lines_takes_one() {
    let failure = failure(FailureClass::Permanent, "not\nallowed \u{1b}[2J");
    let entries = vec![started("group"), Entry::ActionFailed { action: action("group"), failure }];
    let lines = lines(&snapshot(entries), Size { columns: 90, rows: 24 }, Paint::default());
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("group: not allowed")), "{lines:#?}");
}

#[test]
fn an_attempt_that_follows_another_says_what_came_of_that() {
    let token = "token-group".to_owned();
    let again = Entry::AttemptStarted { action: action("group"), attempt: 2, input: None, token };
    let drawn = drawn(vec![started("group"), throttled("group"), again], 100, 24);
    assert!(
        drawn.contains("running      2.5 s    group: attempt 2, before it: throttled"),
        "{drawn}"
    );
}

#[test]
fn an_attempt_that_is_held_back_says_until_when() {
    let mut held = snapshot(vec![started("group"), completed("group"), started("balancer")]);
    let now = held.now();
    held.wait(
        action("template"),
        "held back by the limiter".to_owned(),
        now,
        Duration::from_millis(2_400),
    );
    let lines = lines(&held, Size { columns: 90, rows: 24 }, Paint::default()).join("\n");
    assert!(lines.contains("template: held back by the limiter, goes in 3 s"), "{lines}");
}
