//! What the documents say has a counterpart in the code.

use crate::assert_none;
use crate::files::{read, root, with_extension};

/// The promises of the program.
const PROMISES: std::ops::RangeInclusive<u32> = 1..=10;

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for document in with_extension(&["md"]) {
        let folder = root().join(&document.path);
        let folder = folder.parent().expect("a file is in a folder");
        for target in links(&document.text) {
            let file = target.split('#').next().unwrap_or_default();
            if target.contains("://") || target.starts_with("mailto:") || file.is_empty() {
                continue;
            }
            checked += 1;
            if !folder.join(file).exists() {
                broken.push(format!("{}: {target}", document.path));
            }
        }
    }
    assert!(checked > 0, "links are found");
    assert_none("links that lead nowhere", &broken);
}

#[test]
fn every_promise_names_its_assumptions_and_a_test_that_exists() {
    let guarantees = read("docs/guarantees.md");
    let mut wrong = Vec::new();
    for number in PROMISES {
        let heading = format!("\n## G{number}. ");
        let Some(start) = guarantees.find(&heading) else {
            wrong.push(format!("G{number} is missing"));
            continue;
        };
        let body = &guarantees[start + 1..];
        let body = &body[..body.find("\n## ").unwrap_or(body.len())];
        if !body.contains("**Assumptions.**") {
            wrong.push(format!("G{number} states no assumptions"));
        }
        let tests = tests_named_in(body);
        if tests.is_empty() {
            wrong.push(format!("G{number} names no test"));
        }
        wrong.extend(tests.iter().filter_map(|(file, test)| missing(file, test)));
    }
    assert_none("docs/guarantees.md", &wrong);
}

#[test]
fn every_trap_names_a_test_that_exists() {
    let guarantees = read("docs/guarantees.md");
    let traps = guarantees.split("\n## Traps").nth(1).expect("the traps are listed");
    let cells = traps.lines().filter_map(|line| line.rsplit('|').nth(1)).map(str::trim);
    let lines: Vec<String> = cells.map(|cell| format!("- {cell}")).collect();
    let tests = tests_named_in(&lines.join("\n"));
    assert!(tests.len() > 10, "the traps are found: {tests:?}");
    let wrong: Vec<String> = tests.iter().filter_map(|(file, test)| missing(file, test)).collect();
    assert_none("traps without a test", &wrong);
}

#[test]
fn every_kind_of_entry_is_described_in_the_journal_format() {
    let variants = variants_of("journal/src/entry.rs", "pub enum Entry {");
    assert!(variants.len() > 10, "the entries are found: {variants:?}");
    let format = read("docs/journal-format.md");
    let unnamed = variants.iter().map(|variant| kebab(variant));
    let unnamed: Vec<String> = unnamed.filter(|name| !format.contains(name.as_str())).collect();
    assert_none("entries that docs/journal-format.md does not name", &unnamed);
}

#[test]
fn every_kind_of_entry_is_in_the_schema_of_json() {
    let schema = read("docs/json-schema/lab1-flow-1.json");
    let mut wrong = Vec::new();
    for variant in variants_of("journal/src/entry.rs", "pub enum Entry {") {
        let name = kebab(&variant);
        if !schema.contains(&format!("\"type\": {{\"const\": \"{name}\"}}")) {
            wrong.push(format!("the entry {name} is not in the schema"));
        }
    }
    assert_none("docs/json-schema/lab1-flow-1.json", &wrong);
}

#[test]
fn every_exit_status_is_explained_and_shown_in_a_transcript() {
    let enumeration = read("bin/exit_status.rs");
    let statuses = enumeration.lines().filter_map(|line| {
        let (_, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        number.parse::<u8>().ok()
    });
    let statuses: Vec<u8> = statuses.collect();
    assert!(statuses.len() > 10, "the statuses are found: {statuses:?}");
    let operations = read("docs/operations.md");
    let transcripts: String = with_extension(&["rs"])
        .iter()
        .filter(|f| f.path.starts_with("tests/"))
        .map(|f| f.text.as_str())
        .collect();
    let mut wrong = Vec::new();
    for status in statuses {
        if !operations
            .lines()
            .any(|line| line.starts_with('#') && words(line).any(|w| w == status.to_string()))
        {
            wrong.push(format!("{status} has no heading in docs/operations.md"));
        }
        if !shows(&transcripts, status) {
            wrong.push(format!("{status} is in no transcript below tests/"));
        }
    }
    assert_none("exit statuses", &wrong);
}

/// Tells whether a test insists on the status.
fn shows(transcripts: &str, status: u8) -> bool {
    [format!("expect_status({status})"), format!("exit status: {status}\n")]
        .iter()
        .any(|needle| transcripts.contains(needle.as_str()))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric())
}

/// Returns the targets of Markdown links, those in code left out.
fn links(text: &str) -> Vec<&str> {
    let mut code = false;
    let lines = text.lines().filter(|line| {
        code ^= line.trim_start().starts_with("```");
        !code
    });
    let parts = lines.flat_map(|line| line.split("](").skip(1));
    parts.filter_map(|part| part.split(')').next()).collect()
}

/// Returns the pairs of a file and a test in lines like ``- `tests/x.rs`: `a_name` ``.
fn tests_named_in(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("- `")) {
        let mut quoted = line.split('`').skip(1).step_by(2);
        let Some(file) = quoted.next() else { continue };
        found.extend(quoted.map(|test| (file.to_owned(), test.to_owned())));
    }
    found
}

/// Says what is wrong with the name of a test in a document.
fn missing(file: &str, test: &str) -> Option<String> {
    let Ok(source) = std::fs::read_to_string(root().join(file)) else {
        return Some(format!("there is no file {file}"));
    };
    let there = source.contains(&format!("fn {test}("));
    (!there).then(|| format!("there is no test {test} in {file}"))
}

/// Returns the names of an enumeration's variants.
fn variants_of(path: &str, opening: &str) -> Vec<String> {
    let source = read(path);
    let body = source.split(opening).nth(1).unwrap_or_default();
    let body = body.lines().take_while(|line| *line != "}");
    let names = body.filter_map(|line| {
        let name = line.strip_prefix("    ")?.trim_end_matches([' ', '{', ',']);
        let plain = name.starts_with(|letter: char| letter.is_ascii_uppercase());
        (plain && name.chars().all(char::is_alphanumeric)).then(|| name.to_owned())
    });
    names.collect()
}

/// Writes a name as the journal does.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
