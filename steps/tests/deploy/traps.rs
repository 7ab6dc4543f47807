//! Traps by name: the moments at which such tools are known to go wrong.

use std::pin::Pin;
use std::sync::Arc;

use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::StackSpec;
use lab1_flow_workflow::journal::{OnFailure, Rest};
use tokio::sync::Notify;

use crate::faults::refused;
use crate::scene::Scene;

/// A scene whose process dies when this call is made for the first time; it is never carried out.
fn deadly(call: &'static str, forbidden: Option<&'static str>) -> (Scene, Arc<Notify>) {
    let (scene, death) = (Scene::new(CloudOptions::plain()), Arc::new(Notify::new()));
    let struck = Arc::clone(&death);
    scene.meddle(move |action, carry| {
        if action == call {
            struck.notify_one();
            return Err(lab1_flow_steps::TransportFault::Dropped);
        }
        Ok(if forbidden == Some(action) { refused(action, 403, "AccessDenied") } else { carry() })
    });
    (scene, death)
}

/// Lets a process live until its death.
pub(crate) fn dies<'a, T: std::fmt::Debug>(
    death: &'a Notify,
    life: impl Future<Output = T> + 'a,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async move {
        tokio::select! {
            biased;
            () = death.notified() => {}
            ended = life => panic!("it was to die: {ended:?}"),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_death_between_a_target_group_and_its_attributes_leaves_neither_out() {
    let spec = StackSpec::default();
    let undisturbed = Scene::new(CloudOptions::plain());
    undisturbed.deploy("run-1", &spec).await;
    let (scene, death) = deadly("ModifyTargetGroupAttributes", None);
    dies(&death, scene.deploy("run-1", &spec)).await;
    assert!(scene.made().iter().any(|it| it.kind == "target-group"));
    scene.leave_alone();
    assert_eq!(*scene.resume("run-1").await.rest(), Rest::Completed);
    let groups = |scene: &Scene| {
        let groups = scene.made().into_iter().filter(|it| it.kind == "target-group");
        groups.map(|it| (it.name, it.details)).collect::<Vec<_>>()
    };
    assert_eq!(groups(&scene), groups(&undisturbed));
}

/// The failed call would succeed now, and the direction is an entry: nothing goes forward again.
#[tokio::test(start_paused = true)]
async fn a_death_half_way_through_a_rollback_whose_failed_call_would_succeed_now() {
    let (scene, death) = deadly("DeleteTargetGroup", Some("CreateAutoScalingGroup"));
    let spec = StackSpec::default();
    dies(&death, scene.deploy_and("run-1", &spec, OnFailure::Rollback)).await;
    assert!(!scene.made().is_empty(), "it died half-way");
    scene.leave_alone();
    scene.take_calls();
    assert_eq!(*scene.resume("run-1").await.rest(), Rest::RolledBack);
    let calls = scene.take_calls();
    assert!(calls.iter().all(|call| !call.starts_with("Create")), "{calls:?}");
    assert_eq!(scene.made(), []);
}

#[tokio::test(start_paused = true)]
async fn a_run_rolled_back_before_its_preflight_ended_makes_no_call() {
    let (scene, death) = deadly("DescribeSubnets", None);
    dies(&death, scene.deploy("run-1", &StackSpec::default())).await;
    scene.leave_alone();
    scene.take_calls();
    assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack);
    assert_eq!(scene.take_calls(), [""; 0]);
    assert_eq!(scene.made(), []);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_by_an_hour_between_two_processes_changes_nothing() {
    for hours in [-1, 1] {
        for verb in ["resume", "roll back"] {
            let (scene, death) = deadly("CreateAutoScalingGroup", None);
            dies(&death, scene.deploy("run-1", &StackSpec::default())).await;
            scene.leave_alone();
            scene.set_wall_by_hours(hours);
            if verb == "resume" {
                assert_eq!(*scene.resume("run-1").await.rest(), Rest::Completed, "{hours}");
                assert_eq!(scene.census()["instance"], 9, "{hours}");
                scene.set_wall_by_hours(-2 * hours);
            }
            assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{hours} {verb}");
            assert_eq!(scene.made(), [], "{hours} {verb}");
        }
    }
}
