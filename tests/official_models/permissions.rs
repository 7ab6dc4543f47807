//! The policy that the program prints, against the recorded calls: each call is allowed, nothing is allowed that
//! no call needs, and what carries no mark is out of reach. It is evaluated by somebody else's engine.

use std::collections::{BTreeMap, BTreeSet};

use iam_rs::{Arn, Context, ContextValue, Decision, IAMPolicy, IAMRequest, Principal, PrincipalId};
use lab1_flow_steps::{PolicyScope, iam_policy};
use serde_json::{Value, json};

use crate::assert_none;
use crate::authorization::{Book, Question, questions};
use crate::judge::{JUDGED, Judged};
use crate::support::report;

const MARK: &str = "lab1-flow:run-id";

fn policy(run: Option<&str>) -> Value {
    let scope = PolicyScope { run: run.map(str::to_owned), ..PolicyScope::default() };
    serde_json::to_value(iam_policy(&scope)).unwrap()
}

/// Returns the questions of all recorded calls, each once.
fn asked(judged: &Judged) -> BTreeSet<Question> {
    let book = Book::of(judged.exchanges().iter());
    let mut asked = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for exchange in judged.exchanges() {
        match questions(exchange, &book) {
            Ok(questions) => asked.extend(questions),
            Err(problem) => drop(unknown.insert(problem)),
        }
    }
    assert_none("calls of which it is not known what they need", &unknown);
    asked
}

/// Returns the questions that a policy says no to.
fn denied<'a>(policy: &Value, asked: impl Iterator<Item = &'a Question>) -> BTreeSet<String> {
    let policy: IAMPolicy = serde_json::from_value(policy.clone()).expect("it is a policy");
    let denied = asked.filter(|question| !allows(&policy, question));
    denied.map(|it| format!("{} on {} with {:?}", it.action, it.resource, it.context)).collect()
}

fn allows(policy: &IAMPolicy, question: &Question) -> bool {
    let mut context = Context::new();
    for (key, value) in &question.context {
        context.insert(key.clone(), ContextValue::String(value.clone()));
    }
    let someone = "arn:aws:iam::123456789012:user/someone".to_owned();
    let request = IAMRequest::new_with_context(
        Principal::Aws(PrincipalId::String(someone)),
        question.action.clone(),
        Arn::parse(&question.resource).expect("it is an ARN"),
        context,
    );
    iam_rs::evaluate_policy(policy, &request).expect("the policy can be evaluated")
        == Decision::Allow
}

#[test]
fn every_call_is_allowed_by_the_policy() {
    let Some(judged) = &*JUDGED else { return };
    let asked = asked(judged);
    let advice = "permissions that steps/src/permissions.rs lacks";
    assert_none(advice, &denied(&policy(None), asked.iter()));
    let policy = policy(None);
    let statements = policy["Statement"].as_array().unwrap();
    let actions: usize =
        statements.iter().map(|statement| statement["Action"].as_array().unwrap().len()).sum();
    report::count(
        "permissions",
        &format!(
            "{} policy statements with {actions} actions, {} different questions of AWS",
            statements.len(),
            asked.len()
        ),
    );
}

/// Takes every statement, action, resource and condition value away in turn: each must be missed by a call.
#[test]
fn nothing_is_allowed_that_no_call_needs() {
    let Some(judged) = &*JUDGED else { return };
    let asked = asked(judged);
    let whole = policy(None);
    let mut superfluous = BTreeSet::new();
    let mut taken = 0;
    for (place, statement) in whole["Statement"].as_array().unwrap().iter().enumerate() {
        for list in lists(statement) {
            for value in 0..statement.pointer(&list).unwrap().as_array().unwrap().len() {
                let mut less = whole.clone();
                let list_of = format!("/Statement/{place}{list}");
                let values = less.pointer_mut(&list_of).unwrap().as_array_mut().unwrap();
                let what = values.remove(value);
                taken += 1;
                if denied(&less, asked.iter()).is_empty() {
                    superfluous.insert(format!("{}: {what}", statement["Sid"]));
                }
            }
        }
    }
    assert_none("parts of the policy that no call needs", &superfluous);
    assert!(taken > 60, "only {taken} parts");
    report::count("parts of the policy taken away", &format!("{taken}, each missed by a call"));
}

/// Returns where a statement has lists that may be too long.
fn lists(statement: &Value) -> Vec<String> {
    let mut lists = vec!["/Action".to_owned(), "/Resource".to_owned()];
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    for (operator, keys) in conditions {
        for (key, values) in keys.as_object().unwrap() {
            if values.is_array() {
                lists.push(format!("/Condition/{operator}/{}", key.replace('/', "~1")));
            }
        }
    }
    lists
}

