//! Checked names: every id that is stored or shown, so that none can be swapped for another.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Says why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} {text:?} is not valid: it must have 1 to {length_max} of a-z, 0-9 and '-', and not begin with '-'"
)]
pub struct InvalidName {
    what: &'static str,
    text: String,
    length_max: usize,
}

fn checked(what: &'static str, text: &str, length_max: usize) -> Result<Arc<str>, InvalidName> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // Names are typed: a command would take one that begins with a hyphen for a flag.
    let begins_well = !text.starts_with('-');
    if (1..=length_max).contains(&text.len()) && text.bytes().all(plain) && begins_well {
        Ok(text.into())
    } else {
        Err(InvalidName { what, text: text.to_owned(), length_max })
    }
}

macro_rules! name_type {
    ($(#[$docs:meta])* $name:ident, $what:literal, $length_max:literal) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The greatest length in bytes.
            pub const LENGTH_MAX: usize = $length_max;

            /// Checks the text against the grammar of names.
            ///
            /// # Errors
            /// [`InvalidName`] when the text is empty, too long, or has any other character.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                checked($what, text, $length_max).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_type! {
    /// Names one execution of a workflow; the seed of its names, marks and tokens.
    RunId, "run id", 40
}
name_type! {
    /// Names a documented step: what people see.
    StepName, "step name", 40
}
name_type! {
    /// Names an action: one remote change (or one wait) inside a step.
    ActionName, "action name", 64
}

impl RunId {
    /// Makes an id of twelve characters out of 60 random bits.
    ///
    /// Twelve characters fit every tag and token, and differ from the first character on, so that people
    /// can shorten them. The letters i, l, o and u are left out: they read like others.
    pub fn from_random(bits: u64) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let character = |place: u32| {
            let five_bits = usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0);
            char::from(ALPHABET[five_bits])
        };
        Self((0..12).map(character).collect::<String>().into())
    }
}

/// The place of a record in its run: the header is 0, records count from 1 without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The first record after the header.
    pub const FIRST: Self = Self(1);

    /// The next place.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_narrow_grammar() {
        assert!(RunId::new("k7f3-m9").is_ok());
        for bad in ["", "A", "a b", "../x", "-x", "--yes", "\u{e4}", &"x".repeat(41)] {
            assert!(RunId::new(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn random_ids_are_valid_and_differ_in_their_first_character() {
        let one = RunId::from_random(1);
        let two = RunId::from_random(2);
        assert_eq!(one.as_str().len(), 12);
        assert_ne!(one.as_str()[..1], two.as_str()[..1]);
        assert!(RunId::new(RunId::from_random(u64::MAX).as_str()).is_ok());
        // Five bits a character, the lowest first.
        assert_eq!(RunId::from_random(0b00010_11111_00001).as_str(), "1z2000000000");
    }

    #[test]
    fn a_stored_name_is_checked_again_when_read() {
        assert!(serde_json::from_str::<ActionName>("\"Bad Name\"").is_err());
    }
}
