//! Who may call the API, and what others are told.

use super::api::open_api_within;
use super::*;

const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";
/// The services with the envelopes of their errors, and what they say to an unknown key.
const SERVICES: [(&str, &str, u16, &str); 4] = [
    ("ec2", "<Response><Errors><Error><Code>", 401, "AuthFailure"),
    ("elasticloadbalancing", "<ErrorResponse ", 403, "InvalidClientTokenId"),
    ("autoscaling", "<ErrorResponse ", 403, "InvalidClientTokenId"),
    ("sts", "<ErrorResponse ", 403, "InvalidClientTokenId"),
];

async fn open_door() -> Opened {
    open_api_within(Vec::new(), DoorLimits::default()).await
}

fn signed(key: &str, service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00\r\n"
    )
}

#[tokio::test]
async fn an_unknown_key_is_refused_in_the_words_of_each_service() {
    let door = open_door().await;
    for (service, envelope, wanted, code) in SERVICES {
        for wrong in ["test", "lab1test", "LAB1TES", "LAB1TESTX", "%4cAB1TEST"] {
            let request = door.worded_with_no_key("POST", "/", &signed(wrong, service), WHO);
            let answer = door.exchange(request).await;
            assert_eq!(status(&answer), wanted, "{service} {wrong}: {answer}");
            assert!(answer.contains(envelope), "{answer}");
            assert!(answer.contains(&format!("<Code>{code}</Code>")), "{answer}");
        }
        let request = door.worded_with_no_key("POST", "/", &signed(KEY, service), WHO);
        assert_eq!(status(&door.exchange(request).await), 200, "{service}");
    }
    let log = door.request("GET", "/_lab1_flow/calls", "").await;
    assert!(log.contains("\"total\":4"), "a stranger's call is none\n{log}");
}

#[tokio::test]
async fn a_call_that_names_no_key_is_refused_and_changes_nothing() {
    let door = open_door().await;
    let create = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=web&GroupDescription=web";
    for header in [
        "",
        "Authorization: \r\n",
        "Authorization: AWS4-HMAC-SHA256 Signature=00\r\n",
        "Authorization: Bearer LAB1TEST\r\n",
    ] {
        let answer = door.exchange(door.worded_with_no_key("POST", "/", header, create)).await;
        assert_eq!(status(&answer), 403, "{header}: {answer}");
        assert!(answer.contains("<Code>MissingAuthenticationToken</Code>"), "{answer}");
    }
    let list = "Action=DescribeSecurityGroups&Version=2016-11-15";
    assert!(!door.request("POST", "/", list).await.contains("<groupName>web<"));
}

#[tokio::test]
async fn a_signed_url_names_its_key_in_the_query() {
    let door = open_door().await;
    let ask = async |key: &str| {
        let path = format!(
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20260101%2Fus-east-1%2Fsts\
             %2Faws4_request&X-Amz-Signature=00"
        );
        door.exchange(door.worded_with_no_key("POST", &path, "", WHO)).await
    };
    assert_eq!(status(&ask(KEY).await), 200);
    let refused = ask("LAB1OTHER").await;
    assert!(status(&refused) == 403 && refused.contains("InvalidClientTokenId"), "{refused}");
    // A header goes before.
    let path = format!("/?X-Amz-Credential={KEY}%2F20260101%2Fus-east-1%2Fsts%2Faws4_request");
    let both = door.worded_with_no_key("POST", &path, &signed("LAB1OTHER", "sts"), WHO);
    assert_eq!(status(&door.exchange(both).await), 403);
}

#[tokio::test]
async fn the_daemons_own_paths_ask_for_the_key_too() {
    let door = open_door().await;
    let paths = [
        ("GET", "endpoint"),
        ("GET", "status"),
        ("GET", "calls"),
        ("POST", "reset"),
        ("POST", "hurry"),
        ("POST", "stop"),
        ("GET", "nothing"),
        ("GET", "ready/../status"),
    ];
    for (method, path) in paths {
        for header in ["", "Authorization: Bearer LAB1OTHER\r\n", &signed("LAB1OTHER", "ec2")] {
            let path = format!("/_lab1_flow/{path}");
            let answer = door.exchange(door.worded_with_no_key(method, &path, header, "")).await;
            assert!(status(&answer) == 401 && answer.contains("{\"error\":"), "{path}: {answer}");
            assert!(!answer.contains(KEY), "{answer}");
        }
    }
    for header in [format!("Authorization: Bearer {KEY}\r\n"), signed(KEY, "ec2")] {
        let request = door.worded_with_no_key("GET", "/_lab1_flow/status", &header, "");
        assert_eq!(status(&door.exchange(request).await), 200);
    }
}

#[tokio::test]
async fn a_stranger_may_ask_whether_it_is_ready_and_learns_no_key() {
    let door = open_door().await;
    let ask = async |path: &str| door.exchange(door.worded_with_no_key("GET", path, "", "")).await;
    let ready = ask("/_lab1_flow/ready?challenge=00112233445566778899aabbccddeeff").await;
    assert!(status(&ready) == 200 && ready.contains("\"proof\":"), "{ready}");
    for path in ["/_lab1_flow/ready", "/_lab1_flow/ready?challenge=0"] {
        let refused = ask(path).await;
        assert_eq!(status(&refused), 400, "{refused}");
    }
    assert!(!ready.contains(KEY) && !ready.contains("\"pid\""), "{ready}");
}

/// More than the kernel keeps for a connection: who has not read it all when it closes takes the answer down.
const BODY_BYTES: usize = 8 * 1024 * 1024;

#[tokio::test]
async fn a_large_body_from_a_stranger_is_refused_without_being_read() {
    let door = open_door().await;
    let body = "x".repeat(BODY_BYTES);
    for (path, wanted) in [("/", 403), ("/_lab1_flow/stop", 401), ("/_lab1_flow/ready", 400)] {
        let answer = door.exchange(door.worded_with_no_key("POST", path, "", &body)).await;
        assert_eq!(status(&answer), wanted, "and not 413: {answer}");
    }
}
