//! No test is forgotten: a file that no suite includes never runs, and nobody notices.

use std::collections::BTreeSet;
use std::path::Path;

use crate::assert_none;
use crate::files::{Text, with_extension};

/// Folders of `tests/` that suites include by path; each of their files is named by a `mod.rs`.
const SHARED: [&str; 3] = ["tests/support", "tests/common", "tests/real_steps"];

#[test]
fn every_file_of_a_suite_is_included_by_it() {
    let sources = with_extension(&["rs"]);
    let included: BTreeSet<String> = sources.iter().flat_map(included_by).collect();
    let forgotten: Vec<String> = sources
        .iter()
        .map(|file| &file.path)
        .filter(|path| is_below_tests(path) && !is_root_of_a_suite(path))
        .filter(|path| !included.contains(*path))
        .cloned()
        .collect();
    assert!(included.len() > 20, "inclusions are found: {included:?}");
    assert_none("files that no suite includes", &forgotten);
}

#[test]
fn every_shared_folder_is_used() {
    let sources = with_extension(&["rs"]);
    let unused: Vec<String> = SHARED
        .into_iter()
        .filter(|folder| sources.iter().any(|file| file.path.starts_with(&format!("{folder}/"))))
        .filter(|folder| {
            let name = Path::new(folder).file_name().unwrap().to_str().unwrap();
            let path = format!("#[path = \"../{name}/");
            !sources.iter().any(|file| file.text.contains(&path))
        })
        .map(str::to_owned)
        .collect();
    assert_none("shared folders that no suite includes", &unused);
}

fn is_below_tests(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| folder == "tests")
}

/// Cargo makes a suite of `tests/x.rs` and of `tests/x/main.rs`.
fn is_root_of_a_suite(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next(), parts.next());
    let inside = parts.next();
    folder == Some("tests") || (file == Some("main.rs") && inside == Some("tests"))
}

/// Returns the files that the modules declared in a file may be in, and those that it names by path.
fn included_by(file: &Text) -> Vec<String> {
    let path = Path::new(&file.path);
    let folder = path.parent().unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let owns_folder = ["main", "mod", "lib"].contains(&stem.as_str())
        || (is_root_of_a_suite(&file.path) && stem != "main");
    let below = if owns_folder { folder.clone() } else { format!("{folder}/{stem}") };
    let mut found = Vec::new();
    for line in file.text.lines().map(str::trim) {
        if let Some(by_path) = line.strip_prefix("#[path = \"").and_then(|l| l.split('"').next()) {
            found.push(normal(&format!("{folder}/{by_path}")));
        }
        let declared = line.strip_suffix(';').and_then(|line| line.split_once("mod "));
        if let Some((_, name)) = declared.filter(|(before, _)| is_visibility(before)) {
            found.push(format!("{below}/{name}.rs"));
            found.push(format!("{below}/{name}/mod.rs"));
        }
    }
    found
}

fn is_visibility(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with("pub")
}

/// Takes the `..` out of a path.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
