//! The live view on a terminal: one line a step, the actions of active steps below it.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lab1_flow_journal::Record;

use super::Screen;
use super::snapshot::Snapshot;
use crate::paint::{Paint, Tone};
use crate::view::stage::Stage;
use crate::view::steps::{ActionView, StepView};
use crate::view::time::span;

/// What a terminal is taken for that does not tell its size.
const SIZE_USUAL: Size = Size { columns: 80, rows: 24 };

/// What a line of a step holds beside its title: number, state, time, count, and the space between.
const WIDTH_BESIDE_TITLE: usize = 2 + 2 + 2 + 8 + 10 + 2 + 3;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    columns: usize,
    rows: usize,
}

/// The tree, redrawn in place.
#[derive(Debug)]
pub(super) struct Tree {
    paint: Paint,
    bar: ProgressBar,
}

impl Tree {
    pub(super) fn new(paint: Paint) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| {
            // The template is a constant without a mistake; the default would be readable too.
            ProgressStyle::default_bar()
        }));
        Self { paint, bar }
    }

    fn draw(&self, now: &Snapshot) {
        let lines = lines(now, terminal_size(), self.paint);
        self.bar.set_message(lines.join("\n"));
        self.bar.tick();
    }
}

impl Screen for Tree {
    fn recorded(&mut self, _records: &[Record], now: &Snapshot) {
        self.draw(now);
    }

    fn tick(&mut self, now: &Snapshot) {
        self.draw(now);
    }

    fn heartbeat(&mut self, _now: &Snapshot) {}

    fn note(&mut self, text: &str) {
        self.bar.suspend(|| {
            let _terminal_gone = writeln!(std::io::stderr().lock(), "{text}");
        });
    }

    fn finish(&mut self, now: &Snapshot) {
        self.draw(now);
        self.bar.abandon();
    }
}

fn terminal_size() -> Size {
    match rustix::termios::tcgetwinsize(rustix::stdio::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => SIZE_USUAL,
    }
}

/// The lines of the tree: no wider than the terminal, and never so many that it would scroll.
fn lines(now: &Snapshot, size: Size, paint: Paint) -> Vec<String> {
    let steps = now.steps();
    let shown: Vec<_> = steps.iter().filter(|step| is_shown(step)).collect();
    let width = size.columns.saturating_sub(1).max(WIDTH_BESIDE_TITLE);
    let longest = shown.iter().map(|step| step.title.chars().count()).max().unwrap_or_default();
    let title_width = longest.min(width - WIDTH_BESIDE_TITLE);
    // A blank line first: when the terminal echoes a Ctrl-C below the tree, the first line is what is left
    // behind by the next drawing.
    let mut lines = vec![String::new(), headline(now, paint)];
    // What is left for actions when every step has its line.
    let mut room = size.rows.saturating_sub(shown.len() + 4);
    for step in shown {
        lines.push(step_line(step, now, title_width, paint));
        if !(step.stage.is_active() || matches!(step.stage, Stage::Failed | Stage::Stuck)) {
            continue;
        }
        for action in step.actions.iter().filter(|action| is_telling(action)).take(room) {
            lines.push(action_line(action, width, paint));
            room -= 1;
        }
    }
    lines
}

/// What is done before the first step is shown until it is done.
fn is_shown(step: &StepView) -> bool {
    step.number.is_some() || !matches!(step.stage, Stage::Done | Stage::Pending)
}

/// Whether an action has something to say below its step.
fn is_telling(action: &ActionView) -> bool {
    !matches!(action.stage, Stage::Pending | Stage::Done | Stage::Gone)
}

fn headline(now: &Snapshot, paint: Paint) -> String {
    let deed = if now.state().is_rolling_back() { "taking back" } else { "deploying" };
    format!("{}  {}", paint.bold(deed), paint.tone(Tone::Dim, &span(now.elapsed())))
}

fn step_line(step: &StepView, now: &Snapshot, title_width: usize, paint: Paint) -> String {
    let number = step.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let title = cut(&step.title, title_width);
    let state = paint.tone(step.stage.tone(), &format!("{:<8}", step.stage.word()));
    let spent = step.elapsed(now.now()).map_or_else(String::new, span);
    let settled = || step.settled(now.state().is_rolling_back());
    let count = if step.stage.is_active() {
        format!("{}/{}", settled(), step.actions.len())
    } else {
        String::new()
    };
    let line = format!("{number:>2}  {title:<title_width$}  {state}{spent:>10}  {count}");
    line.trim_end().to_owned()
}

fn action_line(action: &ActionView, width: usize, paint: Paint) -> String {
    let reason = action.reason.as_deref().unwrap_or_else(|| action.stage.word());
    let plain = format!("      {}: {reason}", action.name);
    let plain = cut(&plain, width);
    // The colour begins after the name, if the name is still whole.
    match plain.split_once(": ") {
        Some((name, reason)) => format!("{name}: {}", paint.tone(action.stage.tone(), reason)),
        None => plain,
    }
}

/// The text, or its beginning with a mark that there was more.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(width.saturating_sub(2)).collect();
    shown.push_str(&".."[..width.min(2)]);
    shown
}

#[cfg(test)]
mod tests {
    use lab1_flow_journal::{Entry, Timestamp};

    use super::*;
    use crate::stored::{CREATED_AT, completed, started, state, throttled};

    fn drawn(entries: Vec<Entry>, columns: usize, rows: usize) -> String {
        let mut snapshot = Snapshot::new(state(entries), CREATED_AT);
        let now = Timestamp(CREATED_AT.0 + 2_500);
        lines(snapshot.at(now), Size { columns, rows }, Paint::default()).join("\n")
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

    #[test]
    fn each_step_has_a_line_and_what_is_under_way_stands_below() {
        insta::assert_snapshot!(drawn(half_way(), 100, 24), @r"
    deploying  2.5 s
     1  The first step   waiting      2.5 s  1/2
          template: throttled; next try in 1.5 s
     2  The second step  running      2.5 s  0/1
          balancer: running
    ");
    }

    #[test]
    fn a_narrow_terminal_cuts_titles_and_reasons() {
        let drawn = drawn(half_way(), 44, 24);
        assert!(drawn.lines().all(|line| line.chars().count() < 44), "{drawn}");
        insta::assert_snapshot!(drawn, @r"
    deploying  2.5 s
     1  The first step  waiting      2.5 s  1/2
          template: throttled; next try in 1...
     2  The second s..  running      2.5 s  0/1
          balancer: running
    ");
    }

    #[test]
    fn a_low_terminal_shows_the_steps_and_leaves_actions_out() {
        let drawn = drawn(half_way(), 100, 6);
        assert!(drawn.lines().count() < 6, "{drawn}");
        assert!(drawn.contains("The second step"), "{drawn}");
        assert!(!drawn.contains("template:"), "{drawn}");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(cut("load balancer", 20), "load balancer");
        assert_eq!(cut("load balancer", 6), "load..");
        assert_eq!(cut("abc", 2), "..");
        assert_eq!(cut("abc", 1), ".");
    }
}
