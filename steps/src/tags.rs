//! Tags in Elastic Load Balancing: written with every create call, read back as the proof of ownership.
//!
//! `CreateTargetGroup`, `CreateLoadBalancer` and `CreateListener` answer a repeated request with the thing
//! that is already there, whoever made it. So their success proves nothing, and the tags are read first.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::Tag;
use lab1_flow_workflow::{ActionError, Reconciled, Wait};

use crate::adoption::Found;
use crate::connection::{Aws, Call, Names, Service, TAGGED_MAX, together_or_each};
use crate::ownership::{Mark, Ownership, owner_of};
use crate::removal::not_ours;

/// The codes that say that something does not exist, or is not visible yet.
const NOT_FOUND: [&str; 4] =
    ["TargetGroupNotFound", "LoadBalancerNotFound", "ListenerNotFound", "RuleNotFound"];

/// Whether an error of Elastic Load Balancing says that the thing is not there.
pub(crate) fn is_not_found(error: &ActionError) -> bool {
    error.code().is_some_and(|code| NOT_FOUND.contains(&code))
}

/// Turns "not there" into `None` and leaves every other error alone.
pub(crate) fn found<T>(answer: Result<T, ActionError>) -> Result<Option<T>, ActionError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The tags of a mark in the service's own type.
pub(crate) fn elb_tags(mark: &Mark, name: &str) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    mark.tags(name).into_iter().map(tag).collect()
}

/// Keys and values.
pub(crate) type Pairs = Vec<(String, String)>;

/// What is known of one resource: its tags, or that it is not there.
pub(crate) type Tagged = (String, Result<Pairs, ActionError>);

/// The tags of some resources, by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags(BTreeMap<String, Pairs>);

impl Tags {
    /// Reads the tags of all these resources, in as few calls as the service allows.
    ///
    /// # Errors
    /// A not-found code when one of them is not there: the service then answers for none.
    pub(crate) async fn read(aws: &Aws, arns: &[&str]) -> Result<Self, ActionError> {
        let mut tags = BTreeMap::new();
        for arns in arns.chunks(TAGGED_MAX) {
            tags.extend(describe(aws, arns.join(" "), Names::of(arns.iter().copied())).await?);
        }
        Ok(Self(tags))
    }

    /// As [`read`](Self::read), and leaves out what is not there (any more).
    pub(crate) async fn read_existing(aws: &Aws, arns: &[&str]) -> Result<Self, ActionError> {
        let mut tags = BTreeMap::new();
        for arns in arns.chunks(TAGGED_MAX) {
            let ask = |subject: String, arns| describe(aws, subject, arns);
            let subject = arns.join(" ");
            let read =
                together_or_each(&subject, Names::of(arns.iter().copied()), is_not_found, ask);
            tags.extend(read.await?.found);
        }
        Ok(Self(tags))
    }

    /// Reads the tags of one resource. Those who read at the same time share a call.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) async fn read_one(aws: &Aws, arn: &str) -> Result<Self, ActionError> {
        let asking = aws.clone();
        let subject = arn.to_owned();
        let seen = aws.tags().ask(&[arn], |arns| describe_each(asking, arns, subject)).await?;
        let own = seen.iter().find(|(tagged, _)| tagged == arn);
        let pairs = own.map_or_else(|| Ok(Pairs::new()), |(_, pairs)| pairs.clone());
        Ok(Self(BTreeMap::from([(arn.to_owned(), pairs?)])))
    }

    pub(crate) fn of(&self, arn: &str) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.0.get(arn).into_iter().flatten();
        tags.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whose the resource is, seen from an action.
    pub(crate) fn judge(&self, mark: &Mark, arn: &str) -> Ownership {
        mark.judge(self.of(arn))
    }

    /// Whose the resource is, when it was not made by the mark's run; `None` when it was.
    pub(crate) fn stranger(&self, mark: &Mark, arn: &str) -> Option<String> {
        (!mark.is_of_run(self.of(arn))).then(|| owner_of(self.of(arn)))
    }
}

/// Makes one call about the ARNs that are known when its turn has come.
async fn describe(
    aws: &Aws,
    subject: String,
    arns: Names,
) -> Result<Vec<(String, Pairs)>, ActionError> {
    let call = Call::reading(Service::LoadBalancing, "DescribeTags", &subject);
    let request = aws.load_balancing().describe_tags();
    let sent = async { request.set_resource_arns(Some(arns.close().await)).send().await };
    let answer = aws.call(call, sent).await?;
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    let tagged = answer.tag_descriptions().iter().map(|description| {
        let arn = description.resource_arn().unwrap_or_default().to_owned();
        (arn, description.tags().iter().filter_map(pair).collect())
    });
    Ok(tagged.collect())
}

