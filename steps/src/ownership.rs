//! The marks that prove whose a resource is.
//!
//! Every create call carries the run's mark as tags, in the call itself. Nothing is adopted or deleted
//! before the mark was read back: a name proves nothing, and neither does a successful create.

use std::borrow::Cow;

use lab1_flow_workflow::journal::{ActionName, RunId};
use lab1_flow_workflow::{ActionContext, Reconciled};

use crate::spec::StackName;

/// The tag that names the run.
pub const RUN_ID_TAG: &str = "lab1-flow:run-id";
/// The tag that names the stack.
pub const STACK_TAG: &str = "lab1-flow:stack";
/// The tag that names the action.
pub const ACTION_TAG: &str = "lab1-flow:action";
/// The tag that names this program, for people who wonder whose this is.
pub const MANAGED_BY_TAG: &str = "lab1-flow:managed-by";
/// The value of [`MANAGED_BY_TAG`].
pub const MANAGED_BY: &str = "lab1-flow";

/// The mark of one action of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    run: RunId,
    stack: StackName,
    action: ActionName,
}

/// Whose a resource is, by the tags that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The run and the action are ours.
    Ours,
    /// It belongs to someone else.
    Foreign {
        /// To whom, for people.
        owner: String,
    },
}

impl Mark {
    /// The mark of the action that is being carried out.
    pub(crate) fn new(context: &ActionContext, stack: &StackName) -> Self {
        Self { run: context.run().clone(), stack: stack.clone(), action: context.action().clone() }
    }

    /// The mark of an action of a run, outside of carrying it out.
    pub(crate) fn of(run: &RunId, stack: &StackName, action: &ActionName) -> Self {
        Self { run: run.clone(), stack: stack.clone(), action: action.clone() }
    }

    /// The tags of the mark, with the name that people look for.
    ///
    /// Only what is frozen goes into them, always in the same order: AWS compares tags when it decides
    /// whether a repeated request is the same one.
    pub(crate) fn tags(&self, name: &str) -> Vec<(String, String)> {
        [
            ("Name", name),
            (RUN_ID_TAG, self.run.as_str()),
            (STACK_TAG, self.stack.as_str()),
            (ACTION_TAG, self.action.as_str()),
            (MANAGED_BY_TAG, MANAGED_BY),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    /// Tells whose the thing with these tags is.
    pub(crate) fn judge<'a>(
        &self,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Ownership {
        let seen = Seen::read(tags);
        if seen.run == Some(self.run.as_str()) && seen.action == Some(self.action.as_str()) {
            Ownership::Ours
        } else {
            Ownership::Foreign { owner: seen.owner() }
        }
    }

    /// Whether the thing with these tags was made by this run, whatever the action.
    pub(crate) fn is_of_run<'a>(&self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        Seen::read(tags).run == Some(self.run.as_str())
    }
}

/// What a thing of somebody else under our name means: it is never touched.
pub(crate) fn foreign<T>(what: &str, owner: &str) -> Reconciled<T> {
    Reconciled::Foreign {
        evidence: format!("{what} belongs to {owner}"),
        advice: "remove or rename it, or deploy under other names (--stack)".to_owned(),
    }
}

/// The action that the mark of these tags names.
pub(crate) fn maker_of<'a>(
    tags: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<ActionName> {
    ActionName::new(Seen::read(tags).action?).ok()
}

/// Says to whom the thing with these tags belongs, for people.
pub(crate) fn owner_of<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    Seen::read(tags).owner()
}

/// Says to which run of which stack the thing with these tags belongs, for people.
pub(crate) fn holder_in_words<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    Seen { action: None, ..Seen::read(tags) }.owner()
}

/// The marks found on something.
#[derive(Debug, Default)]
struct Seen<'a> {
    run: Option<&'a str>,
    stack: Option<&'a str>,
    action: Option<&'a str>,
}

