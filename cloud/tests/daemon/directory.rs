//! A state directory of a test, and how the tests speak with its daemon.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use lab1_flow_cloud::daemon::{Endpoint, Launch, Started, start, stop};
use rustix::process::{Pid, Signal, kill_process};

/// A state directory, whose daemon ends with the test.
pub(crate) struct Directory(tempfile::TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(MARK), b"").unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn start(&self) -> Started {
        start(self.path(), &launch()).unwrap()
    }

    /// Kills the daemon without warning and waits until the kernel has freed its lock.
    pub(crate) fn kill(&self, endpoint: &Endpoint) {
        signal(endpoint, Signal::KILL);
        let lock = self.path().join("cloud.lock");
        becomes(|| fs::File::open(&lock).unwrap().try_lock_shared().is_ok());
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _none_left_or_gone = stop(self.path());
    }
}

/// Marks a directory as one of these tests.
pub(crate) const MARK: &str = "of-a-test";

pub(crate) fn launch() -> Launch {
    Launch::of_this_program(["--ignored", "--exact", "entry_of_the_daemon"]).unwrap()
}

pub(crate) fn pid(endpoint: &Endpoint) -> Pid {
    Pid::from_raw(i32::try_from(endpoint.pid).unwrap()).unwrap()
}

pub(crate) fn signal(endpoint: &Endpoint, signal: Signal) {
    kill_process(pid(endpoint), signal).unwrap();
}

/// Makes one call of the API and returns the whole answer.
pub(crate) fn call(endpoint: &Endpoint, form: &str) -> String {
    try_call(endpoint, form).unwrap()
}

pub(crate) fn try_call(endpoint: &Endpoint, form: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port))?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={}/20260101/us-east-1/ec2/aws4_request\r\nContent-Length: {}\r\n\r\n{form}",
        endpoint.port,
        endpoint.access_key_id.as_str(),
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

pub(crate) fn answers(endpoint: &Endpoint) -> bool {
    call(endpoint, "Action=GetCallerIdentity&Version=2011-06-15").contains("<Account>")
}

/// How long anything may take; far more than it needs on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something holds: what was created is seen with some delay, as on AWS.
#[track_caller]
pub(crate) fn becomes(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it did not become so in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
