//! The real binary in a place of its own: a private home, a private state directory, no variable of AWS.

pub(crate) mod stored;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A home directory with a state directory in it. Its embedded cloud ends with it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    home: TempDir,
    /// The access key of its cloud, once commands use that as an endpoint.
    key: OnceLock<OsString>,
}

/// What one command left: its exit status and what it wrote.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { home: TempDir::new().expect("a temporary directory"), key: OnceLock::new() }
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Writes a file into the home directory and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("a file in the sandbox");
        path
    }

    /// Reads a file of the home directory.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.path().join(name)).expect("a file in the sandbox")
    }

    /// The command, ready to be started in the home directory.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_lab1-flow"), arguments)
    }

    /// Another program with the same environment.
    pub(crate) fn command_of<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.home())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null());
        command
    }

    /// All that a program in this place finds in its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", self.home().into()),
            ("USER", "tester".into()),
            ("TERM", "dumb".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("LAB1_FLOW_STATE_DIR", self.state_dir().into()),
        ];
        if let Some(key) = self.key.get() {
            variables.push(("AWS_ACCESS_KEY_ID", key.clone()));
            variables.push(("AWS_SECRET_ACCESS_KEY", "any".into()));
        }
        variables
    }

    /// Sets the access key of the running cloud for every later command, as a person does with `cloud env`, and returns
    /// the URL of the cloud.
    pub(crate) fn meet_cloud_as_endpoint(&self) -> String {
        self.key.set(self.access_key().into()).expect("it is met once");
        self.cloud_url()
    }

    /// The access key of the embedded cloud.
    pub(crate) fn access_key(&self) -> String {
        let stored = std::fs::read(self.state_dir().join("cloud/endpoint.json"));
        let stored = stored.expect("an endpoint of the cloud");
        let stored: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
        text(&stored["access_key_id"])
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the command to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Transcript {
        let output = self.command(arguments).output().expect("the binary starts");
        Transcript::new(&output, self)
    }

    /// Runs the command to its end and expects it to succeed.
    pub(crate) fn succeed<A: AsRef<OsStr> + fmt::Debug>(&self, arguments: &[A]) -> Transcript {
        let transcript = self.run(arguments);
        assert_eq!(transcript.status, Some(0), "{arguments:?}\n{transcript}");
        transcript
    }

    /// Starts the command with its output kept.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
    }

    /// Starts the command, and waits until it has said these words to people.
    pub(crate) fn start_until(&self, arguments: &[&str], words: &str) -> (Child, String) {
        let mut child = self.start(arguments);
        let heard = hear(&mut child, words);
        (child, heard)
    }

    /// Waits for the end of a command that was started.
    pub(crate) fn finish(&self, child: Child) -> Transcript {
        Transcript::new(&child.wait_with_output().expect("the end of a command"), self)
    }

    /// Starts the embedded cloud with a plan of faults, and waits until it answers.
    pub(crate) fn cloud_with_faults(&self, plan: &str) -> Cloud {
        self.cloud_with_faults_at(plan, FAST)
    }

    /// The same with a clock of this speed.
    pub(crate) fn cloud_with_faults_at(&self, plan: &str, time_scale: &str) -> Cloud {
        let plan = self.file("faults.toml", plan);
        let mut command = self.command(&[
            OsStr::new("cloud"),
            OsStr::new("serve"),
            OsStr::new("--time-scale"),
            OsStr::new(time_scale),
            OsStr::new("--faults"),
            plan.as_os_str(),
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the cloud starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a kept stdout");
        let mut reader = std::io::BufReader::new(stdout);
        std::io::BufRead::read_line(&mut reader, &mut line).expect("the endpoint");
        assert!(line.starts_with("http://127.0.0.1:"), "{line}");
        Cloud { child }
    }

    /// The ids of all runs, the oldest first.
    pub(crate) fn run_ids(&self) -> Vec<String> {
        let rows = self.succeed(&["list", "--json"]).json();
        rows.iter().rev().map(|row| text(&row["run_id"])).collect()
    }

    /// Waits until a run is listed, and so can be asked to stop.
    pub(crate) fn wait_for_run(&self) -> String {
        let mut runs = Vec::new();
        wait_until("a run is begun", || {
            runs = self.run_ids();
            !runs.is_empty()
        });
        runs.remove(0)
    }

    /// Where the embedded cloud listens.
    pub(crate) fn cloud_url(&self) -> String {
        text(&self.succeed(&["cloud", "status", "--json"]).json()[0]["url"])
    }

    /// Calls the embedded cloud as somebody else does, and gives the body of its answer.
    pub(crate) fn somebody(&self, form: &str) -> String {
        self.post("/", form)
    }

    /// Ends the delays of the plan of faults: calls that are held are let go, and no other one is held.
    pub(crate) fn hurry(&self) {
        self.post("/_lab1_flow/hurry", "");
    }

    fn post(&self, path: &str, form: &str) -> String {
        let host = self.cloud_url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&host).expect("a cloud that listens");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={}/20260101/us-east-1/ec2/aws4_request\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.access_key(),
            form.len()
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{form}\n{answer}");
        answer
    }

    /// The id of a thing in the account of the embedded cloud.
    pub(crate) fn id_of(&self, kind: &str, name: &str) -> String {
        let status = self.succeed(&["cloud", "status", "--json"]).json();
        let resources = status[0]["account"]["resources"].as_array().cloned().unwrap_or_default();
        let mut found = resources
            .iter()
            .filter(|it| it["kind"] == kind && it["name"] == name && it["state"] != "terminated");
        text(&found.next().unwrap_or_else(|| panic!("no {kind} {name}: {resources:#?}"))["id"])
    }

    /// Waits until an attempt of the action is recorded.
    pub(crate) fn wait_for_record(&self, action: &str) {
        let needle = format!("\"type\":\"attempt-started\",\"action\":\"{action}\"");
        let run = self.wait_for_run();
        wait_until(&format!("an attempt of {action} is recorded"), || {
            self.run(&["journal", &run, "--json"]).stdout.contains(&needle)
        });
    }

    /// Everything in the account of the embedded cloud that a fresh account does not hold, as `kind name`.
    /// Instances that are terminated stay listed for an hour, as they do in EC2: they are left out.
    pub(crate) fn account(&self) -> Vec<String> {
        let status = self.succeed(&["cloud", "status", "--json"]).json();
        let resources = status[0]["account"]["resources"].as_array().cloned().unwrap_or_default();
        let made = resources
            .iter()
            .filter(|resource| resource["seeded"] == false && resource["state"] != "terminated");
        let mut names: Vec<_> = made
            .map(|resource| format!("{} {}", text(&resource["kind"]), text(&resource["name"])))
            .collect();
        names.sort();
        names
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A cloud that runs would outlive its directory.
        let _none_runs = self.command(&["cloud", "stop"]).output();
    }
}

