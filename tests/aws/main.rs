//! Goal: the stack is deployed on a real account, gone on with, and taken back whole.
//!
//! Method: opt-in, since it costs money. `cargo test -- --ignored aws` plays the story with `--cloud aws` on the
//! account and within the budget that two variables name; what is left is counted with the AWS CLI. The same
//! story is played on the embedded cloud in every run of the tests, so that it is itself tested.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod permit;
mod story;

#[path = "../support/mod.rs"]
mod support;

use permit::{ACCOUNT, BUDGET, Permit};
use story::{Place, play};
use support::python::Python;

const NAME: &str = "the story of a real account";

#[test]
#[ignore = "makes a stack on a real account, which costs money; docs/aws.md, part 7"]
fn aws_is_deployed_gone_on_with_and_taken_back() {
    let variable = |name: &str| std::env::var(name).ok();
    let permit = Permit::read(variable(ACCOUNT), variable(BUDGET));
    let permit = permit.unwrap_or_else(|refusal| panic!("{refusal}"));
    let python = Python::or_say_skipped(NAME).expect("the AWS CLI counts what is left");
    let place = Place::aws();
    let account = place.account(&python);
    assert_eq!(account, permit.account, "the credentials belong to another account");
    play(&place, &python);
}

#[test]
fn the_story_of_a_real_account_comes_true_on_the_embedded_cloud() {
    let Some(python) = Python::or_say_skipped(NAME) else { return };
    play(&Place::embedded(), &python);
}
