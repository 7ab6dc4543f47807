//! What a thing that was found under our name means: whose it is, and whether it is what was asked for.

use std::fmt::{self, Display};

use lab1_flow_workflow::Reconciled;
use serde::{Deserialize, Serialize};

use crate::ownership::{Ownership, foreign};

/// A thing that stands where ours would.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// Its kind and name, for people: `target group target-group-1`.
    pub(crate) what: String,
    /// What differs from what was asked for.
    pub(crate) differences: Vec<Difference>,
    /// The action's output, should the thing be ours.
    pub(crate) output: T,
}

impl<T> Found<T> {
    /// Decides, now that the tags were read.
    pub(crate) fn judge(self, ownership: Ownership) -> Reconciled<T> {
        match ownership {
            Ownership::Foreign { owner } => foreign(&self.what, &owner),
            Ownership::Ours if self.differences.is_empty() => Reconciled::Adopted(self.output),
            Ownership::Ours => Reconciled::Altered {
                output: self.output,
                difference: format!(
                    "{} carries this run's mark, but somebody changed it: {}",
                    self.what,
                    in_one_line(&self.differences)
                ),
            },
        }
    }
}

/// One field that is not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, for people.
    pub field: String,
    /// What was asked for.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Difference {
    pub(crate) fn new(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), expected: expected.into(), found: found.into() }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, expected, found } = self;
        write!(f, "{field} is {found} instead of {expected}")
    }
}

/// All differences of a thing, for a message.
pub(crate) fn in_one_line(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Collects what differs between what was asked for and what is there.
#[derive(Debug, Default)]
pub(crate) struct Comparison(Vec<Difference>);

impl Comparison {
    /// Compares one field; what the answer leaves out says nothing and counts as agreement.
    pub(crate) fn field<W: Display, F: Display + PartialEq<W>>(
        &mut self,
        name: &str,
        wanted: W,
        found: Option<F>,
    ) {
        if let Some(found) = found.filter(|found| *found != wanted) {
            self.0.push(Difference::new(name, wanted.to_string(), found.to_string()));
        }
    }

    /// Compares lists in which neither order nor repetition counts.
    pub(crate) fn set<'a>(
        &mut self,
        name: &str,
        wanted: impl IntoIterator<Item = &'a str>,
        found: impl IntoIterator<Item = &'a str>,
    ) {
        let sorted = |items: &mut dyn Iterator<Item = &'a str>| {
            let mut items: Vec<&str> = items.collect();
            items.sort_unstable();
            items.dedup();
            items.join(", ")
        };
        let wanted = sorted(&mut wanted.into_iter());
        let found = sorted(&mut found.into_iter());
        self.field(name, wanted, Some(found));
    }

    /// What differs, field by field.
    pub(crate) fn differences(self) -> Vec<Difference> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(differences: Vec<Difference>) -> Found<u8> {
        Found { what: "target group t".to_owned(), differences, output: 7 }
    }

    #[test]
    fn ours_with_equal_content_is_adopted() {
        assert_eq!(found(vec![]).judge(Ownership::Ours), Reconciled::Adopted(7));
    }

    #[test]
    fn ours_with_other_content_is_altered_and_the_difference_is_named() {
        let judged = found(vec![Difference::new("port", "80", "81")]).judge(Ownership::Ours);
        let Reconciled::Altered { output: 7, difference } = judged else {
            panic!("it must be known as altered: {judged:?}");
        };
        assert!(difference.contains("port is 81 instead of 80"), "{difference}");
    }

    #[test]
    fn a_stranger_is_named_whatever_its_content() {
        let owner = "no mark of lab1-flow".to_owned();
        let judged = found(vec![]).judge(Ownership::Foreign { owner });
        let Reconciled::Foreign { evidence, advice } = judged else {
            panic!("it is a stranger: {judged:?}");
        };
        assert_eq!(evidence, "target group t belongs to no mark of lab1-flow");
        assert!(advice.contains("other names"), "{advice}");
    }

    #[test]
    fn only_what_was_read_can_differ_and_sets_have_no_order() {
        let mut comparison = Comparison::default();
        comparison.field("port", 80, None::<i32>);
        comparison.field("port", 80, Some(80));
        comparison.set("subnets", ["a", "b"], ["b", "a", "a"]);
        assert_eq!(comparison.differences(), []);

        let mut comparison = Comparison::default();
        comparison.field("path", "/", Some("/health"));
        comparison.set("subnets", ["a", "b"], ["a"]);
        let differences = comparison.differences();
        let text = "path is /health instead of /; subnets is a instead of a, b";
        assert_eq!(in_one_line(&differences), text);
    }
}
