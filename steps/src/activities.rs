//! What an Auto Scaling group says about its launches.
//!
//! A group accepts almost anything and goes on trying for ever: that an image is gone or a quota is reached
//! stands in its scaling activities and nowhere else. This module reads them, and tells what can never work
//! from what only takes longer.

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};
use aws_smithy_types::DateTime;
use lab1_flow_workflow::ActionError;

use crate::auto_scaling_group::AutoScalingGroupRef;
use crate::connection::{Aws, Call, Service};

/// What a failed launch means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Trying again cannot help: something that a person decides stands in the way.
    Hopeless,
    /// The group's own next try may succeed.
    MayRecover,
}

/// A launch that failed, and has not been followed by a better one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedLaunch {
    /// The provider's text.
    pub(crate) message: String,
    /// What it means.
    pub(crate) outlook: Outlook,
    /// What a person can do about it.
    pub(crate) advice: Option<&'static str>,
}

impl FailedLaunch {
    /// The text, with the advice where there is one.
    pub(crate) fn words(&self) -> String {
        let advice = self.advice.map_or_else(String::new, |advice| format!(" ({advice})"));
        format!("{}{advice}", self.message)
    }
}

/// Lists the failed launches of a group that still say how it stands, the newest first.
///
/// Only launches of this very group since `created` count (an earlier group may have had the name), and only those that
/// no later launch has overtaken: after a person has mended the cause, the old failure says nothing.
pub(crate) async fn failed_launches(
    aws: &Aws,
    group: &AutoScalingGroupRef,
    created: Option<DateTime>,
) -> Result<Vec<FailedLaunch>, ActionError> {
    // One page is enough: the newest hundred come first, and what counts is the newest of all.
    let name = &group.name;
    let request = aws.auto_scaling().describe_scaling_activities().auto_scaling_group_name(name);
    let call = Call::reading(Service::AutoScaling, "DescribeScalingActivities", name);
    let mut activities = aws.call(call, request.send()).await?.activities.unwrap_or_default();
    activities.retain(|activity| group.has_arn(activity.auto_scaling_group_arn()));
    Ok(current_failures(&activities, created))
}

/// Picks the failures that still say how the group stands.
fn current_failures(activities: &[Activity], created: Option<DateTime>) -> Vec<FailedLaunch> {
    let launches = || {
        activities
            .iter()
            .filter(|activity| is_launch(activity))
            .filter(|activity| created.is_none_or(|created| activity.start_time >= Some(created)))
    };
    let newest_better =
        launches().filter(|activity| !has_failed(activity)).map(|better| better.start_time).max();
    launches()
        .filter(|activity| has_failed(activity))
        .filter(|failed| newest_better.is_none_or(|better| failed.start_time >= better))
        .map(|failed| judge(failed.status_message().or(failed.description()).unwrap_or_default()))
        .collect()
}

fn is_launch(activity: &Activity) -> bool {
    activity.description().is_some_and(|text| text.starts_with("Launching"))
}

fn has_failed(activity: &Activity) -> bool {
    activity.status_code() == Some(&ScalingActivityStatusCode::Failed)
}

/// One row of the table of texts.
struct Row {
    /// All of these, in lower case, stand in the text.
    marks: &'static [&'static str],
    outlook: Outlook,
    advice: Option<&'static str>,
}

const QUOTA: &str = "end other instances or have the quota raised";
const TYPE: &str =
    "choose another instance type or another zone for this group, and start a new run";
const IMAGE: &str = "set an image that this region offers, and start a new run";
const SUPPORT: &str = "the account's owner must ask AWS to unblock it";
const VALIDATION: &str = "AWS is opening the account, mostly within minutes, at most within four hours: wait, \
                          and `resume` when this run has given up";

/// The texts, the more exact ones first. A row that says `MayRecover` says so on purpose: the text looks
/// final, and is not.
const TABLE: &[Row] = &[
    hopeless(&["more vcpu capacity than your current vcpu limit"], QUOTA),
    hopeless(&["instance(s) are already running"], QUOTA),
    hopeless(&["than your current instance limit"], QUOTA),
    hopeless(&["not supported in your requested availability zone"], TYPE),
    hopeless(&["requested configuration is currently not supported"], TYPE),
    hopeless(&["image id"], IMAGE),
    hopeless(&["invalidamiid"], IMAGE),
    hopeless(
        &["architecture", "does not match"],
        "set an image and instance types of one architecture, and start a new run",
    ),
    hopeless(&["key pair"], "set a key pair of this region, or none, and start a new run"),
    hopeless(&["account is currently blocked"], SUPPORT),
    hopeless(
        &["not eligible for free tier"],
        "choose an instance type that the account's plan allows",
    ),
    hopeless(
        &["target groups not found"],
        "somebody removed the target group: roll back and run again",
    ),
    hopeless(&["client.internalerror"], "check the rights on the key that encrypts the volumes"),
    Row {
        marks: &["accessing resources in this region is being validated"],
        outlook: Outlook::MayRecover,
        advice: Some(VALIDATION),
    },
    // The template names a group that this run made: seen too early, the next launch finds it.
    Row {
        marks: &["security group", "does not exist"],
        outlook: Outlook::MayRecover,
        advice: None,
    },
    Row {
        marks: &["do not have sufficient", "capacity"],
        outlook: Outlook::MayRecover,
        advice: None,
    },
];

