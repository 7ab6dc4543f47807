//! What the README promises is so: a line for each action, a test for each line of the checklist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lab1_flow_cloud::modelled_actions;

const README: &str = include_str!("../../README.md");

/// How the name of an action begins.
const VERBS: [&str; 21] = [
    "Add",
    "Attach",
    "Authorize",
    "Create",
    "Delete",
    "Deregister",
    "Describe",
    "Detach",
    "Get",
    "Modify",
    "Register",
    "Remove",
    "Revoke",
    "Run",
    "Set",
    "Terminate",
    "Update",
    "Disable",
    "Start",
    "Stop",
    "Reboot",
];

#[test]
fn the_readme_lists_each_action_and_no_other() {
    let start = README.find("## Actions").expect("the tables are there");
    let tables = &README[start..README.find("## What it decides").expect("the tables end")];
    // The first column names the actions.
    let columns = tables.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words = columns.flat_map(|column| column.split(", "));
    let listed: BTreeSet<&str> = words
        .filter(|word| word.chars().all(char::is_alphanumeric))
        .filter(|word| VERBS.iter().any(|verb| word.starts_with(verb)))
        .collect();
    let modelled: BTreeSet<&str> = modelled_actions().map(|(_, action)| action).collect();
    let missing: Vec<_> = modelled.difference(&listed).collect();
    let surplus: Vec<_> = listed.difference(&modelled).collect();
    assert_eq!((missing, surplus), (Vec::new(), Vec::new()), "modelled alone, and listed alone");
}

#[test]
fn each_line_of_the_checklist_names_tests_that_exist() {
    let tests: String = ["src", "tests"].into_iter().map(sources).collect();
    let (_, table) = README.split_once("## Which test shows").expect("the table is there");
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .filter(|(line, _)| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let numbers: Vec<&str> = rows.iter().filter_map(|(line, _)| line.split(' ').next()).collect();
    let expected: Vec<String> = (1..=14).map(|number: u32| number.to_string()).collect();
    assert_eq!(numbers, expected, "the checklist has fourteen lines");
    for (line, named) in rows {
        let names: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{line}: no test");
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "{line}: there is no test {name}");
        }
    }
}

/// Joins the sources below a folder of this package.
fn sources(folder: &str) -> String {
    fn collect(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, text);
            } else if path.extension().is_some_and(|it| it == "rs") {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    text
}
