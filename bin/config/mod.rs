//! The configuration: one TOML file over the documented defaults.
//!
//! What may be said and what is valid is decided by [`StackSpec`]; here every mistake gets its file, its line and
//! a suggestion, all at once.

mod mistake;
mod place;
mod reading;
mod source;
mod suggestion;
pub(crate) mod template;

use std::path::Path;

use lab1_flow_steps::{StackName, StackSpec, WaitMode};
use toml::de::DeTable;

use crate::door;
use crate::error::CliError;
pub(crate) use mistake::Mistake;
pub(crate) use source::{Source, read_at_most};

/// What the flags say over the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) stack: Option<StackName>,
    pub(crate) wait: Option<WaitMode>,
}

/// Reads the specification of the stack: the defaults, the file over them, the flags over both.
///
/// # Errors
/// Every mistake at once, each with its place; the status is that of wrong configuration, and nothing was created.
pub(crate) fn load(path: Option<&Path>, overrides: &Overrides) -> Result<StackSpec, CliError> {
    right(path.map(Source::read).transpose()?.as_ref(), overrides)
}

fn right(source: Option<&Source>, overrides: &Overrides) -> Result<StackSpec, CliError> {
    let (spec, mistakes) = judge(source, overrides);
    if mistakes.is_empty() { Ok(spec) } else { Err(refuse(source, &mistakes)) }
}

/// Reads the specification for a run that was begun with this stack and this wait: what the file does not say
/// stays as it was.
///
/// # Errors
/// As [`load`], and when the file is about another stack.
pub(crate) fn load_again(
    path: &Path,
    stack: &StackName,
    wait: WaitMode,
) -> Result<StackSpec, CliError> {
    let source = Source::read(path)?;
    let (said, _) = reading::read(source.text());
    if said.stack != StackName::default() && said.stack != *stack {
        let what = format!("{} is about stack {}", source.name(), said.stack);
        return Err(CliError::usage(what)
            .stands(format!("the run belongs to stack {stack}; nothing was sent"))
            .next("give the file of that stack"));
    }
    let says_wait =
        source.text().parse::<toml::Table>().is_ok_and(|table| table.contains_key("wait"));
    let wait = (!says_wait).then_some(wait);
    // Not read again: a pipe is empty by now.
    right(Some(&source), &Overrides { stack: Some(stack.clone()), wait })
}

/// As many mistakes are told, at most; for so many again a person reads nothing.
const MISTAKES_MAX: usize = 20;

/// The specification, as far as it reads, and what is wrong with it, in the order of the file: all of it, or the first
/// [`MISTAKES_MAX`].
pub(crate) fn judge(source: Option<&Source>, overrides: &Overrides) -> (StackSpec, Vec<Mistake>) {
    let (mut spec, mut mistakes) =
        source.map_or_else(Default::default, |source| reading::read(source.text()));
    if let Some(stack) = &overrides.stack {
        spec.stack = stack.clone();
    }
    if let Some(wait) = overrides.wait {
        spec.wait = wait;
    }
    let text = source.map(Source::text).unwrap_or_default();
    let problems = spec.validate().into_iter().take(MISTAKES_MAX);
    let table = DeTable::parse(text).ok();
    let wrong = problems.map(|problem| Mistake::of_problem(problem, table.as_ref(), overrides));
    // What stands beside a value that does not read is not judged: a default stands in for it.
    let is_judged = |wrong: &Mistake| !mistakes.iter().any(|unread| unread.is_beside(wrong));
    let wrong: Vec<_> = wrong.filter(is_judged).collect();
    mistakes.extend(wrong);
    mistakes.sort_by_key(|mistake| mistake.span.as_ref().map_or(usize::MAX, |span| span.start));
    mistakes.truncate(MISTAKES_MAX);
    (spec, mistakes)
}

/// The refusal of a configuration with these mistakes.
pub(crate) fn refuse(source: Option<&Source>, mistakes: &[Mistake]) -> CliError {
    let told: Vec<_> = mistakes.iter().map(|mistake| mistake.tell(source)).collect();
    let text = match (told.as_slice(), source) {
        ([_, _, ..], Some(source)) => {
            let more = if told.len() < MISTAKES_MAX { "" } else { " and perhaps more" };
            let (name, count) = (door::shown(&source.name()), told.len());
            format!("{name} has {count} mistakes{more}\n\n{}", told.join("\n\n"))
        }
        _ => told.join("\n"),
    };
    let (what, excerpt) = match text.split_once('\n') {
        Some((what, excerpt)) => (what, Some(excerpt.to_owned())),
        None => (text.as_str(), None),
    };
    let error = CliError { excerpt, ..CliError::usage(what).stands("nothing was created") };
    match source {
        Some(source) => error.next(format!("correct {} and give the command again", source.name())),
        None => error.next("correct the flags and give the command again"),
    }
}

#[cfg(test)]
mod tests;
