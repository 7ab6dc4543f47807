//! The name that keeps stacks of one account apart.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text cannot be the name of a stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stack name {text:?} is not valid: it must have 1 to {max} of a-z, A-Z, 0-9 and '-', with no '-' at either end",
    max = StackName::LENGTH_MAX
)]
pub struct InvalidStackName {
    text: String,
}

/// Names a stack. `default`, the name of a stack without a name, adds nothing to the names in AWS.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9]([A-Za-z0-9-]{0,11}[A-Za-z0-9])?$"))]
pub struct StackName(String);

impl StackName {
    /// The greatest length: `lab1-load-balancer` with a prefix of 13 and a hyphen has the 32 characters that a
    /// balancer's name may have.
    pub const LENGTH_MAX: usize = 13;

    const DEFAULT: &'static str = "default";

    /// Checks the text against the rules of names.
    ///
    /// # Errors
    /// [`InvalidStackName`] when it is empty, too long, or has a character that names in AWS may not have.
    pub fn new(text: &str) -> Result<Self, InvalidStackName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let valid = (1..=Self::LENGTH_MAX).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidStackName { text: text.to_owned() })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the stack's name before a name, unless it is the default one.
    pub fn prefix(&self, name: &str) -> String {
        if self.0 == Self::DEFAULT { name.to_owned() } else { format!("{}-{name}", self.0) }
    }
}

impl Default for StackName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl TryFrom<String> for StackName {
    type Error = InvalidStackName;
    fn try_from(text: String) -> Result<Self, InvalidStackName> {
        Self::new(&text)
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_put_before_every_other_and_the_default_is_not() {
        assert_eq!(StackName::new("blue").unwrap().prefix("group1"), "blue-group1");
        assert_eq!(StackName::default().prefix("group1"), "group1");
    }

    #[test]
    fn names_are_checked() {
        for good in ["a", "Team-7", "thirteenchars"] {
            assert!(StackName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "fourteenchars1", "a b", "a_b", "caf\u{e9}"] {
            assert!(StackName::new(bad).is_err(), "{bad}");
        }
    }
}
