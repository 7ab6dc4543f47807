//! The applications on the instances as real Flask processes: `--guest flask`.
//!
//! The documented stack is deployed with them, and what the balancer answers comes out of processes that
//! run what the user data of the instances says. Then instances end, processes die, and the cloud itself
//! is killed; each time the processes that are left are counted in `/proc`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing"
)]

mod place;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use place::{Place, get, instances, kill};
use support::report;

/// AWS seconds in one second: nine Pythons must have started within the grace period of a group.
const TIME_SCALE: &str = "20";

#[test]
fn the_stack_answers_out_of_real_processes_that_live_and_die_with_their_instances() {
    let Some(place) = Place::with_python("Flask guests") else { return };
    let run = ["run", "--guest", "flask", "--time-scale", TIME_SCALE, "--json"];
    let lines = place.run(&run).expect_status(0).objects_with("url");
    let url = lines.last().and_then(|line| line["url"].as_str()).expect("an address").to_owned();
    assert_eq!(place.processes().len(), 9);

    let health = get(&url, "/");
    assert!(health.ends_with("\r\n\r\nHealthy!"), "{health}");
    assert!(health.to_ascii_lowercase().contains("server: waitress"), "{health}");
    assert!(get(&url, "/nowhere").starts_with("HTTP/1.1 404"), "the application's own page");
    let first = place.wait_for_instances(&url, "/cluster1", 5);
    let second = place.wait_for_instances(&url, "/cluster2", 4);
    assert!(first.is_disjoint(&second), "{first:?} {second:?}");
    let running: BTreeSet<String> = place.processes().into_keys().collect();
    assert_eq!(running, &first | &second, "each process is that of an instance that answers");

    // A terminated instance takes its process with it, and the group brings up another one.
    let gone = first.first().unwrap();
    let form = format!("Action=TerminateInstances&Version=2016-11-15&InstanceId.1={gone}");
    place.cloud().call(&form);
    place.until(&format!("the process of {gone} is gone"), || {
        (!place.processes().contains_key(gone)).then_some(())
    });
    let first = place.until("the replacement answers", || {
        let answering = instances(&url, "/cluster1");
        (answering.len() == 5 && !answering.contains(gone)).then_some(answering)
    });

    // A process that dies is started again, as its systemd unit says.
    let (victim, former) = place.processes().into_iter().next().unwrap();
    kill(former);
    place.until("the process is started again", || {
        place.processes().get(&victim).is_some_and(|pid| *pid != former).then_some(())
    });

    // What runs on an instance is not told the key, and finds nothing else of ours in its environment.
    for pid in place.processes().values() {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let access_key = place.cloud().access_key;
        assert!(!environment.contains(&access_key), "{environment}");
        assert!(!environment.contains("AWS_") && !environment.contains("HOME="), "{environment}");
    }

    // The cloud dies without a word: no process outlives it, and the next one starts them again.
    place.kill_cloud();
    place.until("no process outlives the cloud", || place.processes().is_empty().then_some(()));
    place.leave_a_folder_of_a_former_instance();
    place.run(&["cloud", "start", "--time-scale", TIME_SCALE]).expect_status(0);
    assert_eq!(place.wait_for_instances(&url, "/cluster1", 5), first, "the same instances");
    assert_eq!(place.wait_for_instances(&url, "/cluster2", 4), second);

    let run = place.only_run();
    place.run(&["rollback", &run]).expect_status(0);
    place.until("no process outlives its instance", || place.processes().is_empty().then_some(()));
    place.until("what the instances were given is removed with them", || {
        (place.folders() == 0).then_some(())
    });
    report::count("Flask guests", "8 steps, 10 instances, 11 processes or more, 0 left over");
}

#[test]
fn user_data_that_brings_up_nothing_is_named_in_the_account() {
    let Some(place) = Place::with_python("Flask guests, other user data") else { return };
    let start = ["cloud", "start", "--guest", "flask", "--time-scale", "600"];
    place.run(&start).expect_status(0);
    let cloud = place.cloud();
    // `#!/bin/sh` in base64.
    cloud.call(
        "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=bare\
         &LaunchTemplateData.ImageId=ami-08c40ec9ead489470\
         &LaunchTemplateData.InstanceType=t2.large&LaunchTemplateData.UserData=IyEvYmluL3NoCg==",
    );
    place.until("the template is seen", || {
        let answer = cloud.call(
            "Action=RunInstances&Version=2016-11-15&LaunchTemplate.LaunchTemplateName=bare\
             &MinCount=1&MaxCount=1",
        );
        answer.contains("<instanceId>").then_some(())
    });
    let problem = place.until("the problem shows", || {
        let cloud = place.cloud();
        cloud.resources.iter().find_map(|it| it.details.get("problem").cloned())
    });
    assert_eq!(problem, "the user data writes no systemd unit");
    let shown = place.run(&["cloud", "status"]).expect_status(0).stdout;
    assert!(shown.contains(&problem), "{shown}");
    assert!(place.processes().is_empty());
}

#[test]
fn a_cloud_that_runs_with_other_guests_is_refused_by_name() {
    let Some(place) = Place::with_python("Flask guests, a cloud without them") else { return };
    place.run(&["cloud", "start"]).expect_status(0);
    // An empty cloud would start anew with them.
    place.cloud().call(
        "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=stands&GroupDescription=stands",
    );
    let refused = place.run(&["run", "--guest", "flask"]).expect_status(2);
    assert!(refused.stderr.contains("with --guest light and not flask"), "{}", refused.words());
    assert!(refused.stderr.contains("lab1-flow cloud stop"), "{}", refused.words());
    // What ran last time runs again, until something else is asked for.
    place.run(&["cloud", "stop"]).expect_status(0);
    place.run(&["cloud", "start", "--guest", "flask"]).expect_status(0);
    place.run(&["cloud", "stop"]).expect_status(0);
    place.run(&["cloud", "start", "--guest", "light"]).expect_status(0);
}

#[test]
fn without_python_nothing_starts_and_the_way_out_is_told() {
    let place = Place::new();
    for verb in [&["cloud", "start"][..], &["cloud", "serve"], &["run"]] {
        let command = [verb, &["--guest", "flask"]].concat();
        let refused = place.run_without_python(&command).expect_status(2);
        for words in ["python3 --version", "apt-get install python3-venv", "--guest light"] {
            assert!(refused.stderr.contains(words), "{words}: {}", refused.words());
        }
    }
    let status = place.run(&["cloud", "status", "--json"]).expect_status(0);
    assert_eq!(status.objects_with("running")[0]["running"], false);
    place.run_without_python(&["cloud", "start", "--guest", "light"]).expect_status(0);
}
