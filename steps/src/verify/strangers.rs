//! Listeners and rules on our balancer that the records do not name: of others, or of this run and not recorded yet.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{Listener, Rule};
use lab1_flow_workflow::ActionError;

use super::judge::{Case, others_found};
use super::records::Records;
use super::sight::Sight;
use crate::adoption::Difference;
use crate::connection::Aws;
use crate::inventory::Thing;
use crate::memory::Known;
use crate::ownership::{ACTION_TAG, RUN_ID_TAG};
use crate::tags::{Pairs, Tags};

/// A listener or a rule that the records do not name.
#[derive(Debug, Clone)]
pub(super) struct Stranger {
    kind: &'static str,
    /// Where it stands, which no other can: `listener of port 80`.
    pub(super) place: String,
    /// The same without the kind.
    name: String,
    arn: String,
    /// Its tags; none when they are not seen.
    pub(super) tags: Pairs,
}

/// The place of a listener on its balancer, and of a rule on its listener.
pub(super) fn place_of(kind: &str, name: &str) -> String {
    format!("{kind} of {name}")
}

/// Finds them in what was seen, and reads their tags. Where there is none, nothing is asked.
pub(super) async fn strangers(
    aws: &Aws,
    records: &Records,
    sight: &Sight,
    known: &Known<Tags>,
) -> Result<Vec<Stranger>, ActionError> {
    let recorded: BTreeSet<&str> = (records.listener.iter().map(|made| made.output.arn.as_str()))
        .chain(records.rules.iter().map(|made| made.output.arn.as_str()))
        .collect();
    let listener = |it: &Listener| {
        let name = format!("port {}", it.port().unwrap_or(0));
        Stranger::new("listener", name, it.listener_arn())
    };
    let rule = |it: &Rule| {
        let name = format!("priority {}", it.priority().unwrap_or("unknown"));
        Stranger::new("rule", name, it.rule_arn())
    };
    let all = sight.listeners.iter().map(listener).chain(sight.rules.iter().map(rule));
    let mut strangers: Vec<Stranger> =
        all.filter(|it| !recorded.contains(it.arn.as_str())).collect();
    if strangers.is_empty() {
        return Ok(strangers);
    }
    let arns: Vec<&str> = strangers.iter().map(|it| it.arn.as_str()).collect();
    let tags = known.or_ask(Tags::read_existing(aws, &arns)).await?;
    for stranger in &mut strangers {
        let pairs = tags.of(&stranger.arn);
        stranger.tags = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    }
    Ok(strangers)
}

impl Stranger {
    fn new(kind: &'static str, name: String, arn: Option<&str>) -> Self {
        let arn = arn.unwrap_or_default().to_owned();
        Self { kind, place: place_of(kind, &name), name, arn, tags: Pairs::new() }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The thing, when the run has made it by an action whose record does not name it.
    pub(super) fn of_the_run(&self, records: &Records) -> Option<Thing> {
        let standing = records.standing();
        let is_ours = self.tag(RUN_ID_TAG) == Some(records.run.as_str())
            && !self.tag(ACTION_TAG).is_some_and(|action| standing.contains(action));
        is_ours.then(|| Thing {
            kind: self.kind,
            name: self.name.clone(),
            detail: self.arn.clone(),
            arn: None,
            tags: self.tags.clone(),
            vpc_id: None,
            instance_id: None,
            made_s: None,
            made_by: None,
        })
    }

    /// Whether it stands where an action of this run that may be under way puts its thing, and its mark is not seen.
    fn may_be_ours(&self, case: &Case<'_>) -> bool {
        let Some(action) = case.records.action_at(&self.place) else { return false };
        let under_way = case.live || case.records.doubts.iter().any(|it| it.action == action);
        self.tags.is_empty() && under_way && !case.records.standing().contains(action)
    }
}

/// Those of a kind that others have made. They stop the run's rollback.
pub(super) fn strange(case: &Case<'_>, kind: &str) -> Option<Difference> {
    let others = case.sight.strangers.iter().filter(|it| it.kind == kind);
    let others = others.filter(|it| it.of_the_run(case.records).is_none() && !it.may_be_ours(case));
    others_found(&format!("other {kind}s"), others.map(|it| it.name.clone()))
}
