//! Visits to the stack, and what its answers say.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use lab1_flow_workflow::ActionError;

use crate::probe::{Answer, Probe, Trouble};

/// How often each instance is given a chance in one look. A balancer that picks at random among five
/// leaves one out of thirty requests once in 160 looks; the next look then finds it.
pub(crate) const ROUNDS_MAX: usize = 6;

/// The most of an unexpected answer that is shown, in characters.
const SHOWN_MAX: usize = 80;

/// What the answers on one path said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Visit {
    /// The instances that have answered, and how often.
    pub(crate) answered: BTreeMap<String, usize>,
    /// The answers that were not as they should be, and how often each came.
    pub(crate) troubles: BTreeMap<String, usize>,
    /// What this machine lacked for a request; those that were not sent say nothing of the stack.
    pub(crate) shortage: Option<String>,
}

impl Visit {
    /// The instances that have answered.
    pub(crate) fn instances(&self) -> BTreeSet<String> {
        self.answered.keys().cloned().collect()
    }

    fn take(&mut self, answer: Result<String, Trouble>) {
        match answer {
            Ok(id) => *self.answered.entry(id).or_default() += 1,
            Err(Trouble::OfTheStack(words)) => *self.troubles.entry(words).or_default() += 1,
            Err(Trouble::OfThisMachine(words)) => self.shortage = Some(words),
        }
    }
}

/// The host and port that requests are sent to.
pub(crate) fn authority(dns_name: &str, port: u16) -> String {
    // The embedded cloud's balancers live on loopback ports, which their address names already.
    if dns_name.contains(':') || port == 80 {
        dns_name.to_owned()
    } else {
        format!("{dns_name}:{port}")
    }
}

/// This machine lacks what a visit needs: waiting may help, or a person, and the stack is not to blame.
pub(crate) fn short_of(what: &str) -> ActionError {
    ActionError::unreachable(format!("the stack cannot be visited: {what}"))
        .with_advice("end other programs on this machine, or raise its limit (`ulimit -n`)")
}

/// Asks for `/`, which any instance answers with `Healthy!`.
pub(crate) async fn greet(probe: &Probe, authority: &str) -> Result<(), Trouble> {
    match probe.get(authority, "/").await {
        Ok(answer) if answer.status == 200 && answer.body.trim() == "Healthy!" => Ok(()),
        Ok(answer) => Err(Trouble::OfTheStack(unexpected("/", &answer))),
        Err(error) => Err(error),
    }
}

/// Asks on a path until every expected instance has answered, or in so many rounds of one request for each.
pub(crate) async fn visit(
    probe: &Probe,
    authority: &str,
    pattern: &str,
    expected: &BTreeSet<String>,
    rounds: usize,
) -> Visit {
    let path = path_of(pattern);
    let mut visit = Visit::default();
    for _ in 0..rounds {
        let width = expected.len().max(1);
        let answers = join_all((0..width).map(|_| probe.get(authority, &path))).await;
        let before = visit.answered.values().sum::<usize>();
        for answer in answers {
            visit.take(
                answer.and_then(|answer| instance_of(&path, &answer).map_err(Trouble::OfTheStack)),
            );
        }
        let answered_now = visit.answered.values().sum::<usize>() > before;
        // A path that leads nowhere yet needs time, not more requests.
        if !answered_now || expected.iter().all(|id| visit.answered.contains_key(id)) {
            break;
        }
    }
    visit
}

/// A path that the pattern of a rule fits: `*` may stand for nothing, `?` for any one character.
fn path_of(pattern: &str) -> String {
    pattern.replace('*', "").replace('?', "x")
}

/// Reads who answered: `Instance i-0123 is responding now!`.
fn instance_of(path: &str, answer: &Answer) -> Result<String, String> {
    let text = answer.body.trim();
    let id =
        text.strip_prefix("Instance ").and_then(|text| text.strip_suffix(" is responding now!"));
    match id.filter(|id| answer.status == 200 && id.starts_with("i-")) {
        Some(id) => Ok(id.to_owned()),
        None => Err(unexpected(path, answer)),
    }
}

fn unexpected(path: &str, answer: &Answer) -> String {
    if answer.status != 200 {
        return format!("{path} answers {}", answer.status);
    }
    let shown: String =
        answer.body.chars().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{path} answers {shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned() }
    }

    #[test]
    fn an_address_that_names_a_port_is_left_alone() {
        assert_eq!(authority("lab1.example", 80), "lab1.example");
        assert_eq!(authority("lab1.example", 8080), "lab1.example:8080");
        assert_eq!(authority("127.0.0.1:4711", 80), "127.0.0.1:4711");
    }

    #[test]
    fn only_the_documented_answer_names_an_instance() {
        let good = answer(200, "Instance i-0abc is responding now!\n");
        assert_eq!(instance_of("/cluster1", &good), Ok("i-0abc".to_owned()));
        for (bad, text) in [
            (answer(503, "Instance i-0abc is responding now!"), "/cluster1 answers 503"),
            (answer(200, "Healthy!"), "/cluster1 answers \"Healthy!\""),
            (answer(200, "Instance  is responding now!"), "/cluster1 answers \"Instance  is"),
        ] {
            let trouble = instance_of("/cluster1", &bad).unwrap_err();
            assert!(trouble.starts_with(text), "{trouble}");
        }
    }

    #[test]
    fn a_pattern_is_visited_at_a_path_that_it_fits() {
        assert_eq!(path_of("/cluster1"), "/cluster1");
        assert_eq!(path_of("/cluster1*"), "/cluster1");
        assert_eq!(path_of("/c?/*"), "/cx/");
    }

    #[test]
    fn a_long_answer_is_cut() {
        let trouble = unexpected("/", &answer(200, &"x".repeat(1000)));
        assert!(trouble.len() < 100, "{trouble}");
    }
}
