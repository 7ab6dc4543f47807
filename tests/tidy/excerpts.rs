//! Code in a document is an excerpt of code that is compiled and run.

use std::path::Path;

use crate::assert_none;
use crate::files::{read, with_extension};

#[test]
fn every_piece_of_rust_in_the_docs_stands_in_the_file_that_was_named_last() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in with_extension(&["md"]) {
        if !document.path.starts_with("docs/") {
            continue;
        }
        for (file, excerpt) in excerpts(&document.text) {
            checked += 1;
            let Some(file) = file else {
                wrong.push(format!("{}: no file is named before\n{excerpt}", document.path));
                continue;
            };
            if !read(&file).contains(&excerpt) {
                wrong.push(format!("{}: {file} does not hold\n{excerpt}", document.path));
            }
        }
    }
    assert!(checked >= 5, "excerpts are found: {checked}");
    assert_none("excerpts", &wrong);
}

/// The blocks of Rust, each with the source file that the text before it names last.
fn excerpts(text: &str) -> Vec<(Option<String>, String)> {
    let (mut found, mut named) = (Vec::new(), None);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "```rust" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((named.clone(), block.join("\n")));
        } else {
            let quoted = line.split('`').skip(1).step_by(2);
            let files = quoted.filter(|quoted| {
                quoted.contains('/') && Path::new(quoted).extension() == Some("rs".as_ref())
            });
            named = files.last().map(str::to_owned).or(named);
        }
    }
    found
}