/// Longer than anything takes here, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// A plan that holds the answer to each call of this action as long as a client waits, or until somebody is in a hurry.
pub(crate) fn held_answers(call: &str) -> String {
    format!("[[rules]]\naction = \"{call}\"\nfault = {{ delay-after-ms = 50000 }}\n")
}

/// How fast time passes in tests: an hour of AWS in six seconds.
pub(crate) const FAST: &str = "600";

/// A served cloud; it ends with this value.
#[derive(Debug)]
pub(crate) struct Cloud {
    child: Child,
}

impl Cloud {
    /// Lets it stand still: connections wait, and nothing is answered.
    pub(crate) fn freeze(&self) {
        send(&self.child, Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        send(&self.child, Signal::CONT);
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Transcript {
    fn new(output: &Output, sandbox: &Sandbox) -> Self {
        let home = sandbox.home.path().to_string_lossy().into_owned();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "[home]");
        Self {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Insists on the exit status.
    pub(crate) fn expect_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// The JSON lines of stdout below the one that names the schema; nothing else may stand there.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let mut lines = self.json_lines();
        assert!(!lines.is_empty(), "there is no JSON\n{self}");
        let opening = lines.remove(0);
        assert_eq!(opening["schema"], "lab1-flow/1", "{self}");
        assert!(lines.iter().all(|line| line["event"].is_string()), "each has a kind\n{self}");
        lines
    }

    /// All JSON lines of stdout.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "signal".to_owned(), |status| status.to_string());
        writeln!(f, "exit status: {status}")?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "-- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Waits until something holds.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience_ends = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < patience_ends, "never so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a command that was started has said a line with these words to people, and returns all up to there. What
/// it says later is left for its end.
pub(crate) fn hear(child: &mut Child, words: &str) -> String {
    let stderr = child.stderr.as_mut().expect("a kept stderr");
    let (mut heard, mut line, mut byte) = (String::new(), Vec::new(), [0]);
    while !heard.lines().next_back().is_some_and(|line| line.contains(words)) {
        let length = stderr.read(&mut byte).expect("a byte");
        assert_ne!(length, 0, "it ended with {heard}");
        line.extend(byte);
        if byte == *b"\n" {
            heard.push_str(&String::from_utf8_lossy(&std::mem::take(&mut line)));
        }
    }
    heard
}

/// Sends a signal to a command that was started.
pub(crate) fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a live process");
}

/// Whether a command that was started watches for a signal.
pub(crate) fn catches(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & (1 << (signal.as_raw() - 1)) != 0
}

/// A JSON text, or nothing.
pub(crate) fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether a path holds no run.
pub(crate) fn holds_no_run(state_dir: &Path) -> bool {
    std::fs::read_dir(state_dir.join("runs")).map_or(true, |entries| {
        entries.flatten().all(|entry| entry.file_name().to_string_lossy().starts_with('.'))
    })
}
