//! What the live view shows, as lines that fit the terminal: a pure function.

use std::time::Duration;

use crate::paint::{Paint, Tone};
use crate::progress::canvas::Size;
use crate::progress::snapshot::Snapshot;
use crate::view::facts;
use crate::view::stage::Stage;
use crate::view::standing::Standing;
use crate::view::steps::{ActionView, StepView, progress};
use crate::view::text::{counted, cut, width};
use crate::view::time::{delay, span};

/// A terminal with fewer columns than this has no room for times, nor for names beside reasons.
const COLUMNS_FOR_TIMES: usize = 60;

/// Two columns for the number, eight for the state, and the spaces between.
const BESIDE_TEXT: usize = 2 + 2 + 8 + 2;

/// One line before it is cut and painted.
enum Line<'a> {
    Blank,
    Head,
    Step(&'a StepView),
    Action(&'a ActionView),
    /// What is said of the steps that have no line.
    Rest(String),
}

/// The lines of the view: each narrower than the terminal, and fewer than its rows.
pub(super) fn lines(now: &Snapshot, size: Size, paint: Paint) -> Vec<String> {
    let steps = now.steps();
    let shown: Vec<_> = steps.iter().filter(|step| is_shown(step)).collect();
    let style = Style::new(size, paint);
    // The cursor rests on the last row.
    let arranged = arrange(&shown, size.rows.saturating_sub(1));
    let text = arranged.iter().map(|line| match line {
        Line::Blank => String::new(),
        Line::Head => head(now, &steps, &style),
        Line::Step(step) => step_line(step, now, &style),
        Line::Action(action) => action_line(action, now, &style),
        Line::Rest(text) => style.row("", None, None, text, ""),
    });
    text.collect()
}

/// What is done before the first step is shown until it is done.
fn is_shown(step: &StepView) -> bool {
    step.number.is_some() || !matches!(step.stage, Stage::Done | Stage::Pending | Stage::Gone)
}

/// Whether something happens in the step, or has gone wrong.
fn is_telling(step: &StepView) -> bool {
    step.stage.is_active() || matches!(step.stage, Stage::Failed | Stage::Stuck)
}

/// The actions that have something to say below their step.
fn telling_actions(step: &StepView) -> impl Iterator<Item = &ActionView> {
    let quiet =
        |stage| matches!(stage, Stage::Pending | Stage::Done | Stage::Standing | Stage::Gone);
    step.actions.iter().filter(move |action| !quiet(action.stage))
}

/// Chooses what is shown in so many rows. Where there is not room for all, actions go first, then steps in which
/// nothing happens.
fn arrange<'a>(steps: &[&'a StepView], rows: usize) -> Vec<Line<'a>> {
    if steps.len() + 1 > rows {
        return arrange_few(steps, rows);
    }
    let mut room = rows - steps.len() - 1;
    let mut lines = vec![Line::Head];
    for step in steps {
        lines.push(Line::Step(step));
        if is_telling(step) {
            let before = lines.len();
            lines.extend(telling_actions(step).take(room).map(Line::Action));
            room -= lines.len() - before;
        }
    }
    if room > 0 {
        lines.insert(0, Line::Blank);
    }
    lines
}

/// The same for a terminal with fewer rows than there are steps: where something happens, and a count of the rest.
fn arrange_few<'a>(steps: &[&'a StepView], rows: usize) -> Vec<Line<'a>> {
    let mut lines = vec![Line::Head];
    let room = rows.saturating_sub(2);
    let telling = steps.iter().filter(|step| is_telling(step));
    let shown: Vec<&StepView> = telling.take(room).copied().collect();
    let mut room = room - shown.len();
    for step in &shown {
        lines.push(Line::Step(step));
        let before = lines.len();
        lines.extend(telling_actions(step).take(room).map(Line::Action));
        room -= lines.len() - before;
    }
    let settled =
        |step: &&&StepView| matches!(step.stage, Stage::Done | Stage::Gone | Stage::Skipped);
    let settled = steps.iter().filter(settled).count();
    let ahead = steps.len() - shown.len() - settled;
    if rows > 1 {
        lines.push(Line::Rest(format!("and {settled} settled, {ahead} ahead")));
    }
    lines
}

