//! Whose turn it is: the group by weight, the target in rotation.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ids;
use crate::route_table::{RouteTarget, WeightedGroup};

/// Actions and groups whose turns are remembered. Above it all turns start anew, so that a long
/// life with many deployments does not grow.
const REMEMBERED_MAX: usize = 1_024;

/// Remembers the turns of every action and every target group.
#[derive(Debug)]
pub(super) struct Choices {
    seed: u64,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// For each action, what its groups have earned.
    actions: HashMap<String, ActionTurns>,
    /// For each target group, how many requests it got.
    rotations: HashMap<String, u64>,
}

/// The account of one action: its groups in the action's order, with weight and credit.
#[derive(Debug)]
struct ActionTurns {
    groups: Vec<GroupTurns>,
}

#[derive(Debug)]
struct GroupTurns {
    target_group_arn: String,
    weight: u32,
    credit: i64,
}

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, turns: Mutex::default() }
    }

    /// Chooses a group by weight; none when no group has any.
    ///
    /// Smooth weighted turns: every group earns its weight, the richest is chosen and pays what all
    /// earned. Over any stretch of requests the shares are exact to within one turn. A group whose
    /// targets are all gone keeps its share, as on AWS. A changed action begins a new account, so
    /// that old credit does not outweigh new weights.
    pub(super) fn group<'a>(
        &self,
        action: &str,
        groups: &'a [WeightedGroup],
    ) -> Option<&'a WeightedGroup> {
        let mut turns = self.lock();
        forget_if_too_many(&mut turns.actions);
        let account = turns.actions.entry(action.to_owned()).or_insert_with(|| self.open(groups));
        if !account.is_of(groups) {
            *account = self.open(groups);
        }
        account.next().and_then(|index| groups.get(index))
    }

    /// Opens an account in which every group has less than one round's credit, by the seed.
    fn open(&self, groups: &[WeightedGroup]) -> ActionTurns {
        let round = groups.iter().map(|group| u64::from(group.weight)).sum::<u64>().max(1);
        let seed = self.seed.to_string();
        let groups = groups.iter().map(|group| GroupTurns {
            target_group_arn: group.target_group_arn.clone(),
            weight: group.weight,
            credit: i64::try_from(ids::mix(&[&seed, &group.target_group_arn]) % round).unwrap_or(0),
        });
        ActionTurns { groups: groups.collect() }
    }

    /// Chooses the next target in rotation; none when there is no candidate.
    pub(super) fn target<'a>(
        &self,
        target_group_arn: &str,
        candidates: &[&'a RouteTarget],
    ) -> Option<&'a RouteTarget> {
        if candidates.is_empty() {
            return None;
        }
        let mut turns = self.lock();
        forget_if_too_many(&mut turns.rotations);
        let turn = turns
            .rotations
            .entry(target_group_arn.to_owned())
            .or_insert_with(|| ids::mix(&[&self.seed.to_string(), target_group_arn]));
        let index = *turn % candidates.len() as u64;
        *turn = turn.wrapping_add(1);
        usize::try_from(index).ok().and_then(|index| candidates.get(index).copied())
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActionTurns {
    /// Tells whether the account belongs to these groups with these weights.
    fn is_of(&self, groups: &[WeightedGroup]) -> bool {
        self.groups.len() == groups.len()
            && self.groups.iter().zip(groups).all(|(turns, group)| {
                turns.target_group_arn == group.target_group_arn && turns.weight == group.weight
            })
    }

    /// Moves on by one turn and returns the index of the group whose turn it is.
    fn next(&mut self) -> Option<usize> {
        let earned: i64 = self.groups.iter().map(|group| i64::from(group.weight)).sum();
        for group in &mut self.groups {
            group.credit += i64::from(group.weight);
        }
        let weighted = self.groups.iter_mut().enumerate().filter(|(_, group)| group.weight > 0);
        let (index, richest) = weighted.max_by_key(|(_, group)| group.credit)?;
        richest.credit -= earned;
        Some(index)
    }
}

fn forget_if_too_many<V>(turns: &mut HashMap<String, V>) {
    if turns.len() >= REMEMBERED_MAX {
        turns.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_table::TargetState;

    fn group(arn: &str, weight: u32) -> WeightedGroup {
        WeightedGroup {
            target_group_arn: arn.to_owned(),
            weight,
            deregistration_delay_s: 30,
            targets: Vec::new(),
        }
    }

    fn shares(seed: u64, groups: &[WeightedGroup], requests: u32) -> HashMap<String, u32> {
        let choices = Choices::new(seed);
        let mut shares = HashMap::new();
        for _ in 0..requests {
            let chosen = choices.group("action", groups).unwrap();
            *shares.entry(chosen.target_group_arn.clone()).or_default() += 1;
        }
        shares
    }

    #[test]
    fn equal_weights_stay_within_three_points_over_2000_requests() {
        for seed in 0..32 {
            let share = shares(seed, &[group("a", 1), group("b", 1)], 2_000)["a"];
            assert!((940..=1_060).contains(&share), "seed {seed}: {share} of 2000");
        }
    }

    #[test]
    fn unequal_weights_are_kept_and_weight_zero_gets_nothing() {
        let shares = shares(1, &[group("a", 300), group("b", 100), group("c", 0)], 4_000);
        assert!(shares["a"].abs_diff(3_000) <= 1, "{shares:?}");
        assert!(shares["b"].abs_diff(1_000) <= 1, "{shares:?}");
        assert!(!shares.contains_key("c"));
    }

    #[test]
    fn no_group_with_a_weight_means_no_choice() {
        assert!(Choices::new(1).group("action", &[group("a", 0)]).is_none());
        assert!(Choices::new(1).group("action", &[]).is_none());
    }

    #[test]
    fn a_changed_action_takes_effect_at_once() {
        let choices = Choices::new(3);
        for _ in 0..101 {
            choices.group("action", &[group("a", 999), group("b", 1)]);
        }
        let after = [group("b", 1), group("c", 1)];
        let chosen: Vec<_> = (0..10)
            .map(|_| choices.group("action", &after).unwrap().target_group_arn.clone())
            .collect();
        let c = chosen.iter().filter(|arn| *arn == "c").count();
        assert!((4..=6).contains(&c), "{chosen:?}");
    }

    #[test]
    fn targets_take_turns_and_the_seed_decides_who_is_first() {
        let targets: Vec<_> = (0..3)
            .map(|number| RouteTarget {
                instance_id: format!("i-{number}"),
                port: 80,
                health: TargetState::Healthy,
                answers: true,
                reachable: true,
                paths: Vec::new(),
                health_path: "/".to_owned(),
            })
            .collect();
        let candidates: Vec<_> = targets.iter().collect();
        let turns = |seed| {
            let choices = Choices::new(seed);
            (0..6)
                .map(|_| choices.target("group", &candidates).unwrap().instance_id.clone())
                .collect::<Vec<_>>()
        };
        let six = turns(5);
        assert_eq!(six[..3], six[3..]);
        let mut distinct = six[..3].to_vec();
        distinct.sort();
        assert_eq!(distinct, ["i-0", "i-1", "i-2"]);
        assert_eq!(turns(5), six);
        assert!((0..16).any(|seed| turns(seed)[0] != six[0]), "the seed decides nothing");
        assert!(Choices::new(5).target("group", &[]).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let choices = Choices::new(1);
        for number in 0..3 * REMEMBERED_MAX {
            choices.group(&number.to_string(), &[group("a", 1)]);
        }
        assert!(choices.lock().actions.len() <= REMEMBERED_MAX);
    }
}
