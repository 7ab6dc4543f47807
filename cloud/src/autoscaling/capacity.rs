//! How a group comes to its number: launches what is missing, retires what is too much.

use crate::autoscaling::launch;
use crate::autoscaling::members::{put_back, retire};
use crate::autoscaling::model::{Group, Member, changeable, not_found};
use crate::autoscaling::replacement;
use crate::durations::Event;
use crate::handler::Answer;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// The pause after the first failed launch; it doubles with each failure, up to the longest.
const FIRST_PAUSE_MS: i64 = 30_000;
const LONGEST_PAUSE_MS: i64 = 900_000;

/// Lets the group compare what it wants with what it has, some seconds from now.
pub(crate) fn look_again(cx: &Context<'_>, group: &mut Group, reason: String) {
    let key = format!("{}/{}", group.arn, cx.now_ms);
    group.evaluate_ms = Some(cx.after(Event::ScalingNoticed, &key));
    group.reason = reason;
    group.failures = 0;
}

/// Compares what the group wants with what it has, and acts on the difference.
pub(crate) fn evaluate(cx: &mut Context<'_>, group: &mut Group) {
    group.evaluate_ms = None;
    if group.deletion.is_some() {
        return;
    }
    let want = group.settings.desired as usize;
    if group.capacity() < want {
        launch_missing(cx, group, want);
    } else {
        retire_surplus(cx, group, want);
    }
}

fn launch_missing(cx: &mut Context<'_>, group: &mut Group, want: usize) {
    let have = group.capacity();
    let cause = format!(
        "{}At {} an instance was started in response to a difference between desired and actual \
         capacity, increasing the capacity from {have} to {want}.",
        group.reason,
        iso8601(cx.now_ms)
    );
    // The unhealthy that wait for a successor take up room.
    for _ in 0..(want - have).min(replacement::room(group)) {
        if !launch::launch(cx, group, &cause) {
            let doubled = FIRST_PAUSE_MS << group.failures.min(5);
            group.failures += 1;
            group.evaluate_ms = Some(cx.now_ms + doubled.min(LONGEST_PAUSE_MS));
            return;
        }
    }
    group.failures = 0;
}

fn retire_surplus(cx: &mut Context<'_>, group: &mut Group, want: usize) {
    let cause = format!(
        "{}At {} an instance was taken out of service in response to a difference between desired \
         and actual capacity, shrinking the capacity from {} to {want}.",
        group.reason,
        iso8601(cx.now_ms),
        group.capacity()
    );
    while group.capacity() > want {
        let Some(id) = choose_victim(group) else { return };
        retire(cx, group, &id, &cause);
    }
}

/// Chooses whom to retire: in the fullest zone, by the group's policy. Members stand in the order of
/// their launch.
fn choose_victim(group: &Group) -> Option<String> {
    let staying = || group.staying();
    let in_zone = |zone: &str| staying().filter(|member| member.zone == zone).count();
    let candidates = || staying().filter(|member| !member.protected);
    let fullest = candidates().map(|member| in_zone(&member.zone)).max()?;
    let mut candidates: Vec<&Member> =
        candidates().filter(|member| in_zone(&member.zone) == fullest).collect();
    match group.settings.termination_policies.first().map(String::as_str) {
        Some("NewestInstance") => candidates.reverse(),
        Some("OldestInstance") => {}
        // The default policy, too, prefers the oldest template.
        _ => candidates.sort_by_key(|member| {
            member.template.as_ref().and_then(|template| template.version.parse::<u64>().ok())
        }),
    }
    candidates.first().map(|member| member.instance_id.clone())
}

pub(crate) fn set_desired(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("AutoScalingGroupName")?;
    let desired: u32 = input.required_number("DesiredCapacity", 0..=10_000)?;
    // No cooldown is ever running, since nothing but people scales a group here.
    input.flag("HonorCooldown")?;
    input.end()?;
    let arn = changeable(cx, name)?;
    let mut group = cx.region.groups.live_get(&arn).cloned().ok_or_else(|| not_found(name))?;
    let settings = &mut group.settings;
    if desired < settings.min || desired > settings.max {
        let (bound, word, size) = if desired < settings.min {
            ("below", "min", settings.min)
        } else {
            ("above", "max", settings.max)
        };
        let message = format!(
            "New SetDesiredCapacity value {desired} is {bound} {word} value {size} for the \
             AutoScalingGroup."
        );
        return Err(Refusal::new("ValidationError", message));
    }
    let reason = change_reason(cx, "user request explicitly set group", settings.desired, desired);
    settings.desired = desired;
    look_again(cx, &mut group, reason);
    put_back(cx, group);
    Ok(Xml::new())
}

/// Words what happens now, for the cause of an activity.
pub(crate) fn at(cx: &Context<'_>, what: &str) -> String {
    format!("At {} {what}", iso8601(cx.now_ms))
}

/// Words why the wanted number changed, for the cause of the activities that follow.
pub(crate) fn change_reason(cx: &Context<'_>, what: &str, from: u32, to: u32) -> String {
    format!(
        "At {} a {what} changing the desired capacity from {from} to {to}.  ",
        iso8601(cx.now_ms)
    )
}
