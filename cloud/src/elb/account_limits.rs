//! What an account may hold, for those who ask beforehand.

use crate::dispatch::Answer;
use crate::elb::{listeners, load_balancers, rules, target_groups, targets};
use crate::state::Context;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

/// The limits that are kept here, by the names that the service gives them.
const LIMITS: [(&str, usize); 5] = [
    ("application-load-balancers", load_balancers::BALANCERS_MAX),
    ("listeners-per-application-load-balancer", listeners::LISTENERS_MAX),
    ("rules-per-application-load-balancer", rules::RULES_MAX),
    ("target-groups", target_groups::GROUPS_MAX),
    ("targets-per-application-load-balancer", targets::TARGETS_MAX),
];

pub(crate) fn describe(_cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    let (limits, next) = page.cut(LIMITS.to_vec(), |(name, _)| (*name).to_owned());
    let mut xml = Xml::new();
    xml.members("Limits", limits, |item, (name, max)| {
        item.text("Name", name).text("Max", max);
    });
    xml.optional("NextMarker", next);
    Ok(xml)
}
