//! What calls say when there is no answer: over real sockets, and through a function.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use lab1_flow_workflow::journal::FailureClass;
use lab1_flow_workflow::{ActionError, Pacer, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::credentials::OrDummy;
use super::*;

const CALL: &str = "CreateKeyPair";

/// Makes a call that changes something, and gives its error.
async fn change(aws: &Aws) -> ActionError {
    let request = aws.ec2().create_key_pair().key_name("x");
    aws.call(Call::changing(Service::Ec2, CALL, "x"), request.send()).await.unwrap_err()
}

async fn network(url: String) -> Aws {
    Aws::connect(&Target::local(Some(url)), Transport::Network).await.unwrap()
}

async fn function(answer: fn() -> Answer) -> Aws {
    Aws::connect(&Target::local(None), Transport::function(move |_| answer())).await.unwrap()
}

#[tokio::test]
async fn a_port_where_nobody_listens_was_surely_not_reached() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = change(&network(format!("http://{free}")).await).await;
    assert_eq!(error.class(), FailureClass::Unreachable, "{error}");
    assert!(error.to_string().starts_with("CreateKeyPair (x): no connection: "), "{error}");
}

#[tokio::test]
async fn a_name_that_resolves_nowhere_was_surely_not_reached() {
    let error = change(&network("http://nowhere.invalid".to_owned()).await).await;
    assert_eq!(error.class(), FailureClass::Unreachable, "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_in_the_middle_leaves_a_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 16]).await;
    });
    let error = change(&network(format!("http://{address}")).await).await;
    assert_eq!(error.class(), FailureClass::Ambiguous, "{error}");
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_after_twenty_seconds_as_a_doubt() {
    let aws = function(|| Box::pin(std::future::pending())).await;
    let started = tokio::time::Instant::now();
    let error = change(&aws).await;
    assert_eq!(error.class(), FailureClass::Ambiguous, "{error}");
    assert_eq!(started.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn every_fault_of_a_function_has_its_class() {
    for (answer, class) in [
        ((|| fault(TransportFault::Refused)) as fn() -> Answer, FailureClass::Unreachable),
        (|| fault(TransportFault::Dropped), FailureClass::Ambiguous),
        (|| fault(TransportFault::TimedOut), FailureClass::Ambiguous),
        (|| plain(500, "a proxy's page"), FailureClass::Ambiguous),
        (|| plain(200, "no answer of AWS"), FailureClass::Ambiguous),
        (|| plain(403, "a proxy's page"), FailureClass::Unreachable),
        (|| plain(403, "<html><body>Forbidden</body></html>"), FailureClass::Unreachable),
        (|| plain(407, ""), FailureClass::Unreachable),
    ] {
        let error = change(&function(answer).await).await;
        assert_eq!(error.class(), class, "{error}");
    }
}

/// Deletes something by a call whose answer holds nothing to be read, and gives its error.
async fn delete(aws: &Aws) -> ActionError {
    let request = aws.auto_scaling().delete_auto_scaling_group().auto_scaling_group_name("x");
    let call = Call::changing(Service::AutoScaling, "DeleteAutoScalingGroup", "x");
    aws.call(call, request.send()).await.unwrap_err()
}

#[tokio::test]
async fn a_success_that_is_no_answer_to_the_call_is_a_doubt_and_a_look_is_to_be_repeated() {
    let listed =
        "<DescribeKeyPairsResponse><requestId>r</requestId><keySet/></DescribeKeyPairsResponse>";
    for body in [
        "",
        "<html><body>Please log in.</body></html>",
        "{}",
        "<DeleteAutoScalingGroupResponse><ResponseMetadata>",
        "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        listed,
    ] {
        let aws = function_of(200, body).await;
        for error in [change(&aws).await, delete(&aws).await] {
            assert_eq!(error.class(), FailureClass::Ambiguous, "{body}: {error}");
            assert!(error.to_string().contains("): the answer is not whole"), "{error}");
        }
        let look = aws.ec2().describe_key_pairs().send();
        let call = Call::reading(Service::Ec2, "DescribeKeyPairs", "x");
        let look = aws.call(call, look).await;
        let class = look.as_ref().err().map(ActionError::class);
        assert_eq!(class, (body != listed).then_some(FailureClass::Transient), "{body}: {look:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_ends_early_is_no_refusal() {
    let body = "<Response><Errors><Error><Code>InvalidKeyPair.Duplicate</Code><Message>taken</Message></Error>";
    for status in [400, 403, 500, 503] {
        let error = change(&function_of(status, body).await).await;
        assert_eq!(error.class(), FailureClass::Ambiguous, "{error}");
        assert_eq!(error.code(), None, "{error}");
    }
    // Neither is a code that stands in somebody else's page.
    let page = "<html><Errors><Error><Code>InvalidKeyPair.Duplicate</Code></Error></Errors></html>";
    let error = change(&function_of(403, page).await).await;
    assert_eq!((error.class(), error.code()), (FailureClass::Unreachable, None), "{error}");
}

/// Answers every connection with these bytes, and closes it.
async fn server(answer: impl Fn() -> Vec<Vec<u8>> + Send + 'static) -> Aws {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 16_384]).await;
            for part in answer() {
                // A client that has had enough hangs up.
                if stream.write_all(&part).await.is_err() {
                    break;
                }
            }
        }
    });
    network(url).await
}

#[tokio::test]
async fn a_length_that_is_not_that_of_the_answer_is_a_doubt() {
    let body = "<DeleteAutoScalingGroupResponse><a/></DeleteAutoScalingGroupResponse>";
    let all = body.len();
    for (head, doubt) in [
        (format!("content-length: {all}"), false),
        (format!("content-length: {}", all - 1), true),
        (format!("content-length: {}", all + 1), true),
        ("content-length: 0".to_owned(), true),
        // What ends with the connection may have ended anywhere.
        ("connection: close".to_owned(), false),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
        let aws = server(move || vec![answer.clone().into_bytes()]).await;
        let request = aws.auto_scaling().delete_auto_scaling_group().auto_scaling_group_name("x");
        let call = Call::changing(Service::AutoScaling, "DeleteAutoScalingGroup", "x");
        let error = aws.call(call, request.send()).await.err();
        let class = error.as_ref().map(ActionError::class);
        assert_eq!(class, doubt.then_some(FailureClass::Ambiguous), "{head}: {error:?}");
    }
    let chunk =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{all:x}\r\n{body}\r\n");
    let error = delete(&server(move || vec![chunk.clone().into_bytes()]).await).await;
    assert_eq!(error.class(), FailureClass::Ambiguous, "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_left_at_its_limit() {
    let answer = || {
        let head = b"HTTP/1.1 200 OK\r\n\r\n<CreateKeyPairResponse><requestId>".to_vec();
        std::iter::once(head).chain(std::iter::repeat_n(vec![b'a'; 1 << 20], 64)).collect()
    };
    let error = change(&server(answer).await).await;
    assert_eq!(error.class(), FailureClass::Ambiguous, "{error}");
    assert!(error.to_string().contains("it is longer than 16 MiB"), "{error}");
}

async fn function_of(status: u16, body: &'static str) -> Aws {
    let transport = Transport::function(move |_| plain(status, body));
    Aws::connect(&Target::local(None), transport).await.unwrap()
}

fn fault(fault: TransportFault) -> Answer {
    Box::pin(std::future::ready(Err(fault)))
}

fn plain(status: u16, body: &'static str) -> Answer {
    let response = http::Response::builder().status(status).body(body.into()).unwrap();
    Box::pin(std::future::ready(Ok(response)))
}

#[tokio::test]
async fn a_refusal_without_words_names_its_code_and_its_request_once() {
    let body = "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors>\
                <RequestID>r-4711</RequestID></Response>";
    let transport = Transport::function(move |_| {
        let response = http::Response::builder().status(403).header("x-amzn-requestid", "r-4711");
        Box::pin(std::future::ready(Ok(response.body(body.into()).unwrap())))
    });
    let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
    let failure = change(&aws).await.into_failure();
    assert_eq!(failure.message, "CreateKeyPair (x): UnauthorizedOperation: without a word");
    let stored = serde_json::to_string(&failure).unwrap();
    assert_eq!(stored.matches("r-4711").count(), 1, "{stored}");
}

#[tokio::test]
async fn a_call_is_sent_once_whatever_comes_back() {
    for status in [500, 503, 429] {
        let count = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&count);
        let transport = Transport::function(move |_| {
            *seen.lock().unwrap() += 1;
            plain(status, "")
        });
        let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
        change(&aws).await;
        assert_eq!(*count.lock().unwrap(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_observer_is_told_of_every_call_and_a_pacer_of_every_throttling() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reports);
    let pacer = Arc::new(Pacer::new(Arc::new(SystemClock::new()), 1.0));
    let body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message>\
                </Error></Errors><RequestID>r</RequestID></Response>";
    let transport = Transport::function(move |_| plain(503, body));
    let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
    let observer = CallObserver::new(move |report| told.lock().unwrap().push(report.clone()));
    let aws = aws.with_observer(observer).with_pacer(Arc::clone(&pacer));
    assert_eq!(change(&aws).await.class(), FailureClass::Throttled);
    let reports = reports.lock().unwrap();
    let [report] = &reports[..] else { panic!("one call") };
    assert_eq!((report.service, report.action), (Service::Ec2, CALL));
    assert_eq!(report.code.as_deref(), Some("RequestLimitExceeded"));
    assert!(!report.succeeded);
    assert!(pacer.expected(Service::Ec2.lane(CALL)) > Duration::ZERO);
}

/// A chain of credentials with a fixed end.
#[derive(Debug)]
struct Chain(fn() -> Result<Credentials, CredentialsError>);

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::ready((self.0)())
    }
}

async fn or_dummy(
    chain: fn() -> Result<Credentials, CredentialsError>,
) -> Result<Credentials, CredentialsError> {
    OrDummy(SharedCredentialsProvider::new(Chain(chain))).provide_credentials().await
}

#[tokio::test]
async fn dummy_credentials_stand_in_for_none_and_for_nothing_else() {
    let none = or_dummy(|| Err(CredentialsError::not_loaded("none"))).await.unwrap();
    assert_eq!(none.access_key_id(), "lab1-flow");
    let own = or_dummy(|| Ok(Credentials::new("key", "secret", None, None, "test"))).await.unwrap();
    assert_eq!(own.access_key_id(), "key");
    assert!(or_dummy(|| Err(CredentialsError::provider_error("expired"))).await.is_err());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let aws = function(|| fault(TransportFault::Refused)).await;
    let printed = format!("{aws:?} {:?} {}", aws.target(), change(&aws).await);
    assert!(!printed.to_lowercase().contains("secret"), "{printed}");
    assert!(!printed.contains("Credential"), "{printed}");
}
