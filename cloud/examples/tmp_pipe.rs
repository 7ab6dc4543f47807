//! temp
use lab1_flow_cloud::*;
use std::io::{BufRead, Write};
use std::sync::Arc;
fn main() {
    let clock = VirtualCloudClock::default();
    let cloud = Cloud::in_memory(Arc::new(clock.clone()), CloudOptions::plain());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let v: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if let Some(s) = v.get("wait") {
            clock.advance_s(s.as_i64().unwrap());
            writeln!(out, "{{}}").unwrap();
            out.flush().unwrap();
            continue;
        }
        let r = http::Request::post("/")
            .header("authorization", v["auth"].as_str().unwrap_or(""))
            .body(bytes::Bytes::from(v["body"].as_str().unwrap().to_owned()))
            .unwrap();
        let r = cloud.handle(r);
        let j = serde_json::json!({"status": r.status().as_u16(), "body": String::from_utf8_lossy(r.body())});
        writeln!(out, "{j}").unwrap();
        out.flush().unwrap();
    }
}
