//! The one door to the terminal: whatever this program writes goes out here, and is clean then.
//!
//! Much of it was written by others: tags on resources, messages of providers, what a helper said, files that somebody
//! may have forged. On a terminal such text could move the cursor, hide words or turn their order around, and forge
//! lines that look like ours. So a character that does not show, or that does anything else than to show, is written
//! as its number: `\u{1b}`.
//!
//! Sequences of our own carry a key that each process draws anew. Text from outside cannot know it, so nobody has to
//! remember which part of a text came from where. `tests/tidy` insists that nothing else writes to these streams.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;

/// Characters that show nothing, or change how others show, and that count as letters or marks all the same: what
/// Unicode calls default-ignorable, and the empty pattern of Braille.
const INVISIBLE: [(char, char); 10] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2065}', '\u{2065}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// A line holds no more characters than this: a message of a megabyte would push everything else off the screen.
const LINE_MAX: usize = 4_000;

/// What marks a sequence as ours.
static KEY: LazyLock<String> = LazyLock::new(|| format!("{:020}", RandomState::new().hash_one(())));

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        }
    }

    /// Columns and rows of the terminal, if there is one that tells them.
    pub(crate) fn size(self) -> Option<(usize, usize)> {
        let size = match self {
            Self::Out => rustix::termios::tcgetwinsize(rustix::stdio::stdout()),
            Self::Err => rustix::termios::tcgetwinsize(rustix::stdio::stderr()),
        };
        let size = size.ok()?;
        let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
        (columns > 0 && rows > 0).then_some((columns, rows))
    }

    /// Writes one line, and no more of it than a line may hold.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        self.send(&(bounded(shown(text)) + "\n"))
    }

    /// Writes one line whole: half a command is another command.
    pub(crate) fn whole_line(self, text: &str) -> io::Result<()> {
        self.send(&(shown(text) + "\n"))
    }

    /// Writes a question, and stays on its line.
    pub(crate) fn question(self, text: &str) -> io::Result<()> {
        self.send(&(bounded(shown(text)) + " "))
    }

    /// Writes a text of lines that are our own.
    pub(crate) fn text(self, text: &str) -> io::Result<()> {
        self.send(&shown_lines(text))
    }

    /// Writes one value of JSON, which says the same to whoever parses it.
    pub(crate) fn json(self, text: &str) -> io::Result<()> {
        self.send(&(json(text) + "\n"))
    }

    fn send(self, clean: &str) -> io::Result<()> {
        match self {
            Self::Out => send(&mut io::stdout().lock(), clean),
            Self::Err => send(&mut io::stderr().lock(), clean),
        }
    }
}

fn send(stream: &mut impl Write, clean: &str) -> io::Result<()> {
    stream.write_all(clean.as_bytes())?;
    stream.flush()
}

/// The log, which tells each event in one write: a line on stderr.
#[derive(Debug)]
pub(crate) struct Log;

/// The live view on stderr; each write is a drawing.
#[derive(Debug)]
pub(crate) struct View;

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        Stream::Err.line(text.strip_suffix('\n').unwrap_or(&text))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for View {
    fn write(&mut self, drawing: &[u8]) -> io::Result<usize> {
        Stream::Err.text(&String::from_utf8_lossy(drawing))?;
        Ok(drawing.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Marks what controls the terminal in this text as ours. No text from outside may be part of it.
pub(crate) fn own(sequence: &str) -> String {
    let mut marked = String::with_capacity(sequence.len() + KEY.len());
    for c in sequence.chars() {
        marked.push(c);
        if c.is_control() && c != '\n' {
            marked.push_str(&KEY);
        }
    }
    marked
}

/// A line that is to be part of a text of several, with what is ours in it: it brings no end of a line.
pub(crate) fn flat(line: &str) -> String {
    line.replace(['\n', '\r', '\t'], " ")
}

/// The text as it is shown in one line: the ends of its lines are blanks.
pub(crate) fn shown(text: &str) -> String {
    pass(text, |c| matches!(c, '\n' | '\r' | '\t').then_some(' '))
}

/// The text as it is shown in several lines.
pub(crate) fn shown_lines(text: &str) -> String {
    pass(text, |c| matches!(c, '\n' | '\t').then_some(c))
}

/// The same JSON, in which only what can be seen stands as it is: the rest is escaped, as JSON does.
pub(crate) fn json(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        // Strings have no line end of their own in JSON.
        if is_visible(c) || c == '\n' {
            clean.push(c);
        } else {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            clean.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    clean
}

/// Whether a character shows as itself, and does nothing else.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // Which characters show is known to the standard library, for its own escapes: no controls, formats, surrogates,
    // private ones, unassigned ones, nor any blank but one. After a letter also a combining mark stands as it is.
    let is_printable = String::from_iter(['a', c]).escape_debug().count() == 2;
    is_printable && !INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

fn pass(text: &str, stands_for: impl Fn(char) -> Option<char>) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if is_visible(c) {
            clean.push(c);
        } else if let Some(after) = rest.strip_prefix(KEY.as_str()) {
            clean.push(c);
            rest = after;
        } else if let Some(other) = stands_for(c) {
            clean.push(other);
        } else {
            clean.extend(c.escape_unicode());
        }
    }
    clean
}

/// The beginning of a long line, and how much more there was.
fn bounded(mut line: String) -> String {
    let Some((end, _)) = line.char_indices().nth(LINE_MAX) else { return line };
    let more = line[end..].chars().count();
    line.truncate(end);
    // What coloured it may have been cut off.
    let plain = if line.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
    format!("{line}{plain}.. ({more} more characters)")
}

#[cfg(test)]
mod tests;
