//! Error bodies as the services word them, read by the real SDK: what the engine and the user make of each.

use std::io::Write;

use bytes::Bytes;
use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::FailureClass::{
    self, Ambiguous, Contended, Permanent, Throttled, Transient, Unreachable,
};

use crate::connection::Service::{self, AutoScaling, Ec2, LoadBalancing, Sts};
use crate::connection::{Aws, Call, Target, Transport};

/// The provider's id of every request here.
const REQUEST_ID: &str = "ea966190-f9aa-478e-9ede-example";

/// One refusal of a change, what it means, and words of the advice; no words for no advice.
struct Body {
    service: Service,
    status: u16,
    code: &'static str,
    message: &'static str,
    class: FailureClass,
    advice: &'static str,
}

const fn body(
    service: Service,
    status: u16,
    code: &'static str,
    message: &'static str,
    class: FailureClass,
    advice: &'static str,
) -> Body {
    Body { service, status, code, message, class, advice }
}

#[rustfmt::skip] // A table: one body a line, as far as the text allows.
const BODIES: &[Body] = &[
    // Throttling in its three spellings.
    body(Ec2, 503, "RequestLimitExceeded", "Request limit exceeded.", Throttled, ""),
    body(LoadBalancing, 400, "Throttling", "Rate exceeded", Throttled, ""),
    body(AutoScaling, 400, "ThrottlingException", "Rate exceeded", Throttled, ""),
    // Auto Scaling's one code for three things: not yet there, never there, and already gone.
    body(AutoScaling, 400, "ValidationError",
        "Provided Target Groups may not be valid. Please ensure they exist and try again.", Transient, ""),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. The image id '[ami-08c40ec9ead489470]' does not exist",
        Permanent, "set an image"),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. The key pair 'vockey' does not exist",
        Permanent, "set a key pair"),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. The requested configuration is currently not supported. \
         Please check the documentation for supported configurations.", Permanent, "another instance type"),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. The architecture 'arm64' of the specified instance type \
         does not match the architecture 'x86_64' of the specified AMI. Specify an instance type and an AMI that have \
         matching architectures, and try again.", Permanent, "of one architecture"),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. You have requested more vCPU capacity than your current \
         vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
        Permanent, "quota"),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. You are not authorized to perform this operation.",
        Permanent, "ec2:RunInstances"),
    body(AutoScaling, 400, "ValidationError",
        "One or more target groups not found. Validating load balancer configuration failed.", Transient, ""),
    body(AutoScaling, 400, "ValidationError",
        "You must use a valid fully-formed launch template. The security group 'sg-0123456789abcdef0' does not exist",
        Transient, ""),
    body(AutoScaling, 400, "ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'group1' not found",
        Transient, ""),
    body(AutoScaling, 400, "ValidationError",
        "1 validation error detected: Value '0' at 'maxSize' failed to satisfy constraint", Permanent, ""),
    body(AutoScaling, 400, "ValidationError",
        "You are not authorized to use launch template: lt-0123456789abcdef0", Permanent, "ec2:RunInstances"),
    // The name is taken, or on its way out.
    body(AutoScaling, 400, "AlreadyExists",
        "AutoScalingGroup by this name already exists - A group with the name group1 already exists", Contended, ""),
    body(AutoScaling, 400, "AlreadyExists",
        "AutoScalingGroup by this name already exists and is pending delete. Please wait until Autoscaling \
         completes the deletion process before creating another group with the same name.", Contended, ""),
    body(AutoScaling, 400, "ValidationError",
        "The AutoScaling group may not be modified while it is pending delete", Contended, ""),
    body(Ec2, 400, "InvalidGroup.Duplicate",
        "The security group 'lab1-instances' already exists for VPC 'vpc-0123456789abcdef0'", Contended, ""),
    body(Ec2, 400, "InvalidLaunchTemplateName.AlreadyExistsException",
        "Launch template name already in use.", Contended, ""),
    body(LoadBalancing, 400, "DuplicateTargetGroupName",
        "A target group with the same name 'target-group-1' exists, but with different settings", Contended, ""),
    body(LoadBalancing, 400, "DuplicateLoadBalancerName",
        "A load balancer with the same name 'lab1-load-balancer' exists, but with different settings", Contended, ""),
    body(LoadBalancing, 400, "DuplicateListener",
        "A listener already exists on this port for this load balancer 'arn:aws:elasticloadbalancing:x'", Contended, ""),
    body(LoadBalancing, 400, "PriorityInUse", "Priority '1' is currently in use", Contended, ""),
    // Rights: EC2 encodes the reason, the others write it out.
    body(Ec2, 403, "UnauthorizedOperation",
        "You are not authorized to perform this operation. Encoded authorization failure message: \
         4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmn-NaREJq1_ab", Permanent, "lack this permission"),
    body(LoadBalancing, 403, "AccessDenied",
        "User: arn:aws:iam::123456789012:user/lab is not authorized to perform: \
         elasticloadbalancing:CreateLoadBalancer because no identity-based policy allows it",
        Permanent, "lack this permission"),
    body(AutoScaling, 403, "AccessDenied",
        "User: arn:aws:iam::123456789012:user/lab is not authorized to perform: autoscaling:CreateAutoScalingGroup",
        Permanent, "lack this permission"),
    body(LoadBalancing, 400, "OperationNotPermitted",
        "This AWS account currently does not support creating load balancers. For more information, please \
         contact AWS Support.", Permanent, "has not opened this account"),
    body(Ec2, 401, "OptInRequired",
        "You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe.",
        Permanent, "has not opened this account"),
    // Credentials and clocks.
    body(Sts, 403, "ExpiredToken", "The security token included in the request is expired", Unreachable, "renew"),
    body(Sts, 403, "InvalidClientTokenId", "The security token included in the request is invalid.",
        Unreachable, "has enabled this region"),
    body(LoadBalancing, 403, "SignatureDoesNotMatch",
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.)",
        Unreachable, "clock"),
    body(Ec2, 400, "RequestExpired", "Request has expired.", Unreachable, "renew the credentials, or check this machine's clock"),
    body(Ec2, 401, "AuthFailure", "AWS was not able to validate the provided access credentials",
        Unreachable, "check this machine's clock, and that the account has enabled this region"),
    // Quotas.
    body(Ec2, 400, "SecurityGroupLimitExceeded",
        "The maximum number of security groups for VPC 'vpc-1' has been reached.", Permanent, "account limit"),
    body(Ec2, 400, "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of 16 allows for the instance \
         bucket that the specified instance type belongs to.", Permanent, "account limit"),
    body(LoadBalancing, 400, "TooManyLoadBalancers",
        "The maximum number of load balancers has been reached", Permanent, "account limit"),
    body(AutoScaling, 400, "LimitExceeded",
        "You have already reached a limit for your Amazon EC2 Auto Scaling resources", Permanent, "account limit"),
    // Something holds on to it, and will let go.
    body(Ec2, 400, "DependencyViolation", "resource sg-0123456789abcdef0 has a dependent object", Transient, ""),
    body(LoadBalancing, 400, "ResourceInUse",
        "Target group 'arn:aws:elasticloadbalancing:x' is currently in use by a listener or a rule", Transient, ""),
    body(AutoScaling, 400, "ResourceInUse",
        "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) \
         still in the group.", Transient, ""),
    body(AutoScaling, 400, "ScalingActivityInProgress",
        "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
        Transient, ""),
    // The provider's own trouble: the change may stand.
    body(Ec2, 500, "InternalError", "An internal error has occurred", Ambiguous, ""),
    body(LoadBalancing, 500, "InternalFailure", "We encountered an internal error. Please try again.", Ambiguous, ""),
    body(AutoScaling, 500, "ServiceLinkedRoleFailure",
        "The service-linked role is not yet ready for use.", Ambiguous, ""),
    body(AutoScaling, 500, "ResourceContention",
        "You already have a pending update to an Amazon EC2 Auto Scaling resource", Ambiguous, ""),
];

