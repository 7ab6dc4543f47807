//! How the live view looks in terminals of all kinds.

use crate::common::{FAST, Sandbox, held_answers};
use crate::emulator::{Left, Terminal};

const WIDE: (u16, u16) = (110, 40);

/// Whether a line is the one of a step in the view: its number, and the next column two blanks further on.
fn is_step(line: &str) -> bool {
    let number = line.strip_prefix(' ').and_then(|line| line.split_once("  "));
    number.is_some_and(|(number, _)| matches!(number.parse::<u32>(), Ok(1..=8)))
}

/// The sequences that colour text: digits that end in an `m`.
fn colours(raw: &str) -> Vec<&str> {
    let sequences = raw.split("\u{1b}[").skip(1);
    let is_colour =
        |text: &&str| text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('m');
    sequences.filter(is_colour).collect()
}

/// Insists on one view with each step once, whatever was drawn over it in the meantime.
fn assert_one_view(left: &Left, head: &str) {
    assert_eq!(left.count(is_step), 8, "{}", left.text);
    assert_eq!(left.count(|line| line.starts_with(head)), 1, "{}", left.text);
    let heads = ["deploying  ", "taking back  "];
    let older = left.count(|line| heads.iter().any(|head| line.starts_with(head)));
    assert_eq!(older, 0, "no drawing is left behind\n{}", left.text);
    let announced = left.count(|line| line.starts_with("run ") && line.contains(": stack default"));
    assert_eq!(announced, 1, "what stood above the view is still there\n{}", left.text);
}

#[test]
fn a_wide_terminal_shows_each_step_in_place_and_keeps_the_last_view() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::start(&sandbox, &["run"], WIDE, &[]);
    let screen = terminal.wait_for("a wait with its reason", |screen| {
        screen.contains("load-balancer-active: load balancer provisioning, usually 2-3 min")
    });
    assert!(screen.lines().filter(|line| is_step(line)).count() == 8, "{screen}");
    assert!(screen.contains("deploying  "), "{screen}");
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
    assert!(left.text.contains("\nhttp://127.0.0.1:"), "{}", left.text);
    assert!(left.text.contains("undo:  lab1-flow rollback "), "{}", left.text);
    assert!(!colours(&left.raw).is_empty(), "states have colours");
    assert!(!left.cursor_is_hidden);
    assert_eq!(left.cursor_column, 0, "the prompt follows on a line of its own");
}

#[test]
fn nothing_flickers() {
    let sandbox = Sandbox::new();
    let left = Terminal::start(&sandbox, &["run", "--time-scale", FAST], WIDE, &[]).finish();
    let whole = |screen: &&String| screen.lines().filter(|line| is_step(line)).count() == 8;
    let begun = left.screens.iter().position(|screen| whole(&screen)).expect("a whole view");
    // The last view is written once more, to stay.
    let last = left.screens.iter().rposition(|screen| screen.contains("deploying  ")).expect("it");
    let views = &left.screens[begun..last];
    assert!(!views.is_empty(), "it was redrawn");
    for (number, screen) in views.iter().enumerate() {
        assert!(whole(&screen), "in part {number} a line is missing\n{screen}");
    }
    assert!(!left.raw.contains("\u{1b}[2J") && !left.raw.contains("\u{1b}[?25l"));
}

#[test]
fn a_terminal_of_forty_columns_breaks_no_line_of_the_view() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::start(&sandbox, &["run"], (40, 40), &[]);
    let screen =
        terminal.wait_for("a wait", |screen| screen.contains("    load balancer provisioning"));
    for line in screen.lines().filter(|line| is_step(line)) {
        assert!(!terminal.is_broken(line), "{line}\n{screen}");
    }
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
}

#[test]
fn a_terminal_of_sixty_columns_shows_every_reason_whole() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::start(&sandbox, &["run", "--time-scale", "30"], (60, 40), &[]);
    terminal.wait_for("both waits with their reasons", |screen| {
        let is_whole = |line: &str| line.ends_with("load balancer provisioning, usually 2-3 min");
        screen.lines().any(is_whole) && screen.contains("targets healthy 0/9, ")
    });
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
}

#[test]
fn a_list_on_a_narrow_terminal_leaves_columns_out_and_breaks_no_word() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "1", "--time-scale", FAST]);
    let listed = |columns| Terminal::start(&sandbox, &["list"], (columns, 20), &[]).finish().text;
    let narrow = listed(60);
    assert!(narrow.starts_with("RUN ") && !narrow.contains("OWNER"), "{narrow}");
    let wide = listed(110);
    assert!(wide.contains("  OWNER\n"), "{wide}");
}

