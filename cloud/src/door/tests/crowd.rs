//! More clients than places, and clients that keep a door waiting.

use super::*;

#[tokio::test]
async fn many_clients_are_served_at_once() {
    let answers = ByPath::new(0);
    let door = open(|_| answers.clone(), DoorLimits::default()).await;
    let door = Arc::new(door);
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let door = door.clone();
            tokio::spawn(async move { door.request("GET", "/wait", "").await })
        })
        .collect();
    // All of them are inside at once, or this would never return.
    answers.arrived.acquire_many(64).await.unwrap().forget();
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
    answers.gate.add_permits(64);
    for client in clients {
        assert_eq!(status(&client.await.unwrap()), 200);
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_while_every_other_is_being_answered() {
    let answers = ByPath::new(0);
    let limits = DoorLimits { connections_max: 1, head_time_max: NEVER, ..DoorLimits::default() };
    let door = open(|_| answers.clone(), limits).await;
    let mut first = door.connect().await;
    first.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answers.arrived.acquire().await.unwrap().forget();
    let second = door.request("GET", "/ok", "");
    let mut second = std::pin::pin!(second);
    let waited = tokio::time::timeout(Duration::from_millis(50), second.as_mut()).await;
    assert!(waited.is_err(), "the second connection was served beside the first");
    answers.gate.add_permits(1);
    // The first is idle now and gives its place to the second, after its whole answer.
    assert_eq!(status(&second.await), 200);
    assert_eq!(status(&rest_of(first).await), 200);
}

#[tokio::test]
async fn connections_that_ask_nothing_keep_nobody_out() {
    let limits = DoorLimits {
        connections_max: 8,
        head_time_max: NEVER,
        body_time_max: NEVER,
        ..DoorLimits::default()
    };
    let door = open(ByPath::new, limits).await;
    let mut idle = Vec::new();
    for begun in [
        "",
        "GET /ok HTT",
        "GET /ok HTTP/1.1\r\nHost: x\r\n",
        "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfive.",
    ] {
        for _ in 0..5 {
            let mut stream = door.connect().await;
            stream.write_all(begun.as_bytes()).await.unwrap();
            idle.push(stream);
        }
    }
    for _ in 0..3 {
        let answered = tokio::time::timeout(PATIENCE, door.request("GET", "/ok", "")).await;
        assert_eq!(status(&answered.expect("the idle connections keep the door shut")), 200);
    }
    // The ones that came last are still there, and can go on.
    let mut last = idle.pop().unwrap();
    last.write_all(b"five.").await.unwrap();
    assert_eq!(status(&one_answer(&mut last).await), 200);
}

#[tokio::test]
async fn the_daemon_can_be_asked_and_stopped_while_clients_crowd_its_door() {
    let limits = DoorLimits { connections_max: 4, head_time_max: NEVER, ..DoorLimits::default() };
    let door = api::open_api_within(Vec::new(), limits).await;
    let mut half_open = Vec::new();
    for _ in 0..12 {
        let mut stream = door.connect().await;
        stream.write_all(b"POST / HTTP/1.1\r\nHost:").await.unwrap();
        half_open.push(stream);
    }
    for (method, verb) in [("GET", "status"), ("POST", "reset"), ("POST", "stop")] {
        let path = format!("/_lab1_flow/{verb}");
        let asked = door.request(method, &path, "");
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        assert_eq!(status(&answered.expect("half-open connections keep the door shut")), 200);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let door = open(ByPath::new, quick()).await;
    let mut deaf = door.connect().await;
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // What it still sends arrives nowhere once it is given up.
    let given_up = async {
        while deaf.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up).await.expect("a client that does not read is kept");
}
