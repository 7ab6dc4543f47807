//! AWS calls made by boto3, so that what the program did is read by somebody else's client.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::python::Python;

/// A boto3 client in a process of its own, for one endpoint.
#[derive(Debug)]
pub(crate) struct Aws {
    process: Mutex<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What the endpoint refused, as on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Aws {
    /// Starts a client of the AWS API at `endpoint`, in the region of the documented stack.
    pub(crate) fn at(python: &Python, endpoint: &str) -> Self {
        Self::in_region(python, endpoint, "us-east-1")
    }

    /// Starts a client of the AWS API at `endpoint`, in any region.
    pub(crate) fn in_region(python: &Python, endpoint: &str, region: &str) -> Self {
        let mut child = python
            .script("aws_caller.py")
            .args([endpoint, region])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the AWS client starts");
        let requests = child.stdin.take().expect("its input is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Self { process: Mutex::new(Process { child, requests, answers }) }
    }

    /// Makes a call that must succeed; lists come back whole.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the parameters in place")]
    pub(crate) fn call(&self, service: &str, operation: &str, params: Value) -> Value {
        self.try_call(service, operation, &params)
            .unwrap_or_else(|refusal| panic!("{service} {operation} was refused: {refusal:?}"))
    }

    /// Makes a call that may be refused.
    pub(crate) fn try_call(
        &self,
        service: &str,
        operation: &str,
        params: &Value,
    ) -> Result<Value, Refusal> {
        let request = json!({ "service": service, "operation": operation, "params": params });
        let mut reply = self.process.lock().expect("no caller has panicked").exchange(&request);
        if let Some(error) = reply.get("error") {
            let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
            return Err(Refusal { code: text("code"), message: text("message") });
        }
        Ok(reply["answer"].take())
    }
}

impl Process {
    fn exchange(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").expect("the AWS client reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the AWS client answers");
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error} in the answer to {request}: {line:?}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Best effort: the end of its input would end it as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
