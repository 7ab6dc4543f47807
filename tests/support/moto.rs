//! moto, an emulator of AWS that other people wrote.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};

use serde_json::json;

use super::aws::Aws;
use super::python::{Python, support_folder};

/// The key pair that the documented stack names and that moto lacks.
pub(crate) const KEY_PAIR: &str = "vockey";

/// A moto server of one test, with a client that looks into it.
#[derive(Debug)]
pub(crate) struct Moto {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) aws: Aws,
}

impl Moto {
    /// Starts an empty account that holds our image and our key pair.
    pub(crate) fn start(python: &Python) -> Self {
        Self::start_in(python, "us-east-1")
    }

    /// The same, in any region.
    pub(crate) fn start_in(python: &Python, region: &str) -> Self {
        let mut child = python
            .script("moto_server.py")
            .env("MOTO_AMIS_PATH", support_folder().join("amis.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moto starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("its output is a pipe"))
            .read_line(&mut port)
            .expect("moto says its port");
        let port = port.trim().parse().expect("moto's first line is its port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let aws = Aws::in_region(python, &format!("http://{address}"), region);
        let moto = Self { child, address, aws };
        moto.add_key_pair();
        moto
    }

    /// Empties the account but for what [`Moto::start`] puts into it.
    pub(crate) fn reset(&self) {
        let mut stream = TcpStream::connect(self.address).expect("moto listens");
        let request = format!(
            "POST /moto-api/reset HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("moto reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("moto answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        self.add_key_pair();
    }

    fn add_key_pair(&self) {
        self.aws.call("ec2", "create_key_pair", json!({ "KeyName": KEY_PAIR }));
    }

    /// Returns the URL of its API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Best effort: the end of its input would end it as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
