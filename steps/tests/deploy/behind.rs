//! A journal that is behind the account: an older copy of the run's folder was put back.

use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::StackSpec;
use lab1_flow_workflow::journal::Rest;

use crate::scene::Scene;

/// A deployed stack, and as much of its journal as a copy of so many records holds; all of it for `usize::MAX`.
async fn deployed(copy: usize) -> Scene {
    let mut scene = Scene::new(CloudOptions::plain());
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
    scene.put_back("run-1", copy).await;
    scene.take_calls();
    scene
}

/// Trap: the copy knows the templates and not the groups; templates of living groups can be deleted. From the record on
/// that the preflight has ended, every copy must do.
#[tokio::test(start_paused = true)]
async fn the_rollback_of_any_older_copy_leaves_nothing_and_takes_groups_back_first() {
    let whole = deployed(usize::MAX).await.records("run-1").await;
    assert!(whole > 30, "{whole} records");
    for copy in 2..=whole {
        let scene = deployed(copy).await;
        let report = scene.roll_back("run-1").await;
        assert_eq!(*report.rest(), Rest::RolledBack, "copy of {copy} records");
        assert_eq!(scene.made(), [], "copy of {copy} records");
        let calls = scene.take_calls();
        let first = |call: &str| calls.iter().position(|it| it == call).unwrap();
        let groups = first("DeleteAutoScalingGroup");
        assert!(groups < first("DeleteLaunchTemplate"), "copy of {copy} records: {calls:?}");
        assert!(groups < first("DeleteSecurityGroup"), "copy of {copy} records: {calls:?}");
    }
}

/// What is recorded whole cannot be behind the account: nothing is asked for more than once.
#[tokio::test(start_paused = true)]
async fn the_rollback_of_what_is_recorded_whole_searches_once() {
    let scene = deployed(usize::MAX).await;
    scene.roll_back("run-1").await;
    let calls = scene.take_calls();
    assert_eq!(calls.iter().filter(|call| *call == "DescribeVolumes").count(), 1, "{calls:?}");
}
