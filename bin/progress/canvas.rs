//! A block of lines at the end of what a terminal shows, redrawn in place.
//!
//! Between two drawings the cursor rests below the block, visible and at the beginning of a line: however the process
//! ends, the prompt of the shell follows on a line of its own, and there is nothing to restore. A drawing is one
//! write that overwrites only lines that have changed, and terminals that know how show it at once: nothing flickers.

use std::io::Write;

use crate::door;
use crate::door::Stream;
use crate::view::text;

/// Begins a drawing: it is to be shown as a whole, and a line that is too long, because the window has just become
/// narrower, is to be cut off and not broken. Terminals that do not know the one or the other pass over it.
const BEGIN: &str = "\u{1b}[?2026h\u{1b}[?7l";
const END: &str = "\u{1b}[?7h\u{1b}[?2026l";

/// Erases what stands below the cursor.
const ERASE_BELOW: &str = "\u{1b}[J";

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// What a terminal is taken for that does not tell its size.
const SIZE_USUAL: Size = Size { columns: 80, rows: 24 };

/// What a terminal does with lines that no longer fit when it becomes narrower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrowing {
    /// It breaks them, so that they take more rows than before.
    Breaks,
    /// It cuts them off.
    Cuts,
}

/// The block. No line may be wider than the terminal, nor may there be more lines than rows but one.
#[derive(Debug)]
pub(super) struct Canvas<W> {
    out: W,
    narrowing: Narrowing,
    drawn: Vec<String>,
    columns: usize,
}

impl Size {
    /// The size of the terminal at stderr.
    pub(super) fn of_stderr() -> Self {
        Stream::Err.size().map_or(SIZE_USUAL, |(columns, rows)| Self { columns, rows })
    }
}

impl Narrowing {
    /// What the terminal of this process does, as far as the environment tells. Nearly all break lines; xterm, the
    /// console of the kernel and GNU screen do not, and to expect it there would wipe out lines that are not ours.
    pub(super) fn of_environment() -> Self {
        let set = |name| std::env::var_os(name).is_some();
        let term = std::env::var("TERM").unwrap_or_default();
        let in_screen = term.starts_with("screen") && !set("TMUX");
        if set("XTERM_VERSION") || in_screen || term == "linux" { Self::Cuts } else { Self::Breaks }
    }
}

impl<W: Write> Canvas<W> {
    pub(super) fn new(out: W, narrowing: Narrowing) -> Self {
        Self { out, narrowing, drawn: Vec::new(), columns: 0 }
    }

    /// Draws these lines in the place of the last ones.
    pub(super) fn draw(&mut self, lines: Vec<String>, size: Size) {
        let resized = self.columns != size.columns;
        if lines == self.drawn && !resized {
            return;
        }
        let mut text = self.to_the_top(size);
        if resized {
            text.push_str(&door::own(ERASE_BELOW));
        }
        for (number, line) in lines.iter().enumerate() {
            let before = self.drawn.get(number).filter(|_| !resized);
            if before != Some(line) {
                // Clearing the whole line also makes the terminal forget how long it was, for the day that it breaks it.
                if before.is_some_and(|before| text::width(before) > text::width(line)) {
                    text.push_str(&door::own("\u{1b}[2K"));
                }
                text.push_str(&door::flat(line));
            }
            text.push('\n');
        }
        if lines.len() < self.drawn.len() {
            text.push_str(&door::own(ERASE_BELOW));
        }
        self.send(&[&door::own(BEGIN), text.as_str(), &door::own(END)].concat());
        self.drawn = lines;
        self.columns = size.columns;
    }

    /// Writes lines above the block, where they stay. The block is gone until it is drawn again.
    pub(super) fn write_above(&mut self, above: &[String], size: Size) {
        let mut text = self.to_the_top(size);
        text.push_str(&door::own(ERASE_BELOW));
        for line in above {
            text.push_str(&door::flat(line));
            text.push('\n');
        }
        self.send(&text);
        self.drawn.clear();
    }

    /// Lets the block stand where it is: others have written below it.
    pub(super) fn leave(&mut self) {
        self.drawn.clear();
    }

    /// The way from where the cursor rests to the first line of the block.
    fn to_the_top(&self, size: Size) -> String {
        let broken = self.narrowing == Narrowing::Breaks && size.columns < self.columns;
        let rows_of = |line: &String| {
            if broken { text::width(line).div_ceil(size.columns.max(1)).max(1) } else { 1 }
        };
        let rows: usize = self.drawn.iter().map(rows_of).sum();
        let mut text = door::own("\r");
        // What has been scrolled away is out of reach.
        let up = rows.min(size.rows.saturating_sub(1));
        if up > 0 {
            text.push_str(&door::own(&format!("\u{1b}[{up}A")));
        }
        text
    }

