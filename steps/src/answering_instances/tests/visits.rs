use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::super::*;
use crate::probe::Probe;

fn group(ids: &[&str]) -> AnsweringGroup {
    AnsweringGroup {
        path: "/cluster1".to_owned(),
        target_group: TargetGroupRef { arn: "tg1".to_owned(), name: "target-group-1".to_owned() },
        instance_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        desired: u32::try_from(ids.len()).unwrap(),
    }
}

/// A stack that gives these answers in turn, and counts the requests.
fn stack(answers: &'static [(u16, &str)]) -> (Probe, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let probe = Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
        assert_eq!(request.headers()["host"], "lab1.example");
        let (status, body) = answers[seen.fetch_add(1, Ordering::Relaxed) % answers.len()];
        Box::pin(async move {
            Ok(http::Response::builder().status(status).body(Bytes::from(body)).unwrap())
        })
    }));
    (probe, count)
}

async fn visit_both(probe: &Probe) -> Visit {
    let expected = group(&["i-1", "i-2"]).instance_ids;
    visit(probe, "lab1.example", "/cluster1", &expected, ROUNDS_MAX).await
}

const FIRST: (u16, &str) = (200, "Instance i-1 is responding now!");
const SECOND: (u16, &str) = (200, "Instance i-2 is responding now!");

#[tokio::test]
async fn a_visit_ends_when_every_instance_has_answered() {
    let (probe, count) = stack(&[FIRST, SECOND]);
    let visit = visit_both(&probe).await;
    assert_eq!(visit.instances(), group(&["i-1", "i-2"]).instance_ids);
    assert!(visit.troubles.is_empty());
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_instance_that_never_answers_is_asked_a_bounded_number_of_times() {
    let (probe, count) = stack(&[FIRST]);
    let visit = visit_both(&probe).await;
    assert_eq!(visit.instances(), group(&["i-1"]).instance_ids);
    assert_eq!(count.load(Ordering::Relaxed), 12);
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_asked_once_for_each_instance() {
    let (probe, count) = stack(&[(503, "")]);
    let visit = visit_both(&probe).await;
    assert_eq!(visit.troubles, BTreeMap::from([("/cluster1 answers 503".to_owned(), 2)]));
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn only_the_documented_greeting_counts() {
    let (probe, _) = stack(&[(200, "Healthy!\n")]);
    assert_eq!(greet(&probe, "lab1.example").await, Ok(()));
    let (probe, _) = stack(&[(200, "It works!")]);
    let trouble = Trouble::OfTheStack("/ answers \"It works!\"".to_owned());
    assert_eq!(greet(&probe, "lab1.example").await, Err(trouble));
}

#[test]
fn the_summary_names_who_answers_for_a_group_and_is_none_of_it() {
    let visit = Visit {
        answered: BTreeMap::from([("i-1".to_owned(), 1), ("i-9".to_owned(), 2)]),
        troubles: BTreeMap::from([("/cluster1 answers 502".to_owned(), 1)]),
        shortage: None,
    };
    assert_eq!(
        summary(&[group(&["i-1", "i-2"])], &[visit]),
        "instances answered 1/2; /cluster1 answers 502; /cluster1 is answered by i-9 as well"
    );
}
