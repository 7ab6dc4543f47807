//! Commands that a person is told to type.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A command line that a POSIX shell takes apart into exactly these words, ready to be pasted.
///
/// A word that holds more than plain characters is quoted. One that holds what does not show, such as the end of a line,
/// or bytes that are no text, is written with escapes (`$'...'`, POSIX.1-2024, section 2.2.4): the line stays one line,
/// and what is pasted is what was meant.
pub fn shell_command<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    let words = words.into_iter().map(|word| quoted(word.as_ref().as_bytes()).into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &[u8]) -> Cow<'_, str> {
    let Ok(text) = std::str::from_utf8(word) else { return escaped(word).into() };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    // Some shells look a command up whose name follows a sign of equality.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) {
        text.into()
    } else if text.chars().all(shows) {
        format!("'{}'", text.replace('\'', r"'\''")).into()
    } else {
        escaped(word).into()
    }
}

/// Whether a character can be seen. Of what is not ASCII, letters and digits are enough for names.
fn shows(c: char) -> bool {
    let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric() && !filler)
}

fn escaped(word: &[u8]) -> String {
    let mut text = String::from("$'");
    for byte in word {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Three digits: the next character cannot be taken for a fourth.
            _ => text.extend(format!("\\{byte:03o}").chars()),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_not_take_them_as_they_are() {
        assert_eq!(shell_command(["lab1-flow", "status", "k7f3"]), "lab1-flow status k7f3");
        for (word, expected) in [
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$(reboot)", "'$(reboot)'"),
            ("=ls", "'=ls'"),
            ("m\u{fc}ller", "'m\u{fc}ller'"),
            ("a\nb'\\", r"$'a\012b\'\\'"),
            ("\u{202e}", r"$'\342\200\256'"),
        ] {
            assert_eq!(shell_command([word]), expected);
        }
    }

    #[test]
    fn a_shell_reads_the_very_words_that_were_meant() {
        let around = |byte: u8| [vec![byte], vec![b'a', byte, b'1'], vec![byte, b'\'', byte, b'7']];
        let words: Vec<OsString> = (1..=255).flat_map(around).map(OsString::from_vec).collect();
        let line = shell_command(&words);
        assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        let script = format!("printf '%s\\0' {line}");
        let shell = Command::new("bash").args(["-c", &script]).env("LC_ALL", "C").output().unwrap();
        let expected: Vec<u8> =
            words.iter().flat_map(|it| [it.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(shell.stdout, expected);
    }
}
