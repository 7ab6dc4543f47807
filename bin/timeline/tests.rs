use lab1_flow_journal::{Entry, FailureClass, Provenance, Record, RollbackCause, Seq};
use serde_json::json;

use super::*;
use crate::paint::Paint;
use crate::stored::{CREATED_AT, action, failure, header, rested, started};

/// A run of a group, a template beside it, and a balancer that needs the group; moments in seconds.
fn history(entries: Vec<(u64, Entry)>) -> History {
    let mut header = header("stored");
    header.steps[1].actions[0].needs = vec![action("group")];
    let at = |seconds: u64| CREATED_AT.plus(std::time::Duration::from_secs(seconds));
    let mut seq = Seq::FIRST;
    let records = entries.into_iter().map(|(seconds, entry)| {
        let record = Record { seq, at: at(seconds), entry };
        seq = seq.next();
        record
    });
    History { header, records: records.collect() }
}

fn completed(name: &str) -> Entry {
    let output = json!({ "id": name });
    Entry::ActionCompleted { action: action(name), output, provenance: Provenance::Executed }
}

fn waiting(name: &str) -> Entry {
    Entry::ActionWaiting { action: action(name), reason: "it boots".to_owned(), waited_ms: 0 }
}

fn throttled(name: &str) -> Entry {
    let failure = failure(FailureClass::Throttled, "Rate exceeded");
    let retry = lab1_flow_journal::Retry { at: CREATED_AT, delay_ms: 4_000 };
    Entry::AttemptFailed { action: action(name), attempt: 1, failure, in_doubt: false, retry }
}

fn gone(name: &str) -> Entry {
    Entry::CompensationCompleted { action: action(name), with: None }
}

fn undone(name: &str) -> Entry {
    Entry::CompensationStarted { action: action(name) }
}

/// Deployed in 20 s of work, rested for an hour, taken back in 10 s.
fn whole() -> History {
    history(vec![
        (0, started("group")),
        (0, started("template")),
        (1, throttled("template")),
        (2, completed("group")),
        (2, started("balancer")),
        (5, started("template")),
        (6, completed("template")),
        (7, waiting("balancer")),
        (20, completed("balancer")),
        (20, rested(lab1_flow_journal::Rest::Completed)),
        (3_620, Entry::RollbackStarted { cause: RollbackCause::Request }),
        (3_620, undone("balancer")),
        (3_621, undone("template")),
        (3_623, gone("template")),
        (3_626, gone("balancer")),
        (3_626, undone("group")),
        (3_630, gone("group")),
        (3_630, rested(lab1_flow_journal::Rest::RolledBack)),
    ])
}

#[test]
fn records_become_bars_and_rests_are_left_out() {
    let timeline = Timeline::of(&whole(), None);
    assert_eq!(timeline.total_ms, 30_000);
    assert_eq!(timeline.rests, [Rest { at_ms: 20_000, cut_ms: 3_600_000 }]);
    let bars: Vec<_> = timeline.rows[1]
        .bars
        .iter()
        .map(|bar| (bar.kind, bar.from_ms, bar.to_ms, bar.back))
        .collect();
    let expected = [
        (Kind::Working, 0, 1_000, false),
        (Kind::Delayed, 1_000, 5_000, false),
        (Kind::Working, 5_000, 6_000, false),
        (Kind::TakingBack, 21_000, 23_000, true),
    ];
    assert_eq!((timeline.rows[1].action.as_str(), bars), ("template", expected.to_vec()));
}

#[test]
fn the_time_between_a_death_and_the_next_process_is_left_out() {
    let timeline = Timeline::of(
        &history(vec![
            (0, started("group")),
            (1, completed("group")),
            (1, started("balancer")),
            (7_201, Entry::RunContinued),
            (7_203, completed("balancer")),
            (7_203, rested(lab1_flow_journal::Rest::Completed)),
        ]),
        None,
    );
    assert_eq!(timeline.total_ms, 3_000);
    assert_eq!(timeline.rests, [Rest { at_ms: 1_000, cut_ms: 7_200_000 }]);
    let balancer = timeline.rows.iter().find(|row| row.action == "balancer");
    let bars = balancer.map(|row| row.bars.iter().map(|bar| (bar.from_ms, bar.to_ms)).collect());
    assert_eq!(bars, Some(vec![(1_000, 3_000)]));
}

