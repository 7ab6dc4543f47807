//! One client after the other: what each may send, and what it gets.

use super::*;

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let door = open(ByPath::new, DoorLimits::default()).await;
    let mut stream = door.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), 200);
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_answered_with_413_and_the_next_client_is_served() {
    let limits = DoorLimits { body_bytes_max: 1_000, ..DoorLimits::default() };
    let door = open(ByPath::new, limits).await;
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(1_000)).await), 200);
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(1_001)).await), 413);
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(4_000_000)).await), 413);
    let chunked = format!(
        "POST /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         7d0\r\n{}\r\n0\r\n\r\n",
        "x".repeat(2_000)
    );
    assert_eq!(status(&door.exchange(chunked).await), 413);
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_refused_before_it_comes() {
    let door =
        open(ByPath::new, DoorLimits { body_time_max: NEVER, ..DoorLimits::default() }).await;
    let mut stream = door.connect().await;
    let head = "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    stream.write_all(format!("{head}{}", "x".repeat(100)).as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let answered = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    answered.expect("the rest of the body is waited for").unwrap();
    assert_eq!(answer.as_slice(), b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_408() {
    let door = open(ByPath::new, quick()).await;
    let answer =
        door.exchange("POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfive.").await;
    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_answered_with_408_and_an_idle_connection_is_closed() {
    let door = open(ByPath::new, quick()).await;
    for half in ["G", "GET /ok HTTP/1.1\r\nHost:", "GET /ok HTTP/1.1\r\nHost: x\r\n"] {
        let answer = door.exchange(half).await;
        assert_eq!(status(&answer), 408, "{half:?}: {answer:?}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer:?}");
    }
    assert_eq!(door.exchange("").await, "");
    let door = open(ByPath::new, less_quick(Duration::from_secs(1))).await;
    let mut idle = door.connect().await;
    idle.write_all(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    one_answer(&mut idle).await;
    assert_eq!(rest_of(idle).await, "");
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_all() {
    let door = open(ByPath::new, less_quick(Duration::from_secs(2))).await;
    let mut slow = door.connect().await;
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = slow.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        received += read;
        // Together far longer than the server waits for one write.
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    assert!(received > LARGE, "{received} of {LARGE} bytes");
}

#[tokio::test]
async fn a_large_or_malformed_head_is_answered_and_nothing_breaks() {
    let door = open(ByPath::new, DoorLimits::default()).await;
    let hurried = open(ByPath::new, quick()).await;
    let large = format!("GET /ok HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(status(&door.exchange(large).await), 431);
    for malformed in
        ["\r\n\r\n\r\n", "GET\r\n\r\n", "GET /ok HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"]
    {
        let answer = hurried.exchange(malformed).await;
        assert!(matches!(status(&answer), 400 | 408 | 505), "{malformed:?}: {answer}");
    }
    let wrong_length = "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n";
    assert_eq!(status(&door.exchange(wrong_length).await), 400);
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection_without_a_byte() {
    let door = open(ByPath::new, DoorLimits::default()).await;
    assert_eq!(door.request("GET", "/drop", "").await, "");
    assert_eq!(status(&door.request("GET", "/refused", "").await), 403);
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_end_and_refuses_new_connections() {
    let answers = ByPath::new(0);
    let door = open(|_| answers.clone(), DoorLimits::default()).await;
    let mut waiting = door.connect().await;
    waiting.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answers.arrived.acquire().await.unwrap().forget();
    door.stop.send_replace(true);
    answers.gate.add_permits(1);
    assert_eq!(status(&rest_of(waiting).await), 200);
    door.served.await.unwrap();
    let refused = TcpStream::connect(door.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_request_that_does_not_end_does_not_hold_up_a_stop() {
    let answers = ByPath::new(0);
    let limits =
        DoorLimits { closing_time_max: Duration::from_millis(50), ..DoorLimits::default() };
    let door = open(|_| answers.clone(), limits).await;
    let mut stuck = door.connect().await;
    stuck.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answers.arrived.acquire().await.unwrap().forget();
    door.stop.send_replace(true);
    tokio::time::timeout(PATIENCE, door.served).await.unwrap().unwrap();
    assert_eq!(rest_of(stuck).await, "");
}
