//! Rules that every text file keeps.

use crate::assert_none;
use crate::files::with_extension;

/// A file of so many lines is two files, with its tests.
const LINES_END: usize = 400;

/// Everything that people read.
const TEXTS: [&str; 6] = ["rs", "toml", "md", "py", "sh", "json"];

#[test]
fn no_source_file_is_longer_than_its_idea() {
    let files = with_extension(&["rs", "py", "sh"]);
    assert!(files.len() > 50, "the sources are found: {}", files.len());
    let mut long = Vec::new();
    for file in &files {
        let lines = file.text.lines().count();
        if lines >= LINES_END {
            long.push(format!("{}: {lines} lines, fewer than {LINES_END}", file.path));
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

/// What reaches a terminal: streams, and programs that inherit them.
const WAYS_TO_THE_TERMINAL: [&str; 9] = [
    "io::stdout",
    "io::stderr",
    "stdout}",
    "stderr}",
    "println!",
    "print!(",
    "dbg!",
    "Stdio::inherit",
    "/dev/tty",
];

#[test]
fn nothing_but_the_door_writes_to_the_terminal() {
    let shipped = ["bin/", "journal/src/", "workflow/src/", "steps/src/", "cloud/src/"];
    let files = with_extension(&["rs"]).into_iter().filter(|file| {
        shipped.iter().any(|folder| file.path.starts_with(folder)) && !file.path.contains("tests")
    });
    let mut ways = Vec::new();
    for file in files.filter(|file| file.path != "bin/door.rs") {
        for (line, text) in (1..).zip(file.text.lines()) {
            if WAYS_TO_THE_TERMINAL.iter().any(|way| text.contains(way)) {
                ways.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    assert_none("ways to the terminal beside its door", &ways);
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
