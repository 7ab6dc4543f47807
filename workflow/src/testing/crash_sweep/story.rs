//! Who lived how long: the name of a case.

use std::fmt;

use super::scene::Verb;
use crate::testing::Ending;

/// One life in a case: what the process was asked, and how it ended before its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) verb: Verb,
    pub(super) ending: Option<Ending>,
}

impl Act {
    /// A life that ends by itself.
    pub(super) fn whole(verb: Verb) -> Self {
        Self { verb, ending: None }
    }
}

/// The lives of a case, one after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Story(pub(super) Vec<Act>);

impl Story {
    pub(super) fn then(&self, act: Act) -> Self {
        Self(self.0.iter().copied().chain([act]).collect())
    }

    /// How many lives ended like this.
    pub(super) fn count(&self, like: fn(&Ending) -> bool) -> u64 {
        self.0.iter().filter_map(|act| act.ending).filter(like).fold(0, |count, _| count + 1)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let acts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&acts.join(", then "))
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            None => write!(f, "{:?}", self.verb),
            Some(Ending::Death(at)) => write!(f, "{:?} dies at boundary {at}", self.verb),
            Some(Ending::DiskFailure(at)) => write!(f, "{:?} loses its disk at {at}", self.verb),
        }
    }
}
