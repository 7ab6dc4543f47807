//! Lost replies, throttling, lost credentials and a dead network in front of moto.

use crate::each_change::for_each_change;
use crate::stack::Stage;
use crate::support::proxy::Fate;
use crate::support::python::Python;
use crate::support::report;

/// As EC2 words it; the service sends it with status 503.
const THROTTLED_EC2: &str = "<Response><Errors><Error><Code>RequestLimitExceeded</Code>\
    <Message>Request limit exceeded.</Message></Error></Errors>\
    <RequestID>throttled</RequestID></Response>";

/// As the query services word it, with status 400.
const THROTTLED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
    <Message>Rate exceeded</Message></Error><RequestId>throttled</RequestId></ErrorResponse>";

const EXPIRED_EC2: &str = "<Response><Errors><Error><Code>RequestExpired</Code>\
    <Message>Request has expired.</Message></Error></Errors>\
    <RequestID>expired</RequestID></Response>";

const EXPIRED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
    <Message>The security token included in the request is expired</Message></Error>\
    <RequestId>expired</RequestId></ErrorResponse>";

#[test]
fn a_lost_reply_to_any_change_is_looked_for_and_nothing_is_made_twice() {
    let Some(python) = Python::or_say_skipped("moto, lost replies") else { return };
    let lost = for_each_change(&python, |stage, change| {
        let harm = stage.proxy.harm_nth_change(change, Fate::LoseReply);
        stage.run().expect_status(0);
        let Some(call) = harm.call() else { return false };
        let run = stage.flow.only_run();
        stage.assert_deployed(&run, &format!("the reply to {call} was lost"));
        true
    });
    report::count("moto, lost replies", &format!("{lost} lost, 0 violations"));
    assert!(lost >= 16, "{lost} changes");
}

#[test]
fn a_lost_reply_to_any_removal_leaves_nothing_behind() {
    let Some(python) = Python::or_say_skipped("moto, lost replies in rollback") else { return };
    let lost = for_each_change(&python, |stage, change| {
        stage.run().expect_status(0);
        let run = stage.flow.only_run();
        let harm = stage.proxy.harm_nth_change(change, Fate::LoseReply);
        stage.roll_back(&run).expect_status(0);
        let Some(call) = harm.call() else { return false };
        stage.assert_nothing_left(&format!("the reply to {call} was lost"));
        true
    });
    report::count("moto, lost replies in rollback", &format!("{lost} lost, 0 violations"));
    assert!(lost >= 9, "{lost} removals");
}

#[test]
fn throttling_is_waited_out() {
    let Some(python) = Python::or_say_skipped("moto throttling") else { return };
    let stage = Stage::new(&python);
    let mut told: Vec<String> = Vec::new();
    stage.proxy.plan(move |call| {
        let first = call.changes() && !told.contains(&call.action);
        told.push(call.action.clone());
        match (first, call.service) {
            (true, "ec2") => Fate::Refuse(503, THROTTLED_EC2.to_owned()),
            (true, _) => Fate::Refuse(400, THROTTLED.to_owned()),
            (false, _) => Fate::Pass,
        }
    });
    stage.run().expect_status(0);
    let run = stage.flow.only_run();
    stage.assert_deployed(&run, "every kind of change throttled once");
    stage.roll_back(&run).expect_status(0);
    stage.assert_nothing_left("every kind of change throttled once");
}

#[test]
fn expired_credentials_suspend_and_a_later_resume_completes() {
    let Some(python) = Python::or_say_skipped("moto credentials") else { return };
    let stage = Stage::new(&python);
    let mut changes = 0;
    stage.proxy.plan(move |call| {
        changes += usize::from(call.changes());
        match (changes > 4, call.service) {
            (true, "ec2") => Fate::Refuse(400, EXPIRED_EC2.to_owned()),
            (true, _) => Fate::Refuse(403, EXPIRED.to_owned()),
            (false, _) => Fate::Pass,
        }
    });
    let suspended = stage.run().expect_status(75);
    let run = stage.flow.only_run();
    assert_eq!(stage.flow.state_of(&run), "suspended");
    assert!(suspended.stderr.contains(&format!("resume {run}")), "{}", suspended.words());
    stage.proxy.plan(|_| Fate::Pass);
    stage.flow.run(&["resume", &run]).expect_status(0);
    stage.assert_deployed(&run, "resumed with new credentials");
}

#[test]
fn a_dead_network_suspends_and_a_later_resume_completes() {
    let Some(python) = Python::or_say_skipped("moto network") else { return };
    let mut stage = Stage::new(&python);
    let call = stage.kill_at_change(5, || stage.start_run());
    assert!(call.is_some(), "there are five changes");
    let run = stage.flow.only_run();
    stage.proxy.close();
    stage.flow.run(&["resume", &run]).expect_status(75);
    // The account cannot be asked for, so nothing is begun: the same verb has to be typed again.
    let refused = stage.flow.run(&["rollback", &run, "--yes"]).expect_status(75);
    assert!(refused.stderr.contains(&format!("rollback {run}")), "{}", refused.words());
    stage.proxy.reopen();
    stage.flow.run(&["resume", &run]).expect_status(0);
    stage.assert_deployed(&run, "after the network came back");
    stage.roll_back(&run).expect_status(0);
    stage.assert_nothing_left("after the network came back");
}