impl Body {
    fn xml(&self) -> String {
        let Self { code, message, .. } = self;
        let message = message.replace('&', "&amp;");
        let error = format!("<Code>{code}</Code><Message>{message}</Message>");
        match self.service {
            Ec2 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>{error}</Error></Errors>\
                 <RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
            service => format!(
                "<ErrorResponse xmlns=\"http://{service}.amazonaws.com/doc/\"><Error><Type>Sender</Type>{error}\
                 </Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
        }
    }

    /// What a changing call makes of the body, through the SDK.
    async fn met(&self) -> ActionError {
        let (status, xml) = (self.status, self.xml());
        let transport = Transport::function(move |_| {
            // Of EC2's answers the SDK takes the id from this header, not from the body.
            let response = http::Response::builder().status(status);
            let response = response.header("x-amzn-requestid", REQUEST_ID);
            let response = response.body(Bytes::from(xml.clone()));
            Box::pin(std::future::ready(Ok(response.unwrap())))
        });
        let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
        let call = Call::changing(self.service, "Change", "it");
        let met = match self.service {
            Ec2 => aws.call(call, aws.ec2().create_security_group().send()).await.map(drop),
            LoadBalancing => {
                let request = aws.load_balancing().create_load_balancer();
                aws.call(call, request.send()).await.map(drop)
            }
            AutoScaling => {
                let request = aws.auto_scaling().create_auto_scaling_group();
                aws.call(call, request.send()).await.map(drop)
            }
            Sts => aws.call(call, aws.sts().get_caller_identity().send()).await.map(drop),
        };
        met.expect_err("a refusal is no success")
    }
}

/// Says what is wrong with what became of a body.
async fn complaints(body: &Body) -> Vec<String> {
    let error = body.met().await;
    let advice = error.failure().advice.as_deref().unwrap_or_default();
    let advised = advice.is_empty() == body.advice.is_empty() && advice.contains(body.advice);
    let checks = [
        (error.class() == body.class, format!("is {:?}", error.class())),
        (error.code() == Some(body.code), format!("has the code {:?}", error.code())),
        (error.to_string().contains(body.message), format!("reads {error}")),
        (advised, format!("advises {advice:?}")),
        (error.failure().request_id.as_deref() == Some(REQUEST_ID), "has no id".to_owned()),
    ];
    let wrong = checks.into_iter().filter(|(right, _)| !right);
    wrong.map(|(_, what)| format!("{} {} {what}", body.service, body.code)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_body_of_the_corpus_has_its_class_and_its_advice() {
    let mut wrong = Vec::new();
    for body in BODIES {
        wrong.extend(complaints(body).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Around the harness, which keeps to itself what a passing test prints.
    let _ = writeln!(std::io::stderr(), "[counts] error corpus: {} bodies", BODIES.len());
}
