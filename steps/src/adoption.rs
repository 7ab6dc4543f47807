//! What a thing that was found under our name means: whose it is, and whether it is what was asked for.

use std::fmt::Display;

use lab1_flow_workflow::Reconciled;

use crate::ownership::Ownership;

/// A thing that stands where ours would.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// Its kind and name, for people: `target group target-group-1`.
    pub(crate) what: String,
    /// What differs from what was asked for.
    pub(crate) differences: Vec<String>,
    /// The action's output, should the thing be ours.
    pub(crate) output: T,
}

impl<T> Found<T> {
    /// Decides, now that the tags were read.
    pub(crate) fn judge(self, ownership: Ownership) -> Reconciled<T> {
        match ownership {
            Ownership::Foreign { owner } => {
                Reconciled::Foreign { evidence: format!("{} belongs to {owner}", self.what) }
            }
            Ownership::Ours if self.differences.is_empty() => Reconciled::Adopted(self.output),
            Ownership::Ours => Reconciled::Altered {
                output: self.output,
                difference: format!(
                    "{} carries this run's mark, but somebody changed it: {}",
                    self.what,
                    self.differences.join("; ")
                ),
            },
        }
    }
}

/// Collects what differs between what was asked for and what is there.
#[derive(Debug, Default)]
pub(crate) struct Comparison(Vec<String>);

impl Comparison {
    /// Compares one field; what the answer leaves out says nothing and counts as agreement.
    pub(crate) fn field<W: Display, F: Display + PartialEq<W>>(
        &mut self,
        name: &str,
        wanted: W,
        found: Option<F>,
    ) {
        if let Some(found) = found.filter(|found| *found != wanted) {
            self.0.push(format!("{name} is {found} instead of {wanted}"));
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

    /// What differs, one short sentence for each field.
    pub(crate) fn differences(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(differences: Vec<String>) -> Found<u8> {
        Found { what: "target group t".to_owned(), differences, output: 7 }
    }

    #[test]
    fn ours_with_equal_content_is_adopted() {
        assert_eq!(found(vec![]).judge(Ownership::Ours), Reconciled::Adopted(7));
    }

    #[test]
    fn ours_with_other_content_is_altered_and_the_difference_is_named() {
        let judged = found(vec!["port is 81 instead of 80".to_owned()]).judge(Ownership::Ours);
        let Reconciled::Altered { output: 7, difference } = judged else {
            panic!("it must be known as altered: {judged:?}");
        };
        assert!(difference.contains("port is 81 instead of 80"), "{difference}");
    }

    #[test]
    fn a_stranger_is_named_whatever_its_content() {
        let owner = "no mark of lab1-flow".to_owned();
        let judged = found(vec![]).judge(Ownership::Foreign { owner });
        let evidence = "target group t belongs to no mark of lab1-flow".to_owned();
        assert_eq!(judged, Reconciled::Foreign { evidence });
    }

    #[test]
    fn only_what_was_read_can_differ_and_sets_have_no_order() {
        let mut comparison = Comparison::default();
        comparison.field("port", 80, None::<i32>);
        comparison.field("port", 80, Some(80));
        comparison.set("subnets", ["a", "b"], ["b", "a", "a"]);
        assert_eq!(comparison.differences(), Vec::<String>::new());

        let mut comparison = Comparison::default();
        comparison.field("path", "/", Some("/health"));
        comparison.set("subnets", ["a", "b"], ["a"]);
        let differences = comparison.differences();
        assert_eq!(differences, ["path is /health instead of /", "subnets is a instead of a, b"]);
    }
}