const fn hopeless(marks: &'static [&'static str], advice: &'static str) -> Row {
    Row { marks, outlook: Outlook::Hopeless, advice: Some(advice) }
}

/// Judges the text of a failed launch; one that is not known may recover.
fn judge(message: &str) -> FailedLaunch {
    let text = message.to_ascii_lowercase();
    let row = TABLE.iter().find(|row| row.marks.iter().all(|mark| text.contains(mark)));
    FailedLaunch {
        message: message.to_owned(),
        outlook: row.map_or(Outlook::MayRecover, |row| row.outlook),
        advice: row.and_then(|row| row.advice),
    }
}

/// What to do about a launch that can never work, when the text says so.
pub(crate) fn hopeless_launch(message: &str) -> Option<&'static str> {
    let launch = judge(message);
    launch.advice.filter(|_| launch.outlook == Outlook::Hopeless)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts as the service words them, each with what it means.
    const TEXTS: &[(&str, Outlook)] = &[
        (
            "You have requested more vCPU capacity than your current vCPU limit of 16 allows for the \
             instance bucket that the specified instance type belongs to. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        ("9 instance(s) are already running. Launching EC2 instance failed.", Outlook::Hopeless),
        (
            "You have requested more instances (10) than your current instance limit of 9 allows for \
             the specified instance type. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "Your requested instance type (m4.large) is not supported in your requested Availability \
             Zone (us-east-1e). Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "The requested configuration is currently not supported. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "The image id '[ami-08c40ec9ead489470]' does not exist. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        ("InvalidAMIID.NotFound", Outlook::Hopeless),
        ("The key pair 'vockey' does not exist. Launching EC2 instance failed.", Outlook::Hopeless),
        (
            "The specified instance type is not eligible for Free Tier. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "One or more target groups not found. Validating load balancer configuration failed.",
            Outlook::Hopeless,
        ),
        ("Client.InternalError: Client error on launch", Outlook::Hopeless),
        (
            "The architecture 'arm64' of the specified instance type does not match the architecture \
             'x86_64' of the specified AMI. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "This account is currently blocked and not recognized as a valid account. Please contact \
             aws-verification@amazon.com if you have questions. Launching EC2 instance failed.",
            Outlook::Hopeless,
        ),
        (
            "Your request for accessing resources in this region is being validated, and you will not \
             be able to launch additional resources in this region until the validation is complete. \
             We will notify you by email once your request has been validated. While normally resolved \
             within minutes, please allow up to 4 hours for this process to complete.",
            Outlook::MayRecover,
        ),
        (
            "The security group 'sg-1' does not exist. Launching EC2 instance failed.",
            Outlook::MayRecover,
        ),
        (
            "We currently do not have sufficient m4.large capacity in the Availability Zone you \
             requested (us-east-1a). Our system will be working on provisioning additional capacity.",
            Outlook::MayRecover,
        ),
        ("Something that nobody has written down yet.", Outlook::MayRecover),
    ];

    #[test]
    fn every_known_text_has_its_outlook() {
        for (text, outlook) in TEXTS {
            assert_eq!(judge(text).outlook, *outlook, "{text}");
        }
    }

    #[test]
    fn what_is_hopeless_or_takes_hours_comes_with_advice() {
        for (text, outlook) in TEXTS {
            let takes_hours = text.contains("is being validated");
            let advised = *outlook == Outlook::Hopeless || takes_hours;
            assert_eq!(judge(text).advice.is_some(), advised, "{text}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_met_by_a_text() {
        for row in TABLE {
            let met = TEXTS
                .iter()
                .any(|(text, _)| row.marks.iter().all(|m| text.to_ascii_lowercase().contains(m)));
            assert!(met, "{:?}", row.marks);
        }
    }

    fn launch(start: i64, status: ScalingActivityStatusCode, message: &str) -> Activity {
        Activity::builder()
            .description("Launching a new EC2 instance")
            .start_time(DateTime::from_secs(start))
            .status_code(status)
            .status_message(message)
            .build()
    }

    #[test]
    fn a_failure_from_before_the_group_is_not_its_own() {
        let old = [launch(10, ScalingActivityStatusCode::Failed, "InvalidAMIID.NotFound")];
        assert_eq!(current_failures(&old, Some(DateTime::from_secs(11))), []);
        assert_eq!(current_failures(&old, Some(DateTime::from_secs(10))).len(), 1);
    }

    #[test]
    fn a_later_launch_overtakes_a_failure_and_one_of_the_same_moment_does_not() {
        let failed = launch(10, ScalingActivityStatusCode::Failed, "quota");
        let same = launch(10, ScalingActivityStatusCode::Successful, "");
        let later = launch(11, ScalingActivityStatusCode::InProgress, "");
        assert_eq!(current_failures(&[same.clone(), failed.clone()], None).len(), 1);
        assert_eq!(current_failures(&[later, same, failed], None), []);
    }

    #[test]
    fn a_failed_termination_is_no_failed_launch() {
        let activity = Activity::builder()
            .description("Terminating EC2 instance: i-1")
            .start_time(DateTime::from_secs(1))
            .status_code(ScalingActivityStatusCode::Failed)
            .status_message("InvalidAMIID.NotFound")
            .build();
        assert_eq!(current_failures(&[activity], None), []);
    }
}
