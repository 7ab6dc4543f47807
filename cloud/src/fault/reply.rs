//! The answers of a fault, worded as the services word them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::plan::Fault;
use crate::wire::dialect::Service;
use crate::wire::refusal::Refusal;

/// Every answer that a fault makes carries this request id, so that logs show where it came from.
const REQUEST_ID: &str = "00000000-fa17-4000-8000-000000000000";

impl Fault {
    /// Returns the answer that is given instead of making the call, if that is what the fault does.
    pub(super) fn refusal(self, service: Option<Service>) -> Option<Response<Bytes>> {
        let ec2 = service == Some(Service::Ec2);
        let (status, code, message) = match self {
            Self::Throttle if ec2 => (503, "RequestLimitExceeded", "Request limit exceeded."),
            Self::Throttle => (400, "Throttling", "Rate exceeded"),
            Self::ThrottlingException => (400, "ThrottlingException", "Rate exceeded"),
            Self::ExpiredCredentials if ec2 => (400, "RequestExpired", "Request has expired."),
            Self::ExpiredCredentials => {
                (403, "ExpiredToken", "The security token included in the request is expired")
            }
            Self::AccessDenied if ec2 => {
                (403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
            }
            Self::AccessDenied => {
                (403, "AccessDenied", "User is not authorized to perform this action")
            }
            Self::Contention => match service {
                Some(Service::Elb) => {
                    (429, "PriorRequestNotComplete", "A previous request is not complete")
                }
                Some(Service::AutoScaling) => {
                    (500, "ResourceContention", "Another update of this group is going on")
                }
                _ => (400, "ConcurrentTagAccess", "Another request changes the same tags"),
            },
            Self::ErrorBefore(status) => return Some(server_error(service, status)),
            Self::ErrorAfter(_)
            | Self::ReplyLost
            | Self::DelayBeforeMs(_)
            | Self::DelayAfterMs(_)
            | Self::Refused => return None,
        };
        Some(error(service, status, code, message))
    }
}

/// Words a server error as the service does.
pub(super) fn server_error(service: Option<Service>, status: u16) -> Response<Bytes> {
    let ec2 = service == Some(Service::Ec2);
    let (code, message) = match status {
        500 if ec2 => ("InternalError", "An internal error has occurred"),
        500 => ("InternalFailure", "The request processing has failed because of an error"),
        _ if ec2 => ("Unavailable", "The server is overloaded and can't handle the request."),
        _ => ("ServiceUnavailable", "Service is unable to handle request."),
    };
    error(service, status, code, message)
}

/// Puts an error into the envelope of its service; a call to none gets that of the majority.
fn error(
    service: Option<Service>,
    status: u16,
    code: &'static str,
    message: &str,
) -> Response<Bytes> {
    let refusal = Refusal::new(code, message).with_status(status);
    let body = service.unwrap_or(Service::Elb).error(&refusal, REQUEST_ID);
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert("x-amzn-requestid", HeaderValue::from_static(REQUEST_ID));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns status and code of the refusal.
    fn refused(fault: Fault, service: Service) -> (u16, String) {
        let response = fault.refusal(Some(service)).unwrap();
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        let code = body.split_once("<Code>").unwrap().1.split_once("</Code>").unwrap().0;
        (response.status().as_u16(), code.to_owned())
    }

    #[test]
    fn each_service_throttles_in_its_own_words() {
        let elb = Service::Elb;
        assert_eq!(
            refused(Fault::Throttle, Service::Ec2),
            (503, "RequestLimitExceeded".to_owned())
        );
        assert_eq!(refused(Fault::Throttle, elb), (400, "Throttling".to_owned()));
        assert_eq!(refused(Fault::Throttle, Service::AutoScaling), (400, "Throttling".to_owned()));
        assert_eq!(
            refused(Fault::ThrottlingException, elb),
            (400, "ThrottlingException".to_owned())
        );
    }

    #[test]
    fn expired_credentials_missing_rights_and_server_errors_have_their_codes() {
        let asg = Service::AutoScaling;
        for (fault, service, status, code) in [
            (Fault::ExpiredCredentials, Service::Ec2, 400, "RequestExpired"),
            (Fault::ExpiredCredentials, asg, 403, "ExpiredToken"),
            (Fault::AccessDenied, Service::Ec2, 403, "UnauthorizedOperation"),
            (Fault::AccessDenied, asg, 403, "AccessDenied"),
            (Fault::Contention, Service::Elb, 429, "PriorRequestNotComplete"),
            (Fault::Contention, asg, 500, "ResourceContention"),
            (Fault::Contention, Service::Ec2, 400, "ConcurrentTagAccess"),
            (Fault::ErrorBefore(500), Service::Ec2, 500, "InternalError"),
            (Fault::ErrorBefore(500), asg, 500, "InternalFailure"),
            (Fault::ErrorBefore(503), Service::Ec2, 503, "Unavailable"),
            (Fault::ErrorBefore(503), asg, 503, "ServiceUnavailable"),
        ] {
            assert_eq!(refused(fault, service), (status, code.to_owned()), "{fault:?} {service:?}");
        }
    }

    #[test]
    fn every_refusal_names_its_request_in_the_header_as_well() {
        for service in [Service::Ec2, Service::Elb, Service::AutoScaling] {
            let denied = Fault::AccessDenied.refusal(Some(service)).unwrap();
            let broken = Fault::ErrorBefore(500).refusal(Some(service)).unwrap();
            for response in [denied, broken] {
                assert_eq!(response.headers()["x-amzn-requestid"], REQUEST_ID, "{service:?}");
                assert!(String::from_utf8_lossy(response.body()).contains(REQUEST_ID));
            }
        }
    }

    #[test]
    fn the_two_envelopes_differ_as_on_aws() {
        let ec2 = Fault::Throttle.refusal(Some(Service::Ec2)).unwrap().into_body();
        let elb = Fault::Throttle.refusal(Some(Service::Elb)).unwrap().into_body();
        assert!(String::from_utf8_lossy(&ec2).contains("<RequestID>"));
        assert!(String::from_utf8_lossy(&elb).contains("<Type>Sender</Type>"));
        assert!(String::from_utf8_lossy(&elb).contains("<RequestId>"));
    }
}
