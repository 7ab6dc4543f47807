//! A served cloud in this process, and the small HTTP client with which the tests speak to it.

use std::io;
use std::time::Duration;

use lab1_flow_cloud::daemon::{Endpoint, ServeOptions, serve};
use lab1_flow_cloud::{CloudOptions, FaultPlan};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take; far more than it needs on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cloud that serves a directory.
pub(crate) struct Opened {
    directory: TempDir,
    pub(crate) endpoint: Endpoint,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Opened {
    pub(crate) async fn new() -> Self {
        Self::serving(tempfile::tempdir().unwrap(), FaultPlan::default()).await
    }

    /// One whose clock is slower, so that what passes can be seen.
    pub(crate) async fn slow() -> Self {
        Self::serving_at(60.0, tempfile::tempdir().unwrap(), FaultPlan::default()).await
    }

    pub(crate) async fn serving(directory: TempDir, faults: FaultPlan) -> Self {
        Self::serving_at(600.0, directory, faults).await
    }

    async fn serving_at(time_scale: f64, directory: TempDir, faults: FaultPlan) -> Self {
        let cloud = CloudOptions { time_scale, ..CloudOptions::plain() };
        let options = ServeOptions { cloud, faults, ..ServeOptions::new(directory.path()) };
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, endpoint) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(options, stopped, |endpoint| ready.send(endpoint.clone()).unwrap())
                .await
                .unwrap();
        });
        Self { directory, endpoint: endpoint.await.unwrap(), stop, served }
    }

    /// Ends it and returns its directory.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.stop);
        self.served.await.unwrap();
        self.directory
    }

    pub(crate) async fn restart(self) -> Self {
        Self::serving(self.stop().await, FaultPlan::default()).await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<(u16, String)> {
        let Endpoint { port, access_key_id, .. } = &self.endpoint;
        let signed = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/ec2/aws4_request\r\n",
            access_key_id.as_str()
        );
        exchange(&format!("127.0.0.1:{port}"), method, path, &signed, body).await
    }

    /// Makes a call that must succeed and returns its answer.
    pub(crate) async fn call(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> String {
        let version = match service {
            "ec2" => "2016-11-15",
            "elasticloadbalancing" => "2015-12-01",
            "autoscaling" => "2011-01-01",
            other => panic!("{other} is no service"),
        };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(parameters)
            .finish();
        let (status, answer) = self.request("POST", "/", &form).await.unwrap();
        assert_eq!(status, 200, "{action}: {answer}");
        answer
    }
}

/// Asks a load balancer.
pub(crate) async fn get(host: &str, path: &str) -> io::Result<(u16, String)> {
    exchange(host, "GET", path, "", "").await
}

/// Makes one request on a connection of its own and returns status and body.
async fn exchange(
    host: &str,
    method: &str,
    path: &str,
    header: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}

/// Waits until something holds.
pub(crate) async fn becomes(holds: impl AsyncFn() -> bool) {
    let holding = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, holding).await.is_ok();
    assert!(in_time, "it did not become so in {PATIENCE:?}");
}

/// Returns the texts of all elements of a name.
pub(crate) fn all(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
    texts.map(|(text, _)| text.to_owned()).collect()
}

/// Returns the text of the first element of a name.
pub(crate) fn first(xml: &str, element: &str) -> String {
    all(xml, element).into_iter().next().unwrap_or_else(|| panic!("no {element} in {xml}"))
}
