//! More questions than a run has time for: quotas, leftovers of other runs, the clock.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::{FailureClass, RunId};

use super::checks::{Check, Checks, Verdict};
use super::names::holder_of;
use super::quotas;
use super::{Answers, Examination, Survey};
use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, Thing};
use crate::memory::{Known, all_known};
use crate::ownership::{MANAGED_BY, MANAGED_BY_TAG, as_name, run_named};
use crate::shell::shell_command;
use crate::spec::StackSpec;
use crate::stack::Stack;

/// A difference that no signature notices, and one beyond which AWS refuses them all.
const CLOCK_FINE_S: u64 = 30;
const CLOCK_REFUSED_S: u64 = 300;

impl Stack {
    /// Asks all that a run would ask and more, each question once and all side by side: one that fails hides
    /// no other. The specification is the one that the stack was made from; `asker` is a run that has made
    /// nothing.
    pub async fn diagnose(&self, aws: &Aws, spec: &StackSpec, asker: &RunId) -> Examination {
        let input = self.preflight_input();
        let known = Answers::default();
        let (survey, quotas, leftovers, ahead) = tokio::join!(
            Survey::take(aws, input, &known).boxed(),
            quotas::look(aws, spec).boxed(),
            leftovers(aws).boxed(),
            aws.clock_ahead_s().boxed(),
        );
        let mut checks = Checks::default();
        if let Err(error) = &survey.identity
            && (error.class() == FailureClass::Unreachable || error.code().is_none())
        {
            return out_of_reach(error);
        }
        let examination = Examination::of(survey, aws.region(), input, asker, &mut checks);
        quotas::judge(spec, quotas, &mut checks);
        let holders = examination.standing.iter().filter_map(|thing| thing.run_id.as_deref());
        judge_leftovers(leftovers, &holders.collect(), &mut checks);
        if let Some(ahead_s) = checks.settle("clock", ahead) {
            checks.add(judge_clock(ahead_s));
        }
        Examination { checks: checks.into_list(), ..examination }
    }
}

/// The account cannot be asked who it is, or what answers does not speak as AWS does, and so nothing else can be asked: said
/// once, instead of to every question.
fn out_of_reach(error: &ActionError) -> Examination {
    let mut check = Check::new("account", Verdict::Problem, error.to_string());
    check.advice.clone_from(&error.failure().advice);
    let others = Check::new("everything else", Verdict::Unknown, "it could not be asked");
    Examination { checks: vec![check, others], network: None, standing: Vec::new(), volume: None }
}

/// Finds what carries any mark of this program, where a service can be asked for it.
async fn leftovers(aws: &Aws) -> Result<Vec<Thing>, ActionError> {
    let tag = format!("tag:{MANAGED_BY_TAG}");
    let marked = [filter(&tag, [MANAGED_BY])];
    let known: [Known<Vec<Thing>>; 4] = Default::default();
    let asks = [
        inventory::security_groups(aws, &marked).boxed(),
        inventory::launch_templates(aws, &marked).boxed(),
        inventory::living_instances(aws, &marked).boxed(),
        inventory::auto_scaling_groups_tagged(aws, &tag, MANAGED_BY).boxed(),
    ];
    let found = all_known(&known, asks).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Names each run that has something in the account, but for those that hold our names: they were named.
fn judge_leftovers(
    things: Result<Vec<Thing>, ActionError>,
    holders: &BTreeSet<&str>,
    checks: &mut Checks,
) {
    let Some(things) = checks.settle("other runs", things) else { return };
    let mut by_run: BTreeMap<&str, usize> = BTreeMap::new();
    for thing in &things {
        *by_run.entry(holder_of(thing).unwrap_or_default()).or_default() += 1;
    }
    by_run.retain(|run, _| !holders.contains(run));
    if by_run.is_empty() {
        checks.ok("other runs", "none has anything else in this account and region");
    }
    for (run, count) in by_run {
        checks.add(leftover(run, count));
    }
}

/// Says what carries such a mark. What names no run cannot be taken back by us, and is in no command.
fn leftover(mark: &str, count: usize) -> Check {
    let run = run_named(mark);
    let name = as_name(mark, run.is_some());
    let text = format!("run {name} has {count} things in this account and region");
    let advice = match run {
        Some(run) => {
            let rollback = shell_command(["lab1-flow", "rollback", run.as_str()]);
            format!("if they are not wanted any more: {rollback}")
        }
        None => "no run has such an id: find out who made them".to_owned(),
    };
    Check::new("other runs", Verdict::Warning, text).advice(advice)
}

fn judge_clock(ahead_s: Option<i64>) -> Check {
    let Some(ahead_s) = ahead_s else {
        return Check::new("clock", Verdict::Unknown, "the answers have no date to compare with");
    };
    let off_s = ahead_s.unsigned_abs();
    let side = if ahead_s < 0 { "behind" } else { "ahead of" };
    let text = format!("this machine's clock is {off_s} s {side} the provider's");
    let advice = "let the clock be set by a time server (timedatectl set-ntp true)";
    if off_s <= 2 {
        Check::new("clock", Verdict::Ok, "as the provider's, to a second or two")
    } else if off_s <= CLOCK_FINE_S {
        Check::new("clock", Verdict::Ok, text)
    } else if off_s <= CLOCK_REFUSED_S {
        Check::new("clock", Verdict::Warning, text).advice(advice)
    } else {
        let text = format!("{text}: signatures are refused");
        Check::new("clock", Verdict::Problem, text).advice(advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_run_is_quoted_and_in_no_command() {
        let advice = |mark: &str| leftover(mark, 2).advice.unwrap();
        assert!(advice("k7f3").ends_with("lab1-flow rollback k7f3"));
        for mark in ["", "x;reboot", "$(reboot)", "a b", "K7", "--yes", "x\n", &"a".repeat(41)] {
            assert!(!advice(mark).contains("lab1-flow"), "{mark}");
            assert!(leftover(mark, 2).text.starts_with("run \""), "{mark}");
        }
    }

    #[test]
    fn a_clock_is_judged_by_what_a_signature_stands() {
        let verdict = |ahead_s| judge_clock(ahead_s).verdict;
        assert_eq!(verdict(None), Verdict::Unknown);
        for (ahead_s, expected) in [
            (0, Verdict::Ok),
            (-30, Verdict::Ok),
            (31, Verdict::Warning),
            (-300, Verdict::Warning),
            (301, Verdict::Problem),
            (i64::MIN, Verdict::Problem),
        ] {
            assert_eq!(verdict(Some(ahead_s)), expected, "{ahead_s}");
        }
        assert!(judge_clock(Some(-40)).text.contains("40 s behind"));
    }
}
