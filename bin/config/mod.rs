//! The configuration: one TOML file over the documented defaults.
//!
//! What may be said and what is valid is decided by [`StackSpec`]; here a mistake gets its file, its line and a
//! suggestion.

mod place;
mod source;
mod suggestion;

use std::path::Path;

use lab1_flow_steps::{Problem, StackName, StackSpec, WaitMode};

use crate::error::CliError;
use source::Source;

/// What the flags say over the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) stack: Option<StackName>,
    pub(crate) wait: Option<WaitMode>,
}

/// Reads the specification of the stack: the defaults, the file over them, the flags over both.
///
/// # Errors
/// Every mistake at once where that is possible, each with its place; the status is that of wrong
/// configuration, and nothing was created.
pub(crate) fn load(path: Option<&Path>, overrides: &Overrides) -> Result<StackSpec, CliError> {
    let source = path.map(Source::read).transpose()?;
    let mut spec = source.as_ref().map_or_else(|| Ok(StackSpec::default()), parse)?;
    if let Some(stack) = &overrides.stack {
        spec.stack = stack.clone();
    }
    if let Some(wait) = overrides.wait {
        spec.wait = wait;
    }
    let problems = spec.validate();
    if problems.is_empty() {
        return Ok(spec);
    }
    Err(refuse(source.as_ref(), overrides, &problems))
}

fn parse(source: &Source) -> Result<StackSpec, CliError> {
    toml::from_str(source.text()).map_err(|error| {
        let suggestion = suggestion::for_message(error.message());
        let message = suggestion::without_long_list(error.message());
        let what = source.describe(error.span(), &message, suggestion.as_deref());
        nothing_created(CliError::usage(what), Some(source))
    })
}

fn refuse(source: Option<&Source>, overrides: &Overrides, problems: &[Problem]) -> CliError {
    let lines = problems.iter().map(|problem| {
        let suggestion = problem.suggestion.as_deref();
        match source.and_then(|source| Some((source, place::of(source.text(), &problem.path)?))) {
            Some((source, span)) => {
                let message = format!("{}: {}", problem.path, problem.message);
                source.describe(Some(span), &message, suggestion)
            }
            None => unplaced(problem, overrides),
        }
    });
    nothing_created(CliError::usage(lines.collect::<Vec<_>>().join("\n")), source)
}

/// A mistake that no line of a file can be blamed for: a flag led to it, or a default beside a given value.
fn unplaced(problem: &Problem, overrides: &Overrides) -> String {
    let by_flag = match &overrides.stack {
        Some(stack) if problem.message.contains(stack.as_str()) => {
            format!(" (with --stack {stack})")
        }
        _ => String::new(),
    };
    format!("{problem}{by_flag}")
}

fn nothing_created(error: CliError, source: Option<&Source>) -> CliError {
    let error = error.stands("nothing was created");
    match source {
        Some(source) => error.next(format!("correct {} and give the command again", source.name())),
        None => error.next("correct the flags and give the command again"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load_text(text: &str) -> Result<StackSpec, CliError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.toml");
        fs::write(&path, text).unwrap();
        load(Some(&path), &Overrides::default())
    }

    fn mistake(text: &str) -> String {
        let what = load_text(text).unwrap_err().what;
        // The folder is another one each time.
        what.split_once("stack.toml:").map_or(what.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn an_empty_file_is_the_documented_stack() {
        assert_eq!(load_text("").unwrap(), StackSpec::default());
    }

    #[test]
    fn a_misspelt_key_is_named_with_line_column_and_the_likely_word() {
        let text = "stack = \"blue\"\n\n[instances]\nimage-id = \"ami-1\"\n";
        let what = mistake(text);
        assert!(what.starts_with("4:1: unknown field `image-id`"), "{what}");
        assert!(what.contains("did you mean `image_id`?"), "{what}");
        assert!(what.contains("image-id = \"ami-1\""), "{what}");
    }

    #[test]
    fn a_value_that_contradicts_another_is_placed_at_its_line() {
        let text = "[[groups]]\nmin = 6\n";
        let what = mistake(text);
        assert!(what.starts_with("2:7: groups[0].min"), "{what}");
    }

    #[test]
    fn broken_toml_is_placed_too() {
        let what = mistake("stack = \n");
        assert!(what.starts_with("1:9: "), "{what}");
    }

    #[test]
    fn flags_stand_over_the_file() {
        let overrides = Overrides {
            stack: Some(StackName::new("green").unwrap()),
            wait: Some(WaitMode::Targets),
        };
        let spec = load(None, &overrides).unwrap();
        assert_eq!((spec.stack.as_str(), spec.wait), ("green", WaitMode::Targets));
    }

    #[test]
    fn a_file_that_is_not_there_is_wrong_usage() {
        let error = load(Some(Path::new("/no/such/file.toml")), &Overrides::default()).unwrap_err();
        assert_eq!(error.status, crate::exit_status::ExitStatus::Usage);
        assert!(error.what.contains("/no/such/file.toml"));
    }
}
