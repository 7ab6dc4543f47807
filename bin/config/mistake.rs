//! One thing that is wrong with a configuration.

use std::ops::Range;

use lab1_flow_steps::Problem;
use toml::Spanned;
use toml::de::DeTable;

use super::source::Source;
use super::{Overrides, place};
use crate::door;

/// What is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The value that it is about: `groups[0].min`; empty where the text does not even read as TOML.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// Its place in the text. A flag that led to it, or a default beside a given value, has none.
    pub(crate) span: Option<Range<usize>>,
}

impl Mistake {
    /// A value that reads, and is wrong.
    pub(super) fn of_problem(
        problem: Problem,
        table: Option<&Spanned<DeTable<'_>>>,
        overrides: &Overrides,
    ) -> Self {
        let Problem { path, message, suggestion } = problem;
        let span = table.and_then(|table| place::of(table, &path));
        let by_flag = match &overrides.stack {
            Some(stack) if span.is_none() && message.contains(stack.as_str()) => {
                format!(" (with --stack {stack})")
            }
            _ => String::new(),
        };
        let message = shortened(format!("{path}: {message}{by_flag}"));
        Self { path, message, suggestion, span }
    }

    /// Whether the other one is about a value of the same table.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        table_of(&self.path) == table_of(&other.path)
    }

    /// The mistake for people: with its line where it has one.
    pub(super) fn tell(&self, source: Option<&Source>) -> String {
        if let (Some(source), Some(span)) = (source, &self.span) {
            return source.describe(span.clone(), &self.message, self.suggestion.as_deref());
        }
        let suggestion = self.suggestion.as_ref();
        let suggestion = suggestion.map_or_else(String::new, |text| format!(" ({text})"));
        door::shown(&format!("{}{suggestion}", self.message))
    }
}

/// More of a message, which may quote a whole file, is left out.
const MESSAGE_LENGTH_MAX: usize = 500;

/// A text of a length that a person reads.
pub(super) fn shortened(mut text: String) -> String {
    if text.len() > MESSAGE_LENGTH_MAX {
        text.truncate(text.floor_char_boundary(MESSAGE_LENGTH_MAX));
        text.push_str(" ...");
    }
    text
}

/// `groups[0].` of `groups[0].min`; nothing for what stands at the top.
fn table_of(path: &str) -> &str {
    path.rfind('.').map_or("", |end| &path[..=end])
}
