//! Goal: the user data that the launch templates carry makes a machine that serves as documented.
//!
//! Method: the stack is deployed on the embedded cloud, and the bytes of its launch templates are run on a
//! Debian that boots with systemd in namespaces of its own, beside a metadata service that requires session
//! tokens and a package mirror. Nothing in the script knows of the test. Then the machine is asked from
//! outside, its service is killed, and it is booted again. On a bad day the metadata service is slow, the
//! mirrors fail twice, and somebody else holds apt's locks. Scripts with one fault each must be caught.
//!
//! It needs root, debootstrap and the registries of Debian and Python when the machine is first made.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod command;
mod judgement;
mod machine;
mod network;
mod root;
mod template;

#[path = "../support/mod.rs"]
mod support;

use judgement::Judgement;
use machine::{Day, Machine};
use root::Root;
use support::report;
use template::TEMPLATES;

/// A fault in the script: what it is, the text that goes, the text that comes, and what must be said of it.
const FAULTS: [(&str, &str, &str, &str); 4] = [
    (
        "the instance's id is read without a token",
        "-H \"X-aws-ec2-metadata-token: $token\" ",
        "",
        "the script ended with status 1",
    ),
    (
        "the service may not listen below port 1024",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "",
        "GET / gives no answer",
    ),
    (
        "the unit waits for the script that starts it",
        "After=network-online.target",
        "After=network-online.target cloud-final.service",
        "the script waits for the service, which waits for it",
    ),
    ("an application that says something else", "is responding now!", "responds", "responds"),
];

#[test]
fn a_machine_of_the_first_cluster_serves_and_goes_on_after_a_death_and_a_reboot() {
    let Some(root) = Root::or_say_skipped() else { return };
    let machine = Machine::boot(&root, &TEMPLATES[0], Day::Good);
    let judgement = Judgement::of(&machine);
    assert_eq!(judgement.complaints, [""; 0], "{}", machine.log());
    machine.kill_the_server();
    assert_eq!(Judgement::of(&machine).complaints, [""; 0], "after a kill: {}", machine.log());
    machine.run(&["systemctl", "restart", "flask-server.service"]);
    assert_eq!(Judgement::of(&machine).complaints, [""; 0], "after a restart: {}", machine.log());
    let machine = machine.reboot();
    assert_eq!(Judgement::of(&machine).complaints, [""; 0], "after a reboot: {}", machine.log());
    report::count(
        "user data",
        &format!("{} bytes of a launch template on a Debian machine", TEMPLATES[0].script.len()),
    );
}

#[test]
fn a_machine_of_the_second_cluster_survives_a_bad_day() {
    let Some(root) = Root::or_say_skipped() else { return };
    let machine = Machine::boot(&root, &TEMPLATES[1], Day::Bad);
    let judgement = Judgement::of(&machine);
    assert_eq!(judgement.complaints, [""; 0], "{}", machine.log());
    // The day was as bad as it was meant to be.
    assert_eq!(machine.network.count("metadata PUT /latest/api/token too-late"), 2);
    assert_eq!(machine.network.count(" 503"), 2, "apt's mirror failed");
    assert_eq!(machine.network.count("packages GET /simple/flask/ 404"), 2, "pip's index failed");
    let seen = machine.read("/var/log/first-boot-updates.seen");
    assert_eq!(seen, "refused waited\n", "apt's locks were held");
}

#[test]
fn a_script_with_a_fault_is_caught() {
    let Some(root) = Root::or_say_skipped() else { return };
    for (what, from, to, complaint) in FAULTS {
        let template = TEMPLATES[0].with(from, to).in_a_hurry();
        let machine = Machine::boot(&root, &template, Day::Good);
        let judgement = Judgement::of(&machine);
        let said = judgement.complaints.iter().any(|it| it.contains(complaint));
        assert!(said, "{what}: {:?}\n{}", judgement.complaints, machine.log());
    }
    report::count("user data with a fault", &format!("{} caught", FAULTS.len()));
}
