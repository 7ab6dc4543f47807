//! Answers that end early: complete HTTP, and half of the XML, as a proxy or a broken balancer hands it on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::StackSpec;
use lab1_flow_workflow::journal::Rest;

use crate::scene::Scene;

/// Where an answer may end: behind each of its tags, and in the middle of what follows; not where it is whole.
fn ends(body: &[u8]) -> Vec<usize> {
    let tags = body.iter().enumerate().filter(|(_, byte)| **byte == b'>');
    let mut ends: Vec<usize> = tags.map(|(place, _)| place + 1).collect();
    ends.pop();
    let inside = ends.iter().map(|end| end + 3).filter(|end| *end < body.len());
    let mut all: Vec<usize> =
        std::iter::once(0).chain(ends.iter().copied()).chain(inside).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn cut(answer: http::Response<Bytes>, end: usize) -> http::Response<Bytes> {
    answer.map(|body| body.slice(..end))
}

#[tokio::test(start_paused = true)]
async fn a_third_of_all_answers_ends_early_and_that_only_takes_time() {
    for seed in 1..=8_u32 {
        let scene = Scene::new(CloudOptions::plain());
        let draw = AtomicU32::new(seed);
        scene.meddle(move |_, carry| {
            // A linear congruential generator: its high bits are random enough.
            let next = |draw: u32| draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let drawn = draw.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |d| Some(next(d)));
            let drawn = drawn.unwrap() >> 12;
            let answer = carry();
            let ends = ends(answer.body());
            let end = ends[drawn as usize / 3 % ends.len()];
            Ok(if drawn.is_multiple_of(3) { cut(answer, end) } else { answer })
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        assert_eq!(*report.rest(), Rest::Completed, "{seed} {:?}", report.rest());
        let report = scene.roll_back("run-1").await;
        assert_eq!(*report.rest(), Rest::RolledBack, "{seed}");
        assert_eq!(scene.made(), [], "{seed}");
    }
}

/// One call after the other whose answers all end at the same place.
#[tokio::test(start_paused = true)]
async fn what_stands_is_never_recorded_as_gone_by_an_answer_that_ends_early() {
    let scene = Scene::new(CloudOptions::plain());
    scene.deploy("run-1", &StackSpec::default()).await;
    scene.take_calls();
    scene.roll_back("run-1").await;
    let actions: BTreeSet<String> = scene.take_calls().into_iter().collect();
    assert!(actions.len() > 12, "{actions:?}");
    for action in &actions {
        // Near the beginning lists are opened; the last ones are closed.
        for place in [0, 1, 5, 7, 9, 11, usize::MAX] {
            let what = format!("{action} {place}");
            let scene = Scene::new(CloudOptions::plain());
            scene.deploy("run-1", &StackSpec::default()).await;
            let cut_action = action.clone();
            scene.meddle(move |action, carry| {
                let answer = carry();
                let ends = ends(answer.body());
                let end = ends[place.min(ends.len() - 1)];
                Ok(if action == cut_action { cut(answer, end) } else { answer })
            });
            let report = scene.roll_back("run-1").await;
            assert_eq!(scene.gone_and_standing("run-1").await, [""; 0], "{what}");
            let is_done = *report.rest() == Rest::RolledBack;
            assert!(!is_done || scene.made().is_empty(), "{what}: {:?}", scene.made());
            scene.leave_alone();
            let report = scene.roll_back("run-1").await;
            assert_eq!(*report.rest(), Rest::RolledBack, "{what}");
            assert_eq!(scene.made(), [], "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_before_the_first_change_refuses_nothing_for_an_answer_that_ends_early() {
    let scene = Scene::new(CloudOptions::plain());
    scene.deploy("run-1", &StackSpec::default()).await;
    let calls = scene.take_calls();
    let first_change = calls.iter().position(|action| action.starts_with("Create")).unwrap();
    let looks: BTreeSet<&String> = calls[..first_change].iter().collect();
    assert!(looks.len() > 8, "{looks:?}");
    for look in looks {
        for place in [1, 5, 7, usize::MAX] {
            let what = format!("{look} {place}");
            let scene = Scene::new(CloudOptions::plain());
            let cut_action = look.clone();
            scene.meddle(move |action, carry| {
                let answer = carry();
                let ends = ends(answer.body());
                let end = ends[place.min(ends.len() - 1)];
                Ok(if action == cut_action { cut(answer, end) } else { answer })
            });
            let report = scene.deploy("run-1", &StackSpec::default()).await;
            assert_ne!(*report.rest(), Rest::Completed, "{what}");
            let words = format!("{:?} {:?}", report.rest(), report.failure());
            assert!(words.contains("the answer is not whole"), "{what}: {words}");
            assert_eq!(scene.made(), [], "{what}");
            scene.leave_alone();
            let report = scene.resume("run-1").await;
            assert_eq!(*report.rest(), Rest::Completed, "{what} {:?}", report.rest());
        }
    }
}
