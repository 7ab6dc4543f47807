//! What visitors get from the balancer: every instance on its own path, and the greeting from either cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, try_join_all};
use lab1_flow_workflow::ActionError;
use serde::{Deserialize, Serialize};

use super::instances::serving_instances;
use super::records::{Made, Records};
use super::sight::Sight;
use crate::answering_instances::{authority, greet, short_of, visit};
use crate::connection::Aws;
use crate::probe::Trouble;
use crate::rule::{RuleInput, RuleRef};

/// How often each instance is given a chance. At random among five, one in 7,500 looks misses one.
const ROUNDS_MAX: usize = 8;

/// How many greetings are asked for, for each instance.
const GREETINGS: usize = 2;

/// What the balancer answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Where: `http://...`, without a path.
    pub url: String,
    /// The paths of the rules, in their order.
    pub paths: Vec<PathAnswers>,
    /// How many requests for `/` were sent.
    pub greetings: usize,
    /// How many of them were greeted. The greeting does not say which instance it comes from.
    pub greeted: usize,
    /// The shares by which the listener spreads what fits no rule, by target group.
    pub weights: BTreeMap<String, u32>,
    /// The other answers to `/`, and how often each came.
    pub troubles: BTreeMap<String, usize>,
}

/// What was answered on one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathAnswers {
    /// The path.
    pub path: String,
    /// The group that is to answer.
    pub group: String,
    /// Who has answered, and who should have.
    pub instances: Vec<InstanceAnswers>,
    /// The answers that named no instance, and how often each came.
    pub troubles: BTreeMap<String, usize>,
}

/// The answers of one instance on one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAnswers {
    /// The instance.
    pub instance_id: String,
    /// How often it has answered.
    pub answers: usize,
    /// Whether it is one that should.
    pub expected: bool,
}

impl InstanceAnswers {
    /// Whether it is as it should be.
    pub fn is_well(&self) -> bool {
        self.expected && self.answers > 0
    }
}

impl Serving {
    /// Whether anything was answered otherwise than it should be.
    pub fn differs(&self) -> bool {
        !self.troubles.is_empty() || self.paths.iter().any(PathAnswers::differs)
    }
}

impl PathAnswers {
    /// Whether anything was answered otherwise than it should be, or nobody could answer.
    pub fn differs(&self) -> bool {
        self.instances.is_empty()
            || !self.troubles.is_empty()
            || !self.instances.iter().all(InstanceAnswers::is_well)
    }
}

/// Visits every instance; nothing when the run has no listener yet.
pub(super) async fn visit_all(
    aws: &Aws,
    records: &Records,
    sight: &Sight,
) -> Result<Option<Serving>, ActionError> {
    let Some(listener) = records.listener.as_ref() else { return Ok(None) };
    let authority = authority(&listener.input.load_balancer.dns_name, listener.output.port);
    let paths = records.rules.iter().map(|made| visit_path(aws, &authority, records, sight, made));
    let paths = try_join_all(paths).await?;
    let instances: usize = paths.iter().map(|path| path.instances.len()).sum();
    let greetings = GREETINGS * instances.max(1);
    let answers = join_all((0..greetings).map(|_| greet(aws.probe(), &authority))).await;
    let greeted = answers.iter().filter(|answer| answer.is_ok()).count();
    let mut troubles = BTreeMap::new();
    for trouble in answers.into_iter().filter_map(Result::err) {
        match trouble {
            Trouble::OfTheStack(words) => *troubles.entry(words).or_default() += 1,
            Trouble::OfThisMachine(words) => return Err(short_of(&words)),
        }
    }
    let weights = &listener.input.target_groups;
    let name = |arn: &str| {
        let mut groups = records.target_groups.iter();
        let made = groups.find(|made| made.output.arn == arn);
        made.map_or_else(|| arn.to_owned(), |made| made.output.name.clone())
    };
    let weights = weights.iter().map(|group| (name(&group.target_group_arn), group.weight));
    let weights = weights.collect();
    let url = format!("http://{authority}");
    Ok(Some(Serving { url, paths, greetings, greeted, weights, troubles }))
}

async fn visit_path(
    aws: &Aws,
    authority: &str,
    records: &Records,
    sight: &Sight,
    made: &Made<RuleInput, RuleRef>,
) -> Result<PathAnswers, ActionError> {
    let mut groups = records.groups.iter();
    let group = groups.find(|group| group.input.target_group.arn == made.input.target_group.arn);
    let group = group.map_or("none", |group| group.output.name.as_str());
    let expected = serving_instances(sight, group);
    let visit = visit(aws.probe(), authority, &made.input.path, &expected, ROUNDS_MAX).await;
    if let Some(words) = &visit.shortage {
        return Err(short_of(words));
    }
    let answered = visit.answered.keys();
    let all: BTreeSet<&String> = expected.iter().chain(answered).collect();
    let instances = all.into_iter().map(|id| InstanceAnswers {
        instance_id: id.clone(),
        answers: visit.answered.get(id).copied().unwrap_or_default(),
        expected: expected.contains(id),
    });
    Ok(PathAnswers {
        path: made.input.path.clone(),
        group: group.to_owned(),
        instances: instances.collect(),
        troubles: visit.troubles,
    })
}