/// What is known of each of these ARNs.
async fn describe_each(aws: Aws, arns: Names, subject: String) -> Result<Vec<Tagged>, ActionError> {
    let ask = |subject: String, arns| describe(&aws, subject, arns);
    let answers = together_or_each(&subject, arns, is_not_found, ask).await?;
    let found = answers.found.into_iter().map(|(arn, pairs)| (arn, Ok(pairs)));
    Ok(found.chain(answers.absent.into_iter().map(|(arn, error)| (arn, Err(error)))).collect())
}

/// Proves that what a create call answered with was made by this action, and not found by it.
///
/// # Errors
/// Contended when it belongs to someone else or cannot be seen yet, so that the engine looks for it;
/// ambiguous when nothing could be read: the create call itself has succeeded.
pub(crate) async fn prove_created(aws: &Aws, mark: &Mark, arn: &str) -> Result<(), ActionError> {
    match Tags::read_one(aws, arn).await {
        Ok(tags) => match tags.judge(mark, arn) {
            Ownership::Ours => Ok(()),
            Ownership::Foreign { owner } => Err(ActionError::contended(format!(
                "{arn} was there before: it belongs to {owner}"
            ))),
        },
        Err(error) if is_not_found(&error) => {
            Err(ActionError::contended(format!("{arn} was made and cannot be seen yet")))
        }
        Err(error) => Err(unproven(arn, &error)),
    }
}

/// The error of a proof that could not be read, after the change was made.
pub(crate) fn unproven(arn: &str, error: &ActionError) -> ActionError {
    let failure = error.failure();
    let mut doubt =
        ActionError::ambiguous(format!("{arn} was made, its mark could not be read: {error}"));
    if let Some(code) = &failure.code {
        doubt = doubt.with_code(code);
    }
    if let Some(id) = &failure.request_id {
        doubt = doubt.with_request_id(id);
    }
    if let Some(advice) = &failure.advice {
        doubt = doubt.with_advice(advice);
    }
    match error.retry_after() {
        Some(delay) => doubt.with_retry_after(delay),
        None => doubt,
    }
}

/// Decides about a thing that was found by its name: reads its mark, then judges it.
pub(crate) async fn judge_found<T>(
    aws: &Aws,
    mark: &Mark,
    arn: &str,
    thing: Found<T>,
) -> Result<Reconciled<T>, ActionError> {
    match found(Tags::read_one(aws, arn).await)? {
        Some(tags) => Ok(thing.judge(tags.judge(mark, arn))),
        // One read shows it and the next does not: it is appearing, or on its way out.
        None => Ok(Reconciled::Unclear(Wait::new(format!(
            "{} is listed, and its tags cannot be read",
            thing.what
        )))),
    }
}

/// Proves that the thing is this action's own before it is deleted.
///
/// # Errors
/// Permanent when the mark is missing or another's; a not-found code when it is not there any more.
pub(crate) async fn prove_before_deletion(
    aws: &Aws,
    mark: &Mark,
    what: &str,
    arn: &str,
) -> Result<(), ActionError> {
    match Tags::read_one(aws, arn).await?.judge(mark, arn) {
        Ownership::Ours => Ok(()),
        Ownership::Foreign { owner } => Err(not_ours(what, &owner)),
    }
}

#[cfg(test)]
mod tests {
    use lab1_flow_workflow::journal::FailureClass;

    use super::*;

    #[test]
    fn a_proof_that_cannot_be_read_keeps_what_the_provider_said_and_becomes_a_doubt() {
        let read = ActionError::throttled("Rate exceeded")
            .with_code("Throttling")
            .with_request_id("r-1")
            .with_retry_after(std::time::Duration::from_secs(3));
        let doubt = unproven("arn:x", &read);
        assert_eq!(doubt.class(), FailureClass::Ambiguous);
        assert_eq!(doubt.code(), Some("Throttling"));
        assert_eq!(doubt.failure().request_id.as_deref(), Some("r-1"));
        assert_eq!(doubt.retry_after(), read.retry_after());
        assert!(doubt.to_string().contains("Rate exceeded"), "{doubt}");
    }

    #[test]
    fn only_not_found_codes_mean_absent() {
        let absent = ActionError::transient("gone").with_code("ListenerNotFound");
        assert_eq!(found::<()>(Err(absent)), Ok(None));
        let denied = ActionError::permanent("no").with_code("AccessDenied");
        assert_eq!(found::<()>(Err(denied.clone())), Err(denied));
    }
}
