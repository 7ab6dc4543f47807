//! What happened when in a run: its records as bars over time.
//!
//! The axis is the time in which somebody worked on the run: the time in which it rested is cut out, and where it
//! was cut is marked. Pure functions from records to figures, text and SVG.

mod critical;
pub(crate) mod drawing;
mod fold;
pub(crate) mod text;

use lab1_flow_journal::{History, Timestamp};
use serde::Serialize;

pub(crate) use critical::Path;

/// A run over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Timeline {
    /// How long somebody worked on the run.
    pub(crate) total_ms: u64,
    /// Where nobody worked on the run, on the axis: it rested, or its process had died.
    pub(crate) rests: Vec<Rest>,
    /// The actions of which something is recorded, in the order of display.
    pub(crate) rows: Vec<Row>,
    /// What decided how long it took: on the way forward, and on the way back.
    pub(crate) paths: Vec<Path>,
}

/// A time that is cut out of the axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rest {
    /// Where on the axis.
    pub(crate) at_ms: u64,
    /// How long it was.
    pub(crate) cut_ms: u64,
}

/// One action over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) action: String,
    /// The documented step that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<u32>,
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar>,
}

/// What happened to an action between two records of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    pub(crate) kind: Kind,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    /// Whether it belongs to the way back.
    pub(crate) back: bool,
    /// Whether it lies on the critical path.
    pub(crate) critical: bool,
    /// What the record that began it said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

/// Kinds of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A call is under way.
    Working,
    /// Something takes its time.
    Waiting,
    /// A failure, and the delay before the next try.
    Delayed,
    /// A call may have taken effect, and is looked for.
    InDoubt,
    /// A change is taken back.
    TakingBack,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Working, Self::Waiting, Self::Delayed, Self::InDoubt, Self::TakingBack];

    /// What the kind is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Delayed => "before a retry",
            Self::InDoubt => "in doubt",
            Self::TakingBack => "taking back",
        }
    }

    /// Whether nothing is done meanwhile that could be done faster by us.
    pub(crate) fn is_wait(self) -> bool {
        matches!(self, Self::Waiting | Self::Delayed)
    }
}

impl Bar {
    pub(crate) fn length_ms(&self) -> u64 {
        self.to_ms.saturating_sub(self.from_ms)
    }
}

impl Timeline {
    /// Reads the records. A run that is worked on goes on until `live_until`.
    pub(crate) fn of(history: &History, live_until: Option<Timestamp>) -> Self {
        let mut timeline = fold::fold(history, live_until);
        timeline.paths = critical::mark(history, &mut timeline.rows);
        timeline
    }

    /// The figures, in lines that are not longer than this.
    pub(crate) fn figures(&self, length_max: usize) -> Vec<String> {
        self.whole_figures().iter().flat_map(|figure| wrapped(figure, length_max)).collect()
    }

    fn whole_figures(&self) -> Vec<String> {
        let mut lines = vec![format!("worked on for {}", length(self.total_ms))];
        for rest in &self.rests {
            let (at, cut) = (length(rest.at_ms), length(rest.cut_ms));
            lines.push(format!("at {at} nobody worked on it for {cut}, which is left out"));
        }
        for path in &self.paths {
            let direction = if path.back { "way back" } else { "way forward" };
            let actions = path.actions.join(" > ");
            let (total, waited) = (length(path.total_ms), length(path.waited_ms));
            let share = path.waited_ms.saturating_mul(100).checked_div(path.total_ms).unwrap_or(0);
            lines.push(format!(
                "critical path of the {direction}: {total}, {waited} of it waiting ({share} %): {actions}"
            ));
        }
        lines
    }
}

/// A length of time as people say it.
pub(crate) fn length(ms: u64) -> String {
    match ms {
        0 => "0 s".to_owned(),
        _ => crate::view::time::delay(std::time::Duration::from_millis(ms)),
    }
}

fn wrapped(text: &str, length_max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= length_max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

/// Distances of marks on an axis, in milliseconds.
const STEPS_MS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    1_800_000, 3_600_000, 86_400_000,
];

/// The marks on the axis: at most so many, at round distances.
pub(crate) fn marks(total_ms: u64, marks_max: u64) -> Vec<u64> {
    let fits = |step: &&u64| total_ms / **step < marks_max.max(1);
    let step = STEPS_MS.iter().find(fits).copied().unwrap_or(total_ms.max(1));
    (0..=total_ms / step).map(|number| number * step).collect()
}

#[cfg(test)]
mod tests;
