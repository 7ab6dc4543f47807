//! The live view on a terminal: a line for each step, the actions that say something below it.

mod layout;

use lab1_flow_journal::Record;

use super::Screen;
use super::canvas::{Canvas, Narrowing, Size};
use super::snapshot::Snapshot;
use crate::door::View;
use crate::paint::Paint;

/// The tree, redrawn in place.
#[derive(Debug)]
pub(super) struct Tree {
    paint: Paint,
    canvas: Canvas<View>,
}

impl Tree {
    pub(super) fn new(paint: Paint) -> Self {
        Self { paint, canvas: Canvas::new(View, Narrowing::of_environment()) }
    }
}

impl Screen for Tree {
    /// Drawn with the next tick.
    fn recorded(&mut self, _records: &[Record], _now: &Snapshot) -> bool {
        true
    }

    fn tick(&mut self, now: &Snapshot) {
        let size = Size::of_stderr();
        self.canvas.draw(layout::lines(now, size, self.paint), size);
    }

    fn heartbeat(&mut self, _now: &Snapshot) {}

    fn note(&mut self, text: &str) {
        self.canvas.write_above(&[text.to_owned()], Size::of_stderr());
    }

    fn continued(&mut self) {
        self.canvas.leave();
    }

    fn finish(&mut self, now: &Snapshot) {
        let size = Size::of_stderr();
        let whole = Size { rows: usize::MAX, ..size };
        // From here on nothing is redrawn, so that it may be as long as it is.
        self.canvas.write_above(&layout::lines(now, whole, self.paint), size);
    }
}
