mod corpus;

use std::time::Duration;

use lab1_flow_workflow::journal::FailureClass::{
    self, Ambiguous, Contended, Permanent, Throttled, Transient, Unreachable,
};

use super::table::TABLE;
use super::*;
use crate::connection::Service::{self, AutoScaling, Ec2, LoadBalancing, Sts};

/// What a row must do with one answer: to a call that changes, and to one that reads.
struct Case {
    service: Service,
    status: u16,
    code: &'static str,
    message: &'static str,
    changing: FailureClass,
    reading: FailureClass,
}

const fn same(
    service: Service,
    status: u16,
    code: &'static str,
    message: &'static str,
    class: FailureClass,
) -> Case {
    Case { service, status, code, message, changing: class, reading: class }
}

const fn doubtful(service: Service, status: u16, code: &'static str) -> Case {
    Case { service, status, code, message: "", changing: Ambiguous, reading: Transient }
}

/// One case for each row, in the order of the table.
const ROWS: &[Case] = &[
    same(Ec2, 503, "RequestLimitExceeded", "Request limit exceeded.", Throttled),
    same(LoadBalancing, 429, "PriorRequestNotComplete", "", Throttled),
    same(AutoScaling, 400, "Unknown", "Rate exceeded", Throttled),
    same(
        Sts,
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
        Unreachable,
    ),
    same(Ec2, 400, "RequestExpired", "Request has expired.", Unreachable),
    same(LoadBalancing, 403, "SignatureDoesNotMatch", "Signature expired", Unreachable),
    same(Ec2, 401, "AuthFailure", "AWS was not able to validate the credentials", Unreachable),
    same(Ec2, 403, "UnauthorizedOperation", "You are not authorized", Permanent),
    same(
        AutoScaling,
        400,
        "ValidationError",
        "You are not authorized to use launch template: lt-1",
        Permanent,
    ),
    same(Ec2, 401, "OptInRequired", "You are not subscribed to this service", Permanent),
    same(Ec2, 400, "InvalidGroup.Duplicate", "The security group 'x' already exists", Contended),
    same(LoadBalancing, 400, "PriorityInUse", "Priority '1' is currently in use", Contended),
    same(
        AutoScaling,
        400,
        "AlreadyExists",
        "group1 already exists and is pending delete.",
        Contended,
    ),
    same(
        AutoScaling,
        400,
        "ValidationError",
        "The AutoScaling group may not be modified while it is pending delete",
        Contended,
    ),
    same(Ec2, 400, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist", Transient),
    same(LoadBalancing, 400, "TargetGroupNotFound", "", Transient),
    same(
        AutoScaling,
        400,
        "ValidationError",
        "Provided Target Groups may not be valid. Please ensure they exist and try again.",
        Transient,
    ),
    same(Ec2, 400, "DependencyViolation", "resource sg-1 has a dependent object", Transient),
    same(Ec2, 400, "ConcurrentTagAccess", "", Transient),
    same(
        LoadBalancing,
        400,
        "ResourceInUse",
        "is currently in use by a listener or a rule",
        Transient,
    ),
    same(AutoScaling, 400, "ScalingActivityInProgress", "", Transient),
    doubtful(AutoScaling, 500, "ServiceLinkedRoleFailure"),
    doubtful(Ec2, 400, "RequestTimeout"),
    same(Ec2, 500, "InsufficientInstanceCapacity", "", Transient),
    same(Ec2, 400, "VcpuLimitExceeded", "", Permanent),
    same(LoadBalancing, 400, "TooManyLoadBalancers", "", Permanent),
    same(AutoScaling, 400, "LimitExceeded", "", Permanent),
    same(
        LoadBalancing,
        400,
        "OperationNotPermitted",
        "This AWS account currently does not support creating load balancers",
        Permanent,
    ),
    same(
        LoadBalancing,
        400,
        "OperationNotPermitted",
        "Load balancer 'x' cannot be deleted because deletion protection is enabled",
        Permanent,
    ),
    same(Ec2, 400, "IdempotentParameterMismatch", "", Permanent),
    same(Ec2, 400, "InvalidAMIID.NotFound", "The image id '[ami-1]' does not exist", Permanent),
    same(LoadBalancing, 400, "ValidationError", "", Permanent),
];

fn refusal(case: &Case) -> Refusal {
    Refusal {
        status: case.status,
        code: Some(case.code.to_owned()),
        message: case.message.to_owned(),
        ..Refusal::default()
    }
}

fn class_of(service: Service, changes: bool, refusal: Refusal) -> FailureClass {
    let call = Call { service, action: "Action", subject: "it", changes };
    classify(&call, Fault::Answer(refusal)).class()
}

#[test]
fn every_row_decides_its_own_case() {
    assert_eq!(ROWS.len(), TABLE.len());
    for (place, case) in ROWS.iter().enumerate() {
        let call = Call::changing(case.service, "Action", "it");
        let row = TABLE.iter().position(|row| row.fits(&call, &refusal(case)));
        assert_eq!(row, Some(place), "the row for {} {}", case.code, case.message);
        let changing = class_of(case.service, true, refusal(case));
        let reading = class_of(case.service, false, refusal(case));
        assert_eq!((changing, reading), (case.changing, case.reading), "{}", case.code);
    }
}

#[test]
fn every_code_of_the_table_is_reached() {
    for (place, row) in TABLE.iter().enumerate() {
        for code in row.codes {
            let service = row.services.first().copied().unwrap_or(Ec2);
            let text = row.texts.first().copied().unwrap_or_default();
            let case = same(service, 400, code, text, Permanent);
            let call = Call::changing(service, "Action", "it");
            let found = TABLE.iter().position(|row| row.fits(&call, &refusal(&case)));
            assert_eq!(found, Some(place), "{code}");
        }
    }
}

#[test]
fn what_no_row_knows_is_decided_by_its_status() {
    let unknown = |status| Refusal { status, code: Some("New".to_owned()), ..Refusal::default() };
    let classes =
        |status| (class_of(Ec2, true, unknown(status)), class_of(Ec2, false, unknown(status)));
    assert_eq!(classes(400), (Permanent, Transient));
    assert_eq!(classes(404), (Permanent, Transient));
    assert_eq!(classes(429), (Throttled, Throttled));
    assert_eq!(classes(500), (Ambiguous, Transient));
    assert_eq!(classes(503), (Ambiguous, Transient));
    assert_eq!(classes(200), (Ambiguous, Transient));
}

#[test]
fn a_refusal_without_a_code_of_the_service_never_got_to_it() {
    let page = |status| Refusal { status, message: "a page".to_owned(), ..Refusal::default() };
    for status in [302, 400, 403, 407, 451] {
        let error =
            classify(&Call::changing(Ec2, "CreateKeyPair", "x"), Fault::Answer(page(status)));
        assert_eq!(error.class(), Unreachable, "{status}");
        assert_eq!(error.code(), None, "nobody has turned us away: it is tried again");
        let advice = error.failure().advice.clone().unwrap_or_default();
        assert!(advice.contains("HTTPS_PROXY"), "{status}: {advice}");
        assert_eq!(class_of(Ec2, false, page(status)), Unreachable, "{status}");
    }
    let classes = |status| (class_of(Ec2, true, page(status)), class_of(Ec2, false, page(status)));
    assert_eq!(classes(429), (Throttled, Throttled));
    assert_eq!(classes(502), (Ambiguous, Transient));
    assert_eq!(classes(200), (Ambiguous, Transient));
}

#[test]
fn a_lost_answer_is_a_doubt_only_for_a_change() {
    let fault = || Fault::NoAnswer { reason: "dropped".to_owned() };
    let changing = classify(&Call::changing(Ec2, "CreateSecurityGroup", "x"), fault());
    let reading = classify(&Call::reading(Ec2, "DescribeSecurityGroups", "x"), fault());
    assert_eq!((changing.class(), reading.class()), (Ambiguous, Transient));
}

#[test]
fn what_never_left_is_no_doubt() {
    for fault in [
        Fault::NotSent { reason: "refused".to_owned() },
        Fault::NoCredentials { reason: "none".to_owned() },
    ] {
        let error = classify(&Call::changing(Ec2, "CreateSecurityGroup", "x"), fault);
        assert_eq!(error.class(), Unreachable);
        assert!(error.failure().advice.is_some());
    }
}

#[test]
fn a_message_says_what_was_tried_on_what_and_what_came_back() {
    let refusal = Refusal {
        status: 400,
        code: Some("InvalidGroup.Duplicate".to_owned()),
        message: "already exists".to_owned(),
        request_id: Some("id-1".to_owned()),
        retry_after: Some(Duration::from_secs(3)),
    };
    let call = Call::changing(Ec2, "CreateSecurityGroup", "lab1-instances");
    let error = classify(&call, Fault::Answer(refusal));
    assert_eq!(
        error.to_string(),
        "CreateSecurityGroup (lab1-instances): InvalidGroup.Duplicate: already exists"
    );
    assert_eq!(error.code(), Some("InvalidGroup.Duplicate"));
    assert_eq!(error.failure().request_id.as_deref(), Some("id-1"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}
