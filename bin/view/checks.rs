//! Questions with their answers, as people see them.

use lab1_flow_steps::{Check, Verdict};
use serde::Serialize;

use crate::paint::{Paint, Tone};
use crate::view::text::{counted, one_line};

/// How many questions were answered in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    ok: usize,
    warnings: usize,
    problems: usize,
    unknown: usize,
}

impl Count {
    pub(crate) fn of(checks: &[Check]) -> Self {
        let mut count = Self::default();
        for check in checks {
            match check.verdict {
                Verdict::Ok => count.ok += 1,
                Verdict::Warning => count.warnings += 1,
                Verdict::Problem => count.problems += 1,
                Verdict::Unknown => count.unknown += 1,
            }
        }
        count
    }

    pub(crate) fn problems(self) -> usize {
        self.problems
    }

    /// The sum in one line.
    pub(crate) fn sentence(self) -> String {
        let Self { ok, warnings, problems, unknown } = self;
        let (problems, warnings) = (counted(problems, "problem"), counted(warnings, "warning"));
        format!("Checked: {ok} ok, {warnings}, {problems}, {unknown} unknown.")
    }
}

/// A line for each question, and one below it with what to do.
pub(crate) fn lines(checks: &[Check], paint: Paint) -> Vec<String> {
    let width = checks.iter().map(|check| check.subject.len()).max().unwrap_or_default();
    checks.iter().flat_map(|check| check_lines(check, width, paint)).collect()
}

fn check_lines(check: &Check, width: usize, paint: Paint) -> Vec<String> {
    let (word, tone) = match check.verdict {
        Verdict::Ok => ("ok", Tone::Green),
        Verdict::Warning => ("warning", Tone::Yellow),
        Verdict::Problem => ("problem", Tone::Red),
        Verdict::Unknown => ("unknown", Tone::Dim),
    };
    let word = paint.tone(tone, &format!("{word:<8}"));
    let mut lines = vec![format!("{word} {:<width$}  {}", check.subject, one_line(&check.text))];
    let advice = check.advice.iter().filter(|advice| !advice.is_empty());
    lines.extend(advice.map(|advice| format!("         {} {advice}", paint.bold("do:"))));
    lines
}
