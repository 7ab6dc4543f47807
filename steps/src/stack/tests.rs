use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::connection::Transport;

async fn workflow_of(stack: &Stack) -> Workflow {
    let refused = Transport::function(|_| {
        Box::pin(async { Err(crate::connection::TransportFault::Refused) })
    });
    let aws = Aws::connect(&Target::local(None), refused).await.unwrap();
    stack.workflow(&aws).unwrap()
}

fn documented() -> Stack {
    Stack::new(&StackSpec::default(), &Target::local(None))
}

/// What each action needs, by name.
async fn needs() -> BTreeMap<String, Vec<String>> {
    let workflow = workflow_of(&documented()).await;
    let actions = workflow.steps().iter().flat_map(|step| step.actions.clone());
    actions
        .map(|action| {
            let needs = action.needs.iter().map(ToString::to_string).collect();
            (action.name.to_string(), needs)
        })
        .collect()
}

/// All that must be done before an action begins.
fn ancestors(needs: &BTreeMap<String, Vec<String>>, action: &str) -> Vec<String> {
    let mut found = needs[action].clone();
    let mut place = 0;
    while let Some(next) = found.get(place).cloned() {
        for need in &needs[&next] {
            if !found.contains(need) {
                found.push(need.clone());
            }
        }
        place += 1;
    }
    found
}

#[tokio::test]
async fn eight_steps_are_numbered_in_the_documented_order() {
    let workflow = workflow_of(&documented()).await;
    let numbered: Vec<(u32, &str)> = workflow
        .steps()
        .iter()
        .filter_map(|step| Some((step.number?, step.name.as_str())))
        .collect();
    assert_eq!(
        numbered,
        [
            (1, "launch-templates"),
            (2, "target-groups"),
            (3, "balancer-security-group"),
            (4, "load-balancer"),
            (5, "listener"),
            (6, "rules"),
            (7, "auto-scaling-groups"),
            (8, "serving"),
        ]
    );
}

#[tokio::test]
async fn nothing_is_sent_before_the_claim_stands() {
    let needs = needs().await;
    assert!(needs["preflight"].is_empty());
    assert_eq!(needs["balancer-security-group"], ["preflight"]);
    for action in needs.keys() {
        if action != "preflight" && action != "balancer-security-group" {
            let before = ancestors(&needs, action);
            assert!(before.iter().any(|one| one == "balancer-security-group"), "{action}");
        }
    }
}

#[tokio::test]
async fn nothing_waits_for_what_it_does_not_need() {
    let needs = needs().await;
    for (action, stranger) in [
        ("load-balancer", "target-group-1"),
        ("load-balancer", "balancer-security-group-rules"),
        ("auto-scaling-group-1", "load-balancer"),
        ("auto-scaling-group-1", "target-group-2"),
        ("launch-template-1", "instance-security-group-rules"),
        ("target-group-1", "instance-security-group"),
        ("rule-1", "target-group-2-attributes"),
        ("targets-healthy", "rule-1"),
    ] {
        assert!(
            !ancestors(&needs, action).iter().any(|one| one == stranger),
            "{action} {stranger}"
        );
    }
    for (action, need) in [
        ("auto-scaling-group-1", "instance-security-group-rules"),
        ("listener", "target-group-2"),
        ("targets-healthy", "listener"),
        ("instances-answer", "rule-1"),
        ("instances-answer", "rule-2"),
    ] {
        assert!(ancestors(&needs, action).iter().any(|one| one == need), "{action} {need}");
    }
}

#[tokio::test]
async fn a_stack_is_read_back_from_the_header_of_its_run() {
    let mut spec = StackSpec::default();
    spec.groups[1].path = "/two".to_owned();
    let stack = Stack::new(&spec, &Target::local(None));
    let workflow = workflow_of(&stack).await;
    let text = serde_json::to_string(workflow.steps()).unwrap();
    let steps: Vec<StoredStep> = serde_json::from_str(&text).unwrap();
    let again = Stack::from_stored(&steps).unwrap();
    assert_eq!(again, stack);
    assert_eq!(workflow_of(&again).await.steps(), workflow.steps());
}

