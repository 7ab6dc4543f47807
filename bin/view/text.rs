//! Text that fits where it is to stand.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::door;

/// The columns for the name of an action; the longest has 29.
pub(crate) const ACTION_WIDTH: usize = 30;

/// The text on one line, as it will be shown: what a provider or an exception said may hold line ends, and characters
/// that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    door::shown(text).trim_end().to_owned()
}

/// A number of things, in words: `1 resource`, `2 resources`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// The columns that the text takes where it is shown, without what only colours it.
pub(crate) fn width(text: &str) -> usize {
    let text = door::shown(text);
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    // A sequence that colours ends with its first letter.
    let rest = parts.map(|part| {
        part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, text)| text)
    });
    first.width() + rest.map(UnicodeWidthStr::width).sum::<usize>()
}

/// The text, or its beginning with a mark that there was more.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text = one_line(text);
    if text.width() <= columns {
        return text;
    }
    let mark = &".."[..columns.min(2)];
    let mut room = columns - mark.len();
    let mut shown = String::new();
    for c in text.chars() {
        let taken = c.width().unwrap_or_default();
        if taken > room {
            break;
        }
        room -= taken;
        shown.push(c);
    }
    shown + mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{Paint, Tone};

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(cut("load balancer", 20), "load balancer");
        assert_eq!(cut("load balancer", 6), "load..");
        assert_eq!(cut("abc", 2), "..");
        assert_eq!(cut("abc", 1), ".");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}\u{5b57}", 7), "\u{6f22}\u{5b57}..");
        assert_eq!(width("\u{6f22}\u{5b57}"), 4);
    }

    #[test]
    fn colours_take_no_columns() {
        let done = Paint::new(true).tone(Tone::Green, "done");
        assert_eq!(width(&format!("{done}  1")), 7);
        assert_eq!(
            width("\u{1b}[32mx"),
            r"\u{1b}[32mx".len(),
            "colours of others are shown as text"
        );
    }

    #[test]
    fn what_others_said_cannot_move_the_cursor() {
        assert_eq!(one_line("two\nlines\r\u{1b}[2Jand more\n"), "two lines \\u{1b}[2Jand more");
    }
}
