//! Which call meets which fault.

use std::sync::{Mutex, PoisonError};

use super::call::CallName;
use super::plan::{Fault, FaultPlan, FaultPlanError};
use crate::ids;

/// Decides, call by call, which fault of a plan happens.
///
/// Shared between connections; the counters of a rule are moved by the calls that it matches, in
/// the order in which they ask.
#[derive(Debug)]
pub struct Faults {
    plan: FaultPlan,
    counters: Mutex<Vec<Counter>>,
}

impl Clone for Faults {
    /// A copy that goes on counting by itself.
    fn clone(&self) -> Self {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Self { plan: self.plan.clone(), counters: Mutex::new(counters.clone()) }
    }
}

/// How far one rule has come.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    matched: u64,
    fired: u64,
}

impl Faults {
    /// Makes the decisions of no plan: nothing ever fails.
    pub fn none() -> Self {
        Self { plan: FaultPlan::default(), counters: Mutex::default() }
    }

    /// Takes a plan, and refuses one that cannot be meant.
    pub fn new(plan: FaultPlan) -> Result<Self, FaultPlanError> {
        plan.check()?;
        let counters = Mutex::new(vec![Counter::default(); plan.rules.len()]);
        Ok(Self { plan, counters })
    }

    /// Counts a call and returns the fault that it meets.
    ///
    /// Every rule that matches counts the call, also when an earlier rule has already fired, so
    /// that `from_call` means the same wherever a rule stands in the plan.
    pub fn decide(&self, call: &CallName) -> Option<Fault> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut decision = None;
        for (index, (rule, counter)) in self.plan.rules.iter().zip(counters.iter_mut()).enumerate()
        {
            if !rule.matches(call) {
                continue;
            }
            counter.matched += 1;
            let due = counter.matched >= rule.from_call
                && rule.count.is_none_or(|count| counter.fired < count)
                && draw(self.plan.seed, index, counter.matched) < rule.probability;
            if due && decision.is_none() {
                counter.fired += 1;
                decision = Some(rule.fault);
            }
        }
        decision
    }

    /// Returns how often each rule of the plan has fired, in the plan's order.
    ///
    /// A rehearsal asserts on it: a fault that never happened has proved nothing.
    pub fn fired(&self) -> Vec<u64> {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.iter().map(|counter| counter.fired).collect()
    }
}

/// Draws a number in [0, 1) that depends on the seed, the rule and the call's number alone.
fn draw(seed: u64, rule: usize, call: u64) -> f64 {
    ids::draw(seed, "fault", &format!("{rule}/{call}"))
}

#[cfg(test)]
mod tests {
    use super::super::FaultRule;
    use super::*;

    fn faults(rules: Vec<FaultRule>) -> Faults {
        Faults::new(FaultPlan { seed: 11, rules }).unwrap()
    }

    fn create_rule() -> CallName {
        CallName::new("elasticloadbalancing", "CreateRule")
    }

    #[test]
    fn no_plan_means_no_fault() {
        assert_eq!(Faults::none().decide(&create_rule()), None);
    }

    #[test]
    fn a_rule_fires_from_its_first_call_on_and_rests_after_its_count() {
        let rule = FaultRule {
            action: Some("CreateRule".to_owned()),
            from_call: 2,
            count: Some(2),
            ..FaultRule::new(Fault::ReplyLost)
        };
        let faults = faults(vec![rule]);
        let other = CallName::new("elasticloadbalancing", "DescribeRules");
        let met: Vec<_> = (0..5)
            .map(|_| {
                assert_eq!(faults.decide(&other), None);
                faults.decide(&create_rule()).is_some()
            })
            .collect();
        assert_eq!(met, [false, true, true, false, false]);
        assert_eq!(faults.fired(), [2]);
    }

    #[test]
    fn a_copy_goes_on_where_the_plan_was_and_counts_by_itself() {
        let rule = FaultRule { count: Some(2), ..FaultRule::new(Fault::ReplyLost) };
        let faults = faults(vec![rule]);
        assert!(faults.decide(&create_rule()).is_some());
        let copy = faults.clone();
        assert!(faults.decide(&create_rule()).is_some());
        let met: Vec<_> = (0..2).map(|_| copy.decide(&create_rule()).is_some()).collect();
        assert_eq!((met, faults.decide(&create_rule())), (vec![true, false], None));
    }

    #[test]
    fn the_first_rule_that_fires_wins_and_the_others_still_count_the_call() {
        let once = FaultRule { count: Some(1), ..FaultRule::new(Fault::Throttle) };
        let second = FaultRule { count: Some(1), ..FaultRule::new(Fault::ErrorBefore(500)) };
        let third = FaultRule { from_call: 3, count: Some(1), ..FaultRule::new(Fault::ReplyLost) };
        let faults = faults(vec![once, second, third]);
        let met: Vec<_> = (0..4).map(|_| faults.decide(&create_rule())).collect();
        let expected = [Fault::Throttle, Fault::ErrorBefore(500), Fault::ReplyLost].map(Some);
        assert_eq!(met[..3], expected);
        assert_eq!((met[3], faults.fired()), (None, vec![1, 1, 1]));
    }

    #[test]
    fn a_probability_is_kept_over_many_calls_and_repeats_with_its_seed() {
        let run = |seed| {
            let rule = FaultRule { probability: 0.25, ..FaultRule::new(Fault::Throttle) };
            let faults = Faults::new(FaultPlan { seed, rules: vec![rule] }).unwrap();
            (0..4_000).map(|_| faults.decide(&create_rule()).is_some()).collect::<Vec<_>>()
        };
        let share = run(1).iter().filter(|met| **met).count();
        assert!((900..=1_100).contains(&share), "{share} of 4000");
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn what_a_rule_draws_does_not_depend_on_calls_that_it_does_not_match() {
        let rule = FaultRule {
            action: Some("CreateRule".to_owned()),
            probability: 0.5,
            ..FaultRule::new(Fault::Throttle)
        };
        let alone = faults(vec![rule.clone()]);
        let among = faults(vec![rule]);
        for _ in 0..64 {
            among.decide(&CallName::new("ec2", "DescribeVpcs"));
            assert_eq!(alone.decide(&create_rule()), among.decide(&create_rule()));
        }
    }
}