#[tokio::test]
async fn a_run_that_was_stored_without_its_patience_goes_on() {
    let mut steps = workflow_of(&documented()).await.steps().to_vec();
    let serving = steps.last_mut().unwrap();
    let patience = serving.config.as_object_mut().unwrap().remove("healthy_within_s");
    assert_eq!(patience, Some(serde_json::json!(30 * 60 + 3 * 10 + 5)));
    let again = workflow_of(&Stack::from_stored(&steps).unwrap()).await;
    assert_eq!(again.steps(), steps);
}

#[tokio::test]
async fn a_run_that_was_stored_with_its_targets_behind_the_rules_keeps_that_order() {
    let mut steps = workflow_of(&documented()).await.steps().to_vec();
    let serving = steps.last_mut().unwrap();
    let beside = serving.config.as_object_mut().unwrap().remove("healthy_beside_rules");
    assert_eq!(beside, Some(serde_json::json!(true)));
    for action in &mut serving.actions {
        match action.name.as_str() {
            "targets-healthy" => {
                let listener = action.needs.iter().position(|need| need.as_str() == "listener");
                let rules = ["rule-1", "rule-2"].map(|rule| rule.to_owned().try_into().unwrap());
                let behind = listener.unwrap() + 1;
                action.needs.splice(behind..behind, rules);
            }
            "instances-answer" => action.needs.retain(|need| !need.as_str().starts_with("rule-")),
            _ => {}
        }
    }
    let begun = Stack::from_stored(&steps).unwrap();
    let again = workflow_of(&begun).await;
    assert_eq!(again.steps(), steps);
    let changed = documented().in_order_of(&begun);
    assert_eq!(workflow_of(&changed).await.steps(), again.steps(), "with a file as well");
}

#[tokio::test]
async fn steps_of_another_version_are_refused_by_name() {
    let workflow = workflow_of(&documented()).await;
    let refusal = |change: fn(&mut Vec<StoredStep>)| {
        let mut steps = workflow.steps().to_vec();
        change(&mut steps);
        Stack::from_stored(&steps).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(|steps| steps[1].version = 7),
        "step launch-templates was stored in version 7, and this lab1-flow has version 1"
    );
    assert_eq!(
        refusal(|steps| drop(steps.remove(3))),
        "the run has no step balancer-security-group: it was started by another version of lab1-flow"
    );
    assert_eq!(
        refusal(|steps| steps[0].config = serde_json::json!({"zone": 1})),
        "the stored configuration of step preflight does not read"
    );
    let unknown = refusal(|steps| {
        let mut extra = steps[0].clone();
        extra.name = "later".to_owned().try_into().unwrap();
        steps.push(extra);
    });
    assert_eq!(unknown, "this version of lab1-flow does not know the run's step later");
}

#[tokio::test]
async fn the_documentation_lists_every_action_under_its_step() {
    let rows = include_str!("../lib.rs").lines().filter_map(|line| line.strip_prefix("//! |"));
    let listed: BTreeSet<(String, String)> = rows
        .filter_map(|row| {
            let mut cells = row.split('|');
            Some((cells.next()?.trim().to_owned(), cells.next()?.to_owned()))
        })
        .flat_map(|(step, actions)| {
            let names = actions.split('`').skip(1).step_by(2).map(str::to_owned);
            names.map(|name| (step.clone(), name)).collect::<Vec<_>>()
        })
        .collect();
    let workflow = workflow_of(&documented()).await;
    let actions = workflow.steps().iter().flat_map(|step| {
        let number = step.number.map_or_else(String::new, |number| number.to_string());
        step.actions.iter().map(move |action| (number.clone(), action.name.to_string()))
    });
    assert_eq!(listed, actions.collect());
}