    fn send(&mut self, text: &str) {
        let _terminal_gone = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::paint::{Paint, Tone};

    const SIZE: Size = Size { columns: 40, rows: 10 };

    fn canvas(narrowing: Narrowing) -> Canvas<Vec<u8>> {
        Canvas::new(Vec::new(), narrowing)
    }

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// What one more drawing sends.
    fn sent(canvas: &mut Canvas<Vec<u8>>, texts: &[&str], size: Size) -> String {
        canvas.out.clear();
        canvas.draw(lines(texts), size);
        let sent = door::shown_lines(&String::from_utf8_lossy(&canvas.out));
        let whole = |sent: &str| Some(sent.strip_prefix(BEGIN)?.strip_suffix(END)?.to_owned());
        if sent.is_empty() { sent } else { whole(&sent).expect("a drawing is whole") }
    }

    /// What a terminal shows that got all this, one line after the other.
    fn shown(canvas: &Canvas<Vec<u8>>, size: Size) -> String {
        let small = |number: usize| NonZeroU16::try_from(u16::try_from(number).unwrap()).unwrap();
        let mut terminal = vt100::Parser::new(small(size.rows), small(size.columns), 100);
        // A terminal in its usual mode begins a line at its beginning.
        let sent = door::shown_lines(&String::from_utf8_lossy(&canvas.out));
        terminal.process(sent.replace('\n', "\r\n").as_bytes());
        terminal.screen().contents().trim_end().to_owned()
    }

    #[test]
    fn only_lines_that_have_changed_are_sent() {
        let mut canvas = canvas(Narrowing::Breaks);
        assert_eq!(sent(&mut canvas, &["one", "two"], SIZE), "\r\u{1b}[Jone\ntwo\n");
        assert_eq!(sent(&mut canvas, &["one", "two"], SIZE), "");
        assert_eq!(sent(&mut canvas, &["one", "2"], SIZE), "\r\u{1b}[2A\n\u{1b}[2K2\n");
        assert_eq!(sent(&mut canvas, &["ONE", "2"], SIZE), "\r\u{1b}[2AONE\n\n");
        assert_eq!(sent(&mut canvas, &["ONE"], SIZE), "\r\u{1b}[2A\n\u{1b}[J");
    }

    #[test]
    fn a_block_that_grows_shrinks_and_is_written_above_stays_one_block() {
        let mut canvas = canvas(Narrowing::Breaks);
        canvas.draw(lines(&["a", "b"]), SIZE);
        canvas.draw(lines(&["a", "b longer", "c"]), SIZE);
        canvas.write_above(&lines(&["a note", "of two lines"]), SIZE);
        canvas.draw(lines(&["a", "B"]), SIZE);
        assert_eq!(shown(&canvas, SIZE), "a note\nof two lines\na\nB");
        canvas.leave();
        canvas.draw(lines(&["anew"]), SIZE);
        assert_eq!(shown(&canvas, SIZE), "a note\nof two lines\na\nB\nanew");
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_broken_are_counted() {
        let narrow = Size { columns: 10, rows: 10 };
        let long = Paint::new(true).tone(Tone::Green, "twenty-five") + " characters ..";
        let mut breaks = canvas(Narrowing::Breaks);
        breaks.draw(lines(&["head", &long]), SIZE);
        assert!(sent(&mut breaks, &["head"], narrow).starts_with("\r\u{1b}[4A"), "{breaks:?}");
        let mut cuts = canvas(Narrowing::Cuts);
        cuts.draw(lines(&["head", &long]), SIZE);
        assert!(sent(&mut cuts, &["head"], narrow).starts_with("\r\u{1b}[2A"), "{cuts:?}");
    }

    #[test]
    fn what_others_have_written_moves_no_cursor_and_makes_no_line() {
        let mut canvas = canvas(Narrowing::Breaks);
        let sent = sent(&mut canvas, &["one\n  next: two\r\u{1b}[2J", "\u{9b}A\u{202e}"], SIZE);
        let expected = "\r\u{1b}[Jone   next: two \\u{1b}[2J\n\\u{9b}A\\u{202e}\n";
        assert_eq!(sent, expected);
        assert_eq!(shown(&canvas, SIZE), expected.trim_start_matches("\r\u{1b}[J").trim_end());
    }

    #[test]
    fn what_was_scrolled_away_is_left_alone() {
        let mut canvas = canvas(Narrowing::Breaks);
        canvas.draw(lines(&["a", "b", "c", "d"]), SIZE);
        let low = Size { columns: 40, rows: 3 };
        assert!(sent(&mut canvas, &["A", "b"], low).starts_with("\r\u{1b}[2A"), "{canvas:?}");
    }
}
