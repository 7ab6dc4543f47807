//! Eventual consistency, kind by kind: what was created is seen late, what was deleted is still seen, each for as long as
//! a window of the guarantees allows.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lab1_flow_cloud::{CloudOptions, Lag};
use lab1_flow_steps::{StackSpec, TransportFault};
use lab1_flow_workflow::journal::Rest;
use lab1_flow_workflow::{Profile, RunReport};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep};

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

/// Deploys with a mishap; `None` when the process died and nobody went on.
async fn bring_up(scene: &Scene, call: &'static str, mishap: Mishap) -> Option<RunReport> {
    let spec = StackSpec::default();
    match mishap {
        Mishap::None => Some(scene.deploy("run-1", &spec).await),
        Mishap::ReplyLost => {
            let (_, lost) = lose_first_reply(scene, call);
            let report = scene.deploy("run-1", &spec).await;
            assert!(lost.load(Ordering::Relaxed), "{call}: no reply was lost");
            Some(report)
        }
        Mishap::DiedThenResumed | Mishap::DiedThenRolledBack => {
            let (death, _) = lose_first_reply(scene, call);
            dies(&death, scene.deploy("run-1", &spec)).await;
            scene.leave_alone();
            let resumes = mishap == Mishap::DiedThenResumed;
            if resumes { Some(scene.resume("run-1").await) } else { None }
        }
    }
}

/// Plays one run to its end, and takes back what it made.
async fn play(call: &'static str, lag: Lag, mishap: Mishap, expected: &[(&'static str, usize)]) {
    let case = format!("{call}, {:?} s late, {mishap:?}", lag.exact_s);
    let scene = Scene::new(CloudOptions { lag, ..CloudOptions::plain() });
    if let Some(report) = bring_up(&scene, call, mishap).await {
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
    let _ = writeln!(std::io::stderr(), "[counts] lag: {played} cases");
}

/// How long a run may take that waits for what it cannot see: its patience, and the stack's own time.
const BOUND: Duration = Duration::from_hours(2);

/// Beyond the window: a little, by as much again, and by far.
fn lags_beyond(window_ms: u64) -> [u32; 3] {
    let seconds = u32::try_from(window_ms / 1000).unwrap();
    [seconds + 30, 2 * seconds, 3_600]
}

/// A run that ended short of its goal says at what, and can be gone on with.
fn assert_typed(report: &RunReport, case: &str) {
    let text = match report.rest() {
        Rest::Completed | Rest::RolledBack => return,
        Rest::Failed => report.failure().map(|(_, failure)| failure.message.clone()),
        Rest::Suspended { failure } => Some(failure.message.clone()),
        Rest::Stuck { left } => Some(left.join("; ")),
        other => panic!("{case}: {other:?}"),
    };
    assert!(text.is_some_and(|text| !text.is_empty()), "{case}: it says nothing");
}

/// No window holds here, so nothing can be promised at once; but nothing is waited for without end, and once all
/// is seen that there is, a rollback leaves nothing.
async fn play_beyond(call: &'static str, lag: Lag, mishap: Mishap) {
    let seconds = u64::from(lag.exact_s.unwrap());
    let case = format!("{call}, {seconds} s late, {mishap:?}");
    let scene = Scene::new(CloudOptions { lag, ..CloudOptions::plain() });
    let begun = Instant::now();
    if let Some(report) = bring_up(&scene, call, mishap).await {
        assert_typed(&report, &case);
    }
    assert!(begun.elapsed() < BOUND, "{case}: deployed for {:?}", begun.elapsed());
    scene.leave_alone();
    sleep(Duration::from_secs(seconds)).await;
    for attempt in 0..3 {
        let begun = Instant::now();
        let report = scene.roll_back("run-1").await;
        assert_typed(&report, &case);
        assert!(begun.elapsed() < BOUND, "{case}: rolled back for {:?}", begun.elapsed());
        if *report.rest() == Rest::RolledBack {
            assert_eq!(scene.made(), [], "{case}");
            return;
        }
        // What is deleted is seen for as long: a person asks again.
        assert!(attempt < 2, "{case}: {:?}", report.rest());
        sleep(Duration::from_secs(seconds)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_later_than_its_window_ends_in_bounded_time_and_leaves_nothing_once_it_is_seen()
 {
    let mut played = 0;
    // Rules are made on a listener that is seen, and share its switch: none is made here.
    for (call, switch_on, window) in CREATIONS.into_iter().filter(|it| it.0 != "CreateRule") {
        for exact_s in lags_beyond(window(&Profile::default())) {
            let mut lag = Lag { exact_s: Some(exact_s), ..Lag::off() };
            switch_on(&mut lag);
            for mishap in MISHAPS {
                play_beyond(call, lag, mishap).await;
                played += 1;
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "[counts] lag beyond the window: {played} cases");
}

/// Listeners and rules go with their balancer, and nobody asks for them by themselves.
#[tokio::test(start_paused = true)]
async fn what_is_deleted_and_still_seen_is_not_said_to_be_gone() {
    let plain = Scene::new(CloudOptions::plain());
    plain.deploy("run-1", &StackSpec::default()).await;
    let begun = Instant::now();
    plain.roll_back("run-1").await;
    let (usual, mut played) = (begun.elapsed(), 0);
    for (call, switch_on, window) in CREATIONS {
        if matches!(call, "CreateListener" | "CreateRule") {
            continue;
        }
        for exact_s in lags(window(&Profile::default())) {
            let case = format!("what {call} made, seen for {exact_s} s");
            let mut lag = Lag { exact_s: Some(exact_s), ..Lag::off() };
            switch_on(&mut lag);
            let scene = Scene::new(CloudOptions { lag, ..CloudOptions::plain() });
            scene.deploy("run-1", &StackSpec::default()).await;
            let begun = Instant::now();
            assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{case}");
            assert_eq!(scene.made(), [], "{case}");
            let least = Duration::from_secs(exact_s.into());
            assert!(begun.elapsed() >= least, "{case}: gone after {:?}", begun.elapsed());
            let most = usual + 4 * least + Duration::from_mins(5);
            assert!(begun.elapsed() <= most, "{case}: waited for {:?}", begun.elapsed());
            played += 1;
        }
    }
    let _ = writeln!(std::io::stderr(), "[counts] lag of deletions: {played} cases");
}
