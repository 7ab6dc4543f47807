//! Which of our packages may know which: read from the manifests. `deny.toml` guards the others.

use toml_edit::{DocumentMut, Item};

use crate::assert_none;
use crate::files::read;

/// What each package may depend on among our own, and which packages' tests may know more.
const ARROWS: [(&str, &[&str], &[&str]); 4] = [
    ("journal", &[], &["journal"]),
    ("workflow", &["journal"], &["journal", "workflow"]),
    ("steps", &["workflow"], &["workflow", "cloud"]),
    ("cloud", &[], &[]),
];

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (package, may_know, tests_may_know) in ARROWS {
        let manifest = manifest(&format!("{package}/Cargo.toml"));
        for (table, allowed) in [
            ("dependencies", may_know),
            ("build-dependencies", may_know),
            ("dev-dependencies", tests_may_know),
        ] {
            let own = names(&manifest, table).into_iter();
            let own = own.filter_map(|name| name.strip_prefix("lab1-flow-").map(str::to_owned));
            let added = own.filter(|name| !allowed.contains(&name.as_str()));
            wrong.extend(added.map(|name| format!("{package} -> {name} ({table})")));
        }
    }
    assert_none("arrows that the design does not have", &wrong);
}

#[test]
fn versions_stand_in_the_workspace_table_only() {
    let mut wrong = Vec::new();
    for package in ARROWS.map(|(package, ..)| package).into_iter().chain(["."]) {
        let manifest = manifest(&format!("{package}/Cargo.toml"));
        for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (name, item) in entries(&manifest, table) {
                // A package that is its own test dependency, for a feature, has a path.
                let shared = item.get("workspace").and_then(Item::as_bool) == Some(true);
                if !shared && item.get("path").is_none() {
                    wrong.push(format!("{package}: {name}"));
                }
            }
        }
    }
    assert_none("dependencies with a version of their own", &wrong);
}

fn manifest(path: &str) -> DocumentMut {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names(manifest: &DocumentMut, table: &str) -> Vec<String> {
    entries(manifest, table).into_iter().map(|(name, _)| name).collect()
}

/// Returns a table's entries, those for some platforms only included.
fn entries(manifest: &DocumentMut, table: &str) -> Vec<(String, Item)> {
    let platforms = manifest.get("target").and_then(Item::as_table_like);
    let platforms = platforms.into_iter().flat_map(|target| target.iter());
    let tables = manifest.get(table).into_iter();
    let tables = tables.chain(platforms.filter_map(|(_, platform)| platform.get(table)));
    let tables = tables.filter_map(Item::as_table_like);
    tables
        .flat_map(|table| table.iter().map(|(name, item)| (name.to_owned(), item.clone())))
        .collect()
}
