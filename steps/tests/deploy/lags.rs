//! Eventual consistency, kind by kind: what was created is seen late, what was deleted is still seen, each for as long as
//! a window of the guarantees allows.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lab1_flow_cloud::{CloudOptions, Lag};
use lab1_flow_steps::{StackSpec, TransportFault};
use lab1_flow_workflow::Profile;
use lab1_flow_workflow::journal::Rest;
use tokio::sync::Notify;

use crate::faults::fixed_census;
use crate::scene::Scene;
use crate::traps::dies;

/// Each call that makes something, the switch of its kind, and the window of its kind in milliseconds.
type Creation = (&'static str, fn(&mut Lag), fn(&Profile) -> u64);

const CREATIONS: [Creation; 7] = [
    ("CreateSecurityGroup", |lag| lag.security_groups = true, |it| it.window_usual_ms),
    ("CreateLaunchTemplate", |lag| lag.launch_templates = true, |it| it.window_usual_ms),
    ("CreateTargetGroup", |lag| lag.target_groups = true, |it| it.window_slow_ms),
    ("CreateLoadBalancer", |lag| lag.load_balancers = true, |it| it.window_usual_ms),
    ("CreateListener", |lag| lag.listeners = true, |it| it.window_usual_ms),
    ("CreateRule", |lag| lag.listeners = true, |it| it.window_usual_ms),
    ("CreateAutoScalingGroup", |lag| lag.groups = true, |it| it.window_usual_ms),
];

/// What happens to the first of the calls that make the thing which is seen late.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mishap {
    None,
    /// It is carried out, and its reply is lost.
    ReplyLost,
    /// It is carried out, and the process dies before the reply; the run is resumed.
    DiedThenResumed,
    /// The same, and the run is rolled back at once.
    DiedThenRolledBack,
}

const MISHAPS: [Mishap; 4] =
    [Mishap::None, Mishap::ReplyLost, Mishap::DiedThenResumed, Mishap::DiedThenRolledBack];

/// From nothing to a moment before the window ends.
fn lags(window_ms: u64) -> [u32; 5] {
    let seconds = u32::try_from(window_ms / 1000).unwrap();
    [0, 1, 10, seconds / 2, seconds - 1]
}

/// Loses the reply to the first of these calls, which is carried out, and tells that it was.
fn lose_first_reply(scene: &Scene, call: &'static str) -> (Arc<Notify>, Arc<AtomicBool>) {
    let (lost, was_lost) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (struck, before) = (Arc::clone(&lost), Arc::clone(&was_lost));
    scene.meddle(move |action, carry| {
        let answer = carry();
        // One that was refused for want of something seen late is not the one.
        let is_it = action == call && answer.status().is_success();
        if is_it && !before.swap(true, Ordering::Relaxed) {
            struck.notify_one();
            return Err(TransportFault::Dropped);
        }
        Ok(answer)
    });
    (lost, was_lost)
}

/// Plays one run to its end, and takes back what it made.
async fn play(call: &'static str, lag: Lag, mishap: Mishap, expected: &[(&'static str, usize)]) {
    let case = format!("{call}, {:?} s late, {mishap:?}", lag.exact_s);
    let scene = Scene::new(CloudOptions { lag, ..CloudOptions::plain() });
    let spec = StackSpec::default();
    let report = match mishap {
        Mishap::None => Some(scene.deploy("run-1", &spec).await),
        Mishap::ReplyLost => {
            let (_, lost) = lose_first_reply(&scene, call);
            let report = scene.deploy("run-1", &spec).await;
            assert!(lost.load(Ordering::Relaxed), "{case}: no reply was lost");
            Some(report)
        }
        Mishap::DiedThenResumed | Mishap::DiedThenRolledBack => {
            let (death, _) = lose_first_reply(&scene, call);
            dies(&death, scene.deploy("run-1", &spec)).await;
            scene.leave_alone();
            let resumes = mishap == Mishap::DiedThenResumed;
            if resumes { Some(scene.resume("run-1").await) } else { None }
        }
    };
    if let Some(report) = report {
        assert_eq!(*report.rest(), Rest::Completed, "{case}: {:?}", report.failure());
        assert_eq!(fixed_census(&scene), expected, "{case}");
        scene.leave_alone();
    } else {
        assert!(!scene.made().is_empty(), "{case}: it died before it made anything");
    }
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{case}");
    assert_eq!(scene.made(), [], "{case}");
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_late_by_up_to_its_window_is_made_once_and_taken_back_whole() {
    let undisturbed = Scene::new(CloudOptions::plain());
    undisturbed.deploy("run-1", &StackSpec::default()).await;
    let expected = fixed_census(&undisturbed);
    let mut played = 0;
    for (call, switch_on, window) in CREATIONS {
        for exact_s in lags(window(&Profile::default())) {
            let mut lag = Lag { exact_s: Some(exact_s), ..Lag::off() };
            switch_on(&mut lag);
            for mishap in MISHAPS {
                play(call, lag, mishap, &expected).await;
                played += 1;
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "[counts] lag cases: {played}");
}
