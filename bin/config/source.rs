//! A file of text, and how a place in it is shown.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::door;
use crate::error::CliError;

/// No configuration of this stack is larger; a larger file is not one.
const BYTES_MAX: u64 = 1024 * 1024;

/// So much of a line behind its mistake is looked at, at most: the line may be the whole file.
const LINE_REST_MAX: usize = 1024;

/// Longer lines are cut around their mistake: an inline boot script would fill the screen.
const LINE_LENGTH_MAX: usize = 100;

/// A configuration file with its text.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let failed = |why: &str| {
            CliError::usage(format!("cannot read the configuration {}: {why}", path.display()))
                .stands("nothing was created")
                .next("name a readable TOML file; `lab1-flow init FILE` writes one with every default")
        };
        match read_at_most(path, BYTES_MAX).map_err(|error| failed(&error.to_string()))? {
            Some(text) => Ok(Self { path: path.to_owned(), text }),
            None => Err(failed("it is larger than 1 MiB")),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// One mistake: what is wrong, file, line and column, the line itself, and what would be right.
    pub(super) fn describe(
        &self,
        span: Range<usize>,
        message: &str,
        suggestion: Option<&str>,
    ) -> String {
        // The lines of the picture are told apart by their beginnings: no text may bring one of its own.
        let (message, name) = (door::shown(message), door::shown(&self.name()));
        let suggestion = suggestion.map(door::shown);
        let span = self.within_line(span);
        // The line alone: the rest of a large file would be walked for every mistake.
        let line_start = self.text[..span.start].rfind('\n').map_or(0, |end| end + 1);
        let rest = self.text.get(span.end..).unwrap_or_default();
        let rest_max = rest.floor_char_boundary(LINE_REST_MAX);
        let rest_length = rest[..rest_max].find(['\n', '\r']).unwrap_or(rest_max);
        let line = &self.text[line_start..span.end + rest_length];
        let within = span.start - line_start..span.end - line_start;
        let annotation = AnnotationKind::Primary.span(within).label(suggestion);
        let snippet = Snippet::source(line)
            .line_start(self.position(line_start).0)
            .path(name)
            .annotation(annotation);
        let report = [Level::ERROR.no_name().primary_title(message).element(snippet)];
        let drawn = Renderer::plain().term_width(LINE_LENGTH_MAX).render(&report);
        let lines: Vec<_> = drawn.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    /// The part of a span that lies in its first line: a value of many lines is shown by its beginning.
    fn within_line(&self, span: Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        let rest = self.text.get(start..).unwrap_or_default();
        let line_end = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        start..span.end.clamp(start, line_end)
    }

    /// Line and column of a byte, both counted from 1; the column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// Reads a text file that a person has named, wherever its name leads; nothing when it is longer than that. It may be a
/// pipe or a device, so what counts is what is read and not what it says of itself.
pub(crate) fn read_at_most(path: &Path, bytes_max: u64) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    // Cut in the middle of a character, a text that is too long is no text.
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Ok(None);
    }
    bytes.as_slice().read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "a.toml".into(), text: text.into() }
    }

    #[test]
    fn a_place_is_shown_with_its_line_and_a_marker() {
        let source = source("x = 1\n\u{e9}\u{e9} = 22\n");
        let start = source.text.find('2').unwrap();
        let shown = source.describe(start..start + 2, "wrong", Some("try 3"));
        insta::assert_snapshot!(shown.replace('\u{e9}', "e"), @r"
        wrong
         --> a.toml:2:6
          |
        2 | ee = 22
          |      ^^ try 3
        ");
    }

    #[test]
    fn of_a_value_of_many_lines_the_first_is_shown() {
        let source = source("x = \"\"\"a\nb\n\"\"\"\n");
        insta::assert_snapshot!(source.describe(4..15, "too long", None), @r#"
        too long
         --> a.toml:1:5
          |
        1 | x = """a
          |     ^^^^
        "#);
    }

    #[test]
    fn a_place_behind_the_end_does_not_panic() {
        let source = source("");
        assert_eq!(source.position(7), (1, 1));
        assert!(source.describe(7..9, "wrong", None).starts_with("wrong"));
    }
}