#[test]
fn a_terminal_of_few_rows_shows_what_happens_and_leaves_the_whole_view() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::start(&sandbox, &["run"], (80, 8), &[]);
    terminal.wait_for("the last step, its waits, and a count of the others", |screen| {
        screen.contains(" 8  waiting")
            && screen.contains("targets-healthy: targets healthy")
            && screen.contains("and 7 settled, 0 ahead")
    });
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
}

#[test]
fn a_window_that_is_resized_under_the_run_shows_one_view() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let terminal = Terminal::start(&sandbox, &["run"], WIDE, &[]);
    terminal.wait_for("the call, and nothing else under way", |screen| {
        [" 1  done", " 2  done", " 3  done", " 4  running", " 7  done"]
            .map(|it| screen.contains(it))
            == [true; 5]
    });
    for size in [(50, 30), (110, 30), (70, 14), (120, 40)] {
        terminal.resize(size);
        let columns = usize::from(size.0);
        terminal.wait_for("a view of the new size", |screen| {
            let steps: Vec<_> = screen.lines().filter(|line| is_step(line)).collect();
            let widest = steps.iter().map(|line| line.chars().count()).max();
            let cut = steps.iter().any(|line| line.ends_with(".."));
            // Only in the widest ones every title has its room.
            widest.is_some_and(|widest| widest < columns) && cut == (columns < 105)
        });
    }
    sandbox.hurry();
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
}

#[test]
fn without_colours_the_view_is_the_same() {
    for (arguments, environment) in [
        (&["run", "--time-scale", FAST][..], &[("NO_COLOR", "1")][..]),
        (&["run", "--time-scale", FAST, "--color", "never"], &[]),
    ] {
        let sandbox = Sandbox::new();
        let left = Terminal::start(&sandbox, arguments, WIDE, environment).finish();
        assert_one_view(&left, "completed  8/8 steps done");
        assert_eq!(colours(&left.raw), Vec::<&str>::new());
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_plain_lines() {
    for (arguments, environment) in [
        (&["run", "--time-scale", FAST][..], &[("TERM", "dumb")][..]),
        (&["run", "--time-scale", FAST], &[("CI", "true"), ("NO_COLOR", "1")]),
        (&["run", "--time-scale", FAST, "--progress", "plain", "--color", "never"], &[]),
    ] {
        let sandbox = Sandbox::new();
        let left = Terminal::start(&sandbox, arguments, WIDE, environment).finish();
        assert_eq!(left.status, Some(0), "{}", left.text);
        assert!(!left.raw.contains('\u{1b}'), "{}", left.raw);
        assert!(left.text.contains("step 8 done: "), "{}", left.text);
    }
}

#[test]
fn a_rollback_shows_what_stands_what_goes_and_what_is_left() {
    let sandbox = Sandbox::new();
    // Slow enough that each of its states stays on the screen for a while.
    sandbox.succeed(&["run", "--time-scale", "30"]);
    let run = sandbox.run_ids()[0].clone();
    let terminal = Terminal::start(&sandbox, &["rollback", &run], WIDE, &[]);
    terminal.wait_for("the removal of a group", |screen| {
        screen.contains("taking back  ")
            && screen.contains(" standing ")
            && screen.contains(" undoing ")
    });
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "rolled-back  0 resources left");
    assert!(left.text.contains("verified gone:"), "{}", left.text);
}

#[test]
fn a_watch_shows_what_the_run_shows() {
    let sandbox = Sandbox::new();
    let runner = sandbox.start(&["run", "--time-scale", "30"]);
    let run = sandbox.wait_for_run();
    let terminal = Terminal::start(&sandbox, &["watch", &run], WIDE, &[]);
    terminal.wait_for("the wait for targets", |screen| {
        screen.contains("targets-healthy: targets healthy")
    });
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert_one_view(&left, "completed  8/8 steps done");
    sandbox.finish(runner).expect_status(0);
}

#[test]
fn a_throttled_call_says_when_it_is_tried_again() {
    let sandbox = Sandbox::new();
    let plan = "[[rules]]\naction = \"CreateTargetGroup\"\ncount = 14\nfault = \"throttle\"\n";
    let _cloud = sandbox.cloud_with_faults_at(plan, "20");
    let terminal = Terminal::start(&sandbox, &["run"], WIDE, &[]);
    terminal.wait_for("the throttled call", |screen| {
        screen.contains("target-group-1: throttled, next try in ")
    });
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert!(left.text.contains(" retries"), "{}", left.text);
}
