//! A file of text, and how a place in it is shown.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// No configuration of this stack is larger; a larger file is not one.
const BYTES_MAX: u64 = 1024 * 1024;

/// A configuration file with its text.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let failed = |why: &str| {
            CliError::usage(format!("cannot read the configuration {}: {why}", path.display()))
                .stands("nothing was created")
                .next("name a readable TOML file with --config, or leave the flag out for the documented stack")
        };
        let size = fs::metadata(path).map_err(|error| failed(&error.to_string()))?.len();
        if size > BYTES_MAX {
            return Err(failed("it is larger than 1 MiB"));
        }
        let text = fs::read_to_string(path).map_err(|error| failed(&error.to_string()))?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// One mistake: file, line and column, what is wrong, the line itself, and what would be right.
    pub(super) fn describe(
        &self,
        span: Option<Range<usize>>,
        message: &str,
        suggestion: Option<&str>,
    ) -> String {
        let name = self.path.display();
        let mut text = match span.map(|span| self.position(span.start)) {
            Some((line, column)) => {
                let excerpt = self.text.lines().nth(line - 1).unwrap_or_default();
                let excerpt: String = excerpt.trim_end().chars().take(EXCERPT_LENGTH_MAX).collect();
                let marker = " ".repeat(column.min(EXCERPT_LENGTH_MAX) - 1);
                format!("{name}:{line}:{column}: {message}\n    {excerpt}\n    {marker}^")
            }
            None => format!("{name}: {message}"),
        };
        if let Some(suggestion) = suggestion {
            text.push_str("\n    ");
            text.push_str(suggestion);
        }
        text
    }

    /// Line and column of a byte, both counted from 1; the column counts characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// Longer lines are cut: an inline boot script would fill the screen.
const EXCERPT_LENGTH_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_its_line_and_a_marker() {
        let source = Source { path: "a.toml".into(), text: "x = 1\n\u{e9}\u{e9} = 2\n".into() };
        let start = source.text.find('2').unwrap();
        let shown = source.describe(Some(start..start + 1), "wrong", Some("try 3"));
        assert_eq!(shown, "a.toml:2:6: wrong\n    \u{e9}\u{e9} = 2\n         ^\n    try 3");
    }

    #[test]
    fn a_place_behind_the_end_does_not_panic() {
        let source = Source { path: "a.toml".into(), text: String::new() };
        assert_eq!(source.position(7), (1, 1));
    }
}
