//! The embedded cloud in a process of its own, as its commands show it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::flow::{Flow, Running};
use super::patience::wait_for;

/// How long a cloud may take to start on a machine that does other things too.
const START: Duration = Duration::from_secs(30);

/// A resource of the embedded cloud.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Resource {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) seeded: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) details: BTreeMap<String, String>,
}

impl Resource {
    /// Returns the run whose mark the resource carries.
    pub(crate) fn run(&self) -> Option<&str> {
        self.tags.get("lab1-flow:run-id").map(String::as_str)
    }

    /// Returns the action whose mark the resource carries.
    pub(crate) fn action(&self) -> Option<&str> {
        self.tags.get("lab1-flow:action").map(String::as_str)
    }
}

/// What `cloud status --json` says.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) port: u16,
    pub(crate) pid: u32,
    pub(crate) resources: Vec<Resource>,
    /// Its access key.
    pub(crate) access_key: String,
}

impl Cloud {
    /// Asks for the whole account; `None` when no cloud runs.
    pub(crate) fn look(flow: &Flow) -> Option<Self> {
        let status = flow.run(&["cloud", "status", "--json"]);
        let found = status.objects_with("account").into_iter().next()?;
        let number = |key: &str| found["endpoint"][key].as_u64();
        let resources = found["account"]["resources"].clone();
        Some(Self {
            port: u16::try_from(number("port")?).ok()?,
            pid: u32::try_from(number("pid")?).ok()?,
            resources: serde_json::from_value(resources).expect("resources have their shape"),
            access_key: access_key(flow),
        })
    }

    /// Returns what callers have made; records of terminated instances stay for a while.
    pub(crate) fn made(&self) -> Vec<&Resource> {
        let is_record = |it: &Resource| it.kind == "instance" && it.state == "terminated";
        self.resources.iter().filter(|it| !it.seeded && !is_record(it)).collect()
    }

    /// Calls the API as somebody else does; `form` is the body.
    pub(crate) fn call(&self, form: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the cloud listens");
        let request = format!(
            "POST / HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential={}/20260101/us-east-1/ec2/aws4_request\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.port,
            self.access_key,
            form.len()
        );
        stream.write_all(request.as_bytes()).expect("the cloud reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the cloud answers");
        answer
    }
}

/// Reads the access key of a user's embedded cloud.
pub(crate) fn access_key(flow: &Flow) -> String {
    let stored = fs::read(flow.state_dir().join("cloud/endpoint.json")).expect("an endpoint");
    let stored: Value = serde_json::from_slice(&stored).expect("the endpoint is JSON");
    stored["access_key_id"].as_str().expect("it has a key").to_owned()
}

/// Serves a cloud with faults in the foreground, until it is dropped.
pub(crate) fn serve(flow: &Flow, time_scale: &str, faults: &str) -> Running {
    let plan = write_plan(flow, faults);
    let plan = plan.to_str().expect("temporary paths are text");
    let serving = flow.start(&[
        "cloud",
        "serve",
        "--port",
        "0",
        "--time-scale",
        time_scale,
        "--faults",
        plan,
    ]);
    wait_for(START, || (!serving.stdout_so_far().is_empty()).then_some(()))
        .expect("the cloud says where it listens");
    serving
}

fn write_plan(flow: &Flow, faults: &str) -> PathBuf {
    let folder = flow.state_dir();
    fs::create_dir_all(&folder).expect("the state directory can be made");
    let path = folder.with_file_name("faults.toml");
    fs::write(&path, faults).expect("the plan can be written");
    path
}

/// Compares the account with one documented stack of the run `run`, and says what differs.
///
/// `prefix` is what the stack's name puts before every name. Other runs' resources do not matter.
pub(crate) fn differences(cloud: &Cloud, run: &str, prefix: &str) -> Vec<String> {
    let ours: Vec<_> = cloud.made().into_iter().filter(|it| it.run() == Some(run)).collect();
    let mut differences = Vec::new();
    for (kind, count) in [
        ("security-group", 2),
        ("launch-template", 2),
        ("target-group", 2),
        ("load-balancer", 1),
        ("listener", 1),
        ("listener-rule", 2),
        ("auto-scaling-group", 2),
        ("instance", 9),
    ] {
        let found: Vec<_> = ours.iter().filter(|it| it.kind == kind).collect();
        if found.len() != count {
            differences.push(format!("{} of kind {kind} instead of {count}", found.len()));
        }
        let mut actions: Vec<_> = found.iter().filter_map(|it| it.action()).collect();
        actions.dedup();
        if kind != "instance" && actions.len() != found.len() {
            differences.push(format!("two of kind {kind} by one action: {actions:?}"));
        }
    }
    differences.extend(ours.iter().filter_map(|it| wrong_detail(it, prefix)));
    differences
}

/// Says what is wrong with one resource of the documented stack.
fn wrong_detail(resource: &Resource, prefix: &str) -> Option<String> {
    let name = resource.name.strip_prefix(prefix).unwrap_or("(another stack)");
    let (detail, expected) = match (resource.kind.as_str(), name) {
        ("load-balancer", _) if resource.state != "active" => ("state", "active"),
        ("instance", _) if resource.state != "running" => ("state", "running"),
        ("instance", _) => ("answers", "true"),
        // With the one to anywhere that every group is born with.
        ("security-group", "lab1-instances") => ("rules", "4"),
        ("security-group", _) => ("rules", "2"),
        ("target-group", "target-group-1") => ("healthy", "5"),
        ("target-group", _) => ("healthy", "4"),
        ("auto-scaling-group", "group1") => ("members", "5"),
        ("auto-scaling-group", _) => ("members", "4"),
        ("listener", _) => ("port", "80"),
        _ => return None,
    };
    let found = resource.details.get(detail).map(String::as_str);
    (found != Some(expected))
        .then(|| format!("{} {name}: {detail} is {found:?} instead of {expected}", resource.kind))
}
