//! What an account may hold, for those who ask beforehand.

use crate::elb::{actions, listeners, rules, target_groups, targets};
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

/// The limits that are the same in every account, by the names that the service gives them.
const LIMITS: [(&str, usize); 6] = [
    ("listeners-per-application-load-balancer", listeners::LISTENERS_MAX),
    ("rules-per-application-load-balancer", rules::RULES_MAX),
    ("target-groups", target_groups::GROUPS_MAX),
    ("target-groups-per-action-on-application-load-balancer", actions::GROUPS_PER_ACTION_MAX),
    ("target-groups-per-application-load-balancer", actions::GROUPS_PER_BALANCER_MAX),
    ("targets-per-application-load-balancer", targets::TARGETS_MAX),
];

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    // An account without a quota answers with a number that it never reaches.
    let balancers = cx.options.limits.load_balancers_max.map_or(usize::MAX, |max| max as usize);
    let mut limits = LIMITS.to_vec();
    limits.insert(0, ("application-load-balancers", balancers));
    let (limits, next) = page.cut(limits, |(name, _)| (*name).to_owned());
    let mut xml = Xml::new();
    xml.members("Limits", limits, |item, (name, max)| {
        item.text("Name", name).text("Max", max);
    });
    xml.optional("NextMarker", next);
    Ok(xml)
}
