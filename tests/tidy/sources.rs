//! Rules that every text file keeps.

use crate::assert_none;
use crate::files::{Text, with_extension};

/// A file above this is two files. Tests at its end do not count.
const LINES_MAX: usize = 400;
/// The same for a file of tests: a list of cases may be longer than an idea.
const TEST_LINES_MAX: usize = 500;

/// Everything that people read.
const TEXTS: [&str; 6] = ["rs", "toml", "md", "py", "sh", "json"];

#[test]
fn no_source_file_is_longer_than_its_idea() {
    let files = with_extension(&["rs", "py", "sh"]);
    assert!(files.len() > 50, "the sources are found: {}", files.len());
    let mut long = Vec::new();
    for file in &files {
        let of_tests = file.path.split('/').any(|folder| folder == "tests");
        let max = if of_tests { TEST_LINES_MAX } else { LINES_MAX };
        let lines = lines_of_code(file);
        if lines > max {
            long.push(format!("{}: {lines} lines, at most {max}", file.path));
        }
    }
    assert_none("files that are too long", &long);
}

#[test]
fn every_text_is_plain_ascii() {
    let mut strange = Vec::new();
    for file in with_extension(&TEXTS) {
        for (line, text) in (1..).zip(file.text.lines()) {
            if let Some(letter) = text.chars().find(|letter| !letter.is_ascii()) {
                strange.push(format!("{}:{line}: {letter:?}", file.path));
            }
        }
    }
    assert_none("letters outside of ASCII", &strange);
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    // Put together here, so that this file does not find itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    let mut bare = Vec::new();
    for file in with_extension(&TEXTS) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
            let found = words.any(|word| marks.iter().any(|mark| mark == word));
            if found && !text.contains(&format!("{}(#", marks[0])) {
                bare.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    assert_none("promises to oneself without an issue", &bare);
}

#[test]
fn no_line_ends_in_blanks_and_every_file_ends_in_a_line() {
    let mut untidy = Vec::new();
    for file in with_extension(&TEXTS) {
        let blank = (1..).zip(file.text.lines()).filter(|(_, line)| line.ends_with([' ', '\t']));
        untidy.extend(blank.map(|(line, _)| format!("{}:{line}", file.path)));
        if !file.text.ends_with('\n') {
            untidy.push(format!("{}: no end of line at the end", file.path));
        }
    }
    assert_none("untidy lines", &untidy);
}

/// Counts lines up to the tests that stand at the end of a file.
fn lines_of_code(file: &Text) -> usize {
    let code = file.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().count()
}
