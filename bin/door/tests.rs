//! What may pass, and what others could try.

use proptest::prelude::*;

use super::*;
use crate::paint::{Paint, Tone};

/// What no terminal, and no reader of lines, may get from outside.
fn is_harmful(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || matches!(code, 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f)
        || matches!(code, 0xfeff | 0xfff9..=0xfffb | 0xe000..=0xf8ff | 0xe0000..=0xe0fff)
}

/// Texts in which what is harmful is no rarity, and a key that was guessed is in it, too.
fn hostile() -> impl Strategy<Value = String> {
    let harmful = prop::char::ranges(
        vec![
            '\0'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{2000}'..='\u{206f}',
            '\u{e0000}'..='\u{e007f}',
        ]
        .into(),
    );
    let word =
        "(\u{1b}\\[[0-9;?]{0,4}[A-Za-z]|\u{1b}[0-9]{20}\\[2J|\u{1b}\\]0;x\u{7}|\n  next: rm|\r)";
    let part = prop_oneof![any::<String>(), harmful.prop_map(String::from), word.prop_map(|it| it)];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_from_outside_brings_anything_harmful(text in hostile()) {
        let line = bounded(shown(&text));
        prop_assert!(!line.chars().any(is_harmful), "{line:?}");
        let lines = shown_lines(&text);
        let harmful = |c: char| is_harmful(c) && c != '\n' && c != '\t';
        prop_assert!(!lines.chars().any(harmful), "{lines:?}");
        prop_assert_eq!(lines.matches('\n').count(), text.matches('\n').count());
        prop_assert_eq!(shown(&line), line.clone(), "what is clean stays as it is");
    }

    #[test]
    fn json_is_harmless_and_says_the_same(text in hostile()) {
        let value = serde_json::json!({ text.as_str(): [text.as_str()] });
        let line = json(&value.to_string());
        prop_assert!(!line.chars().any(is_harmful), "{line:?}");
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }

    #[test]
    fn our_own_colours_pass_around_any_text(text in hostile()) {
        let painted = shown(&Paint::new(true).tone(Tone::Red, &text));
        let inner = painted.strip_prefix("\u{1b}[31m").and_then(|it| it.strip_suffix("\u{1b}[0m"));
        let shown = shown(&text);
        prop_assert_eq!(inner, Some(shown.as_str()));
    }
}

#[test]
fn what_does_not_show_is_shown_by_its_number() {
    let cases = [
        ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
        ("\u{9b}2J\u{7f}\0", r"\u{9b}2J\u{7f}\u{0}"),
        ("admin\u{202e}txt.exe\u{2066}", r"admin\u{202e}txt.exe\u{2066}"),
        ("a\u{200b}b\u{feff}c\u{ad}", r"a\u{200b}b\u{feff}c\u{ad}"),
        ("tag\u{e0041}\u{e000}\u{10ffff}", r"tag\u{e0041}\u{e000}\u{10ffff}"),
        ("one\u{2028}two\u{85}", r"one\u{2028}two\u{85}"),
        ("\u{3164}\u{fe0f}\u{2800}\u{a0}", r"\u{3164}\u{fe0f}\u{2800}\u{a0}"),
        ("one\n  next: two\r\n\tthree", "one   next: two   three"),
        ("m\u{fc}ller \u{6f22} e\u{301}", "m\u{fc}ller \u{6f22} e\u{301}"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn a_long_line_is_cut_and_says_how_much_is_missing() {
    let long = bounded("x".repeat(LINE_MAX + 7));
    assert!(long.ends_with("x.. (7 more characters)"), "{long}");
    let painted = Paint::new(true).bold(&"x".repeat(LINE_MAX));
    assert!(bounded(shown(&painted)).contains("\u{1b}[0m.. ("));
}
