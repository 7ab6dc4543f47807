//! A timeline as lines of text, as wide as the terminal.

use super::{Bar, Kind, Row, Timeline, length, marks};
use crate::paint::{Paint, Tone};
use crate::view::text::cut;

/// Names take no more than this.
const NAME_WIDTH_MAX: usize = 32;

/// What stands beside the bars: a mark, the name, spaces, and the length.
const LENGTH_WIDTH: usize = 11;

/// Fewer columns for bars than this tell nothing.
const BARS_WIDTH_MIN: usize = 10;

/// The lines of the chart: an axis, a row for each action, and what the letters mean.
pub(crate) fn lines(timeline: &Timeline, columns: usize, paint: Paint) -> Vec<String> {
    let names = timeline.rows.iter().map(|row| row.action.len()).max().unwrap_or_default();
    let name_width = names.min(NAME_WIDTH_MAX).min(columns / 3);
    let beside = 2 + name_width + 2 + LENGTH_WIDTH;
    let bars_width = columns.saturating_sub(beside).max(BARS_WIDTH_MIN);
    let axis = Axis { total_ms: timeline.total_ms.max(1), columns: bars_width };
    let mut lines =
        vec![format!("{:1$}{2}", "", 2 + name_width + 2, axis.labels()).trim_end().into()];
    for row in &timeline.rows {
        lines.push(row_line(row, name_width, &axis, paint));
    }
    lines.push(String::new());
    lines.extend(legend(timeline, columns));
    lines
}

/// What the letters mean that occur, in as many lines as it takes.
fn legend(timeline: &Timeline, columns: usize) -> Vec<String> {
    let occurs =
        |kind: &Kind| timeline.rows.iter().flat_map(|row| &row.bars).any(|bar| bar.kind == *kind);
    let letters = Kind::ALL.into_iter().filter(occurs);
    let mut parts: Vec<_> =
        letters.map(|kind| format!("{} {}", letter(kind), kind.word())).collect();
    parts.push("* critical path".to_owned());
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + 2 + part.len() <= columns => {
                line.push_str("  ");
                line.push_str(&part);
            }
            _ => lines.push(format!("  {part}")),
        }
    }
    lines
}

fn row_line(row: &Row, name_width: usize, axis: &Axis, paint: Paint) -> String {
    let critical = row.bars.iter().any(|bar| bar.critical);
    let mark = if critical { "*" } else { " " };
    let name = format!("{:<name_width$}", cut(&row.action, name_width));
    let name = if critical { paint.bold(&name) } else { name };
    let bars = axis.draw(&row.bars, paint);
    let spent: u64 = row.bars.iter().map(Bar::length_ms).sum();
    format!("{mark} {name}  {bars}{:>LENGTH_WIDTH$}", length(spent))
}

/// The columns in which bars are drawn.
struct Axis {
    total_ms: u64,
    columns: usize,
}

impl Axis {
    /// The column of a moment.
    fn column(&self, ms: u64) -> usize {
        let columns = u64::try_from(self.columns).unwrap_or(u64::MAX);
        let column = ms.saturating_mul(columns) / self.total_ms;
        usize::try_from(column).unwrap_or(usize::MAX).min(self.columns - 1)
    }

    /// Lengths at round distances, each beginning where its moment is.
    fn labels(&self) -> String {
        let count = u64::try_from(self.columns / 12).unwrap_or(1);
        let mut line = String::new();
        for mark in marks(self.total_ms, count.max(1)) {
            let (column, label) = (self.column(mark), length(mark));
            if column >= line.len() && column + label.len() <= self.columns {
                line = format!("{line:<column$}{label}");
            }
        }
        line
    }

    fn draw(&self, bars: &[Bar], paint: Paint) -> String {
        let mut cells: Vec<Option<Kind>> = vec![None; self.columns];
        for bar in bars {
            let (from, to) = (self.column(bar.from_ms), self.column(bar.to_ms));
            // A bar has a column of its own, however short it is, as long as there is a free one.
            for cell in &mut cells[from..to.max(from + 1)] {
                if cell.is_none() || to > from {
                    *cell = Some(bar.kind);
                }
            }
        }
        let runs = cells.chunk_by(|one, other| one == other);
        runs.map(|run| match run {
            [Some(kind), ..] => paint.tone(tone(*kind), &letter(*kind).repeat(run.len())),
            _ => " ".repeat(run.len()),
        })
        .collect()
    }
}

fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Working => "#",
        Kind::Waiting => "-",
        Kind::Delayed => "~",
        Kind::InDoubt => "?",
        Kind::TakingBack => "<",
    }
}

fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::Working => Tone::Green,
        Kind::Waiting => Tone::Cyan,
        Kind::Delayed | Kind::InDoubt => Tone::Yellow,
        Kind::TakingBack => Tone::Red,
    }
}