#[test]
fn what_is_not_of_a_run_is_out_of_reach() {
    let Some(judged) = &*JUDGED else { return };
    let asked = asked(judged);
    let somebody = |kind: &str| (format!("aws:{kind}/owner"), "somebody".to_owned());
    let mut wanted = BTreeSet::new();
    for question in &asked {
        let has = |kind: &str| question.context.contains_key(&format!("aws:{kind}/{MARK}"));
        let is_tagging = question.context.keys().any(|key| key.ends_with(":CreateAction"));
        // What exists without the mark; what is made without it.
        for kind in ["ResourceTag", "RequestTag"] {
            if has(kind) && !is_tagging {
                let context = [somebody(kind)].into();
                wanted.insert(Question { context, ..question.clone() });
                wanted.insert(Question { context: BTreeMap::new(), ..question.clone() });
            }
        }
        // Tags that come with nothing; instances without a template; roles of other services.
        if is_tagging || question.action == "ec2:RunInstances" {
            wanted.insert(Question { context: BTreeMap::new(), ..question.clone() });
        }
        if question.action == "iam:CreateServiceLinkedRole" {
            let context =
                [("iam:AWSServiceName".to_owned(), "spot.amazonaws.com".to_owned())].into();
            wanted.insert(Question { context, ..question.clone() });
            wanted.insert(Question { action: "iam:PassRole".to_owned(), ..question.clone() });
        }
    }
    let refused = denied(&policy(None), wanted.iter());
    assert!(wanted.len() > 40, "only {} questions", wanted.len());
    let allowed: BTreeSet<_> =
        wanted.iter().filter(|it| denied(&policy(None), [*it].into_iter()).is_empty()).collect();
    assert!(allowed.is_empty(), "allowed although foreign: {allowed:#?}");
    report::count("foreign things", &format!("{} questions refused", refused.len()));
}

#[test]
fn the_policy_of_one_run_reaches_no_other() {
    let Some(judged) = &*JUDGED else { return };
    let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
    for question in asked(judged) {
        let marks: Vec<_> =
            question.context.iter().filter(|(key, _)| key.ends_with(MARK)).collect();
        let is_tagging = question.context.keys().any(|key| key.ends_with(":CreateAction"));
        match marks.first() {
            Some((_, run)) if *run == "run-1" => drop(own.insert(question.clone())),
            Some(_) if !is_tagging => drop(others.insert(question.clone())),
            _ => {}
        }
    }
    assert_none("calls of the run that are denied", &denied(&policy(Some("run-1")), own.iter()));
    let foreign: BTreeSet<Question> = own.iter().filter_map(of_another).chain(others).collect();
    let refused = denied(&policy(Some("run-1")), foreign.iter());
    assert!(
        foreign.len() > 20 && refused.len() == foreign.len(),
        "{} of {}",
        refused.len(),
        foreign.len()
    );
}

/// The same question about another run's resources; `None` where it is about tagging alone.
fn of_another(question: &Question) -> Option<Question> {
    let mut other = question.clone();
    other
        .context
        .values_mut()
        .filter(|run| *run == "run-1")
        .for_each(|run| "run-3".clone_into(run));
    let is_tagging = question.context.keys().any(|key| key.ends_with(":CreateAction"));
    (!is_tagging).then_some(other)
}

/// A policy with one fault, each of a kind that people make.
#[test]
fn a_policy_with_a_fault_is_caught() {
    let Some(judged) = &*JUDGED else { return };
    let asked = asked(judged);
    let text = policy(None).to_string();
    for (from, to) in [
        ("ec2:DescribeVpcs", "ec2:DescribeVpc"),
        ("aws:RequestTag/lab1-flow:run-id", "aws:RequestTag/lab1-flow"),
        ("aws:ResourceTag/lab1-flow:run-id", "aws:RequestTag/lab1-flow:run-id"),
        ("ec2:CreateAction", "elasticloadbalancing:CreateAction"),
        ("launch-template/*", "launch-templates/*"),
        ("autoscaling.amazonaws.com", "autoscaling.amazon.com"),
        ("StringLike", "StringEquals"),
        ("\"Allow\"", "\"Deny\""),
    ] {
        assert!(text.contains(from), "{from} is in the policy");
        let faulty: Value = serde_json::from_str(&text.replace(from, to)).unwrap();
        assert_ne!(denied(&faulty, asked.iter()).len(), 0, "{from} became {to}");
    }
    let nothing = json!({ "Version": "2012-10-17", "Statement": [] });
    assert_eq!(denied(&nothing, asked.iter()).len(), asked.len());
}
