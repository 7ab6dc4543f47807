//! Goal: every request that the steps send is one that AWS documents, and every answer of the embedded cloud
//! is one that AWS could give.
//!
//! Method: whole runs, their rollbacks and their faults are played in-process on the embedded cloud, in paused
//! time, with a recorder on the way. A script judges each exchange by botocore's copies of the official service
//! models, which nobody here wrote. What the sources can send and the stories do not make them send is an
//! error, and so is a judge that lets something wrong pass: exchanges are broken on purpose to see that.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing, and reports on standard error"
)]

mod account;
mod authorization;
mod broken;
mod exchange;
mod judge;
mod permissions;
mod sources;
mod stories;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use judge::{JUDGED, Judged};
use sources::plain;
use support::report;

/// Fails with the first of what was found, and how much there is.
#[track_caller]
fn assert_none(what: &str, found: &BTreeSet<String>) {
    let first: Vec<&str> = found.iter().take(40).map(String::as_str).collect();
    assert!(found.is_empty(), "{} {what}:\n  {}", found.len(), first.join("\n  "));
}

#[test]
fn every_request_is_one_that_the_official_models_allow() {
    let Some(judged) = &*JUDGED else { return };
    let wrong = judged.verdicts.iter().flat_map(|verdict| verdict.complaints(&verdict.request));
    assert_none("complaints about requests", &wrong.collect());
    assert!(judged.verdicts.len() > 2_000, "only {} requests", judged.verdicts.len());
    report::count(
        "requests by the official models",
        &format!("{} requests", judged.verdicts.len()),
    );
}

#[test]
fn every_answer_of_the_embedded_cloud_is_one_that_the_official_models_describe() {
    let Some(judged) = &*JUDGED else { return };
    let wrong = judged.verdicts.iter().flat_map(|verdict| verdict.complaints(&verdict.answer));
    assert_none("complaints about answers", &wrong.collect());
    let answers = judged.answers().count();
    let refusals = judged.answers().filter(|exchange| exchange.status >= 400).count();
    let elements = judged.elements().len();
    assert!(answers > 2_000 && refusals > 20, "only {answers} answers, {refusals} refusals");
    report::count(
        "answers by the official models",
        &format!("{answers} answers, {refusals} of them refusals, {elements} kinds of element"),
    );
}

#[test]
fn the_stories_make_the_steps_send_all_that_they_can_send() {
    let Some(judged) = &*JUDGED else { return };
    let sent = judged.sent();
    let recorded: BTreeSet<String> = judged.verdicts.iter().map(|it| it.action.clone()).collect();
    let known = sources::actions();
    assert_none("actions that no story makes the steps call", &(&known - &recorded));
    assert_none("actions of which the sources do not tell", &(&recorded - &known));
    assert_none("parameters that no story makes the steps send", &unsent(judged));
    // Inner members too: a change of what is sent shows as a change of this list.
    let list: Vec<&str> = sent.iter().map(String::as_str).collect();
    insta::assert_snapshot!("sent", list.join("\n"));
    report::count(
        "coverage by the official models",
        &format!("{} actions and {} members, all that are sent", recorded.len(), sent.len()),
    );
}

/// The parameters that the sources set and no recorded request has.
fn unsent(judged: &Judged) -> BTreeSet<String> {
    let sent: BTreeSet<(String, String)> = judged
        .verdicts
        .iter()
        .flat_map(|verdict| verdict.sent.iter().map(|path| (&verdict.action, path)))
        .map(|(action, path)| (plain(action), plain(path.split(['.', '[']).next().unwrap())))
        .collect();
    let members: BTreeSet<(String, String)> = judged
        .verdicts
        .iter()
        .flat_map(|verdict| verdict.members.iter().map(|member| (&verdict.action, member)))
        .map(|(action, member)| (plain(action), plain(member)))
        .collect();
    let in_sources = sources::setters();
    let known = in_sources.intersection(&members);
    assert!(known.clone().count() > 60, "setters are found: {in_sources:?}");
    let unsent = known.filter(|it| !sent.contains(it));
    unsent.map(|(action, member)| format!("{action} {member}")).collect()
}

#[test]
fn what_is_broken_on_purpose_is_caught() {
    let Some(judged) = &*JUDGED else { return };
    let mut missed = BTreeSet::new();
    for (broken, verdict) in &judged.broken {
        let said = if broken.is_answer { &verdict.answer } else { &verdict.request };
        if !said.iter().any(|problem| problem.contains(broken.complaint)) {
            missed.insert(format!("{}: {said:?}", broken.what));
        }
    }
    assert_none("breaks were not caught", &missed);
    report::count("breaks that the judge must catch", &format!("{} caught", judged.broken.len()));
}
