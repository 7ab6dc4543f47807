//! How a person calls this program again: every ending prints the next command whole.

use std::path::{Path, PathBuf};

/// The way in which this program was called, as far as the next command depends on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation {
    state_dir: Option<PathBuf>,
}

impl Invocation {
    /// Remembers a state directory that was given by flag; one from the environment lasts by itself.
    pub(crate) fn new(state_dir: Option<&Path>) -> Self {
        Self { state_dir: state_dir.map(Path::to_owned) }
    }

    /// The whole command line with these arguments, ready to be pasted into a shell.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let mut line = String::from("lab1-flow");
        for argument in arguments {
            line.push(' ');
            line.push_str(&quoted(argument));
        }
        if let Some(dir) = &self.state_dir {
            line.push_str(" --state-dir ");
            line.push_str(&quoted(&dir.to_string_lossy()));
        }
        line
    }
}

/// Quotes what a shell would not take as one plain word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_names_a_state_directory_that_was_given_by_flag() {
        let program = Invocation::new(Some(Path::new("/tmp/two words")));
        assert_eq!(
            program.command(&["resume", "k7f3"]),
            "lab1-flow resume k7f3 --state-dir '/tmp/two words'"
        );
        assert_eq!(Invocation::default().command(&["list"]), "lab1-flow list");
    }

    #[test]
    fn a_quote_in_a_word_survives_the_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
