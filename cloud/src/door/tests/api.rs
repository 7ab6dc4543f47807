//! The API's door with a fresh cloud behind it.

use super::*;
use crate::daemon::{AccessKey, Endpoint};
use crate::fault::{CallLog, Fault, FaultPlan, FaultRule, Faults};
use crate::{Cloud, CloudOptions, VirtualCloudClock};

/// The API's door on a fresh cloud, with a plan of faults.
async fn open_api(rules: Vec<FaultRule>) -> Opened {
    open_api_within(rules, DoorLimits::default()).await
}

pub(super) async fn open_api_within(rules: Vec<FaultRule>, limits: DoorLimits) -> Opened {
    let clock = Arc::new(VirtualCloudClock::default());
    let cloud = Cloud::in_memory(clock, CloudOptions::plain());
    let make = |port| {
        let endpoint = Endpoint {
            port,
            pid: std::process::id(),
            started_at_ms: 0,
            time_scale: 1.0,
            guests: crate::GuestKind::Light,
            in_background: false,
            version: "0".to_owned(),
            access_key_id: AccessKey::of(KEY),
        };
        let control = Control {
            cloud,
            endpoint,
            calls: Arc::new(CallLog::default()),
            stop: watch::channel(false).0,
            hurry: watch::channel(false).0,
        };
        ApiDoor::new(control, Faults::new(FaultPlan { seed: 1, rules }).unwrap())
    };
    open(make, limits).await
}

const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";

#[tokio::test]
async fn the_api_answers_by_its_own_name_only() {
    let door = open_api(Vec::new()).await;
    let answer = door.request("POST", "/", WHO).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("<Account>"), "{answer}");

    let foreign = "POST / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&door.exchange(foreign).await), 421);
    for path in ["/", "/_lab1_flow/stop", "/_lab1_flow/status"] {
        let page = door.worded("POST", path, "Origin: https://evil.example\r\n", WHO);
        assert_eq!(status(&door.exchange(page).await), 421, "{path}");
    }
}

/// The envelope is that of the service for which the request is signed, so that any SDK can read it.
#[tokio::test]
async fn a_refusal_of_the_door_is_worded_as_the_service_words_its_own() {
    let door = open_api(Vec::new()).await;
    let long = format!("Content-Length: {}", DoorLimits::default().body_bytes_max + 1);
    for (service, opening, namespace) in [
        ("ec2", "<Response><Errors><Error><Code>", ""),
        ("elasticloadbalancing", "<ErrorResponse ", "elasticloadbalancing"),
        ("autoscaling", "<ErrorResponse ", "autoscaling"),
        ("", "<Response><Errors><Error><Code>", ""),
    ] {
        let credential =
            format!("AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/{service}/aws4_request");
        for (host, header, wanted, code) in [
            ("evil.example", "Content-Length: 0", 421, "MisdirectedRequest"),
            (door.address.to_string().as_str(), long.as_str(), 413, "RequestEntityTooLarge"),
        ] {
            let request = format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: {credential}\r\n\
                 Connection: close\r\n{header}\r\n\r\n"
            );
            let mut stream = door.connect().await;
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let answer = rest_of(stream).await;
            assert_eq!(status(&answer), wanted, "{answer}");
            assert!(answer.contains("content-type: text/xml"), "{answer}");
            assert!(answer.contains(opening) && answer.contains(namespace), "{answer}");
            assert!(answer.contains(&format!("<Code>{code}</Code>")), "{answer}");
        }
    }
    let control =
        "GET /_lab1_flow/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let answer = door.exchange(control).await;
    assert!(status(&answer) == 421 && answer.contains("{\"error\":"), "{answer}");
}

#[tokio::test]
async fn the_daemons_own_requests_are_told_apart_and_checked() {
    let door = open_api(Vec::new()).await;
    let endpoint = door.request("GET", "/_lab1_flow/endpoint", "").await;
    assert!(endpoint.contains(&format!("\"port\":{}", door.address.port())), "{endpoint}");
    let stands = door.request("GET", "/_lab1_flow/status", "").await;
    assert!(status(&stands) == 200 && stands.contains("\"account\":"), "{stands}");
    assert_eq!(status(&door.request("POST", "/_lab1_flow/reset", "").await), 200);
    assert_eq!(status(&door.request("GET", "/_lab1_flow/nothing", "").await), 404);
    for verb in ["stop", "reset"] {
        let answer = door.request("GET", &format!("/_lab1_flow/{verb}"), "").await;
        assert_eq!(status(&answer), 405);
        assert!(answer.contains("allow: POST"), "{answer}");
    }
}

#[tokio::test]
async fn every_call_is_counted_with_its_outcome_and_the_fault_that_it_met() {
    let rule = |fault, from_call| FaultRule {
        action: Some("GetCallerIdentity".to_owned()),
        from_call,
        count: Some(1),
        ..FaultRule::new(fault)
    };
    let door = open_api(vec![rule(Fault::ReplyLost, 2), rule(Fault::Throttle, 3)]).await;
    let statuses = [
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", "Action=Nonsense&Version=2016-11-15").await),
    ];
    assert_eq!(statuses, [200, 0, 400, 400]);
    let log = door.request("GET", "/_lab1_flow/calls", "").await;
    let log: serde_json::Value =
        serde_json::from_str(log.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(log["total"], 4);
    assert_eq!(log["counts"]["sts:GetCallerIdentity"], 3);
    assert_eq!(log["recent"][1]["status"], serde_json::Value::Null);
    assert_eq!(log["recent"][1]["fault"], "reply-lost");
    assert_eq!(log["recent"][2]["code"], "Throttling");
    assert_eq!(log["recent"][3]["name"], "ec2:Nonsense");
}

/// Longer than anybody waits.
const HOUR_MS: u64 = 3_600_000;

#[tokio::test]
async fn whoever_is_in_a_hurry_ends_the_delays() {
    let door = open_api(vec![FaultRule {
        count: Some(2),
        ..FaultRule::new(Fault::DelayBeforeMs(HOUR_MS))
    }])
    .await;
    let ask = async || tokio::time::timeout(PATIENCE, door.request("POST", "/", WHO)).await;
    let hurry = async || {
        tokio::task::yield_now().await;
        door.request("POST", "/_lab1_flow/hurry", "").await
    };
    let (answer, hurried) = tokio::join!(ask(), hurry());
    assert_eq!((status(&answer.unwrap()), status(&hurried)), (200, 200));
    assert_eq!(status(&ask().await.unwrap()), 200, "also those that come later");
}

#[tokio::test]
async fn a_call_whose_client_hangs_up_is_made_all_the_same() {
    let create = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=web&GroupDescription=web";
    let rule = FaultRule {
        action: Some("CreateSecurityGroup".to_owned()),
        ..FaultRule::new(Fault::DelayBeforeMs(HOUR_MS))
    };
    let door = open_api(vec![rule]).await;
    let mut stream = door.connect().await;
    stream.write_all(door.worded("POST", "/", "", create).as_bytes()).await.unwrap();
    // Long enough for the request to arrive, and for the server to hear that nobody waits any more.
    tokio::time::sleep(Duration::from_millis(30)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(30)).await;
    door.request("POST", "/_lab1_flow/hurry", "").await;
    let recorded = async {
        while !door.request("GET", "/_lab1_flow/calls", "").await.contains("\"total\":1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recorded).await.expect("the call was taken back");
}