impl<'a> Seen<'a> {
    fn read(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut seen = Self::default();
        for (key, value) in tags {
            match key {
                RUN_ID_TAG => seen.run = Some(value),
                STACK_TAG => seen.stack = Some(value),
                ACTION_TAG => seen.action = Some(value),
                _ => {}
            }
        }
        seen
    }

    fn owner(&self) -> String {
        let Some(run) = self.run else { return "no mark of lab1-flow".to_owned() };
        let run = as_name(run, RunId::new(run).is_ok());
        let stack = self.stack.map_or(Cow::from("?"), |it| as_name(it, StackName::new(it).is_ok()));
        let action = self.action.map(|it| as_name(it, ActionName::new(it).is_ok()));
        let action = action.map_or_else(String::new, |action| format!(", action {action}"));
        format!("run {run} of lab1-flow (stack {stack}{action})")
    }
}

/// The greatest length of a quotation, in characters.
const QUOTED_MAX: usize = 64;

/// The run of this name, if it is one: only that may stand in a command. Anybody can write anything into a tag.
pub(crate) fn run_named(text: &str) -> Option<RunId> {
    RunId::new(text).ok()
}

/// What a tag says, for people: a name as it is, and what is none as a quotation, which nobody takes for our words.
pub(crate) fn as_name(text: &str, is_name: bool) -> Cow<'_, str> {
    if is_name {
        return text.into();
    }
    let more = if text.chars().count() > QUOTED_MAX { ".." } else { "" };
    format!("{:?}{more}", text.chars().take(QUOTED_MAX).collect::<String>()).into()
}

#[cfg(test)]
impl Mark {
    /// The mark of an action of a run in the default stack.
    pub(crate) fn for_test(run: &str, action: &str) -> Self {
        Self {
            run: RunId::new(run).unwrap(),
            stack: StackName::default(),
            action: ActionName::new(action).unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(run: &str, action: &str) -> Mark {
        Mark::for_test(run, action)
    }

    fn borrowed(tags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
        tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    #[test]
    fn a_mark_knows_its_own_tags() {
        let mark = mark("run-1", "rule-1");
        assert_eq!(mark.judge(borrowed(&mark.tags("x"))), Ownership::Ours);
    }

    #[test]
    fn another_run_another_action_and_nobody_are_foreign_and_named() {
        let ours = mark("run-1", "rule-1");
        for (tags, owner) in [
            (
                mark("run-2", "rule-1").tags("x"),
                "run run-2 of lab1-flow (stack default, action rule-1)",
            ),
            (
                mark("run-1", "rule-2").tags("x"),
                "run run-1 of lab1-flow (stack default, action rule-2)",
            ),
            (vec![("Name".to_owned(), "x".to_owned())], "no mark of lab1-flow"),
        ] {
            let judged = ours.judge(borrowed(&tags));
            assert_eq!(judged, Ownership::Foreign { owner: owner.to_owned() });
        }
    }

    #[test]
    fn what_is_no_name_is_quoted() {
        let said = [
            (RUN_ID_TAG, "x); now type \u{1b}[2J"),
            (STACK_TAG, "a \"stack\"\n"),
            (ACTION_TAG, &"a".repeat(90)),
        ];
        let action = format!("\"{}\"..", "a".repeat(64));
        assert_eq!(
            owner_of(said),
            format!(
                r#"run "x); now type \u{{1b}}[2J" of lab1-flow (stack "a \"stack\"\n", action {action})"#
            )
        );
    }

    #[test]
    fn the_tags_of_a_mark_are_the_same_on_every_attempt() {
        assert_eq!(mark("run-1", "rule-1").tags("x"), mark("run-1", "rule-1").tags("x"));
        let keys: Vec<String> =
            mark("run-1", "a").tags("x").into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "Name",
                "lab1-flow:run-id",
                "lab1-flow:stack",
                "lab1-flow:action",
                "lab1-flow:managed-by"
            ]
        );
    }
}
