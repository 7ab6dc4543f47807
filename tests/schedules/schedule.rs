//! What may happen to a run, as data that can be drawn and shrunk.

use lab1_flow_cloud::{CloudOptions, Fault, FaultPlan, FaultRule, Lag, Limits};
use lab1_flow_workflow::journal::OnFailure;
use proptest::prelude::*;

/// The calls of a deployment and its rollback; those that change something come first.
const CALLS: [&str; 24] = [
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "CreateLaunchTemplate",
    "CreateTargetGroup",
    "ModifyTargetGroupAttributes",
    "CreateLoadBalancer",
    "CreateListener",
    "CreateRule",
    "CreateAutoScalingGroup",
    "DeleteSecurityGroup",
    "DeleteLaunchTemplate",
    "DeleteTargetGroup",
    "DeleteLoadBalancer",
    "DeleteAutoScalingGroup",
    "DescribeSecurityGroups",
    "DescribeLaunchTemplates",
    "DescribeTargetGroups",
    "DescribeLoadBalancers",
    "DescribeListeners",
    "DescribeRules",
    "DescribeTags",
    "DescribeAutoScalingGroups",
    "DescribeTargetHealth",
    "DescribeInstances",
];

/// How late a request may arrive. With what the cloud hides of it, it stays within the window.
const LATE_MAX_MS: u64 = 30_000;

/// How a process ends before its time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// It dies at a boundary.
    At(u64),
    /// It dies after so many milliseconds.
    After(u64),
    /// It is told to stop after so many milliseconds.
    Stop(u64),
}

/// One process, and what it was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spell {
    pub(crate) rolls_back: bool,
    pub(crate) cut: Cut,
}

/// All that may happen to one run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one independent switch for each habit")]
pub(crate) struct Schedule {
    /// Which call, from which one on, how many of them, and what happens.
    pub(crate) faults: Vec<(usize, u64, u64, Fault)>,
    /// Whether the cloud shows things late.
    pub(crate) is_stale: bool,
    /// Whether the account has no room for all instances: such a run cannot be completed.
    pub(crate) lacks_room: bool,
    pub(crate) seed: u64,
    pub(crate) turns_on_failure: bool,
    pub(crate) spells: Vec<Spell>,
    /// What the last processes are asked.
    pub(crate) rolls_back: bool,
}

impl Schedule {
    /// Nothing goes wrong.
    pub(crate) fn plain() -> Self {
        Self {
            faults: Vec::new(),
            is_stale: false,
            lacks_room: false,
            seed: 0,
            turns_on_failure: false,
            spells: Vec::new(),
            rolls_back: false,
        }
    }

    pub(crate) fn options(&self) -> CloudOptions {
        let lag = if self.is_stale { Lag::on() } else { Lag::off() };
        let vcpus_max = self.lacks_room.then_some(8);
        let limits = Limits { vcpus_max, ..Limits::unlimited() };
        CloudOptions { seed: self.seed, lag, limits, ..CloudOptions::plain() }
    }

    pub(crate) fn plan(&self) -> FaultPlan {
        let rule = |(call, from_call, count, fault): &(usize, u64, u64, Fault)| FaultRule {
            action: Some(CALLS[call % CALLS.len()].to_owned()),
            from_call: *from_call,
            count: Some(*count),
            ..FaultRule::new(*fault)
        };
        FaultPlan { seed: self.seed, rules: self.faults.iter().map(rule).collect() }
    }

    pub(crate) fn on_failure(&self) -> OnFailure {
        if self.turns_on_failure { OnFailure::Rollback } else { OnFailure::Stop }
    }
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::Throttle),
        1 => Just(Fault::ThrottlingException),
        2 => Just(Fault::ErrorBefore(503)),
        3 => prop::sample::select(vec![500, 503]).prop_map(Fault::ErrorAfter),
        3 => Just(Fault::ReplyLost),
        2 => (1..LATE_MAX_MS).prop_map(Fault::DelayBeforeMs),
        1 => (1..LATE_MAX_MS).prop_map(Fault::DelayAfterMs),
        1 => Just(Fault::Refused),
        1 => Just(Fault::ExpiredCredentials),
        1 => Just(Fault::AccessDenied),
    ]
}

fn cuts() -> impl Strategy<Value = Cut> {
    prop_oneof![
        3 => (0..500_u64).prop_map(Cut::At),
        2 => (1..200_000_u64).prop_map(Cut::After),
        1 => (1..200_000_u64).prop_map(Cut::Stop),
    ]
}

prop_compose! {
    pub(crate) fn schedules()(
        faults in prop::collection::vec((0..CALLS.len(), 1..4_u64, 1..4_u64, faults()), 0..7),
        is_stale in any::<bool>(),
        lacks_room in prop::bool::weighted(0.1),
        seed in any::<u64>(),
        turns_on_failure in any::<bool>(),
        spells in prop::collection::vec(
            (prop::bool::weighted(0.25), cuts())
                .prop_map(|(rolls_back, cut)| Spell { rolls_back, cut }),
            0..4,
        ),
        rolls_back in any::<bool>(),
    ) -> Schedule {
        let rolls_back = rolls_back || lacks_room;
        Schedule { faults, is_stale, lacks_room, seed, turns_on_failure, spells, rolls_back }
    }
}
