//! A timeline as SVG.

use super::{Bar, Kind, Row, Timeline, length, marks};
use crate::svg::{Anchor, Svg, text_width};

/// The sizes of the drawing, in pixels.
const WIDTH: f64 = 1080.0;
const MARGIN: f64 = 20.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
/// Room for the length beside a row.
const LENGTH: f64 = 70.0;
/// No bar is thinner.
const BAR_WIDTH_MIN: f64 = 2.0;
/// Figures that are longer go on in the next line.
const LINE_LENGTH: usize = 140;

/// Draws it under this heading.
pub(crate) fn svg(timeline: &Timeline, heading: &str) -> String {
    let mut svg = Svg::default();
    svg.text("title", (MARGIN, 32.0), Anchor::Start, heading);
    let mut y = 52.0;
    for line in timeline.figures(LINE_LENGTH) {
        svg.text("note", (MARGIN, y), Anchor::Start, &line);
        y += 17.0;
    }
    let names = timeline.rows.iter().map(|row| text_width(&row.action)).fold(60.0, f64::max);
    let left = MARGIN + names + 16.0;
    let chart = Chart { left, width: WIDTH - left - LENGTH - MARGIN, top: y + 24.0, timeline };
    let bottom = chart.draw(&mut svg);
    legend(&mut svg, bottom + 30.0);
    svg.finish((WIDTH, bottom + 50.0), heading)
}

/// Where the bars are.
struct Chart<'a> {
    left: f64,
    width: f64,
    top: f64,
    timeline: &'a Timeline,
}

impl Chart<'_> {
    /// Draws the rows over their axis, and returns where they end.
    fn draw(&self, svg: &mut Svg) -> f64 {
        let mut y = self.top;
        for number in 0..self.timeline.rows.len() {
            if number % 2 == 0 {
                svg.rect("band", (MARGIN, y), (WIDTH - 2.0 * MARGIN, ROW), "");
            }
            y += ROW;
        }
        let bottom = y;
        for mark in marks(self.timeline.total_ms, 10) {
            let x = self.place(mark);
            svg.path("rule", &format!("M{x:.1} {:.1}V{bottom:.1}", self.top - 4.0));
            svg.text("note", (x, self.top - 9.0), Anchor::Middle, &length(mark));
        }
        for rest in &self.timeline.rests {
            let x = self.place(rest.at_ms);
            svg.path("edge dashed", &format!("M{x:.1} {:.1}V{bottom:.1}", self.top));
        }
        let mut y = self.top;
        for row in &self.timeline.rows {
            self.row(svg, row, y);
            y += ROW;
        }
        bottom
    }

    fn row(&self, svg: &mut Svg, row: &Row, y: f64) {
        let critical = row.bars.iter().any(|bar| bar.critical);
        let baseline = y + ROW / 2.0 + 4.0;
        let weight = if critical { "strong" } else { "plain" };
        svg.text(weight, (self.left - 10.0, baseline), Anchor::End, &row.action);
        for bar in &row.bars {
            let (from, to) = (self.place(bar.from_ms), self.place(bar.to_ms));
            let class = class(bar.kind, bar.critical);
            let at = (from, y + (ROW - BAR) / 2.0);
            svg.rect(&class, at, ((to - from).max(BAR_WIDTH_MIN), BAR), &told(row, bar));
        }
        let spent = length(row.bars.iter().map(Bar::length_ms).sum());
        svg.text("note", (WIDTH - MARGIN - 6.0, baseline), Anchor::End, &spent);
    }

    #[expect(clippy::cast_precision_loss, reason = "a run is worked on for less than 2^52 ms")]
    fn place(&self, ms: u64) -> f64 {
        self.left + self.width * (ms as f64 / self.timeline.total_ms.max(1) as f64)
    }
}

fn legend(svg: &mut Svg, y: f64) {
    let mut x = MARGIN;
    let kinds = Kind::ALL.map(|kind| (class(kind, false), kind.word()));
    let critical = [(class(Kind::Working, true), "on the critical path")];
    for (class, word) in kinds.into_iter().chain(critical) {
        svg.rect(&class, (x, y - 10.0), (18.0, 12.0), "");
        svg.text("note", (x + 24.0, y), Anchor::Start, word);
        x += 24.0 + text_width(word) + 22.0;
    }
}

fn class(kind: Kind, critical: bool) -> String {
    let kind = match kind {
        Kind::Working => "working",
        Kind::Waiting => "waiting",
        Kind::Delayed => "delayed",
        Kind::InDoubt => "in-doubt",
        Kind::TakingBack => "taking-back",
    };
    if critical { format!("{kind} critical") } else { kind.to_owned() }
}

/// What a reader sees who points at a bar.
fn told(row: &Row, bar: &Bar) -> String {
    let (word, spent) = (bar.kind.word(), length(bar.length_ms()));
    let reason = if bar.reason.is_empty() { String::new() } else { format!(": {}", bar.reason) };
    format!("{}, {word} for {spent}{reason}", row.title)
}
