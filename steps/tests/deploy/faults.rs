//! Runs that lose replies, their credentials, or their process.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use lab1_flow_cloud::CloudOptions;
use lab1_flow_steps::{StackSpec, TransportFault};
use lab1_flow_workflow::journal::{FailureClass, Rest};

use crate::scene::Scene;

/// Every call of a run that changes something.
const CHANGES: [&str; 9] = [
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "CreateLaunchTemplate",
    "CreateTargetGroup",
    "ModifyTargetGroupAttributes",
    "CreateLoadBalancer",
    "CreateListener",
    "CreateRule",
    "CreateAutoScalingGroup",
];

/// A refusal in the envelope of the service that the call belongs to.
pub(crate) fn refused(action: &str, status: u16, code: &str) -> http::Response<Bytes> {
    let ec2 =
        ["Security", "LaunchTemplate", "Vpc", "Subnet", "Image", "Key", "Instance", "Internet"];
    let error = format!("<Error><Code>{code}</Code><Message>on order</Message></Error>");
    let body = if ec2.iter().any(|word| action.contains(word)) {
        format!("<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>")
    } else {
        format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")
    };
    http::Response::builder().status(status).body(Bytes::from(body)).unwrap()
}

/// The census of the documented stack without what the groups launch.
pub(crate) fn fixed_census(scene: &Scene) -> Vec<(&'static str, usize)> {
    let launched = ["instance", "volume", "network-interface"];
    scene.census().into_iter().filter(|(kind, _)| !launched.contains(kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_to_any_change_doubles_nothing_and_strands_nothing() {
    let undisturbed = Scene::new(CloudOptions::plain());
    undisturbed.deploy("run-1", &StackSpec::default()).await;
    for change in CHANGES {
        let scene = Scene::new(CloudOptions::plain());
        scene.meddle(move |action, carry| {
            static LEFT: AtomicU32 = AtomicU32::new(0);
            let answer = carry();
            // Every second reply, so that twins meet it both ways.
            let lost = action == change && LEFT.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            if lost { Err(TransportFault::Dropped) } else { Ok(answer) }
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        assert_eq!(*report.rest(), Rest::Completed, "{change} {:?}", report.failure());
        assert_eq!(fixed_census(&scene), fixed_census(&undisturbed), "{change}");
        scene.leave_alone();
        assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{change}");
        assert_eq!(scene.made(), [], "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_for_good_is_rolled_back_without_a_rest() {
    for change in CHANGES {
        let scene = Scene::new(CloudOptions::plain());
        scene.meddle(move |action, carry| {
            Ok(if action == change {
                refused(action, 403, "UnauthorizedOperation")
            } else {
                carry()
            })
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        assert_eq!(*report.rest(), Rest::Failed, "{change}");
        let (_, failure) = report.failure().unwrap();
        assert_eq!(failure.code.as_deref(), Some("UnauthorizedOperation"), "{change}");
        assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{change}");
        assert_eq!(scene.made(), [], "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_suspend_and_a_resume_completes() {
    for change in CHANGES {
        let scene = Scene::new(CloudOptions::plain());
        scene.meddle(move |action, carry| {
            Ok(if action == change { refused(action, 403, "ExpiredToken") } else { carry() })
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        let Rest::Suspended { failure } = report.rest() else { panic!("{change} {report:?}") };
        assert_eq!(failure.class, FailureClass::Unreachable, "{change}");
        scene.leave_alone();
        assert_eq!(*scene.resume("run-1").await.rest(), Rest::Completed, "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_suspends_and_makes_nothing() {
    let scene = Scene::new(CloudOptions::plain());
    scene.meddle(|_, _| Err(TransportFault::Refused));
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert!(matches!(report.rest(), Rest::Suspended { .. }), "{report:?}");
    assert_eq!(scene.made(), []);
    scene.leave_alone();
    assert_eq!(*scene.resume("run-1").await.rest(), Rest::Completed);
}

#[tokio::test(start_paused = true)]
async fn throttling_of_a_third_of_all_calls_only_takes_time() {
    for seed in 1..=3_u32 {
        let scene = Scene::new(CloudOptions::plain());
        let draw = AtomicU32::new(seed);
        scene.meddle(move |action, carry| {
            // A linear congruential generator: its high bits are random enough.
            let next = |draw: u32| draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let drawn = draw.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |d| Some(next(d)));
            let throttled = (drawn.unwrap() >> 16).is_multiple_of(3);
            Ok(if throttled { refused(action, 503, "RequestLimitExceeded") } else { carry() })
        });
        let report = scene.deploy("run-1", &StackSpec::default()).await;
        assert_eq!(*report.rest(), Rest::Completed, "{seed} {:?}", report.rest());
        assert_eq!(*scene.roll_back("run-1").await.rest(), Rest::RolledBack, "{seed}");
        assert_eq!(scene.made(), [], "{seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_of_every_first_call_only_takes_time() {
    let scene = Scene::new(CloudOptions::plain());
    let seen = std::sync::Mutex::new(std::collections::BTreeMap::<String, u32>::new());
    scene.meddle(move |action, carry| {
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(action.to_owned()).or_default();
        *count += 1;
        Ok(if *count <= 2 { refused(action, 503, "RequestLimitExceeded") } else { carry() })
    });
    let report = scene.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_right_after_the_creation_finds_what_cannot_be_seen_yet() {
    for change in CHANGES {
        for seed in 0..6 {
            let options = CloudOptions { seed, time_scale: 1.0, ..CloudOptions::default() };
            let scene = Scene::new(options);
            scene.meddle(move |action, carry| {
                Ok(if action == change { refused(action, 400, "AccessDenied") } else { carry() })
            });
            let report = scene.deploy("run-1", &StackSpec::default()).await;
            assert_eq!(*report.rest(), Rest::Failed, "{change} {seed}");
            let report = scene.roll_back("run-1").await;
            assert_eq!(*report.rest(), Rest::RolledBack, "{change} {seed}");
            assert_eq!(scene.made(), [], "{change} {seed}");
        }
    }
}
