//! What outlives the process: everything that was answered, and the clocks.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use lab1_flow_cloud::{Cloud, CloudError, CloudOptions, Durations, Lag, Limits, VirtualCloudClock};

use crate::stack::Stack;
use crate::support::Caller;

fn open(path: &Path, clock: &VirtualCloudClock, options: CloudOptions) -> Caller {
    let cloud = Cloud::open(path, Arc::new(clock.clone()), options).unwrap();
    Caller::of(cloud, clock.clone())
}

/// A process that is killed after an answer loses nothing that it had answered.
#[test]
fn what_was_answered_is_there_after_a_restart_and_the_clocks_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let options =
        CloudOptions { durations: Durations::Seeded, lag: Lag::off(), ..CloudOptions::plain() };
    let alive = open(&path, &clock, options);
    Stack::begin(&alive);
    // The file as a killed process leaves it: opened anew, while the first goes on undisturbed.
    let copy = directory.path().join("copy.json");
    std::fs::copy(&path, &copy).unwrap();
    for wait_s in [0, 30, 60, 300, 900] {
        clock.advance_s(wait_s);
        let reopened = open(&copy, &clock, options);
        assert_eq!(reopened.cloud.account(), alive.cloud.account(), "after {wait_s} s more");
    }
}

#[test]
fn every_change_is_stored_before_its_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let caller = open(&path, &clock, CloudOptions::plain());
    for name in ["one", "two", "three"] {
        caller.ec2("CreateKeyPair", &format!("KeyName={name}")).ok();
        let reopened = open(&path, &clock, CloudOptions::plain());
        assert!(reopened.ec2("DescribeKeyPairs", "").ok().texts("keyName").contains(&name.into()));
    }
}

/// Section 3: a client that was throttled gets no fresh budget by the death of the cloud.
#[test]
fn the_token_buckets_survive_a_restart_and_fill_up_with_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let limits = Limits { throttling: true, ..Limits::unlimited() };
    let options = CloudOptions { limits, ..CloudOptions::plain() };
    let calls_until_refused = |caller: &Caller| {
        let refused = |_: &usize| caller.elb("DescribeTargetGroups", "").status != 200;
        (0..100).find(refused).expect("throttled at last")
    };
    let first = open(&path, &clock, options);
    assert_eq!(calls_until_refused(&first), 40);
    // Opened anew as after a kill: the first has not been told of any end.
    let second = open(&path, &clock, options);
    assert_eq!(calls_until_refused(&second), 0, "a read was paid for before the restart");
    clock.advance_s(2);
    assert_eq!(calls_until_refused(&open(&path, &clock, options)), 20);
    clock.advance_s(3600);
    assert_eq!(calls_until_refused(&open(&path, &clock, options)), 40);
    second.cloud.reset().unwrap();
    assert_eq!(calls_until_refused(&open(&path, &clock, options)), 40);
}

#[test]
fn a_damaged_file_of_token_buckets_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    std::fs::write(path.with_extension("buckets"), b"{ damaged").unwrap();
    let clock = VirtualCloudClock::default();
    open(&path, &clock, CloudOptions::default()).ec2("DescribeVpcs", "").ok();
}

#[test]
fn a_change_that_cannot_be_stored_is_refused_and_undone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let caller = open(&path, &VirtualCloudClock::default(), CloudOptions::plain());
    // A directory stands where the new file would be written.
    std::fs::create_dir(directory.path().join("cloud.new")).unwrap();
    let refused = caller.ec2("CreateKeyPair", "KeyName=mine");
    assert_eq!(refused.refusal(), "500 InternalFailure");
    assert_eq!(caller.ec2("DescribeKeyPairs", "").ok().texts("keyName"), ["vockey"]);
    std::fs::remove_dir(directory.path().join("cloud.new")).unwrap();
    caller.ec2("CreateKeyPair", "KeyName=mine").ok();
}

#[test]
fn another_time_scale_goes_on_from_the_same_moment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let scaled = |time_scale| CloudOptions { time_scale, ..CloudOptions::plain() };
    let fast = open(&path, &clock, scaled(60.0));
    let start_ms = fast.cloud.now_ms();
    clock.advance_s(10);
    assert_eq!(fast.cloud.now_ms() - start_ms, 600_000);
    let slow = open(&path, &clock, scaled(1.0));
    assert_eq!(slow.cloud.now_ms() - start_ms, 600_000);
    clock.advance_s(10);
    assert_eq!(slow.cloud.now_ms() - start_ms, 610_000);
}

#[test]
fn a_clock_that_steps_back_does_not_turn_cloud_time_back() {
    let caller = Caller::plain();
    caller.wait_s(100);
    caller.ec2("DescribeVpcs", "").ok();
    let now_ms = caller.cloud.now_ms();
    caller.clock.advance_s(-50);
    assert_eq!(caller.cloud.now_ms(), now_ms);
}

#[test]
fn a_file_that_is_no_state_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let open = |content: &str| {
        std::fs::write(&path, content).unwrap();
        let clock = Arc::new(VirtualCloudClock::default());
        Cloud::open(&path, clock, CloudOptions::plain()).unwrap_err()
    };
    assert!(matches!(open("{\"format\": 1, \"seed\""), CloudError::Damaged { .. }));
    assert!(matches!(open("{\"format\": 1}"), CloudError::Damaged { .. }));
    let newer = open("{\"format\": 99}");
    assert!(matches!(newer, CloudError::Format { found: 99, .. }));
    assert!(newer.to_string().contains("cloud.json"));
}

#[test]
fn only_the_owner_can_read_the_state() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    open(&path, &VirtualCloudClock::default(), CloudOptions::plain());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_snapshot_brings_back_what_was() {
    let caller = Caller::plain();
    let stack = Stack::deploy(&caller);
    let (kept, account) = (caller.cloud.snapshot(), caller.cloud.account());
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={}", stack.balancer)).ok();
    assert_ne!(caller.cloud.account(), account);
    caller.cloud.restore(&kept);
    assert_eq!(caller.cloud.account(), account);
}

#[test]
fn a_reset_empties_the_account() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloud.json");
    let clock = VirtualCloudClock::default();
    let caller = open(&path, &clock, CloudOptions::plain());
    let stack = Stack::deploy(&caller);
    caller.cloud.reset().unwrap();
    assert_eq!(caller.cloud.account().made().count(), 0);
    assert_eq!(caller.cloud.load_balancer_hosts(), []);
    let again = open(&path, &clock, CloudOptions::plain());
    assert_eq!(again.cloud.account().made().count(), 0, "of {}", stack.balancer);
}

/// Many callers at once: each call is whole, and all of them happen.
#[test]
fn callers_at_once_do_not_disturb_each_other() {
    let caller = Caller::plain();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cloud = caller.cloud.clone();
            scope.spawn(move || {
                for number in 0..25 {
                    let body = format!(
                        "Action=CreateKeyPair&Version=2016-11-15&KeyName=k-{thread}-{number}"
                    );
                    let request = Request::post("/").body(Bytes::from(body)).unwrap();
                    assert_eq!(cloud.handle(request).status(), 200);
                }
            });
        }
    });
    assert_eq!(caller.ec2("DescribeKeyPairs", "").ok().count("keyName"), 101);
}
