//! Goal: every check of the sweep of the real steps can fail. Method: actions, engine, journal and line are
//! broken on purpose, one at a time, and each must be caught by the invariant that it breaks. What is broken
//! stands in wrappers: the program has no switch for it.

use lab1_flow_cloud::Fault;
use lab1_flow_workflow::journal::OnFailure;
use lab1_flow_workflow::testing::{
    CrashSweep, Flaw, Invariant, Tally, without_direction, without_open_intents,
};

use crate::real_steps::line::Tampering;
use crate::scene::{DocumentedStack, deployed_by_another};
use crate::{on_paused_time, played};

#[track_caller]
fn assert_caught(tally: &Tally, invariant: Invariant) {
    assert!(tally.has_caught(invariant), "{invariant} must be violated: {:?}", tally.violations);
}

/// Deaths at some boundaries, and none after them.
fn sparse(scene: DocumentedStack, stride: u64) -> CrashSweep<DocumentedStack> {
    CrashSweep::new(scene).first_death_every(stride).second_death_every(0)
}

/// A look that always says that there is nothing: what stands is not taken back.
#[test]
fn a_look_that_sees_nothing_is_caught() {
    let blind = DocumentedStack { flaws: &[Flaw::SeesNothing], ..DocumentedStack::plain() };
    assert_caught(&played(&sparse(blind.clone(), 23)), Invariant::ReachesAnEnd);
    // The search for leftovers is what keeps it from being believed.
    let blinder = DocumentedStack { flaws: &[Flaw::SeesNothing, Flaw::NoSweep], ..blind };
    assert_caught(&played(&sparse(blinder, 23)), Invariant::NothingLeft);
}

#[test]
fn a_token_for_each_attempt_is_caught() {
    let scene = DocumentedStack {
        troubles: &[("CreateLaunchTemplate", 1, 1, Fault::ErrorBefore(500))],
        flaws: &[Flaw::TokenPerAttempt],
        ..DocumentedStack::plain()
    };
    assert_caught(&played(&sparse(scene, 23)), Invariant::SameRequest);
}

/// The SDK's own retries would repeat a doubtful change without an intent of its own.
#[test]
fn repeating_below_the_engine_is_caught() {
    let troubles = &[
        ("CreateSecurityGroup", 1, 1, Fault::ErrorAfter(500)),
        ("CreateLoadBalancer", 1, 1, Fault::ReplyLost),
    ];
    let sound = DocumentedStack { troubles, ..DocumentedStack::plain() };
    played(&sparse(sound.clone(), 1_000)).assert_clean();
    let repeating = DocumentedStack { tampering: Some(Tampering::Repeats), ..sound };
    assert_caught(&played(&sparse(repeating, 1_000)), Invariant::IntentFirst);
}

#[test]
fn a_journal_that_loses_its_last_write_is_caught() {
    let sweep = sparse(DocumentedStack::plain(), 23).losing_last_write();
    assert_caught(&played(&sweep), Invariant::IntentFirst);
}

/// A journal that is written after the act: intents are lost, outcomes are not.
#[test]
fn acting_before_the_intent_is_durable_is_caught() {
    let sweep = sparse(DocumentedStack::plain(), 23).forgetting(without_open_intents);
    assert_caught(&played(&sweep), Invariant::IntentFirst);
}

#[test]
fn a_direction_that_is_not_recorded_is_caught() {
    played(&sparse(DocumentedStack::finished(), 41)).assert_clean();
    let sweep = sparse(DocumentedStack::finished(), 41).forgetting(without_direction);
    assert_caught(&played(&sweep), Invariant::NothingMissing);
}

#[test]
fn taking_back_in_forward_order_is_caught() {
    let later_flaws = &[Flaw::UpsideDown];
    let scene = DocumentedStack { later_flaws, ..DocumentedStack::finished() };
    assert_caught(&played(&sparse(scene, 1_000)), Invariant::DependentsFirst);
}

/// All that a run makes stands there, equal in name and content, made by another run whose tags are read as ours. Each
/// kind is caught when the call is sent that builds on it or removes it, and not only by what is missing then.
#[test]
fn a_proof_of_ownership_that_is_skipped_is_caught() {
    let past = on_paused_time(deployed_by_another());
    let on_failure = OnFailure::Rollback;
    let sound = DocumentedStack { on_failure, past: past.clone(), ..DocumentedStack::plain() };
    played(&sparse(sound, 23)).assert_clean();
    for (scene, changes) in
        [(DocumentedStack::plain(), &BUILT_ON[..]), (DocumentedStack::finished(), &REMOVED)]
    {
        let tampering = Some(Tampering::ShowsAllAsOurs);
        let scene = DocumentedStack { past: past.clone(), tampering, ..scene };
        let tally = played(&sparse(scene, 1_000));
        assert_caught(&tally, Invariant::NothingLeft);
        for change in changes {
            let caught = tally.violations.iter().any(|(_, it)| it.what.starts_with(change));
            assert!(caught, "{change}: {:?}", tally.violations);
        }
    }
}

/// The calls that build on what was made before, and one of the things that each names.
const BUILT_ON: [&str; 7] = [
    "AuthorizeSecurityGroupIngress of security-group",
    "CreateLaunchTemplate of security-group",
    "ModifyTargetGroupAttributes of target-group",
    "CreateLoadBalancer of security-group",
    "CreateListener of load-balancer",
    "CreateRule of listener",
    "CreateAutoScalingGroup of launch-template",
];

/// The calls that remove what was made. Listener and rules go with their balancer.
const REMOVED: [&str; 5] = [
    "DeleteAutoScalingGroup of auto-scaling-group",
    "DeleteLoadBalancer of load-balancer",
    "DeleteTargetGroup of target-group",
    "DeleteLaunchTemplate of launch-template",
    "DeleteSecurityGroup of security-group",
];