#[test]
fn the_critical_path_follows_what_was_waited_for_in_both_directions() {
    let timeline = Timeline::of(&whole(), None);
    let paths: Vec<_> = timeline
        .paths
        .iter()
        .map(|path| (path.back, path.actions.join(" "), path.total_ms, path.waited_ms))
        .collect();
    let expected = [
        (false, "group balancer".to_owned(), 20_000, 13_000),
        (true, "balancer group".to_owned(), 10_000, 0),
    ];
    assert_eq!(paths, expected);
    let marked = timeline
        .rows
        .iter()
        .flat_map(|row| row.bars.iter().filter(|bar| bar.critical).map(|_| row.action.as_str()));
    assert_eq!(marked.collect::<Vec<_>>(), ["group", "group", "balancer", "balancer", "balancer"]);
}

#[test]
fn a_part_that_went_with_its_whole_decides_nothing() {
    let mut history = whole();
    history.header.steps[0].actions[1].role = lab1_flow_journal::Role::Part { of: action("group") };
    let with =
        Entry::CompensationCompleted { action: action("template"), with: Some(action("group")) };
    let last = history.records.pop().unwrap();
    history.records.push(Record { entry: with, ..last.clone() });
    history.records.push(Record { seq: last.seq.next(), ..last });
    let timeline = Timeline::of(&history, None);
    assert_eq!(timeline.paths[1].actions, ["balancer", "group"]);
}

#[test]
fn a_live_run_goes_on_until_now_and_a_dead_one_ends_with_its_last_record() {
    let cut =
        history(vec![(0, started("group")), (2, completed("group")), (3, started("balancer"))]);
    assert_eq!(Timeline::of(&cut, None).total_ms, 3_000);
    let now = CREATED_AT.plus(std::time::Duration::from_secs(9));
    let live = Timeline::of(&cut, Some(now));
    assert_eq!((live.total_ms, live.rows[1].bars[0].to_ms), (9_000, 9_000));
}

#[test]
fn a_run_without_records_is_an_empty_chart() {
    let timeline = Timeline::of(&history(vec![]), None);
    assert_eq!((timeline.total_ms, timeline.rows.len(), timeline.paths.len()), (0, 0, 0));
    assert!(!text::lines(&timeline, 80, Paint::default()).is_empty());
    assert!(drawing::svg(&timeline, "empty").ends_with("</svg>\n"));
}

#[test]
fn the_chart_fits_the_terminal() {
    let timeline = Timeline::of(&whole(), None);
    for columns in [40, 60, 80, 200] {
        let lines = text::lines(&timeline, columns, Paint::default());
        let widest = lines.iter().map(String::len).max();
        assert!(widest <= Some(columns), "{columns}:\n{}", lines.join("\n"));
        for meaning in ["~ before a retry", "< taking back", "* critical path"] {
            assert!(lines.iter().any(|line| line.contains(meaning)), "{columns}: {meaning}");
        }
    }
    insta::assert_snapshot!(text::lines(&timeline, 80, Paint::default()).join("\n"), @r"
                0 s                10 s               20 s
    * group     ###                                              <<<<<<<       6.0 s
      template  #~~~~~~~~##                            <<<<                    8.0 s
    * balancer     ##########-------------------------<<<<<<<<<<<               24 s

      # working  - waiting  ~ before a retry  < taking back  * critical path
    ");
    insta::assert_snapshot!(timeline.figures(100).join("\n"), @r"
    worked on for 30 s
    at 20 s nobody worked on it for 1 h 0 min, which is left out
    critical path of the way forward: 20 s, 13 s of it waiting (65 %): group > balancer
    critical path of the way back: 10 s, 0 s of it waiting (0 %): balancer > group
    ");
}

#[test]
fn a_short_bar_is_still_seen() {
    let short = history(vec![
        (0, started("group")),
        (0, completed("group")),
        (0, started("balancer")),
        (900, completed("balancer")),
    ]);
    let lines = text::lines(&Timeline::of(&short, None), 60, Paint::default());
    assert!(lines[1].contains("group") && lines[1].contains('#'), "{}", lines[1]);
}

#[test]
fn marks_are_few_and_at_round_distances() {
    assert_eq!(marks(3_400, 5), [0, 1_000, 2_000, 3_000]);
    assert_eq!(marks(0, 5), [0]);
    for total in [1, 99, 45_000, 10_000_000, 400_000_000] {
        assert!((1..=8).contains(&marks(total, 8).len()), "{total}: {:?}", marks(total, 8));
    }
}