/// Where things stand in a line, and how it is painted.
struct Style {
    width: usize,
    with_times: bool,
    paint: Paint,
}

impl Style {
    fn new(size: Size, paint: Paint) -> Self {
        // A line that fills the last column makes some terminals begin a new one.
        let width = size.columns.saturating_sub(1);
        Self { width, with_times: size.columns >= COLUMNS_FOR_TIMES, paint }
    }

    /// The column of the time, where there is one.
    fn time(&self, stage: Option<Stage>, spent: Option<Duration>) -> String {
        if !self.with_times {
            return String::new();
        }
        // A clock that runs shows tenths; one that stands shows how quick it was.
        let clock = if stage.is_some_and(Stage::is_active) { span } else { delay };
        format!(" {:>9}", spent.map_or_else(String::new, clock))
    }

    /// A row of the view: number, state and time in columns, then text, cut to fit, and its end.
    fn row(
        &self,
        number: &str,
        stage: Option<Stage>,
        spent: Option<Duration>,
        text: &str,
        end: &str,
    ) -> String {
        let word = stage.map_or("", Stage::word);
        let tone = stage.map_or(Tone::Dim, Stage::tone);
        let time = self.time(stage, spent);
        let taken = BESIDE_TEXT + time.len() + end.len();
        let text = cut(text, self.width.saturating_sub(taken));
        let word = self.paint.tone(tone, &format!("{word:<8}"));
        if self.width < taken {
            // A few columns: the state of the step is all that they hold.
            return cut(&format!("{number:>2}  {}", stage.map_or("", Stage::word)), self.width);
        }
        format!("{number:>2}  {word}{time}  {text}{end}").trim_end().to_owned()
    }
}

fn head(now: &Snapshot, steps: &[StepView], style: &Style) -> String {
    let state = now.state();
    let standing = Standing::of(state, true);
    let deed = match standing {
        Standing::Running => "deploying",
        Standing::RollingBack => "taking back",
        resting => resting.word(),
    };
    let count = if state.is_rolling_back() {
        format!("{} left", counted(facts::standing_resources(state).len(), "resource"))
    } else {
        let (done, total) = progress(steps);
        format!("{done}/{total} steps done")
    };
    let rest = format!("  {count}  {}", span(now.elapsed()));
    let rest = cut(&rest, style.width.saturating_sub(deed.len()));
    format!(
        "{}{}",
        style.paint.tone(standing.tone(), &cut(deed, style.width)),
        style.paint.tone(Tone::Dim, &rest)
    )
}

fn step_line(step: &StepView, now: &Snapshot, style: &Style) -> String {
    let number = step.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let count = if step.stage.is_active() && step.actions.len() > 1 {
        format!("  {}/{}", step.settled(now.state().is_rolling_back()), step.actions.len())
    } else {
        String::new()
    };
    style.row(&number, Some(step.stage), step.worked(now.state(), now.now()), &step.title, &count)
}

fn action_line(action: &ActionView, now: &Snapshot, style: &Style) -> String {
    let ActionView { name, stage, reason, .. } = action;
    let spent = action.worked(now.state(), now.now());
    if style.with_times {
        let texts = match reason {
            // Where not all has room, the reason stays longest: it says what waits, and for what.
            Some(reason) => [format!("  {name}: {reason}"), format!("  {reason}")].to_vec(),
            None => vec![format!("  {name}")],
        };
        let room = style.width.saturating_sub(BESIDE_TEXT + style.time(Some(*stage), spent).len());
        if let Some(text) = texts.iter().find(|text| width(text) <= room) {
            return style.row("", Some(*stage), spent, text, "");
        }
    }
    // The step above tells the state; what little room there is belongs to the reason.
    let text = reason.clone().unwrap_or_else(|| format!("{name}: {}", stage.word()));
    style.paint.tone(stage.tone(), &cut(&format!("    {text}"), style.width))
}

#[cfg(test)]
mod tests;
