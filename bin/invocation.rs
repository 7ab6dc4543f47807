//! How a person calls this program again: every ending prints the next command whole.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use lab1_flow_steps::shell_command;

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
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> String {
        let program = OsString::from("lab1-flow");
        let arguments = arguments.iter().map(|argument| argument.as_ref().to_owned());
        let state_dir = self.state_dir.as_deref();
        let state_dir = state_dir.map(|dir| ["--state-dir".into(), path_word(dir)]);
        let words = [program].into_iter().chain(arguments);
        shell_command(words.chain(state_dir.into_iter().flatten()))
    }
}

/// A flag with its value; one that would be taken for a flag itself stays joined to it.
pub(crate) fn flag(name: &str, value: &str) -> Vec<OsString> {
    if value.starts_with('-') {
        return vec![format!("{name}={value}").into()];
    }
    vec![name.into(), value.into()]
}

/// A path as a word of a command: no flag, whatever its first character is.
pub(crate) fn path_word(path: &Path) -> OsString {
    let is_like_a_flag = path.as_os_str().as_encoded_bytes().starts_with(b"-");
    if is_like_a_flag { Path::new(".").join(path).into() } else { path.into() }
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
    fn no_value_and_no_path_is_taken_for_a_flag() {
        let program = Invocation::new(Some(Path::new("-state $(x)\n")));
        assert_eq!(program.command(&["list"]), r"lab1-flow list --state-dir $'./-state $(x)\012'");
        assert_eq!(flag("--region", "-x"), ["--region=-x"]);
        assert_eq!(flag("--region", "us-east-1"), ["--region", "us-east-1"]);
    }
}
